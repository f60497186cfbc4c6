"""CSV files to test with, all of the same table."""

import bz2
import csv
import gzip
import io

import pyarrow as pa

from tamis.pool import TYPES

POOL = pa.table(
    {
        "id": [f"{row:03d}" for row in range(40)],
        "text": [f'words, {row}\r\nand "more" {"x" * row}' if row % 3 else f"plain {row}" for row in range(40)],
        "score": [float((row * 7) % 40) / 8 for row in range(40)],
        "n": [None if row % 9 == 4 else row - 20 for row in range(40)],
        "group": ["abc"[row % 3] for row in range(40)],
    }
)
COLUMNS = {"id": "text", "text": "text", "score": "number", "n": "integer", "group": "text"}


def packed(table=POOL, **options):
    """A table as Python's csv module writes it."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, **options)
    writer.writerow(table.column_names)
    writer.writerows(row.values() for row in table.to_pylist())
    return sink.getvalue().encode()


def table(pool, columns=None):
    """All rows of a pool, as the types guessed unless `columns` says others."""
    columns = columns or {name: TYPES.get(kind, TYPES["text"]) for name, kind in pool.schema.items()}
    return pa.Table.from_batches([batch for shard in pool.shards for batch in pool.read(shard, columns)])


TWINS = {
    "plain.csv": packed(),
    "newlines.csv": packed(lineterminator="\n"),
    "all quoted.csv": packed(POOL.drop_columns("n"), quoting=csv.QUOTE_ALL),
    "mark.csv": b"\xef\xbb\xbf" + packed(),
    "semicolons.csv": packed(delimiter=";"),
    "tabs.csv": packed(delimiter="\t"),
    "tabs.tsv": packed(delimiter="\t"),
    "tabs.tab": packed(delimiter="\t"),
    "gzip.csv.gz": gzip.compress(packed()),
    "zstd.csv.zst": pa.compress(packed(), "zstd", asbytes=True),
    "bzip.tsv.bz2": bz2.compress(packed(delimiter="\t")),
}

"""Pools for tests of URLs: files of every format, in a folder with names that a store may have."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.testing import make_pool

ROWS = 240


def save(table, path):
    """A file of a pool, in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    match path.name.partition(".")[2]:
        case "parquet":
            pq.write_table(table, path, row_group_size=31)
        case "arrow":
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table, 31)
        case "csv":
            from pyarrow import csv

            csv.write_csv(table, path)
        case "jsonl":
            path.write_text(lines)
        case "jsonl.gz":
            path.write_bytes(gzip.compress(lines.encode(), mtime=0))


PLAIN = ["id", "text", "label", "group", "score", "cost"]  # columns that a CSV file can hold


def make_folder(folder, ending, rows=ROWS):
    """A pool of three files, with names that a store may have and that sort as bytes do."""
    table, third = make_pool(rows).select(PLAIN), rows // 3
    for number, name in enumerate(["B 1%20", "a/ü?#", "a"]):
        save(table.slice(number * third, third), folder / f"{name}.{ending}")
    save(make_pool(7).select(PLAIN), folder / f"_hidden/x.{ending}")
    save(make_pool(7).select(PLAIN), folder / f"a/.hidden.{ending}")
    return folder

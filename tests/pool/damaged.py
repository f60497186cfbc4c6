"""Read files with faults, one after the other, in a process of its own: `python damaged.py KIND FIRST COUNT FOLDER`.

Prints how many were read and how many refused; any other end is a failure, and `FOLDER/at` says of which file.
"""

from __future__ import annotations

import faulthandler
import io
import json
import random
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mutate import mutations

from tamis.errors import Broken, Refused
from tamis.pool import TYPES, open_pool

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = [0, 1, 2, 7, 60, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]
PIECES = [value.to_bytes(8, "little") for value in NUMBERS]
PIECES += [value.to_bytes(4, "little") for value in NUMBERS if value < 2**32]
TEXTS = ["a", "bé", None, "longer than twelve bytes", ""]
TABLE = pa.table(
    {
        "score": pa.array([5.0, 1.0, None, 3.0, 2.0] * 8),
        "n": pa.array(range(40)),
        "text": TEXTS * 8,
        "tags": pa.array([["a"], [], None, ["b", None], ["c"]] * 8, pa.list_(pa.string())),
        "meta": [{"x": 1, "y": [{"z": "é"}]}, None, {"x": None, "y": []}, {"x": 3, "y": None}, {"x": 4, "y": []}] * 8,
        "price": pa.array([Decimal("1.5"), None, Decimal(3), Decimal(0), None] * 8, pa.decimal128(20, 3)),
        "raw": pa.array([b"\xff", b"", None, b"a", b"b"] * 8),
        "kind": pa.array(["x", "y", "x", None, "x"] * 8).dictionary_encode(),
        "flag": pa.array([True, False, None, True, True] * 8),
        "vector": pa.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]] * 8, pa.list_(pa.float32(), 2)),
        "pairs": pa.array([[("k", 1)], [], None, [("m", None)], []] * 8, pa.map_(pa.string(), pa.int32())),
    }
)


def arrow_files() -> Iterator[tuple[str, bytes]]:
    """Both containers, with and without compression, with views and dictionaries."""
    views = {"v": TABLE["text"].cast(pa.string_view()), "lv": TABLE["tags"].cast(pa.list_(pa.string_view()))}
    views["dv"] = TABLE["kind"].cast(pa.dictionary(pa.int8(), pa.string_view()))
    for table in (TABLE, pa.table(views | {"n": TABLE["n"]})):
        for codec in (None, "lz4", "zstd"):
            for make in (pa.ipc.new_file, pa.ipc.new_stream):
                sink = io.BytesIO()
                with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
                    writer.write_table(table, max_chunksize=15)
                yield "a.arrow", sink.getvalue()


def parquet_files() -> Iterator[tuple[str, bytes]]:
    """Every way to encode, compress and page."""
    plain = {"n": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "score": "BYTE_STREAM_SPLIT"}
    for codec in ("none", "snappy", "zstd"):
        for options in ({}, {"use_dictionary": False, "column_encoding": plain}, {"data_page_version": "2.0"}):
            sink = io.BytesIO()
            pq.write_table(TABLE, sink, compression=codec, row_group_size=15, data_page_size=200, **options)
            yield "a.parquet", sink.getvalue()


def numpy_files() -> Iterator[tuple[str, bytes]]:
    """Archives, vectors and fields."""
    arrays = {"x": np.arange(40.0), "n": np.arange(40), "t": np.array(["a", "bé"] * 20), "v": np.ones((40, 3), "f4")}
    for name, save in (("a.npz", np.savez), ("b.npz", np.savez_compressed)):
        sink = io.BytesIO()
        save(sink, **arrays)
        yield name, sink.getvalue()
    fields = np.zeros(40, [("a", "f8"), ("v", "f4", (2,))])
    for values in (np.ones((40, 3)), np.asfortranarray(np.ones((40, 3))), fields):
        sink = io.BytesIO()
        np.save(sink, values)
        yield "a.npy", sink.getvalue()


def json_files() -> Iterator[tuple[str, bytes]]:
    """Arrays of objects."""
    rows = [{"n": row, "t": ["a", 'b"é\\', "[{,]}"][row % 3], "x": [1, {"k": None}]} for row in range(40)]
    for indent in (None, 1):
        yield "a.json", json.dumps(rows, indent=indent, ensure_ascii=indent is None).encode()


KINDS = {"arrow": arrow_files, "parquet": parquet_files, "numpy": numpy_files, "json": json_files}


def read_whole(path: Path) -> None:
    """Read a pool in every way; whatever is asked of a shard, it has the same rows."""
    pool = open_pool(path)
    rows = 0
    for shard in pool.shards:
        typed = {name: TYPES[kind] for name, kind in pool.schema.items() if kind in TYPES}
        counts = [sum(b.num_rows for b in pool.read(shard, what)) for what in (dict.fromkeys(pool.schema), typed, {})]
        assert len(set(counts)) == 1 and shard.rows in (None, counts[0]), counts
        rows += counts[0]
        chosen = np.unique([0, counts[0] // 2, counts[0] - 1]) if counts[0] else np.empty(0, int)
        kept = list(pool.kept(shard, chosen)) if counts[0] else []
        found = b"".join(kept).count(b"\n") if pool.format == "jsonl" else sum(piece.num_rows for piece in kept)
        assert found == len(chosen), (found, chosen)
    assert pool.rows in (None, rows)


def main(kind: str, first: int, count: int, folder: Path) -> None:
    """Files number `first` … `first + count` of a kind."""
    files = list(KINDS[kind]())
    told: Counter[str] = Counter()
    for name, content in files:
        (folder / name).write_bytes(content)
        read_whole(folder / name)
    for number in range(first, first + count):
        rng = random.Random(f"{kind} {number}")
        name, content = rng.choice(files)
        (folder / name).write_bytes(mutations(content, rng, PIECES))
        (folder / "at").write_text(str(number))
        try:
            read_whole(folder / name)
            told["read"] += 1
        except (Refused, Broken) as error:
            assert str(error).startswith(str(folder / name)), error
            told["refused"] += 1
    print(json.dumps(told))


if __name__ == "__main__":
    faulthandler.enable()
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))

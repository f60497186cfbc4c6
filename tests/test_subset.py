"""Subsets: the kept rows in pool order, in the pool's format and compression, untouched."""

import gzip
from decimal import Decimal
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.errors import Refused
from tamis.selection import Selection

LINES = [
    b'{"id":  3, "text": "caf\\u00e9",\t"x": 1.50}',
    '{"text": "café – naïve", "id": 4, "x": 1e2}'.encode(),
    b'  {"id": 5, "text": "trailing blanks", "x": 3, "more": {"deep": [1, {"a": null}]}}  ',
    b'{"id": 6, "id": 7, "text": "twice", "x": 4}\r',
    b'{"x": -1, "text": "\\ud83d\\ude00 \\/", "id": 8}',
    b'{"x": 0.1, "text": "last, without a newline", "id": 9}',
]


zstd = partial(pa.compress, codec="zstd", asbytes=True)


def unzstd(content):
    return pa.CompressedInputStream(pa.BufferReader(content), "zstd").read()


@pytest.mark.parametrize(
    ("suffix", "pack", "unpack"),
    [("", bytes, bytes), (".gz", gzip.compress, gzip.decompress), (".zst", zstd, unzstd)],
)
@pytest.mark.parametrize("kept", [1, 3, 6])
def test_lines_are_untouched(folder, run, write, suffix, pack, unpack, kept):
    content = LINES[0] + b"\n\n" + b"\n".join(LINES[1:4]) + b"\n \t\n" + b"\n".join(LINES[4:])
    write(f"pool.jsonl{suffix}", pack(content))
    assert run("select", f"pool.jsonl{suffix}", "--method", "top:x", "--budget", kept, "-o", "out").code == 0
    rows = np.sort(Selection.load("out").rows)
    expected = b"".join(LINES[row] + b"\n" for row in rows)
    assert unpack((folder / "out" / f"subset.jsonl{suffix}").read_bytes()) == expected
    assert run("apply", "out", f"pool.jsonl{suffix}", "-o", f"again.jsonl{suffix}").code == 0
    assert unpack((folder / f"again.jsonl{suffix}").read_bytes()) == expected


NESTED = pa.table(
    {
        "score": [5.0, 1.0, 4.0, 3.0, 2.0],
        "tags": pa.array([["a"], [], None, ["b", None], ["c"]], pa.list_(pa.string())),
        "meta": [{"x": 1, "y": [{"z": "é"}]}, None, {"x": None, "y": []}, {"x": 3, "y": None}, {"x": 4, "y": []}],
        "when": pa.array([0, 1, None, 3, 4], pa.timestamp("us", "UTC")),
        "price": pa.array([Decimal("1.5"), None, Decimal(3), Decimal(0), None], pa.decimal128(20, 3)),
        "raw": pa.array([b"\xff", b"", None, b"a", b"b"], pa.binary()),
        "kind": pa.array(["x", "y", "x", None, "x"]).dictionary_encode(),
        "pairs": pa.array([[("k", 1)], [], None, [("m", None)], []], pa.map_(pa.string(), pa.int32())),
        "vector": pa.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]], pa.list_(pa.float32(), 2)),
    }
)


@pytest.mark.parametrize("codec", ["zstd", "snappy", "gzip", "none"])
@pytest.mark.parametrize("group", [1, 2, 100])
def test_parquet_keeps_columns_types_and_codec(folder, run, codec, group):
    pq.write_table(NESTED, "pool.parquet", compression=codec, row_group_size=group)
    assert run("select", "pool.parquet", "--method", "top:score", "--budget", 3, "-o", "out").code == 0
    assert run("apply", "out", "pool.parquet", "-o", "again.parquet").code == 0
    for path in ("out/subset.parquet", "again.parquet"):
        found = pq.read_table(path)
        assert found.schema.equals(pq.read_table("pool.parquet").schema)
        assert found.to_pylist() == NESTED.take(pa.array([0, 2, 3])).to_pylist()
        used = pq.read_metadata(path).row_group(0).column(0).compression
        assert used == ("UNCOMPRESSED" if codec == "none" else codec.upper())


def test_several_files_make_one_subset_in_pool_order(folder, run, write):
    for number in range(3):
        write(f"pool/{number}.jsonl", [{"x": (7 * (4 * number + at)) % 12, "at": 4 * number + at} for at in range(4)])
    assert run("select", "pool", "--method", "bottom:x", "--budget", 7, "-o", "out").code == 0
    rows = np.sort(Selection.load("out").rows).tolist()
    lines = [line for number in range(3) for line in (folder / f"pool/{number}.jsonl").read_bytes().splitlines(True)]
    assert (folder / "out" / "subset.jsonl").read_bytes() == b"".join(lines[row] for row in rows)


def test_parquet_files_may_differ_in_order_and_width_of_columns(folder, run, write):
    """Rows come out as the first file has them; what does not fit there is refused by name."""
    table = pa.table({"x": pa.array([1, 2], pa.int32()), "y": ["a", "b"]})
    wide = pa.table({"y": ["c", "d"], "x": pa.array([3, 4], pa.int64())})
    write("pool/0.parquet", table)
    write("pool/1.parquet", wide)
    assert run("select", "pool", "--method", "top:x", "--budget", "100%", "-o", "out").code == 0
    found = pq.read_table("out/subset.parquet")
    assert found.schema.equals(table.schema)
    assert found.to_pydict() == {"x": [1, 2, 3, 4], "y": ["a", "b", "c", "d"]}
    assert Selection.load("out").apply("pool").equals(found)
    write("pool/1.parquet", wide.set_column(1, "x", pa.array([3, 2**40])))
    told = run("select", "pool", "--method", "top:x", "--budget", "100%", "-o", "other")
    assert told.code == 1 and "1.parquet" in told.err and "--no-subset" in told.err


def test_a_table_is_applied_in_memory():
    chosen = tamis.select(NESTED, "bottom:score", budget=2)
    assert chosen.apply(NESTED).to_pylist() == NESTED.take(pa.array([1, 4])).to_pylist()
    with pytest.raises(Refused, match="give the same pool"):
        chosen.apply(NESTED.slice(1))

"""Rows of CSV pools: how files are cut into shards, and how rows are kept byte for byte or as Arrow batches."""

import gzip

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.pool import csv as module
from tamis.pool import open_pool
from tamis.pool.csv_records import find_records

from .csv_material import POOL, TWINS, packed, table


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("kept", [1, 7, 40])
def test_rows_are_untouched(folder, run, write, name, kept):
    write(name, TWINS[name])
    assert run("select", name, "--method", "top:score", "--budget", kept, "-o", "out").code == 0
    rows = np.sort(tamis.Selection.load("out").rows).tolist()
    pool = open_pool(name)
    subset = open_pool(f"out/subset{pool.suffix}")
    assert table(subset).to_pylist() == table(pool).take(pa.array(rows)).to_pylist()
    with module.storage.open_plain(subset.files[0].path) as one, module.storage.open_plain(name) as other:
        copied, whole = one.read(), other.read()
    assert copied == (whole if kept == 40 else b"".join(records(whole, pool, [-1, *rows])))
    assert run("apply", "out", name, "-o", f"again{pool.suffix}").code == 0
    assert table(open_pool(f"again{pool.suffix}")).equals(table(subset))


def records(content, pool, rows):
    """The bytes of some rows, of which -1 is the header."""
    found = find_records(content, pool.delimiter)
    ends = [0, *found.ends.tolist()]
    return [content[ends[row + 1] : ends[row + 2]] for row in rows]


@pytest.mark.parametrize("size", [100, 1000, 10**9])
@pytest.mark.parametrize("block", [40, 10_000])
def test_shards_of_any_size_hold_each_row_once(tmp_path, write, monkeypatch, size, block):
    path = write(tmp_path / "p.csv", packed())
    for name, value in (("SHARD_BYTES", size), ("BLOCK_BYTES", block), ("COPY_BYTES", block)):
        monkeypatch.setattr(module, name, value)
    pool = open_pool(path)
    assert len(pool.shards) == {100: 15, 1000: 2, 10**9: 1}[size]
    assert pool.rows == (None if size == 10**9 else 40)
    assert len({pool.key(shard) for shard in pool.shards}) == len(pool.shards)
    first, found, kept = 0, [], b""
    for shard in pool.shards:
        read = [batch for batch in pool.read(shard, {"id": None})]
        count = sum(batch.num_rows for batch in read)
        found += [value for batch in read for value in batch.column(0).to_pylist()]
        assert shard.first_row == first and shard.rows in (None, count)
        assert sum(batch.num_rows for batch in pool.read(shard, {})) == count
        every = np.arange(count)
        kept += b"".join(pool.kept(shard, every))
        assert sum(rows for rows, _ in pool.kept_counted(shard, every)) == count
        first += count
    assert found == POOL["id"].to_pylist()
    assert pool.head() + kept == packed()


def test_several_files_make_one_pool(folder, run, write):
    """Types are those of all files; a last row without a newline gets one of the header's kind."""
    write("pool/0.csv", b"id,n\r\n1,1\r\n2,2")
    write("pool/1.csv", b"\xef\xbb\xbfid,n\n3,2.5\nx4,\n")
    write("pool/2.csv", b'"id","n"\n')
    pool = open_pool("pool")
    assert pool.schema == {"id": "text", "n": "number"} and len(pool.shards) == 2
    assert table(pool).to_pydict() == {"id": ["1", "2", "3", "x4"], "n": [1.0, 2.0, 2.5, None]}
    assert run(*"select pool --method random --budget 100% -o out".split()).code == 0
    assert (folder / "out/subset.csv").read_bytes() == b"id,n\r\n1,1\r\n2,2\r\n3,2.5\nx4,\n"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("b,a\n1,2\n", "two/b.csv: its columns are not those of two/a.csv: their order differs"),
        ("a\n1\n", "'b' is there in one and missing in the other"),
        ("a,b,c\n1,2,3\n", "'c' is missing in one and there in the other"),
        ("a;b\n1;2\n", "two/b.csv: ';' stands between its fields, and a comma in two/a.csv"),
    ],
)
def test_files_of_two_kinds_are_refused(folder, write, second, said):
    write("two/a.csv", "a,b\n1,2\n")
    write("two/b.csv", second)
    with pytest.raises(tamis.Refused) as caught:
        open_pool("two")
    assert said in str(caught.value)


def test_blank_lines_at_the_end_are_no_shard(tmp_path, write, monkeypatch):
    monkeypatch.setattr(module, "SHARD_BYTES", 100)
    pool = open_pool(write(tmp_path / "p.csv", b"a,b\n" + b"1,2\r\n" * 20 + b"\r\n" * 60))
    assert [shard.rows for shard in pool.shards] == [20]


def test_a_row_longer_than_any_block(tmp_path, write):
    long = "long, " * 1_000_000
    path = write(tmp_path / "p.csv", f'id,text\n1,"{long}"\n2,short\n')
    pool = open_pool(path)
    assert table(pool)["text"].to_pylist() == [long, "short"]
    assert b"".join(pool.kept(pool.shards[0], np.array([1]))) == b"2,short\n"


def test_kept_rows_as_batches(tmp_path, write, monkeypatch):
    monkeypatch.setattr(module, "COPY_BYTES", 50)
    path = write(tmp_path / "p.csv.gz", gzip.compress(packed()))
    pool = open_pool(path)
    rows = np.arange(0, 40, 3)
    found = pa.Table.from_batches(pool.kept_batches(pool.shards[0], rows, pool.columns))
    assert found.schema.types == [pa.string(), pa.string(), pa.float64(), pa.int64(), pa.string()]
    assert found.to_pydict() == POOL.take(pa.array(rows)).to_pydict()
    other = pa.schema([("score", pa.string()), ("n", pa.int8()), ("id", pa.large_string()), ("more", pa.int64())])
    found = pa.Table.from_batches(pool.kept_batches(pool.shards[0], rows[:2], other))
    assert found.schema.equals(other)
    assert found.to_pylist() == [
        {"score": "0.0", "n": -20, "id": "000", "more": None},
        {"score": "2.625", "n": -17, "id": "003", "more": None},
    ]
    with pytest.raises(tamis.Refused, match=r"line 67: column 'text' holds 'plain 39', which is not an integer"):
        list(pool.kept_batches(pool.shards[0], np.array([39]), pa.schema([("text", pa.int64())])))

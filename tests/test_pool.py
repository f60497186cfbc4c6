"""Pools: formats, order of files, shards, types; the same rows give the same ids however they are stored."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tamis
from tamis.errors import Refused
from tamis.pool import TYPES, from_json, jsonl, memory, open_pool, parquet
from tamis.testing import make_pool

POOL = make_pool(40)
COLUMNS = {"id": TYPES["text"], "text": TYPES["text"], "score": TYPES["number"], "label": TYPES["integer"]}


@pytest.fixture
def twins(tmp_path, write):
    """The same rows in every form a pool can have."""
    lines = "".join(json.dumps(row) + "\n" for row in POOL.to_pylist()).encode()
    pq.write_table(POOL, tmp_path / "groups.parquet", row_group_size=7, compression="gzip")
    coded = POOL.set_column(3, "group", POOL["group"].combine_chunks().dictionary_encode())
    return {
        "table": POOL,
        "batch": POOL.combine_chunks().to_batches()[0],
        "dictionary": coded,
        "chunks": pa.concat_tables([POOL.slice(0, 13), POOL.slice(13)]),
        "parquet": write(tmp_path / "pool.parquet", POOL),
        "row groups": tmp_path / "groups.parquet",
        "jsonl": write(tmp_path / "pool.jsonl", lines),
        "gzip": write(tmp_path / "pool.jsonl.gz", gzip.compress(lines)),
        "two gzip members": write(tmp_path / "two.jsonl.gz", gzip.compress(lines[:999]) + gzip.compress(lines[999:])),
        "zstd": write(tmp_path / "pool.ndjson.zst", pa.compress(lines, "zstd", asbytes=True)),
        "several files": [
            write(tmp_path / "several" / f"{at:02}.jsonl", POOL.slice(at, 9)) for at in range(0, POOL.num_rows, 9)
        ],
    }


@pytest.mark.parametrize("method", ["random", "top:score", "stratified-random"])
def test_twins_give_the_same_ids(twins, method):
    expected = tamis.select(POOL, method, budget=13, quota="group=a:0.4")
    for name, source in twins.items():
        found = tamis.select(source, method, budget=13, quota="group=a:0.4")
        assert found.ids == expected.ids and found.rows.tolist() == expected.rows.tolist(), name


def test_twins_read_the_same_values(twins):
    for name, source in twins.items():
        pool = open_pool(source)
        batches = [batch for shard in pool.shards for batch in pool.read(shard, COLUMNS)]
        found = pa.Table.from_batches(batches)
        assert found.schema.types == list(COLUMNS.values()), name
        assert found.to_pydict() == POOL.select(list(COLUMNS)).to_pydict(), name
        assert sum(batch.num_rows for shard in pool.shards for batch in pool.read(shard, {})) == 40, name
        assert pool.rows in (40, None), name


@pytest.mark.parametrize("size", [300, 2000, 10**9])
def test_shards_of_any_size_hold_each_row_once(twins, monkeypatch, size):
    for module in (jsonl, parquet, memory):
        monkeypatch.setattr(module, "SHARD_BYTES", size)
    for block in (50, 10_000):
        for module in (jsonl, parquet):
            monkeypatch.setattr(module, "BLOCK_BYTES", block)
        for name in ("table", "chunks", "row groups", "jsonl", "several files"):
            pool = open_pool(twins[name])
            ids = [i for shard in pool.shards for batch in pool.read(shard, COLUMNS) for i in batch["id"].to_pylist()]
            assert ids == POOL["id"].to_pylist(), name
            assert len(pool.shards) > 1 or size > 2000 or name == "table", name
            for shard in pool.shards if shard_rows_known(pool) else []:
                assert shard.rows == sum(batch.num_rows for batch in pool.read(shard, {}))
            assert len({pool.key(shard) for shard in pool.shards}) == len(pool.shards)


def shard_rows_known(pool):
    return pool.rows is not None


def test_a_worker_reads_the_same_pool(twins):
    for name in ("parquet", "row groups", "jsonl", "gzip"):
        pool = open_pool(twins[name])
        again = from_json(json.loads(json.dumps(pool.to_json())))
        for one, two in zip(pool.shards, again.shards, strict=True):
            assert [b.to_pydict() for b in pool.read(one, COLUMNS)] == [b.to_pydict() for b in again.read(two, COLUMNS)]
        assert again.fingerprint == pool.fingerprint


values = st.none() | st.text(max_size=8) | st.just("a\u2028b")
ROW = st.fixed_dictionaries({"text": values, "n": st.none() | st.integers(-(2**63), 2**63 - 1)})


@given(st.lists(ROW, min_size=1, max_size=30), st.integers(20, 400), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_in_any_shards(tmp_path, rows, size, ascii):
    path = tmp_path / "any.jsonl"
    lines = [json.dumps(row, ensure_ascii=ascii) for row in rows]
    path.write_text("\n\n".join(lines), encoding="utf-8", errors="surrogatepass", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl, "SHARD_BYTES", size)
        patch.setattr(jsonl, "BLOCK_BYTES", 64)
        pool = open_pool(path)
    wanted = {"text": TYPES["text"], "n": TYPES["integer"]}
    found = [row for shard in pool.shards for batch in pool.read(shard, wanted) for row in batch.to_pylist()]
    assert found == rows
    keep = np.arange(0, len(rows), 2)
    kept, start = b"", 0
    for shard in pool.shards:
        count = sum(batch.num_rows for batch in pool.read(shard, {}))
        local = keep[(keep >= start) & (keep < start + count)] - start
        kept += b"".join(pool.kept(shard, local))
        start += count
    assert kept == b"".join(line.encode() + b"\n" for line in lines[::2])


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint32(), pa.float32(), pa.float16(), pa.decimal128(21, 2), pa.int64()])
def test_numbers_of_every_width(kind):
    table = pa.table({"x": pa.array([3, 1, 2]).cast(kind)})
    assert tamis.select(table, "top:x", budget=2).scores.tolist() == [3.0, 2.0]


TEXTS = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_of_every_type(kind):
    table = pa.table({"text": pa.array(["b", "a", "b"]).cast(kind), "id": pa.array(["1", "2", "3"]).cast(kind)})
    found = tamis.select(table, "random", budget="100%")
    assert sorted(found.ids) == ["1", "2"] and found.manifest["rows"]["duplicates"] == 1


def test_a_fingerprint_changes_with_any_value():
    changed = POOL.to_pydict()
    changed["score"][20] += 1
    assert open_pool(POOL).fingerprint == open_pool(POOL.slice(0)).fingerprint
    assert open_pool(POOL).fingerprint != open_pool(pa.table(changed)).fingerprint


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ([], "path"),
        ({"a", 1}, "is nothing that rows can be taken from"),
        (7, "int"),
        (None, "NoneType"),
        ([{"text": "x"}], "list with a dict"),
        (["a.jsonl", 3], "list with a int"),
        (POOL.slice(0, 0), "the table: the pool is empty"),
        (pa.table([[1], [2], [3]], names=["a", "b", "a"]), "2 columns are called 'a'"),
    ],
)
def test_what_is_no_pool(source, named):
    with pytest.raises(Refused, match=named):
        open_pool(source)


def test_links_to_folders_are_followed_and_rings_are_not(tmp_path, write):
    write(tmp_path / "else" / "b.jsonl", [{"n": 1}])
    write(tmp_path / "pool" / "a.jsonl", [{"n": 0}])
    write(tmp_path / "pool" / ".hidden" / "x.jsonl", [{"n": 9}])
    (tmp_path / "pool" / "linked").symlink_to(tmp_path / "else")
    (tmp_path / "pool" / "ring").symlink_to(tmp_path / "pool")
    (tmp_path / "else" / "ring").symlink_to(tmp_path / "pool")
    assert [file.name for file in open_pool(tmp_path / "pool").files] == ["a.jsonl", "linked/b.jsonl"]


def test_a_link_to_nothing_is_refused_by_name(tmp_path, write):
    write(tmp_path / "a.jsonl", [{"n": 0}])
    (tmp_path / "notes.md").symlink_to(tmp_path / "gone.md")
    assert len(open_pool(tmp_path).files) == 1
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "gone.jsonl")
    with pytest.raises(Refused, match=r"b\.jsonl: it is a link to nothing.*pool"):
        open_pool(tmp_path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "b") + b"\xff.jsonl")).write_text("{}\n")
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(Refused, match=r"b\\xff\.jsonl.*not UTF-8"):
        open_pool(tmp_path)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("front", ["", "\n" * 300, " " * (1 << 18) + "\n"])
@pytest.mark.parametrize("size", [1, 1 << 18, 1 << 21])
def test_the_schema_is_known_however_long_the_first_line(tmp_path, write, size, front, suffix):
    lines = front + json.dumps({"text": "x" * size, "n": 1}) + "\n" + json.dumps({"text": "x" * size, "n": 0})
    content = lines.encode()
    path = write(tmp_path / f"p.jsonl{suffix}", gzip.compress(content) if suffix else content)
    assert open_pool(path).schema == {"text": "text", "n": "integer"}
    assert tamis.select(path, "random", budget="100%").manifest["rows"]["duplicates"] == 1


def test_a_mixed_column_that_is_not_used_is_no_reason_to_refuse(tmp_path, write):
    rows = [{"n": 1, "odd": 2}, {"n": 2, "odd": None}, {"n": 3, "odd": 2.5}, {"n": 4, "odd": "x"}, {"n": 5, "odd": []}]
    path = write(tmp_path / "p.jsonl", rows)
    pool = open_pool(path)
    assert pool.schema == {"n": "integer", "odd": "mixed"}
    assert pool.mixed == {"odd": f"integer in {path}, line 1 and text in {path}, line 4"}
    assert tamis.select(path, "top:n", budget=2).rows.tolist() == [4, 3]


def test_it_is_said_when_a_mixed_column_would_have_had_a_role(folder, run, write):
    write("p.jsonl", [{"id": 1, "text": "a"}, {"id": "b", "text": "b"}])
    told = run(*"select p.jsonl --method random --budget 1 -o out".split())
    assert told.code == 0 and "column 'id' of p.jsonl is mixed (integer in p.jsonl, line 1 and text in" in told.err


def test_output_folders_in_a_pool_are_left_out(tmp_path, write, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a.csv", "id,x\np,1\nq,2\n")
    for name in ("out", "more"):
        told = run("select", ".", "--method", "top:x", "--budget", 1, "-o", name)
        assert told.code == 0, told.err
    assert "out, which is an output folder" in told.err
    assert run("combine", "union", "out", "more", "-o", "both").code == 0
    pool = open_pool(tmp_path)
    assert [file.name for file in pool.files] == ["a.csv"] and len(pool.notes) == 3

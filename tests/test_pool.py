"""Pools: formats, order of files, shards, types; the same rows give the same ids however they are stored."""

import gzip
import json

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


def zstd(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


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
        "zstd": write(tmp_path / "pool.ndjson.zst", zstd(lines)),
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
    [([], "path"), ({"a": 1}, "dict"), (7, "int"), ([{"text": "x"}], "list"), (POOL.slice(0, 0), "table is empty")],
)
def test_what_is_no_pool(source, named):
    with pytest.raises(Refused, match=named):
        open_pool(source)

"""Arrow IPC: two containers, record batches of any size, and what is cut or damaged."""

import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import tamis
from tamis.errors import Broken, Refused
from tamis.pool import TYPES, arrow, open_pool

TEXTS = ["word " * (row % 7) for row in range(50)]
TABLE = pa.table({"id": [f"r{row}" for row in range(50)], "x": range(50), "text": TEXTS})
MAKERS = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


def write(path, table=TABLE, make="file", rows=10, **options):
    with MAKERS[make](path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


def kind_of(path):
    return "file" if path.read_bytes()[:6] == b"ARROW1" else "stream"


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
def test_shards_are_runs_of_record_batches_with_known_rows(tmp_path, monkeypatch, make, codec):
    monkeypatch.setattr(arrow, "SHARD_BYTES", 1000)
    pool = open_pool(write(tmp_path / "a.arrow", make=make, compression=codec))
    assert pool.rows == 50 and len(pool.shards) > 1
    assert [shard.first_row for shard in pool.shards] == [10 * shard.start for shard in pool.shards]
    assert [shard.rows for shard in pool.shards] == [10 * (shard.stop - shard.start) for shard in pool.shards]
    assert [batch["x"][0].as_py() for shard in pool.shards for batch in pool.read(shard, {"x": None})][:2] == [0, 10]
    assert pool.where(pool.shards[-1], 3).endswith(f"a.arrow, row {pool.shards[-1].first_row + 3}")


@pytest.mark.parametrize("make", MAKERS)
def test_nothing_is_copied_of_what_is_mapped(tmp_path, make):
    table = pa.concat_tables([TABLE] * 2000).combine_chunks()
    pool = open_pool(write(tmp_path / "a.arrow", table, make, rows=100_000))
    before = pa.total_allocated_bytes()
    batches = list(pool.read(pool.shards[0], {"x": TYPES["integer"], "id": None}))
    assert pa.total_allocated_bytes() - before < table.nbytes / 100
    assert pa.Table.from_batches(batches).equals(table.select(["x", "id"]))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("codec", [None, "zstd"])
def test_a_subset_is_of_the_same_container_and_compression(tmp_path, monkeypatch, make, codec):
    monkeypatch.setattr("tamis.pool.parquet.SHARD_BYTES", 100)
    table = TABLE.append_column("kind", pa.array(["a", "b"] * 25).dictionary_encode())
    table = table.replace_schema_metadata({"of": "us"})
    path = write(tmp_path / "a.arrow", table, make, compression=codec)
    other = table.set_column(3, "kind", pa.array(["b", "c"] * 25).dictionary_encode())
    write(tmp_path / "b.arrow", other, "stream" if make == "file" else "file")
    tamis.select(
        [path, tmp_path / "b.arrow"], "top:x", budget=20, id="none", duplicates="keep", output=tmp_path / "out"
    )
    subset = tmp_path / "out" / "subset.arrow"
    assert kind_of(subset) == make
    pool = open_pool(subset)
    assert pool.columns.equals(table.schema, check_metadata=True)
    assert arrow.layout(pool.files[0]).codec == codec
    found = pa.ipc.open_file(subset).read_all() if make == "file" else pa.ipc.open_stream(subset).read_all()
    assert found.to_pylist() == [*table.to_pylist()[40:], *other.to_pylist()[40:]]
    assert not list((tmp_path / "out").glob("*.part"))


def test_dictionaries_that_grow_or_change_in_a_stream(tmp_path):
    path = tmp_path / "a.arrow"
    parts = [["a", "b"], ["b", "b"], ["c", "a"], ["c", None], ["z", "z"]]
    known = [["a", "b"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c"], ["z"]]
    codes = [
        pa.DictionaryArray.from_arrays(pc.index_in(pa.array(part), pa.array(words)), pa.array(words))
        for part, words in zip(parts, known, strict=True)
    ]
    batches = [pa.record_batch({"k": code, "x": [1, 2]}) for code in codes]
    for deltas in (False, True):
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
        with pa.ipc.new_stream(path, batches[0].schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(arrow, "SHARD_BYTES", 1)
            pool = open_pool(path)
        assert len(pool.shards) == 5
        for shard, part in zip(pool.shards, parts, strict=True):
            assert [row["k"] for batch in pool.read(shard, {"k": TYPES["text"]}) for row in batch.to_pylist()] == part


@pytest.mark.parametrize("make", MAKERS)
def test_a_cut_file_is_refused_or_a_shorter_stream(tmp_path, make):
    """A stream may end after any message, so that one cut there is a pool of fewer rows; nothing else passes."""
    whole = write(tmp_path / "a.arrow", make=make).read_bytes()
    passed = []
    for size in range(0, len(whole), 7):
        (tmp_path / "cut.arrow").write_bytes(whole[:size])
        try:
            passed.append(open_pool(tmp_path / "cut.arrow").rows)
        except Refused as error:
            assert error.kind in ("file-not-whole", "pool-empty"), size
    assert passed == sorted(passed) and set(passed) <= ({10, 20, 30, 40, 50} if make == "stream" else set())


def test_damage_within_is_broken_when_read(tmp_path):
    path = write(tmp_path / "a.arrow")
    content = bytearray(path.read_bytes())
    at = content.index(b"r0r1r2")
    content[at] = 0xFF
    path.write_bytes(content)
    pool = open_pool(path)
    for look in (lambda: list(pool.read(pool.shards[0], {"id": None})), lambda: list(pool.kept(pool.shards[0], [0]))):
        with pytest.raises(Broken, match=r"a\.arrow: the file cannot be read"):
            look()
    assert len(list(pool.read(pool.shards[0], {"x": None}))) == 5


def test_a_view_of_a_null_may_not_lie_outside(tmp_path):
    """Arrow validates the views of values alone, and its cast follows those of nulls as well."""
    values = pa.array([None, "a text that is longer than a view"], pa.string_view())
    table = pa.table({"v": values, "x": [1, 2]})
    path = write(tmp_path / "a.arrow", table)
    content = bytearray(path.read_bytes())
    view = content.index(b"a te") - 4 - 16
    assert content[view : view + 16] == bytes(16)
    content[view : view + 16] = (99).to_bytes(4, "little") + b"oops" + (7).to_bytes(4, "little") + bytes(4)
    path.write_bytes(content)
    pool = open_pool(path)
    with pytest.raises(Broken, match=r"a\.arrow"):
        list(pool.read(pool.shards[0], {"v": TYPES["text"]}))


def test_views_are_read_kept_and_written_again(tmp_path):
    values = [None, "short", "a text that is longer than a view", ""] * 3
    kinds = {"v": pa.string_view(), "b": pa.binary_view(), "d": pa.dictionary(pa.int8(), pa.string_view())}
    columns = {name: pa.array(values).cast(kind) for name, kind in kinds.items() if name != "d"}
    columns["d"] = pa.array(values).dictionary_encode().cast(kinds["d"])
    columns["l"] = pa.array([[value] for value in values], pa.list_(pa.string_view()))
    table = pa.table(columns | {"x": range(12)})
    path = write(tmp_path / "a.arrow", table)
    chosen = tamis.select(path, "bottom:x", budget=6, text="d", duplicates="keep", output=tmp_path / "out")
    assert chosen.rows.tolist() == list(range(6))
    subset = pa.ipc.open_file(tmp_path / "out" / "subset.arrow").read_all()
    assert subset.schema == table.schema
    assert subset.to_pylist() == table.slice(0, 6).to_pylist()


def test_the_first_version_of_feather_is_refused(tmp_path):
    (tmp_path / "a.feather").write_bytes(b"FEA1" + bytes(60) + b"FEA1")
    with pytest.raises(Refused, match=r"a\.feather: it is of version 1 of Feather.*write it again"):
        open_pool(tmp_path / "a.feather")


def test_files_of_other_columns_are_refused(tmp_path):
    write(tmp_path / "a.arrow")
    write(tmp_path / "b.arrow", TABLE.drop_columns(["x"]))
    with pytest.raises(Refused, match=r"b\.arrow: its columns are not those of .*a\.arrow: 'x' is integer in one"):
        open_pool(tmp_path)


@pytest.mark.parametrize("nulls", [False, True])
def test_rows_that_metadata_claims_and_do_not_exist(tmp_path, nulls):
    """Whatever number of rows is put into the metadata, none is made up."""
    table = pa.table({"x": pa.nulls(50)}) if nulls else TABLE.select(["x"])
    whole = write(tmp_path / "a.arrow", table, "stream", rows=50).read_bytes()
    rng = random.Random(0)
    for at in [at for at in range(0, 600) if whole[at : at + 8] == (50).to_bytes(8, "little")]:
        for rows in (49, 51, 2**31, 2**40, 2**63 - 1, rng.randrange(2**20)):
            (tmp_path / "b.arrow").write_bytes(whole[:at] + rows.to_bytes(8, "little") + whole[at + 8 :])
            try:
                pool = open_pool(tmp_path / "b.arrow")
                assert pool.rows < 2**31
                found = [sum(b.num_rows for b in pool.read(pool.shards[0], what)) for what in ({}, {"x": None})]
                assert found[0] == found[1] == pool.rows and (nulls or pool.rows <= 50)
            except (Refused, Broken) as error:
                assert "b.arrow" in str(error)


def test_a_file_that_has_other_rows_than_planned_is_broken(tmp_path):
    pool = open_pool(write(tmp_path / "a.arrow"))
    planned = replace(pool.shards[0], rows=51)
    for look in (lambda: list(pool.read(planned, {"x": None})), lambda: list(pool.kept(planned, np.array([0])))):
        with pytest.raises(Broken, match=r"a\.arrow: .*50 of 51 rows"):
            look()

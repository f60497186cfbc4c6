"""Any table, however it is encoded, cut and stored, is read with the values it was made of."""

import json
import tempfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis import select
from tamis.errors import Broken
from tamis.look.rows import Located
from tamis.pool import TYPES, arrow, from_json, jsonl, memory, mixed, numpy_file, open_pool, parquet

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
WHOLE = st.integers(-(2**63), 2**63 - 1)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    pa.string(): TEXT,
    pa.large_string(): TEXT,
    pa.string_view(): TEXT,
    pa.int64(): WHOLE,
    pa.int8(): st.integers(-128, 127),
    pa.uint32(): st.integers(0, 2**32 - 1),
    pa.float64(): FLOAT,
    pa.float32(): st.floats(width=32, allow_nan=False),
    pa.bool_(): st.booleans(),
    pa.binary(): st.binary(max_size=5),
    pa.binary_view(): st.binary(max_size=20),
    pa.decimal128(12, 3): st.decimals(-(10**8), 10**8, places=3),
    pa.timestamp("us", "UTC"): st.integers(0, 2**50),
    pa.date32(): st.integers(0, 40_000),
    pa.list_(pa.string()): st.lists(st.none() | TEXT, max_size=3),
    pa.large_list(pa.string_view()): st.lists(TEXT, max_size=3),
    pa.list_(pa.float32(), 2): st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=2),
    pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]): st.fixed_dictionaries(
        {"a": st.none() | WHOLE, "b": st.none() | st.lists(TEXT, max_size=2)}
    ),
    pa.map_(pa.string(), pa.int32()): st.dictionaries(TEXT, st.integers(0, 9), max_size=2).map(
        lambda d: list(d.items())
    ),
    pa.dictionary(pa.int32(), pa.string()): TEXT,
    pa.dictionary(pa.int8(), pa.string_view()): st.sampled_from(["a", "b", "é"]),
}
PLAIN = [pa.string(), pa.int64(), pa.float64(), pa.bool_()]
SIZES = st.sampled_from([1, 300, 2000, 1 << 25])
BLOCKS = st.sampled_from([64, 500, 1 << 21])


@st.composite
def tables(draw, kinds=tuple(VALUES)):
    """A table of one to 40 rows in chunks, with nulls anywhere, in runs, or nowhere."""
    rows = draw(st.integers(1, 40))
    columns = {}
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(kinds))
        given_values = draw(st.lists(VALUES[kind], min_size=rows, max_size=rows))
        nulls = draw(st.sampled_from(["none", "all", "first", "some"]))
        some = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        absent = {"none": [False] * rows, "all": [True] * rows, "first": [at < rows // 2 for at in range(rows)]}
        values = [None if no else value for value, no in zip(given_values, absent.get(nulls, some), strict=True)]
        coded = pa.types.is_dictionary(kind)
        array = pa.array(values, pa.string() if coded else kind)
        columns[f"c{number} {kind}"[:20]] = array.dictionary_encode().cast(kind) if coded else array
    table = pa.table(columns)
    cut = draw(st.integers(0, rows))
    return pa.concat_tables([table.slice(0, cut), table.slice(cut)])


@contextmanager
def sizes(shard, block):
    """Shards and blocks of so many bytes."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        for module in (parquet, arrow, jsonl, numpy_file, memory):
            patch.setattr(module, "SHARD_BYTES", shard)
            patch.setattr(module, "BLOCK_BYTES", block, raising=False)
        yield Path(folder)


def check(source, table, keep):
    """All that is read is what `table` holds: raw, typed, counted, and every `keep`-th row as it is kept."""
    pool = open_pool(source)
    if pool.format != "arrow" or pool.files[0].path:
        pool = from_json(json.loads(json.dumps(pool.to_json())))
    assert read(pool, dict.fromkeys(table.column_names)).to_pylist() == table.to_pylist()
    assert pool.rows in (None, table.num_rows)
    assert all(shard.rows in (None, count(pool, shard)) for shard in pool.shards)
    typed = {name: TYPES[kind] for name, kind in pool.schema.items() if kind in ("text", "integer", "boolean", "bytes")}
    if typed:
        found = read(pool, typed)
        assert found.schema.types == list(typed.values())
        assert found.to_pylist() == table.select(list(typed)).to_pylist()
    kept = every(pool, keep)
    found = pa.Table.from_batches(kept, pool.columns).select(table.column_names)
    assert found.to_pylist() == table.to_pylist()[::keep]
    return pool, kept


def read(pool, columns):
    return pa.Table.from_batches([batch for shard in pool.shards for batch in pool.read(shard, columns)])


def count(pool, shard):
    return sum(batch.num_rows for batch in pool.read(shard, {}))


def every(pool, keep):
    """Every `keep`-th row of a pool as it is kept."""
    kept, start = [], 0
    for shard in pool.shards:
        rows = np.arange(-start % keep, count(pool, shard), keep)
        kept += pool.kept_batches(shard, rows, pool.columns) if len(rows) else []
        start += count(pool, shard)
    return kept


@given(
    tables(),
    SIZES,
    BLOCKS,
    st.integers(1, 15),
    st.booleans(),
    st.sampled_from([None, "lz4", "zstd"]),
    st.integers(1, 7),
)
@settings(max_examples=80)
def test_arrow(table, shard, block, rows, is_file, codec, keep):
    with sizes(shard, block) as folder:
        path = folder / "any.arrow"
        make = pa.ipc.new_file if is_file else pa.ipc.new_stream
        options = pa.ipc.IpcWriteOptions(compression=codec, unify_dictionaries=is_file)
        with make(path, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=rows)
        pool, kept = check(path, table, keep)
        pool.save(kept, folder / "subset.arrow")
        again = open_pool(folder / "subset.arrow")
        assert again.columns.equals(table.schema, check_metadata=True)
        assert read(again, dict.fromkeys(table.column_names)).to_pylist() == table.to_pylist()[::keep]


ENCODINGS = {
    pa.int64(): ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    pa.string(): ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"],
    pa.float64(): ["PLAIN", "BYTE_STREAM_SPLIT"],
    pa.bool_(): ["PLAIN", "RLE"],
}
IN_PARQUET = [kind for kind in VALUES if "view" not in str(kind)]


@given(st.data(), tables(IN_PARQUET), SIZES, BLOCKS, st.integers(1, 15), st.integers(1, 7))
@settings(max_examples=80)
def test_parquet(data, table, shard, block, rows, keep):
    coded = data.draw(st.booleans())
    chosen = {
        field.name: data.draw(st.sampled_from(ENCODINGS[field.type]))
        for field in table.schema
        if field.type in ENCODINGS and not coded
    }
    with sizes(shard, block) as folder:
        path = folder / "any.parquet"
        pq.write_table(
            table,
            path,
            row_group_size=rows,
            use_dictionary=coded,
            column_encoding=chosen or None,
            compression=data.draw(st.sampled_from(["none", "snappy", "zstd", "gzip", "brotli", "lz4"])),
            data_page_version=data.draw(st.sampled_from(["1.0", "2.0"])),
            data_page_size=data.draw(st.sampled_from([20, 100, 1 << 20])),
            write_page_index=data.draw(st.booleans()),
        )
        check(path, table, keep)


@given(tables(), SIZES, BLOCKS, st.integers(1, 7))
@settings(max_examples=60)
def test_memory(table, shard, block, keep):
    with sizes(shard, block):
        check(table, table, keep)


@given(st.data(), st.integers(1, 30), SIZES, BLOCKS, st.booleans(), st.integers(1, 7))
@settings(max_examples=60)
def test_numpy(data, rows, shard, block, small, keep):
    kinds = ["<i8", ">i4", "u1", "<f8", "<f4", ">f8", "?", "<U7", "S4", "<M8[us]"]
    arrays = {}
    for number in range(data.draw(st.integers(1, 4))):
        kind = np.dtype(data.draw(st.sampled_from(kinds)))
        shape = (rows, data.draw(st.integers(1, 3))) if kind.kind in "uif" and data.draw(st.booleans()) else (rows,)
        seed = data.draw(st.integers(0, 99))
        found = np.random.default_rng(seed).integers(0, 100, shape).astype("U" if kind.kind in "US" else kind)
        order = data.draw(st.sampled_from("CF"))
        arrays[f"a{number}"] = np.array(found.astype(kind), order=order)
    expected = pa.table({name: [to_python(value) for value in array] for name, array in arrays.items()})
    with sizes(shard, block) as folder:
        (np.savez_compressed if small else np.savez)(folder / "any.npz", **arrays)
        pool, kept = check(folder / "any.npz", expected, keep)
        pool.save(kept, folder / "subset.npz")
        with np.load(folder / "subset.npz", allow_pickle=False) as found:
            assert list(found) == list(arrays)
            for name, array in arrays.items():
                assert found[name].dtype == array.dtype and found[name].tolist() == array[::keep].tolist()


def to_python(value):
    return value.tolist() if isinstance(value, np.ndarray) else value.item()


@given(st.data(), tables(PLAIN), SIZES, BLOCKS, st.integers(1, 7))
@settings(max_examples=60)
def test_mixed(data, table, shard, block, keep):
    """Each row goes to a file of one format or another; what is text in one is text in all."""
    with sizes(shard, block) as folder:
        cuts = sorted(data.draw(st.lists(st.integers(0, table.num_rows), min_size=2, max_size=4)))
        for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, table.num_rows], strict=True)):
            part = table.slice(start, stop - start)
            if data.draw(st.booleans()):
                pq.write_table(part, folder / f"{number}.parquet")
            elif data.draw(st.booleans()):
                with pa.ipc.new_file(folder / f"{number}.arrow", table.schema) as writer:
                    writer.write_table(part)
            elif stop > start:
                rows = part.to_pylist()
                text = json.dumps(rows) if number % 2 else "\n".join(map(json.dumps, rows))
                (folder / f"{number}.json").write_text(text)
        pool = open_pool(folder)
        typed = {name: TYPES.get(kind, TYPES["text"]) for name, kind in pool.schema.items()}
        assert read(pool, {name: typed[name] for name in table.column_names}).to_pylist() == table.to_pylist()
        assert isinstance(pool, mixed.MixedPool) or len({file.name.split(".")[1] for file in pool.files}) == 1
        kept = every(pool, keep)
        assert (
            pa.Table.from_batches(kept, pool.columns).select(table.column_names).to_pylist()
            == table.to_pylist()[::keep]
        )
        if isinstance(pool, mixed.MixedPool):
            rows, start = np.arange(0, table.num_rows, keep), 0
            for shard in pool.shards:
                pieces = list(pool.kept_counted(shard, rows - start))
                local = rows[(rows >= start) & (rows < start + count(pool, shard))] - start
                assert sum(found for found, _ in pieces) == count(pool, shard)
                expected = [row for batch in pool.kept_batches(shard, local, pool.columns) for row in batch.to_pylist()]
                assert [row for _, piece in pieces if piece for row in piece.to_pylist()] == expected
                start += count(pool, shard)


def test_no_row_is_lost_of_a_file_that_arrow_reads_in_part(tmp_path):
    """Arrow 26 gives none of these rows and says nothing; other readers give all."""
    table = pa.table({"tags": pa.array([["a"], [], ["b"]], pa.list_(pa.string()))})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1, data_page_size=1)
    pool = open_pool(tmp_path / "a.parquet")
    for look in (lambda: read(pool, {"tags": None}).num_rows, lambda: len(pa.Table.from_batches(every(pool, 1)))):
        if pq.read_table(tmp_path / "a.parquet").num_rows == 3:
            assert look() == 3
            continue
        with pytest.raises(Broken, match=r"a\.parquet.*0 of 3 rows"):
            look()


def test_decimals_are_numbers_and_stay_decimals(tmp_path):
    table = pa.table({"x": pa.array([Decimal("1.5"), None], pa.decimal128(12, 3))})
    pq.write_table(table, tmp_path / "a.parquet")
    pool, _ = check(tmp_path / "a.parquet", table, 1)
    assert read(pool, {"x": TYPES["number"]}).to_pylist() == [{"x": 1.5}, {"x": None}]


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary_view(), pa.list_(pa.string_view())])
def test_views_in_parquet(tmp_path, kind):
    """Arrow takes no rows of views."""
    values = [None, "short", "a text that is longer than a view", ""] * 3
    column = pa.array([[value] for value in values], kind) if pa.types.is_list(kind) else pa.array(values).cast(kind)
    table = pa.table({"v": column, "x": range(12)})
    pq.write_table(table, tmp_path / "any.parquet")
    chosen = select(tmp_path / "any.parquet", "bottom:x", budget=5, text="none", output=tmp_path / "out")
    assert chosen.apply(tmp_path / "any.parquet").to_pylist() == table.slice(0, 5).to_pylist()
    subset = pq.read_table(tmp_path / "out" / "subset.parquet")
    assert subset.schema == table.schema and subset.to_pylist() == table.slice(0, 5).to_pylist()
    located = Located(open_pool(tmp_path / "any.parquet"))
    assert located.values(np.array([7, 2]), {"v": None}).column(0).to_pylist() == [
        column[row].as_py() for row in (7, 2)
    ]

"""Tables in memory: nothing is copied where Arrow allows it, nothing imported, and what has no rows is refused."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.errors import Refused
from tamis.pool import as_memory, open_pool
from tamis.pool.huggingface import _gathered

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
datasets = pytest.importorskip("datasets")

NUMBERS = np.arange(1000.0)
VECTORS = np.arange(3000, dtype="float32").reshape(1000, 3)


def values_at(column):
    """Where the values of a column of one chunk lie."""
    (chunk,) = column.chunks
    while pa.types.is_fixed_size_list(chunk.type):
        chunk = chunk.values
    return chunk.buffers()[-1].address


def at(array):
    return array.__array_interface__["data"][0]


def test_arrays_are_not_copied():
    table = as_memory({"x": NUMBERS, "v": VECTORS, "t": pa.array(["a"] * 1000), "w": VECTORS.reshape(1000, 3, 1)})
    assert values_at(table["x"]) == at(NUMBERS)
    assert values_at(table["v"]) == values_at(table["w"]) == at(VECTORS)
    assert values_at(as_memory(VECTORS)["embedding"]) == at(VECTORS)
    assert table["v"].to_pylist() == table["w"].to_pylist() == VECTORS.tolist()


def test_a_mapped_file_stays_mapped(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert values_at(as_memory(mapped)["embedding"]) == at(mapped)


def test_frames_are_not_copied():
    frame = pandas.DataFrame({"x": NUMBERS, "y": NUMBERS.astype(int)})
    table = as_memory(frame)
    assert values_at(table["x"]) == at(frame["x"].to_numpy()) and values_at(table["y"]) == at(frame["y"].to_numpy())
    other = polars.DataFrame({"x": NUMBERS, "t": ["a text that is longer than a view"] * 1000})
    table = as_memory(other)
    assert values_at(table["x"]) == at(other["x"].to_numpy())
    assert table["t"].to_pylist() == other["t"].to_list()


def test_a_dataset_is_not_copied_unless_its_rows_have_an_order():
    dataset = datasets.Dataset.from_dict({"x": NUMBERS.tolist()})
    assert values_at(as_memory(dataset)["x"]) == values_at(dataset.data.table["x"])
    part = dataset.select(range(10, 20))
    assert values_at(as_memory(part)["x"]) == values_at(dataset.data.table["x"])
    assert as_memory(part)["x"].to_pylist() == part["x"][:]
    for changed in (dataset.shuffle(seed=1), dataset.filter(lambda row: row["x"] % 7 == 0), dataset.select([5, 5, 3])):
        assert as_memory(changed)["x"].to_pylist() == changed["x"][:]


@pytest.mark.parametrize("bytes", [1, 900, 10**9])
def test_rows_are_gathered_in_any_order_from_any_chunks(monkeypatch, bytes):
    monkeypatch.setattr("tamis.pool.huggingface.GATHERED_BYTES", bytes)
    rng = np.random.default_rng(0)
    rows = [{"n": row, "t": "word " * (row % 5), "l": list(range(row % 3))} for row in range(60)]
    table = pa.concat_tables([pa.Table.from_pylist(rows[at : at + 7]) for at in range(0, 60, 7)])
    for order in (rng.permutation(60), rng.integers(0, 60, 200), np.array([], int), np.array([59, 0])):
        found = pa.Table.from_batches(_gathered(table, order), table.schema)
        assert found.to_pylist() == [rows[row] for row in order]


def test_no_package_is_imported():
    """But pandas, which Arrow imports by itself to make an array."""
    script = (
        "import sys, tamis, numpy; tamis.select({'x': [1, 2], 'v': numpy.ones((2, 2))}, 'top:x', budget=1);"
        "print([name for name in ('polars', 'datasets', 'torch', 'fsspec') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_named_index_is_a_column_and_one_without_a_name_is_none():
    frame = pandas.DataFrame({"x": [1, 2]}, index=["p", "q"])
    assert as_memory(frame).column_names == ["x"]
    assert as_memory(frame.rename_axis("id")).to_pydict() == {"id": ["p", "q"], "x": [1, 2]}
    assert as_memory(frame.rename_axis("x")).to_pydict() == {"x": [1, 2]}
    levels = frame.set_axis(pandas.MultiIndex.from_tuples([("p", 1), ("q", 2)], names=["id", None]))
    assert as_memory(levels).to_pydict() == {"id": ["p", "q"], "x": [1, 2]}


def test_a_reader_gives_its_rows_once():
    table = pa.table({"x": [3, 1, 2]})
    assert tamis.select(table.to_reader(), "top:x", budget=2).rows.tolist() == [0, 2]


CONVERTED = {
    "masked": (np.ma.array([1, 2], mask=[False, True]), [1, None]),
    "other byte order": (np.array([1.5, 2.5], ">f8"), [1.5, 2.5]),
    "strided": (np.arange(4)[::2], [0, 2]),
    "text": (np.array(["a", "bb"]), ["a", "bb"]),
    "bytes": (np.array([b"a", b"bb"]), [b"a", b"bb"]),
    "half": (np.array([1, 2], "float16"), [1.0, 2.0]),
    "booleans": (np.array([True, False]), [True, False]),
    "tuple": ((1, None), [1, None]),
    "range": (range(2), [0, 1]),
    "pandas categories": (pandas.Series(["a", "b"], dtype="category"), ["a", "b"]),
    "pandas with nothing": (pandas.Series([1.0, None]), [1.0, None]),
    "polars categories": (polars.Series(["a", "b"], dtype=polars.Categorical), ["a", "b"]),
    "columns of Fortran": (np.asfortranarray([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "lists": ([[1], [2, 3]], [[1], [2, 3]]),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_columns_of_every_kind(name):
    given, expected = CONVERTED[name]
    assert as_memory({"x": given, "y": [0, 0]})["x"].to_pylist() == expected


class Tensor:
    """What is an array to NumPy, as tensors of torch are."""

    def __array__(self, dtype=None, copy=None):
        return VECTORS


def test_tensors_are_arrays():
    assert values_at(as_memory({"v": Tensor()})["v"]) == at(VECTORS)


def test_chosen_by_a_vector_column_too():
    fields = np.zeros(3, [("x", "f4"), ("v", "i2", (2,))])
    assert open_pool(fields).schema == {"x": "number", "v": "list"}
    assert open_pool(VECTORS).schema == {"embedding": "list"}


OBJECTS = polars.Series([object()], dtype=polars.Object)
REFUSED = {
    "lengths": ({"a": [1, 2], "b": [1]}, "column 'b' has 1 values and 'a' has 2"),
    "two types": ({"a": [1, "x"]}, "column 'a' cannot be taken .*'x'"),
    "one value": ({"a": "text"}, "column 'a' cannot be taken .*a str is not one value a row"),
    "too large": ({"a": [2**70]}, "column 'a' cannot be taken"),
    "name": ({1: [1]}, "a column is called 1, which is of type int"),
    "no width": ({"a": np.zeros((2, 0))}, r"column 'a' .*shape \(2, 0\)"),
    "texts in two dimensions": ({"a": np.array([["a"]])}, "column 'a' .*<U1"),
    "complex": ({"a": np.array([1j])}, "column 'a' cannot be taken"),
    "masked vectors": ({"a": np.ma.array(np.ones((2, 2)), mask=np.eye(2))}, "column 'a' .*masked"),
    "objects": ({"a": np.array([object()])}, "column 'a' cannot be taken"),
    "one array": (np.arange(3), r"shape \(3,\) is one column without a name; give a dict"),
    "objects in two dimensions": (np.zeros((2, 2), object), "column 'embedding' cannot be taken"),
    "pandas of two types": (pandas.DataFrame({"a": [1, "x"]}), "column 'a' cannot be taken"),
    "pandas of equal names": (pandas.DataFrame([[1, 2]], columns=["a", "a"]), "2 columns are called 'a'"),
    "pandas series": (pandas.Series([1]), r"Series holds one column without a name; give it a name, as in \{'score'"),
    "polars series": (polars.Series([1]), "Series holds one column"),
    "Arrow array": (pa.array([1]), "Int64Array holds one column"),
    "polars of objects": (
        polars.DataFrame({"a": polars.Series([object()], dtype=polars.Object)}),
        "column 'a' .*objects",
    ),
    "lazy": (polars.DataFrame({"a": [1]}).lazy(), r"a LazyFrame has no rows yet; give frame\.collect\(\)"),
    "rows": ([{"a": 1}, {"a": 2}], r"give pyarrow\.Table\.from_pylist\(rows\)"),
    "splits": (
        datasets.DatasetDict({name: datasets.Dataset.from_dict({"a": [1]}) for name in ("train", "test")}),
        r"several splits \(train, test\); name one, as in dataset\['train'\]",
    ),
    "streamed": (datasets.Dataset.from_dict({"a": [1]}).to_iterable_dataset(), r"dataset\.take\("),
    "tables": ([pa.table({"a": [1]})], "a list with a Table is nothing that rows"),
    "nothing": ({}, "the table: the pool is empty"),
    "generator": ((row for row in []), "a generator is nothing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rows_is_refused_with_the_fix(name):
    source, said = REFUSED[name]
    with pytest.raises(Refused, match=said):
        tamis.select(source, "random", budget=1)
    with pytest.raises(Refused, match=r"the (target|table): "):
        open_pool(source, "target")

"""Vectors from lists, JSON and several columns: equal to NumPy's float32, without a copy where that can be."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tamis.errors import Refused
from tamis.pool import from_json, open_pool
from tamis.pool.vectors import vectors_for

KINDS = [pa.float16(), pa.float32(), pa.float64(), pa.int8(), pa.uint32(), pa.int64(), pa.decimal128(25, 2)]


def matrix(source, columns="e"):
    """The vectors of all rows, `[n, d]`."""
    pool = open_pool(source)
    pool.derived["vectors"] = vectors_for(pool, columns)
    if pool.format != "arrow":
        pool = from_json(json.loads(json.dumps(pool.to_json())))
    batches = [batch[0] for shard in pool.shards for batch in pool.read(shard, {"vectors": None})]
    assert {batch.type for batch in batches} == {pa.list_(pa.float32(), batches[0].type.list_size)}
    return np.concatenate([batch.flatten().to_numpy().reshape(len(batch), -1) for batch in batches])


def lists(values, kind):
    """A matrix as a column of lists of a type."""
    return pa.array(values.tolist(), kind)


WIDTHS = arrays.array_shapes(min_dims=2, max_dims=2, max_side=5)
VALUES = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(arrays.arrays(np.float32, WIDTHS, elements=VALUES))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_source_gives_the_same_vectors(tmp_path, values):
    width = values.shape[1]
    forms = {
        "list": pa.list_(pa.float32()),
        "large": pa.large_list(pa.float64()),
        "fixed": pa.list_(pa.float32(), width),
        "fixed64": pa.list_(pa.float64(), width),
    }
    columns = {name: lists(values, kind) for name, kind in forms.items()}
    columns["quoted"] = pa.array([json.dumps(row) for row in values.tolist()])
    table = pa.table(columns | {f"f{number}": values[:, number] for number in range(width)})
    tables = {"whole": table, "pieces": pa.concat_tables([table.slice(0, 1), table.slice(1)]), "rest": table.slice(1)}
    pq.write_table(table, tmp_path / "v.parquet", row_group_size=2)
    lines = [json.dumps({"e": row, "n": 1} | {f"f{i}": x for i, x in enumerate(row)}) for row in values.tolist()]
    (tmp_path / "v.jsonl").write_text("\n".join(lines))
    for columns_asked in (*columns, "f[0-9]"):
        for name, source in (tables | {"file": tmp_path / "v.parquet"}).items():
            if len(values) > 1 or name != "rest":
                expected = values[1:] if name == "rest" else values
                assert np.array_equal(matrix(source, columns_asked), expected), (columns_asked, name)
    for columns_asked in ("e", "f*"):
        assert np.array_equal(matrix(tmp_path / "v.jsonl", columns_asked), values), columns_asked


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_numbers_of_every_type(kind):
    values = [[1, 2], [0, 3]]
    table = pa.table(
        {"e": pa.array(values, pa.list_(pa.int64())).cast(pa.list_(kind)), "x": pa.array([1, 2]).cast(kind)}
    )
    assert matrix(table).tolist() == values
    assert matrix(table, "x*").tolist() == [[1], [2]]


def test_no_copy_of_what_is_right_already():
    values = pa.array(np.arange(12, dtype=np.float32))
    pool = open_pool(pa.table({"e": pa.FixedSizeListArray.from_arrays(values, 3)}))
    pool.derived["v"] = vectors_for(pool, "e")
    (batch,) = pool.read(pool.shards[0], {"v": None})
    assert batch[0].flatten().buffers()[1].address == values.buffers()[1].address


def test_columns_stand_in_the_order_of_the_pool():
    table = pa.table({"f10": [1.0], "g": ["x"], "f2": [2], "f1": [3]})
    assert matrix(table, "f*").tolist() == [[1, 2, 3]]
    assert matrix(table, "f[12]*").tolist() == [[1, 2, 3]]
    assert matrix(pa.table({"f*": [[5.0]], "f1": [3]}), "f*").tolist() == [[5]], (
        "a column of this very name comes first"
    )


def test_tensors_of_arrow():
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(6, dtype=np.float32).reshape(3, 2))
    assert matrix(pa.table({"e": tensors})).tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("value", "said"), [(None, "'f2' has nothing"), (np.nan, "'f2' has NaN"), (1e39, "'f2' .*too large")]
)
def test_wrong_numbers_are_refused_with_their_column(value, said):
    with pytest.raises(Refused, match=f"row 1.*{said}"):
        matrix(pa.table({"f1": [1.0, 2.0, 3.0], "f2": [1.0, value, 2.0]}), "f*")


LIST, JSON, FIXED = pa.list_(pa.float64()), pa.string(), pa.list_(pa.float32(), 2)
WRONG = {
    "null": (LIST, [[1.0, 2.0], None], "row 1.*no vector"),
    "null of a fixed width": (FIXED, [[1.0, 2.0], None], "row 1.*no vector"),
    "too short": (LIST, [[1.0, 2.0], [1.0, 2.0], [1.0]], "row 2.*of 1 numbers where 2"),
    "nothing inside": (LIST, [[1.0, 2.0], [1.0, None]], "row 1.*has nothing"),
    "NaN": (FIXED, [[1.0, 2.0], [float("nan"), 0.0]], "row 1.*has NaN"),
    "infinity": (FIXED, [[1.0, 2.0], [float("-inf"), 0.0]], "row 1.*infinity"),
    "too large": (LIST, [[1.0, 2.0], [0.0, 1e39]], "row 1.*too large for 32 bits"),
    "JSON null": (JSON, ["[1, 2]", "null"], "row 1.*no vector"),
    "JSON blank": (JSON, ["[1, 2]", " "], "row 1.*no vector"),
    "JSON words": (JSON, ["[1, 2]", '[1, "2"]'], "row 1.*holds text"),
    "JSON truth": (JSON, ["[1, 2]", "[true, 2]"], "row 1.*true or false"),
    "JSON object": (JSON, ["[1, 2]", "{}"], "row 1.*an object"),
    "JSON cut": (JSON, ["[1, 2]", "[1,"], "row 1.*invalid JSON"),
    "JSON NaN": (JSON, ["[1, 2]", "[1, NaN]"], "row 1.*has NaN"),
    "JSON of many digits": (JSON, ["[1, 2]", f"[1e400, {'9' * 400}]"], "row 1.*infinity"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rows_are_refused_with_their_place(name):
    kind, rows, said = WRONG[name]
    with pytest.raises(Refused, match=said):
        matrix(pa.table({"e": pa.array(rows, kind)}))


PLANNED = {
    "e1": (pa.table({"e": [[1.0]]}), r"no column 'e1' \(did you mean 'e'\?\); --embedding can name"),
    "g*": (pa.table({"e": [[1.0]]}), r"no column is called as in 'g\*'"),
    "n": (pa.table({"n": [1.0]}), "'n' is number; --embedding needs a column of lists"),
    "s*": (pa.table({"s1": [1.0], "s2": ["a"]}), r"'s2' is text; --embedding 's\*' needs columns of numbers"),
    "words": (pa.table({"words": [["a"]]}), "list<.*string>"),
    "nested": (pa.table({"nested": [[[1.0]]]}), "list<.*list<"),
    "text": (pa.table({"text": ["hello"]}), "'text' is text"),
    "empty": (pa.table({"empty": pa.array([[]], LIST)}), "'empty' is list"),
    "nulls": (pa.table({"nulls": pa.array([None], LIST)}), "its first rows have none"),
    "object": (pa.table({"object": [{"a": 1}]}), "struct"),
}


@pytest.mark.parametrize("columns", PLANNED)
def test_columns_without_vectors_are_refused(columns):
    table, said = PLANNED[columns]
    with pytest.raises(Refused, match=said):
        vectors_for(open_pool(table), columns)

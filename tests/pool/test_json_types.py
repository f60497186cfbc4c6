"""Rows of JSON as a table: texts stay texts, and values take the types of files that have types."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.errors import Refused


def write(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_texts_that_look_like_dates_stay_texts(tmp_path):
    rows = [
        {"id": row, "when": f"2020-01-0{row}", "more": {"at": "2021-01-01T00:00:00", "all": ["2020-01-01"]}}
        for row in range(1, 5)
    ]
    path = write(tmp_path / "a.jsonl", [*rows, {"id": 5, "when": "never", "more": {"at": "once", "all": []}}])
    found = tamis.select(path, "bottom:id", budget=4).apply(path)
    assert found.to_pylist() == rows and found.schema.field("when").type == pa.string()


def test_values_take_the_types_of_the_files_that_have_types(tmp_path):
    typed = {
        "vector": pa.array([[1, 2]], pa.list_(pa.float32(), 2)),
        "vectors": pa.array([[[1]]], pa.large_list(pa.list_(pa.int8(), 1))),
        "half": pa.array([1.5], pa.float16()),
        "price": pa.array(["1.5"]).cast(pa.decimal128(9, 2)),
        "kind": pa.array(["a"]).dictionary_encode(),
        "raw": pa.array([{"kind": "b", "n": 1}], pa.struct([("kind", pa.large_string()), ("n", pa.uint8())])),
    }
    (tmp_path / "p").mkdir()
    pq.write_table(pa.table(typed | {"id": [1]}), tmp_path / "p" / "a.parquet")
    row = {"vector": [3, 4], "vectors": [[2], [3]], "half": 2.5, "price": 3, "kind": "z", "raw": {"kind": "é"}, "id": 2}
    write(tmp_path / "p" / "b.jsonl", [row])
    chosen = tamis.select(tmp_path / "p", "top:id", budget=1, text="none", output=tmp_path / "out")
    subset = pq.read_table(tmp_path / "out" / "subset.parquet")
    found = {name: str(subset.schema.field(name).type).replace("element", "item") for name in typed}
    assert found == {name: "string" if name == "kind" else str(column.type) for name, column in typed.items()}
    assert subset.to_pylist() == [row | {"raw": {"kind": "é", "n": None}}] == chosen.apply(tmp_path / "p").to_pylist()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"x": 1, "odd": 2}, {"x": 2, "odd": "a"}], "odd"),
        ([{"x": 1}] * 300 + [{"x": 2.5}], r"2\.5"),
    ],
)
def test_what_has_no_one_type_is_refused_as_a_table_and_written_as_lines(tmp_path, rows, said):
    path = write(tmp_path / "a.jsonl", rows)
    chosen = tamis.select(path, "top:x", budget=1)
    with pytest.raises(Refused, match=rf"a\.jsonl: its rows do not fit .*{said}.*give apply a path"):
        chosen.apply(path)
    chosen.apply(path, tmp_path / "subset.jsonl")
    assert json.loads((tmp_path / "subset.jsonl").read_text()) == rows[-1]


LATE = {
    "a column": ({"x": 2, "more": {}, "late": None}, "late"),
    "inside": ({"x": 2, "more": {"a": [{"b": 1}, {"late": 1}]}}, r"more\.a\.late"),
}


@pytest.mark.parametrize("name", LATE)
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".json"])
def test_a_field_after_the_first_lines_is_refused_as_a_table_and_written_as_lines(tmp_path, name, suffix):
    late, said = LATE[name]
    rows = [{"x": 1, "more": {"a": [{"b": 1}]}}] * 300 + [late, {"x": 3, "more": None}]
    path = write(tmp_path / f"a{suffix}", rows)
    if suffix == ".json":
        path.write_text(json.dumps(rows))
    elif suffix == ".jsonl.gz":
        path.write_bytes(gzip.compress(path.read_bytes()))
    chosen = tamis.select(path, "top:x", budget=2)
    place = "element 301, line 1" if suffix == ".json" else "line 301"
    with pytest.raises(Refused, match=rf"{place}: its rows do not fit .*no field '{said}'\).*give apply a path"):
        chosen.apply(path)
    chosen.apply(path, tmp_path / f"subset{suffix}")
    assert tamis.select(path, "bottom:x", budget=300).apply(path).to_pylist() == rows[:300]


def test_a_late_field_of_a_pool_of_two_formats_is_refused(tmp_path):
    (tmp_path / "p").mkdir()
    pq.write_table(pa.table({"x": [1], "more": pa.array([{"a": 1}])}), tmp_path / "p" / "a.parquet")
    write(tmp_path / "p" / "b.jsonl", [{"x": 2, "more": {"a": 2}}] * 300 + [{"x": 3, "more": {"a": 1, "b": 2}}])
    with pytest.raises(Refused, match=r"b\.jsonl, line 301: .*no field 'more\.b'\).*add --no-subset"):
        tamis.select(tmp_path / "p", "top:x", budget=2, output=tmp_path / "out")


@pytest.mark.parametrize("depth", [5_000, 100_000])
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_a_line_nested_too_deeply_is_refused(tmp_path, depth, suffix):
    path = tmp_path / f"a{suffix}"
    deep = '{"x": ' + "[" * depth + "]" * depth + "}"
    path.write_text(f'[{{"x": 1}}, {deep}]' if suffix == ".json" else f'{{"x": 1}}\n{deep}\n')
    with pytest.raises(Refused, match=r"(line 2|element 2, line 1): invalid JSON: nested (too deeply|deeper)"):
        tamis.select(path, "top:x", budget=1)

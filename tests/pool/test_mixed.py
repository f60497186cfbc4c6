"""Files of several formats with one schema: their order, their types together, and what does not fit."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.errors import Refused
from tamis.pool import TYPES, from_json, open_pool


def write(folder, **files):
    """Files by name, `a_csv` for `a.csv`, of the rows or of the table given."""
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        path = folder / name.replace("_", ".")
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        elif path.suffix == ".arrow":
            with pa.ipc.new_stream(path, table.schema) as writer:
                writer.write_table(table)
        elif path.suffix == ".csv":
            lines = [",".join(table.column_names)]
            lines += [",".join("" if v is None else str(v) for v in row.values()) for row in table.to_pylist()]
            path.write_text("\n".join(lines) + "\n")
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return folder


def values(pool, name):
    wanted = {name: TYPES[pool.schema[name]]}
    return [v for shard in pool.shards for batch in pool.read(shard, wanted) for v in batch.column(0).to_pylist()]


def test_files_keep_their_order_whatever_their_format(tmp_path):
    names = ["1_jsonl", "2_parquet", "3_csv", "4_jsonl", "5_arrow", "6_parquet", "7_csv"]
    write(tmp_path, **{name: [{"x": at}, {"x": at + 0.5}] for at, name in enumerate(names)})
    pool = open_pool(tmp_path)
    assert pool.format == "mixed" and pool.formats == {"jsonl", "parquet", "csv", "arrow"}
    assert [file.name for file in pool.files] == [name.replace("_", ".") for name in names]
    assert values(pool, "x") == [at / 2 for at in range(14)]
    found = tamis.select(tmp_path, "top:x", budget=3)
    assert found.table.select(["file", "file_row"]).to_pylist() == [
        {"file": "7.csv", "file_row": 1}, {"file": "7.csv", "file_row": 0}, {"file": "6.parquet", "file_row": 1},
    ]  # fmt: skip
    given = [tmp_path / "5.arrow", tmp_path / "1.jsonl", tmp_path / "5.arrow"]
    assert values(open_pool(given), "x") == [4, 4.5, 0, 0.5, 4, 4.5]


def test_a_worker_reads_the_same_pool(tmp_path):
    write(tmp_path, a_jsonl=[{"x": 1}], b_parquet=[{"x": 2}], c_csv=[{"x": 3}])
    pool = open_pool(tmp_path)
    again = from_json(json.loads(json.dumps(pool.to_json())))
    assert values(again, "x") == [1, 2, 3] and again.fingerprint == pool.fingerprint
    assert [again.where(shard, 0) for shard in again.shards] == [pool.where(shard, 0) for shard in pool.shards]
    one, two = (tamis.select(tmp_path, "top:x", budget=2, workers=n, output=tmp_path.parent / f"o{n}") for n in (1, 2))
    assert one.table == two.table


TYPES_TOGETHER = [
    ({"a_parquet": [{"x": 1}], "b_jsonl": [{"x": 1.5}]}, "number", pa.float64(), [1.0, 1.5]),
    ({"a_jsonl": [{"x": None}], "b_parquet": [{"x": 1}]}, "integer", pa.int64(), [None, 1]),
    ({"a_parquet": [{"x": "007"}], "b_csv": [{"x": "7"}]}, "text", pa.string(), ["007", "7"]),
    ({"a_csv": [{"x": "7"}], "b_jsonl": [{"x": "007"}]}, "text", pa.string(), ["7", "007"]),
    ({"a_csv": [{"x": "1"}], "b_parquet": [{"x": 1.5}]}, "number", pa.float64(), [1.0, 1.5]),
    ({"a_csv": [{"x": "1"}], "b_jsonl": [{"x": None}]}, "integer", pa.int64(), [1, None]),
    ({"a_csv": [{"x": "true"}], "b_arrow": [{"x": False}]}, "boolean", pa.bool_(), [True, False]),
    ({"a_jsonl": [{"x": 2}], "b_arrow": pa.table({"x": pa.array([1], pa.int8())})}, "integer", pa.int8(), [2, 1]),
    (
        {"a_jsonl": [{"x": "b"}], "b_parquet": pa.table({"x": pa.array(["a"]).dictionary_encode()})},
        "text", pa.string(), ["b", "a"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "kind", "arrow", "expected"), TYPES_TOGETHER)
def test_types_are_those_that_hold_all_values(tmp_path, files, kind, arrow, expected):
    pool = open_pool(write(tmp_path / "p", **files))
    assert pool.schema == {"x": kind} and values(pool, "x") == expected
    tamis.select(tmp_path / "p", "random", budget="100%", text="none", output=tmp_path / "out")
    subset = pq.read_table(tmp_path / "out" / "subset.parquet")
    assert subset.schema.field("x").type == arrow and subset["x"].to_pylist() == expected


def test_nested_values_of_text_and_of_columns_are_the_same(tmp_path):
    rows = [{"id": row, "tags": ["a", "b"][:row], "meta": {"n": row, "of": [{"k": "v"}]}} for row in range(4)]
    write(tmp_path / "p", a_jsonl=rows[2:], b_parquet=rows[:2])
    chosen = tamis.select(tmp_path / "p", "top:id", budget=4, output=tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "subset.parquet").to_pylist() == [*rows[2:], *rows[:2]]
    assert chosen.apply(tmp_path / "p").to_pylist() == [*rows[2:], *rows[:2]]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a_parquet": [{"x": 1}], "b_jsonl": [{"x": "q"}]}, r"b\.jsonl: .*a\.parquet: 'x' is text here and integer"),
        ({"a_parquet": [{"x": 1, "y": 2}], "b_jsonl": [{"x": 1}]}, r"b\.jsonl: .*a\.parquet: 'y' is missing here"),
        ({"a_parquet": [{"x": 1}], "b_jsonl": [{"x": 1, "z": 2}]}, "'z' is integer here and missing there"),
        ({"a_csv": [{"x": 1}], "b_jsonl": [{"x": [1]}]}, r"a\.csv: .*b\.jsonl: 'x' is integer here and list there"),
        ({"a_csv": [{"x": 1}], "b_parquet": [{"y": 1}]}, r"a\.csv: .*b\.parquet"),
        ({"a_jsonl": [{"x": True}], "b_arrow": [{"x": 1}]}, r"b\.arrow: .*'x' is integer here and boolean there"),
        ({"a_parquet": [{"x": 1}], "b_arrow": [{"x": 1.5}], "c_jsonl": [{"x": "a"}]}, r"c\.jsonl: .*'x' is text here"),
    ],
)
def test_what_does_not_fit_is_refused_naming_column_and_files(tmp_path, files, said):
    with pytest.raises(Refused, match=said):
        open_pool(write(tmp_path, **files))


def test_a_value_of_a_csv_file_that_does_not_fit_the_others_is_named(tmp_path):
    write(tmp_path / "p", a_parquet=[{"x": 1}], b_csv=[{"x": "2"}, {"x": "many"}])
    with pytest.raises(Refused, match=r"b\.csv, line 3: .*'x'.*many"):
        tamis.select(tmp_path / "p", "top:x", budget=1)

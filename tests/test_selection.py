"""Selections: what they hold, saved and loaded again, and combined."""

import json

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.errors import Refused
from tamis.selection import Selection
from tamis.testing import make_pool, make_target

POOL = make_pool(30)
ONE = tamis.select(POOL, "top:score", budget=12)
TWO = tamis.select(POOL, "random", budget=12, seed=4)
SETS = [set(ONE.rows.tolist()), set(TWO.rows.tolist())]


def test_what_it_holds():
    order = np.argsort(-POOL["score"].to_numpy(), kind="stable")[:12]
    assert ONE.rows.tolist() == order.tolist() and ONE.rows.dtype == np.int64
    assert ONE.ids == [POOL["id"][row].as_py() for row in order.tolist()]
    assert ONE.weights.tolist() == [1.0] * 12 and ONE.weights.dtype == np.float32
    assert ONE.scores.tolist() == POOL["score"].to_numpy()[order].tolist() and ONE.scores.dtype == np.float64
    assert np.isnan(ONE.gains).all() and ONE.gains.dtype == np.float64
    assert len(ONE) == 12 and repr(ONE) == "<Selection of 12 out of 30 rows by top>"


def test_saved_and_loaded(tmp_path):
    again = Selection.load(ONE.save(tmp_path / "kept"))
    assert again.table.equals(ONE.table) and again.manifest == ONE.manifest
    assert again.report(tmp_path / "page.html").read_text() == ONE.report(tmp_path / "other.html").read_text()
    assert "<html" in (tmp_path / "page.html").read_text()
    with pytest.raises(Refused, match="not an empty folder"):
        TWO.save(tmp_path / "kept")
    with pytest.raises(Refused, match=r"selection\.parquet is missing"):
        Selection.load(tmp_path)


def test_written_by_select_is_loaded(tmp_path):
    made = tamis.select(POOL, "top:score", budget=12, output=tmp_path / "out")
    assert made.table.equals(ONE.table)
    assert Selection.load(tmp_path / "out").table.equals(ONE.table)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["rows"]["kept"] == 12


def test_union_intersection_and_difference():
    union, both, rest = ONE | TWO, ONE & TWO, ONE - TWO
    assert union.rows.tolist() == ONE.rows.tolist() + [row for row in TWO.rows.tolist() if row not in SETS[0]]
    assert both.rows.tolist() == [row for row in ONE.rows.tolist() if row in SETS[1]]
    assert rest.rows.tolist() == [row for row in ONE.rows.tolist() if row not in SETS[1]]
    for made, sign in ((union, "union"), (both, "intersection"), (rest, "difference")):
        assert made.table["rank"].to_pylist() == list(range(len(made)))
        assert made.table.schema.equals(ONE.table.schema)
        assert made.manifest["rows"]["kept"] == len(made) and sign in made.method
        assert [part["method"]["name"] for part in made.manifest["made_of"]] == ["top", "random"]
        assert set(made.apply(POOL)["id"].to_pylist()) == set(made.ids)
    assert union.scores[:12].tolist() == ONE.scores.tolist()
    assert 0 < len(both) < 12


def test_combined_is_saved_and_combined_again(tmp_path):
    again = Selection.load((ONE | TWO).save(tmp_path / "union"))
    assert set((again - ONE).rows.tolist()) == SETS[1] - SETS[0]
    assert len(ONE & (TWO - ONE)) == 0 and (ONE - ONE).apply(POOL).num_rows == 0
    with pytest.raises(Refused, match="no report"):
        again.report(tmp_path / "page.html")


def test_other_pools_are_refused(tmp_path):
    other = POOL.set_column(4, "score", pa.array(range(30)))
    made = tamis.select(other, "top:score", budget=3)
    for combine in (lambda: ONE | made, lambda: ONE & made, lambda: ONE - made):
        with pytest.raises(Refused, match="different pools"):
            combine()
    with pytest.raises(Refused, match="same pool"):
        ONE.apply(make_pool(29))


def test_nothing_stays_on_disk_without_an_output(folder, on_disk):
    made = tamis.select(POOL, "dsir", target=make_target(), budget=3)
    assert on_disk(folder) == {} and len(made) == 3


@pytest.mark.parametrize(
    ("budget", "rows"), [(7, 7), (0.1, 3), (0.999, 29), ("50%", 15), ("1K bytes", None), (np.int64(4), 4)]
)
def test_budgets_in_python(budget, rows):
    found = tamis.select(POOL, "top:score", budget=budget)
    assert rows is None or len(found) == rows


def test_python_takes_what_the_command_line_takes(folder, run, write):
    write("pool.jsonl", POOL)
    words = "--budget 9 --seed 2 --quota group=a:0.5 --must-keep doc-003,doc-004 --set temperature=0.5 --score cost"
    assert run("select", "pool.jsonl", "--method", "weighted-draw", *words.split(), "-o", "out").code == 0
    limits = {"quota": "group=a:0.5", "must_keep": "doc-003,doc-004"}
    found = tamis.select("pool.jsonl", "weighted-draw", budget=9, seed=2, score="cost", temperature=0.5, **limits)
    assert found.ids == Selection.load("out").ids
    for source in (POOL, ["pool.jsonl"], folder / "pool.jsonl"):
        again = tamis.select(source, "weighted-draw", budget=9, seed=2, score="cost", temperature=0.5, **limits)
        assert again.ids == found.ids

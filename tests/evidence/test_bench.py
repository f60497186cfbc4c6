"""`tamis bench` from end to end, on pools whose right answer is known."""

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.errors import Broken, Refused

from .material import MEAN_TASK, METHODS, classes


def tell_apart(**change):
    """A study in this process, of a planted quality and of luck."""
    given = {"task": "classify", "label": "y", "methods": "top:quality,top:luck", "budgets": ["5%"], "workers": 0}
    given |= {"seeds": 4} | change
    return tamis.bench(given.pop("pool", classes(noise=0.4)), **given)


def verdict(found, method, comparison="equal budget", budget=None):
    """The only verdict on a method."""
    return next(
        one
        for one in found.verdicts
        if one["method"] == method and one["comparison"] == comparison and budget in (None, one["budget"])
    )


@pytest.fixture(scope="module")
def planted():
    return tell_apart()


def test_a_planted_quality_beats_random_and_luck_does_not(planted):
    assert verdict(planted, "top:quality")["verdict"] == "better"
    assert verdict(planted, "top:luck")["verdict"] == "no difference"


def test_every_asked_method_has_two_verdicts_a_budget_and_random_none(planted):
    listed = [(one["method"], one["comparison"]) for one in planted.verdicts]
    assert "random" not in {method for method, _ in listed}
    for method in ("top:quality", "top:luck", "stratified-random"):
        assert [c for m, c in listed if m == method] == ["equal budget", "equal total cost"]
    assert {"method", "budget", "comparison", "metric", "verdict", "difference", "low", "high", "seeds"} <= set(
        planted.verdicts[0]
    )


def test_the_interval_is_that_of_the_paired_differences_of_the_cells(planted):
    from scipy import stats

    cells = planted.cells.to_pylist()
    values = {
        method: [one["accuracy"] for one in cells if (one["method"], one["control"]) == (method, False)]
        for method in ("random", "top:quality", "stratified-random")
    }
    for method in ("top:quality", "stratified-random"):
        told = stats.ttest_rel(values[method], values["random"])
        said = verdict(planted, method)
        assert (said["low"], said["high"]) == pytest.approx(tuple(told.confidence_interval(0.95)), rel=1e-9)
        assert said["p"] == pytest.approx(told.pvalue, rel=1e-9)


def test_cells_say_what_each_part_cost(planted):
    cells = planted.cells
    assert set(cells["status"].to_pylist()) == {"done"}
    for part in ("select", "train", "test"):
        assert all(value > 0 for value in cells[f"{part}_seconds"].to_pylist())
    assert set(cells["measure_cpu"].to_pylist()) == {0.0}
    assert all(value > 10 for value in cells["peak_mb"].to_pylist())


def test_random_and_the_whole_pool_are_always_in(planted):
    names = planted.cells["method"].to_pylist()
    assert names.count("full") == 4 and "random" in names
    full = [one for one in planted.cells.to_pylist() if one["method"] == "full"]
    assert {one["rows"] for one in full} <= {478, 479, 480, 481, 482}


def test_the_same_study_gives_the_same_numbers(planted):
    again = tell_apart()
    assert again.cells["accuracy"].to_pylist() == planted.cells["accuracy"].to_pylist()
    drop = {"control"}
    mine, theirs = (
        [
            {k: v for k, v in one.items() if k not in drop}
            for one in found.verdicts
            if one["comparison"] == "equal budget"
        ]
        for found in (again, planted)
    )
    assert mine == theirs


def test_processes_give_what_this_process_gives(planted, folder, write):
    pc.write_csv(classes(noise=0.4), "pool.csv")
    found = tell_apart(pool="pool.csv", workers=2, output="out")
    assert found.cells["accuracy"].to_pylist() == planted.cells["accuracy"].to_pylist()


def test_a_slow_choice_loses_at_equal_total_cost_and_not_at_equal_budget(folder, write):
    write("m.py", METHODS)
    found = tell_apart(methods="m.py:slow", score="quality", pool=classes(3000, noise=0.42), budgets=["2%"], seeds=6)
    assert verdict(found, "m.py:slow")["verdict"] == "better"
    at_cost = verdict(found, "m.py:slow", "equal total cost")
    assert at_cost["difference"] < verdict(found, "m.py:slow")["difference"] - 0.01
    assert at_cost["control"]["rows"] > 2000 and at_cost["control"]["exhausted"]


def test_a_method_that_breaks_fails_its_cells_and_no_other(folder, write):
    write("m.py", METHODS)
    found = tell_apart(methods="m.py:breaks,top:luck", score="quality")
    failed = found.found["failed"]
    assert len(failed) == 4 and "no luck today" in failed[0]["error"]
    assert 'raise ValueError("no luck today")' in failed[0]["traceback"]
    assert verdict(found, "top:luck")["seeds"] == 4
    assert verdict(found, "m.py:breaks")["difference"] is None
    status = {(one["method"], one["status"]) for one in found.cells.to_pylist()}
    assert ("m.py:breaks", "failed") in status and ("random", "done") in status


def test_a_task_that_raises_in_some_cells_leaves_the_others(folder, write):
    write("t.py", MEAN_TASK)
    found = tell_apart(task="t.py:raises", methods="top:luck", label=None)
    assert {one["seed"] for one in found.found["failed"]} == {1}
    assert verdict(found, "top:luck")["seeds"] == 3


def test_a_process_that_dies_fails_its_cell_alone(folder, write):
    write("t.py", MEAN_TASK)
    pc.write_csv(classes(60), "pool.csv")
    found = tell_apart(pool="pool.csv", task="t.py:ends", methods="top:luck", workers=2, output="out", full=False)
    assert {one["seed"] for one in found.found["failed"]} == {1}
    assert "killed" in found.found["failed"][0]["error"]


def test_a_method_that_opens_the_test_set_is_caught(folder, write):
    write("m.py", METHODS)
    pc.write_csv(classes(200, seed=1), "test.csv")
    found = tell_apart(methods="m.py:peeks,top:luck", score="quality", test="test.csv")
    assert len(found.found["failed"]) == 4
    assert "opened test.csv" in found.found["failed"][0]["error"]


def test_a_test_set_that_the_pool_holds_is_refused_with_its_rows(folder):
    pool = classes(200)
    held = classes(40, seed=9)
    import pyarrow as pa

    both = pa.concat_tables([held.slice(0, 10), pool.slice(17, 3), held.slice(10)])
    with pytest.raises(Refused) as told:
        tell_apart(pool=pool, test=both)
    assert told.value.kind == "study-overlap" and told.value.under_way
    assert "3 of the 43 examples" in str(told.value) and "row 10 is row 17 of the pool" in str(told.value)
    dropped = tell_apart(pool=pool, test=both, overlap="drop", seeds=2)
    assert dropped.found["pool"]["eligible"] == 197


def test_a_relabelled_copy_is_an_overlap_too(folder):
    pool = classes(200)
    flipped = pool.slice(0, 50).set_column(pool.schema.get_field_index("y"), "y", [1 - pool["y"].to_numpy()[:50]])
    with pytest.raises(Refused, match="50 of the 50 examples"):
        tell_apart(pool=pool, test=flipped)


def test_equal_rows_are_held_out_together():
    pool = classes(100)
    import pyarrow as pa

    twice = pa.concat_tables([pool, pool.set_column(0, "id", [[f"s{row}" for row in range(100)]])])
    found = tell_apart(pool=twice, seeds=3, budgets=[10])
    assert {one["rows"] % 2 for one in found.cells.to_pylist() if one["method"] == "full"} == {0}


def test_a_constant_metric_is_refused(folder, write):
    write("t.py", MEAN_TASK)
    with pytest.raises(Refused) as told:
        tell_apart(task="t.py:constant", label=None)
    assert told.value.kind == "study-metric-constant" and "'constant' is 1" in str(told.value)


def test_one_class_is_refused():
    pool = classes(50)
    one = pool.set_column(pool.schema.get_field_index("y"), "y", [np.ones(50, int)])
    with pytest.raises(Refused) as told:
        tell_apart(pool=one)
    assert told.value.kind == "study-one-class" and "'y'" in str(told.value)


def test_where_random_fails_nothing_can_be_said(folder, write):
    write("t.py", "def task(train, test):\n    raise RuntimeError('toy')\n")
    with pytest.raises(Broken) as told:
        tell_apart(task="t.py:task", label=None)
    assert told.value.kind == "study-all-failed" and "RuntimeError: toy" in str(told.value)


def test_more_seeds_go_on_from_fewer(folder, write, monkeypatch):
    pc.write_csv(classes(noise=0.4), "pool.csv")
    tell_apart(pool="pool.csv", seeds=2, output="out")
    with pytest.raises(Refused, match="seeds"):
        tell_apart(pool="pool.csv", seeds=4, output="out")
    from tamis.evidence import crew

    done = []
    real = crew.run_cell
    monkeypatch.setattr(crew, "run_cell", lambda job, cell, out: done.append(cell) or real(job, cell, out))
    found = tell_apart(pool="pool.csv", seeds=4, output="out", force=True)
    assert {cell.seed for cell in done} == {2, 3}
    assert found.cells.num_rows == tell_apart().cells.num_rows


def test_a_finished_study_is_left_alone(folder, run):
    pc.write_csv(classes(noise=0.4), "pool.csv")
    words = "bench pool.csv --task classify --label y --methods top:quality --budgets 5% --seeds 2 -o out"
    first = run(*words.split())
    assert first.code == 0 and "random" in first.err and first.out == ""
    stamp = (folder / "out/report.html").stat().st_mtime_ns
    again = run(*words.split(), "--json")
    assert "nothing to do" in again.err and (folder / "out/report.html").stat().st_mtime_ns == stamp
    assert json.loads(again.out)["verdicts"] == json.loads((folder / "out/verdicts.json").read_text())["verdicts"]


def test_a_study_file_is_the_flags(folder, run, write):
    pc.write_csv(classes(noise=0.4), "pool.csv")
    write(
        "study.yaml",
        "pool: pool.csv\ntask: classify\nlabel: y\nmethods: [top:quality, {method: top, score: luck, name: by luck}]\n"
        "budgets: [5%]\nseeds: 2\nset: {c: 0.5}\n",
    )
    told = run(*"bench --study study.yaml -o out --json --seeds 3".split())
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert {one["method"] for one in found["verdicts"]} == {"top:quality", "by luck", "stratified-random"}
    assert found["seeds"] == [0, 1, 2] and pq.read_table("out/cells.parquet").num_rows >= 15
    assert sorted(path.name for path in (folder / "out").iterdir() if path.name != ".tamis") == [
        "cells.parquet", "manifest.json", "report.html", "table.md", "verdicts.json",
    ]  # fmt: skip


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(folder, run, on_disk):
    pc.write_csv(classes(60), "pool.csv")
    before = on_disk(folder)
    told = run(*"bench pool.csv --task classify --label y --methods top:luck --budgets 5,10 --dry-run".split())
    assert told.code == 0 and "35 cells" not in told.out and "stratified-random" in told.out
    assert on_disk(folder) == before


def test_a_schedule_visits_as_much_and_takes_as_many_steps(folder):
    own = Path(__file__).with_name("fresh_subsets.py")
    words = {"model": "mlp", "steps": 40, "methods": f"{own}:fresh_subsets", "budgets": ["10%"], "seeds": 2}
    found = tell_apart(pool=classes(400), **words)
    assert not found.found["failed"]
    by_method = {one["method"]: one for one in found.cells.to_pylist() if not one["control"]}
    fresh, random = by_method[f"{own}:fresh_subsets"], by_method["random"]
    for name in ("rows", "steps", "rows_seen"):
        assert fresh[name] == random[name], name
    assert (random["rows"], random["steps"], random["rows_seen"]) == (32, 40, 40 * 32)


def test_a_schedule_needs_steps():
    own = Path(__file__).with_name("fresh_subsets.py")
    with pytest.raises(Refused) as told:
        tell_apart(methods=f"{own}:fresh_subsets")
    assert told.value.kind == "schedule-without-steps" and "--model mlp" in str(told.value)


def test_the_page_on_the_bench_names_everything(planted):
    page = Path(__file__).parents[2] / "docs" / "bench.md"
    if not page.is_file():
        pytest.skip("the documentation is not here")
    text = page.read_text(encoding="utf-8")
    found = planted.found
    given = {*found["verdicts"][0], *found["verdicts"][-1]["control"], *found, *planted.cells.column_names}
    parts = {f"{part}_{unit}" for part in ("measure", "train", "test") for unit in ("seconds", "cpu")}
    told = {"tamis", "created", "name", "claim", "seeds", "cells", "seconds", "cpu_seconds"}  # plain words
    told |= {"accuracy", "balanced_accuracy", "log_loss"}
    assert sorted(name for name in given - parts - told - {"select_seconds"} if f"`{name}`" not in text) == []


def test_effects_and_shares_are_those_of_the_cells(planted):
    """Recomputed from the rows that the cells kept, by pool and test set."""
    pool = classes(noise=0.4)
    label = np.array(pool["y"])
    one = next(one for one in planted.found["kept"] if one["method"] == "top:quality")
    assert {share["name"] for share in one["shares"]} == {"0", "1"}
    for share in one["shares"]:
        assert share["pool"] == pytest.approx((label == int(share["name"])).mean())
        assert 0 <= share["method"] <= 1
    assert sum(share["method"] for share in one["shares"]) == pytest.approx(1)
    assert one["shared_by_chance"] == pytest.approx(0.05, abs=0.01)
    recalls = [one for one in planted.found["effects"] if one["method"] == "top:quality"]
    means = [(one["mean"], one["random_mean"], one["difference"]) for one in recalls]
    assert len(means) == 2 and all(mean - random == pytest.approx(found) for mean, random, found in means)
    balanced = np.mean([one["mean"] for one in recalls])
    cells = [one for one in planted.cells.to_pylist() if (one["method"], one["control"]) == ("top:quality", False)]
    assert balanced == pytest.approx(np.mean([one["balanced_accuracy"] for one in cells]))

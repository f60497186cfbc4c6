"""How long training is: epochs instead of steps, what a schedule saves, columns of each seed and what they cost."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.errors import Refused
from tamis.evidence.controls import Control, plan_controls
from tamis.evidence.verdicts import best_of

from .test_schedule import told

OWN = Path(__file__).with_name("rows_kept.py")
N = 120


def study(methods, rows=N, columns=2, **more):
    rng = np.random.default_rng(0)
    labels = np.arange(rows) % 3
    pool = {"x": labels + rng.normal(0, 0.4, rows), "z": rng.normal(0, 1, rows), "y": [f"c{one}" for one in labels]}
    pool |= {f"s_{seed}": rng.permutation(rows).astype(float) for seed in range(columns)}
    given = {"task": "classify", "model": "mlp", "label": "y", "budgets": ["50%"], "seeds": 2, "workers": 0}
    return tamis.bench(pa.table(pool), methods=methods, **(given | more)), pool


def cells(found, **wanted):
    every = found.cells.to_pylist()
    return [one for one in every if all(one[name] == value for name, value in wanted.items())]


def test_so_many_epochs_are_so_many_passes_over_what_is_kept(tmp_path):
    given = {"budgets": ["25%", "100%"], "output": str(tmp_path / "out"), "force": True}
    study(["top:s_0"], epochs=1, **given)
    found, _ = study(["top:s_0"], epochs=3, **given)
    for one in cells(found, control=False):
        assert one["rows_seen"] == 3 * one["rows"] and one["steps"] == 3 * -(-one["rows"] // 64)
    assert found.found["task"]["epochs"] == 3 and found.found["task"]["steps"] is None
    assert "passes over what is kept" in found.report(tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_leaves_out_visits_takes_fewer_steps_and_is_held_against_as_short_a_training(monkeypatch):
    """What steps cost is set here: the clock of a busy machine may say that fewer of them took longer."""

    def by_steps(found, *more):
        for one in (one for results in found.values() for one in results):
            one |= {"train_cpu": 0.01 * (one["steps"] or 0), "select_cpu": 0.0, "measure_cpu": 0.0}
        return plan_controls(found, *more)

    monkeypatch.setattr("tamis.evidence.bench.plan_controls", by_steps)
    methods = [{"name": "infobatch", "method": "infobatch", "set": {"epochs": 9}}]
    found, _ = study(methods, epochs=9, budgets=["100%"], rows=3000, set={"hidden": 256})
    for seed in range(2):
        random, ours = (cells(found, method=name, seed=seed, control=False)[0] for name in ("random", "infobatch"))
        assert ours["status"] == "done" and ours["rows_seen"] < 0.9 * random["rows_seen"]
        assert ours["steps"] < 0.95 * random["steps"] and random["rows_seen"] == 9 * random["rows"]
    (shorter,) = {one["steps"] for one in cells(found, control=True)}
    assert shorter < random["steps"]
    control = next(one["control"] for one in found.verdicts if one["comparison"] == "equal total cost")
    assert control["steps"] == shorter and control["budget"] == "100%" and not control["same"]
    taken = sorted(one["steps"] for one in cells(found, method="infobatch"))
    lines = {one["method"]: one for one in found.found["costs"]}
    assert taken[0] < taken[1] and lines["infobatch"]["steps"] == round(np.median(taken))
    assert lines["full"]["rows_seen"] == random["rows_seen"], "shorter training is no line of its own"
    assert not any("infobatch" in said for said in found.found["warnings"]), "it visits the rows of random otherwise"


def test_the_learning_rate_falls_with_epochs_however_long_they_are():
    train = told((np.arange(4), None), (np.arange(2), None), (np.arange(1), None))
    train.batch, train.epochs = 1, 3
    assert train.batches_an_epoch == 4, "of the longest epoch there may be"
    places = [train.place for _ in train.steps(12)]
    assert places == pytest.approx([0, 1, 2, 3, 4, 6, 8]) and (train.taken, train.visited) == (7, 7)
    usual = told((np.arange(4), None))
    assert [usual.place for _ in usual.steps(6)] == [0, 1, 2, 3, 4, 5]


def test_a_method_may_have_columns_of_each_seed_and_a_charge_for_them():
    methods = [{"name": "top", "method": "top:s_{seed}", "charge": 7.5}, "top:s_1"]
    given = {"task": f"{OWN}:lowest_score", "model": None, "budgets": ["3"]}
    found, pool = study(methods, **given)
    own, fixed = ({one["seed"]: one for one in cells(found, method=name, control=False)} for name in ("top", "top:s_1"))
    high = 0.6 * N  # three of the best of what is not held out
    assert own[0]["lowest_0"] > high > own[0]["lowest_1"] and own[1]["lowest_1"] > high > own[1]["lowest_0"]
    assert fixed[0]["lowest_1"] > high > fixed[0]["lowest_0"] and fixed[1] | {"name": 0} != own[0] | {"name": 0}
    assert all(one["measure_cpu"] == one["measure_seconds"] == 7.5 for one in own.values())
    assert fixed[0]["measure_cpu"] == 0
    del pool["s_1"]
    with pytest.raises(Refused, match="s_1"):
        tamis.bench(pa.table(pool), methods=methods[:1], label="y", seeds=2, **given)


def test_columns_of_all_seeds_are_named_and_none_is_learnt_from():
    found, _ = study(["top:s_{seed}"], columns=11, model="linear", full=False)
    assert found.found["pool"]["features"] == 2  # x and z
    reads = {one["name"]: one["reads"] for one in found.found["methods"]}
    assert reads["top:s_{seed}"] == "score: s_0, s_1"


def test_more_seeds_and_other_columns_run_what_is_new(tmp_path):
    def run(asked, **more):
        methods = [{"name": "top", "cost": "s_{seed}"} | asked]
        given = {"task": f"{OWN}:lowest_score", "model": None, "budgets": ["3"], "columns": 3, "full": False}
        found, _ = study(methods, output=str(tmp_path / "out"), force=True, **given, **more)
        return {one["seed"]: one for one in cells(found, method="top", control=False)}

    fixed, both = run({"method": "top:s_0"}), run({"method": "top:s_{seed}"})
    assert fixed[0] == both[0], "the first seed has the same column in both"
    assert fixed[1]["lowest_1"] < both[1]["lowest_1"] and both[1]["lowest_1"] > 0.6 * N
    more = run({"method": "top:s_{seed}"}, seeds=3)
    assert {seed: more[seed] for seed in both} == both and sorted(more) == [0, 1, 2]
    charged = run({"method": "top:s_{seed}", "charge": 5}, seeds=3)
    assert [one["measure_cpu"] for one in charged.values()] == [5.0] * 3


def test_what_costs_more_than_the_whole_pool_at_random_is_not_the_same():
    methods = [{"name": "top", "method": "top:s_0", "charge": 50}]
    found, _ = study(methods, model="linear", budgets=["100%"], full=False)
    one = next(one for one in found.verdicts if one["method"] == "top" and one["comparison"] == "equal total cost")
    assert one["control"]["exhausted"] and not one["control"]["same"] and one["control"]["cost_ratio"] < 0.1
    assert one["difference"] is not None and not cells(found, control=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"epochs": 2, "model": "knn"}, "--epochs 2: .*neighbour.* no epochs"),
        ({"steps": 2, "model": None}, "--steps 2: .* no steps"),
        ({"steps": "2000", "epochs": "2"}, "2,000 steps"),
        ({"epochs": 2, "task": f"{OWN}:lowest_score", "model": None}, "lowest_score.* no epochs"),
        ({"epochs": 2, "task": "language-model", "model": "transformer"}, "transformer.* no epochs"),
    ],
)
def test_a_length_that_a_fit_does_not_have_is_refused(words, said):
    if words.get("model") == "transformer":
        pytest.importorskip("torch")
    with pytest.raises(Refused, match=said):
        study(["top:s_0"], **words)


def test_the_verdict_is_against_the_usual_training_where_longer_does_harm():
    methods = [{"name": "top", "method": "top:s_0", "charge": 50}]
    found, _ = study(methods, task=f"{OWN}:worn", model=None)
    one = next(one for one in found.verdicts if one["method"] == "top" and one["comparison"] == "equal total cost")
    assert max(cell["steps"] for cell in cells(found, control=True)) == 640
    assert one["random_mean"] == pytest.approx(0.8 * N - 10 + 0.05) and one["control"]["exhausted"]
    assert one["control"]["steps"] is None and one["control"]["budget"] == "100%"


@pytest.mark.parametrize("charge", [-1, True, None, "61.5", float("nan"), float("inf")])
def test_a_charge_is_a_cost(charge):
    with pytest.raises(Refused, match="is no cost"):
        study([{"method": "top:s_0", "charge": charge}])


@pytest.mark.parametrize(("higher", "stretch"), [(True, 2.0), (False, 1.0), (None, 2.0)])
def test_longer_training_counts_only_where_it_does_no_harm(higher, stretch):
    def result(stretch, value):
        one = {"method": "full", "budget": "100%", "stretch": stretch, "status": "done", "metrics": {"m": value}}
        return [one | {"seed": seed} for seed in range(2)]

    longer = dict(enumerate(result(2.0, 0.8 if higher is None else 0.9)))
    bench = SimpleNamespace(plan=SimpleNamespace(study=SimpleNamespace(seeds=2)), results=longer)
    found = {("full", "100%"): result(1.0, 0.8)}
    control = Control("m", "1%", "100%", 2.0)
    best = best_of(bench, found, control, "m", bool(higher))
    assert (best.stretch, best.exhausted) == (stretch, stretch == 1.0)
    shorter = Control("m", "100%", "100%", 0.5)
    bench.results = dict(enumerate(result(0.5, 0.5 if higher else 1.5)))
    assert best_of(bench, found, shorter, "m", bool(higher)) == shorter, "which is no choice of random's"

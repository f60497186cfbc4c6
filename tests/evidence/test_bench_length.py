"""How long training is: epochs instead of steps, what a schedule saves, columns of each seed and what they cost."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.errors import Refused
from tamis.evidence.controls import Control
from tamis.evidence.verdicts import best_of

from .test_schedule import told

OWN = Path(__file__).with_name("rows_kept.py")
N = 120


def study(methods, rows=N, **more):
    rng = np.random.default_rng(0)
    labels = np.arange(rows) % 3
    pool = {"x": labels + rng.normal(0, 0.4, rows), "z": rng.normal(0, 1, rows), "y": [f"c{one}" for one in labels]}
    pool |= {f"s_{seed}": rng.permutation(rows).astype(float) for seed in range(2)}
    given = {"task": "classify", "model": "mlp", "label": "y", "budgets": ["50%"], "seeds": 2, "workers": 0}
    return tamis.bench(pa.table(pool), methods=methods, **(given | more)), pool


def cells(found, **wanted):
    every = found.cells.to_pylist()
    return [one for one in every if all(one[name] == value for name, value in wanted.items())]


def test_so_many_epochs_are_so_many_passes_over_what_is_kept():
    found, _ = study(["top:s_0"], epochs=3, budgets=["25%", "100%"], holdout="20%")
    for one in cells(found, control=False):
        assert one["rows_seen"] == 3 * one["rows"] and one["steps"] == 3 * -(-one["rows"] // 64)


def test_what_leaves_out_visits_takes_fewer_steps_and_is_held_against_as_short_a_training():
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


def test_the_learning_rate_falls_with_epochs_however_long_they_are():
    train = told((np.arange(4), None), (np.arange(2), None), (np.arange(1), None))
    train.batch, train.epochs = 1, 3
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
    assert all(one["measure_cpu"] == 7.5 for one in own.values()) and fixed[0]["measure_cpu"] == 0
    del pool["s_1"]
    with pytest.raises(Refused, match="s_1"):
        tamis.bench(pa.table(pool), methods=methods[:1], label="y", seeds=2, **given)


@pytest.mark.parametrize(("higher", "stretch"), [(True, 2.0), (False, 1.0)])
def test_longer_training_counts_only_where_it_does_no_harm(higher, stretch):
    def result(stretch, value):
        one = {"method": "full", "budget": "100%", "stretch": stretch, "status": "done", "metrics": {"m": value}}
        return [one | {"seed": seed} for seed in range(2)]

    longer = dict(enumerate(result(2.0, 0.9)))
    bench = SimpleNamespace(plan=SimpleNamespace(study=SimpleNamespace(seeds=2)), results=longer)
    found = {("full", "100%"): result(1.0, 0.8)}
    control = Control("m", "1%", "100%", 2.0)
    assert best_of(bench, found, control, "m", higher).stretch == stretch

"""Directions on training: each row says what the values of the seeds say."""

import numpy as np

from .studied import script, without_studies

pytestmark = without_studies
BUDGETS = ("1%", "5%", "10%", "30%")
LEVELS = {"random": 0.8, "el2n": 0.6, "a-ccs": 0.79, "rs2": 0.9, "full-data": 0.9}


def evidence(training, levels=LEVELS, budgets=BUDGETS, seen=None):
    rng = np.random.default_rng(0)
    curves = [
        {"method": name, "budget": budget, "metric": "accuracy", "values": (level + rng.normal(0, 0.004, 5)).tolist()}
        for name, level in levels.items()
        for budget in budgets
    ]
    return {
        "study": {"name": "s", "training": training},
        "task": {"headline": ["accuracy"], "metrics": [{"name": "accuracy", "higher_is_better": True}]},
        "budgets": [{"asked": budget} for budget in budgets],
        "curves": curves,
        "costs": [{"method": name, "rows_seen": rows} for name, rows in (seen or {}).items()],
    }


def test_what_collapses_what_repairs_and_what_is_left_of_it_against_the_control():
    roles = {"random": "rs2", "control": "full-data", "hardest": "el2n", "covering": ["a-ccs"]}
    rows = script("directions_training").training([evidence(roles), {"study": {}}])
    outcomes = {says: outcome for _, says, outcome, _ in rows}
    assert outcomes["`el2n` falls below `random` at 1, 5 and 10 %"] == "reproduced"
    assert outcomes["`a-ccs` repairs it: better than `el2n` there"] == "reproduced"
    assert outcomes["`rs2` beats `random` at 10 %"] == outcomes["`rs2` beats `a-ccs` at 10 %"] == "reproduced"
    assert {outcomes[f"`rs2` beats its control `full-data` at {budget}"] for budget in BUDGETS} == {"not reproduced"}
    assert rows[0][3].startswith("+0.1992 (")
    turned = evidence(roles, LEVELS | {"el2n": 0.9})
    assert script("directions_training").training([turned])[0][2] == "opposite"


def test_a_saving_counts_where_the_loss_is_surely_below_the_margin():
    roles = {"saving": ["near", "far"], "margin": 0.02}
    seen = {"random": 1000, "near": 700, "far": 400}
    found = evidence(roles, {"random": 0.9, "near": 0.898, "far": 0.87}, ("100%",), seen)
    near, far = script("directions_training").training([found])
    assert near[1:3] == ["`near` saves 30% of the visits and loses less than 0.02", "reproduced"]
    assert far[1:3] == ["`far` saves 60% of the visits and loses less than 0.02", "opposite"]

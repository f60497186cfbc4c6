"""Cost to reach a level, and what is known of the seeds that did not."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.evidence.reach import Tried, reach

cell = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9).map(float),
                 st.sampled_from([0.5, 0.7, 0.8, 0.9, math.nan]))  # fmt: skip
CELLS = [Tried(s, b, 10.0 * (b + 1) + s, 0.6 + 0.1 * b + 0.04 * s) for s in range(5) for b in range(3)]


def test_by_hand():
    """Seed s has 0.6, 0.7, 0.8 and 0.04 s more at budgets 0, 1, 2, which cost 10, 20, 30 and s more."""
    assert reach({"m": CELLS}, 0.8) == [
        {"method": "m", "seeds": 5, "reached": 5, "cost": 30.0, "budget": 2, "censored_above": None}
    ]
    assert reach({"m": CELLS}, 0.88)[0] == {
        "method": "m", "seeds": 5, "reached": 3, "cost": 33.0, "budget": 2, "censored_above": 30.5
    }  # fmt: skip
    assert reach({"m": CELLS}, 0.99)[0] == {
        "method": "m", "seeds": 5, "reached": 0, "cost": None, "budget": None, "censored_above": 32.0
    }  # fmt: skip


def test_a_level_that_is_missed_by_rounding_is_reached():
    assert reach({"m": [(0, 0, 1.0, 0.1 * 3)]}, 0.3)[0]["reached"] == 1
    assert reach({"m": [(0, 0, 1.0, 0.3)]}, 0.1 * 3)[0]["reached"] == 1
    assert reach({"m": [(0, 0, 1.0, 0.0)]}, 0.0)[0]["reached"] == 1
    assert reach({"m": [(0, 0, 1.0, 0.3 - 1e-9)]}, 0.3)[0]["reached"] == 0
    assert reach({"m": [(0, 0, 1.0, 0.1 * 3)]}, 0.3, higher_is_better=False)[0]["reached"] == 1


def test_a_dear_cell_after_a_cheap_one_changes_nothing():
    found = reach({"m": [(0, 0, 9.0, 0.9), (0, 1, 2.0, 0.9), (0, 2, 50.0, 0.1)]}, 0.9)[0]
    assert (found["cost"], found["budget"], found["censored_above"]) == (2.0, 1, None)


def test_the_usual_budget_is_named():
    cells = [(seed, budget, 1.0, 1.0) for seed, budget in enumerate([2, 1, 2, 1, 0])]
    assert reach({"m": cells}, 1.0)[0]["budget"] == 1
    assert reach({"m": cells[:1] + cells[4:]}, 1.0)[0]["budget"] == 0


def test_failed_cells_do_not_count():
    cells = [(0, 0, 5.0, math.nan), (1, 0, 1.0, 0.2), (1, 1, 7.0, math.nan)]
    assert reach({"m": cells, "none": []}, 0.9) == [
        {"method": "m", "seeds": 1, "reached": 0, "cost": None, "budget": None, "censored_above": 1.0},
        {"method": "none", "seeds": 0, "reached": 0, "cost": None, "budget": None, "censored_above": None},
    ]


@given(st.lists(cell, max_size=12), st.randoms(), st.sampled_from([0.6, 0.8]))
def test_it_is_the_slow_one(cells, random, level):
    costs, beyond = [], []
    for seed in {s for s, _, _, metric in cells if metric == metric}:
        own = [(cost, metric) for s, _, cost, metric in cells if s == seed and metric == metric]
        there = [cost for cost, metric in own if metric >= level]
        (costs if there else beyond).append(min(there) if there else max(cost for cost, _ in own))
    found = reach({"m": random.sample(cells, len(cells))}, level)[0]
    assert found["seeds"] == len(costs) + len(beyond) and found["reached"] == len(costs)
    assert found["cost"] == (np.median(costs) if costs else None)
    assert found["censored_above"] == (np.median(beyond) if beyond else None)
    turned = reach({"m": [(s, b, c, -m) for s, b, c, m in cells]}, -level, higher_is_better=False)[0]
    assert turned == found | {"budget": turned["budget"]}
    assert reach({"m": cells}, level)[0] == found

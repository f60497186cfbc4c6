"""How near the greedy comes to the best set, which brute force finds: the bound of each kind of limit holds."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops.coverage import feature_based, probabilistic_cover, saturated_coverage, set_cover
from tamis.ops.graph_cut import GraphCut
from tamis.ops.greedy import maximise
from tamis.ops.log_det import LogDet


def rows_of(x):
    """Starts, columns and values of what is above the median."""
    kept = x > np.median(x)
    return np.concatenate([[0], np.cumsum(kept.sum(axis=1))]), np.nonzero(kept)[1].astype(np.int32), x[kept]


MONOTONE = {
    "feature-based": feature_based,
    "saturated": lambda x: saturated_coverage(x @ x.T, share=0.3),
    "set cover": lambda x: set_cover(*rows_of(x)[:2], x.shape[1]),
    "probabilistic cover": lambda x: probabilistic_cover(*rows_of(x), x.shape[1]),
    "graph cut": lambda x: GraphCut(x, lam=2.0),
    "log-det": lambda x: LogDet(x, metric="euclidean", ridge=1.0),
}
instances = given(seed=st.integers(0, 10_000), n=st.integers(2, 12), k=st.integers(1, 4))
monotone = pytest.mark.parametrize("name", MONOTONE)


def drawn(name, seed, n):
    """A function of n rows, and what each set of at most 5 of them is worth: the sum of its gains."""
    x = np.random.default_rng(seed).random((n, 4)).astype(np.float32) * np.float32(0.9) + np.float32(0.05)
    function, worth = MONOTONE[name](x), {(): 0.0}
    for size in range(1, 6):
        for rows in itertools.combinations(range(n), size):
            few = function.fresh()
            for row in rows[:-1]:
                few.take(row)
            worth[rows] = worth[rows[:-1]] + float(few.gains(np.array(rows[-1:]))[0])
    return function, worth


def greedy(function, open, close, price=None):
    """Rows in the order they are taken; `close` says which rows stay open after those."""
    rows: list[int] = []
    while open.any():
        row, _ = function.best(open, price)
        function.take(row)
        rows.append(row)
        open[row] = False
        open &= close(rows)
    return tuple(sorted(rows))


@monotone
@instances
@settings(max_examples=12, deadline=None)
def test_count(name, seed, n, k):
    """k rows: 1 - 1/e of the best k."""
    function, worth = drawn(name, seed, n)
    found = worth[tuple(sorted(maximise(function, k)[0].tolist()))]
    assert found >= (1 - 1 / math.e) * max(worth[s] for s in worth if len(s) <= k) - 1e-9


@monotone
@instances
@settings(max_examples=12, deadline=None)
def test_quotas(name, seed, n, k):
    """One row of a group and k of the other, a matroid: 1/2 of the best."""
    function, worth = drawn(name, seed, n)
    group, quota = np.random.default_rng(seed).integers(0, 2, n), np.array([1, k])
    rows = greedy(function, np.ones(n, bool), lambda rows: np.bincount(group[rows], minlength=2)[group] < quota[group])
    fit = [s for s in worth if (np.bincount(group[list(s)], minlength=2) <= quota).all()]
    assert worth[rows] >= max(worth[s] for s in fit) / 2 - 1e-9


@monotone
@instances
@settings(max_examples=12, deadline=None)
def test_costs(name, seed, n, k):
    """By gain per price, or the best single row if that is better: (1 - 1/e) / 2 of the best that a budget buys."""
    function, worth = drawn(name, seed, n)
    price, budget = np.random.default_rng(seed).integers(1, 6, n).astype(float), k + 1.0
    rows = greedy(function, price <= budget, lambda rows: price[rows].sum() + price <= budget, price)
    fit = [s for s in worth if price[list(s)].sum() <= budget]
    single = max(worth[s] for s in fit if len(s) <= 1)
    assert max(worth[rows], single) >= (1 - 1 / math.e) / 2 * max(worth[s] for s in fit) - 1e-9


def test_costs_need_the_single_row():
    """Gain per price alone takes the cheap row, and has no bound."""
    function = set_cover(np.array([0, 1, 11]), np.arange(11, dtype=np.int32), 11)
    price = np.array([0.05, 1.0])
    rows = greedy(function.fresh(), price <= 1, lambda rows: price[rows].sum() + price <= 1, price)
    assert rows == (0,) and function.best(np.ones(2, bool)) == (1, 10.0)

"""Shares of a budget against enumeration, one unit at a time, and a solver of quadratic programmes."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops.shares import (
    floored_order,
    projected,
    projection,
    proportional,
    round_robin_order,
    water_filling,
)

capacities = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(sum)


def test_the_published_allocation():
    assert water_filling(200, np.array([0, 3, 100, 50, 7, 1000])).tolist() == [0, 3, 70, 50, 7, 70]


@given(capacities, st.integers(0, 60))
def test_water_rises_evenly(capacity, total):
    """Of all ways to give the rows away, sorted shares are the largest in the order of lexicons: maximin fairness."""
    found = water_filling(total, np.array(capacity))
    total = min(total, sum(capacity))
    assert found.sum() == total and (found <= capacity).all()
    if len(capacity) <= 4:
        ways = itertools.product(*(range(c + 1) for c in capacity))
        assert sorted(found.tolist()) == max(sorted(way) for way in ways if sum(way) == total)
    bigger = sorted(zip(capacity, range(len(capacity)), found.tolist(), strict=True))
    for (_, _, less), (_, _, more) in itertools.pairwise(bigger):
        assert less <= more  # what does not divide goes to the larger, and the later of equal ones


@given(capacities, st.integers(0, 99))
def test_every_prefix_of_round_robin_is_water_filling(sizes, seed):
    rng = np.random.default_rng(seed)
    stratum = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    rank = rng.permutation(len(stratum))
    order = round_robin_order(stratum, rank)
    assert sorted(order.tolist()) == list(range(len(stratum)))
    for total in range(len(stratum) + 1):
        counts = np.bincount(stratum[order[:total]], minlength=len(sizes))
        assert counts.tolist() == water_filling(total, np.array(sizes)).tolist()
    for code in range(len(sizes)):
        assert (np.diff(rank[order[stratum[order] == code]]) > 0).all()


def test_the_published_projection():
    target, low, high = np.array([0.6, 0.2, 0.1, 0.1]) * 200, np.ones(4, np.int64), np.array([50, 100, 100, 400])
    np.testing.assert_allclose(projection(200, target, low, high), [50, 190 / 3, 130 / 3, 130 / 3])
    assert projected(200, target, low, high).tolist() == [50, 64, 43, 43]
    thirds, no, much = np.array([1, 1, 31]) / 3, np.zeros(3, np.int64), np.full(3, 99)
    assert projected(11, thirds, no, much).tolist() == [1, 0, 10]  # equal remainders, but for rounding


@st.composite
def programmes(draw):
    size = draw(st.integers(1, 5))
    low = np.array(draw(st.lists(st.integers(0, 5), min_size=size, max_size=size)))
    high = low + np.array(draw(st.lists(st.integers(0, 9), min_size=size, max_size=size)))
    target = np.array(draw(st.lists(st.floats(-20, 30), min_size=size, max_size=size)))
    return draw(st.integers(int(low.sum()), int(high.sum()))), target, low, high


@given(programmes())
def test_projection_keeps_the_conditions_of_optimality(programme):
    """Sum and bounds hold, and all that are strictly within bounds were moved by one and the same ν."""
    total, target, low, high = programme
    found = projection(*programme)
    moves = found - target
    inside = (found > low + 1e-9) & (found < high - 1e-9)
    np.testing.assert_allclose(found.sum(), total, atol=1e-9)
    assert (found >= low).all() and (found <= high).all()
    if inside.any():
        np.testing.assert_allclose(moves[inside], moves[inside][0], atol=1e-8)
        fixed = low == high
        assert (moves[(found <= low + 1e-9) & ~fixed] >= moves[inside][0] - 1e-8).all()
        assert (moves[(found >= high - 1e-9) & ~fixed] <= moves[inside][0] + 1e-8).all()


@given(programmes())
@settings(max_examples=40, deadline=None)
def test_projection_is_what_a_solver_finds(programme):
    optimize = pytest.importorskip("scipy.optimize")
    total, target, low, high = programme
    solved = optimize.minimize(
        lambda x: 0.5 * ((x - target) ** 2).sum(), (low + high) / 2, jac=lambda x: x - target, method="SLSQP",
        bounds=list(zip(low, high, strict=True)), options={"maxiter": 500, "ftol": 1e-12},
        constraints={"type": "eq", "fun": lambda x: x.sum() - total, "jac": np.ones_like},
    )  # fmt: skip
    if solved.success:
        np.testing.assert_allclose(projection(*programme), solved.x, atol=1e-4)


@given(programmes())
def test_whole_rows_by_largest_remainder(programme):
    total, _, low, high = programme
    exact, whole = projection(*programme), projected(*programme)
    assert whole.sum() == total and (whole >= low).all() and (whole <= high).all()
    assert (np.abs(whole - exact) < 1 + 1e-6).all()
    remainder = (exact - np.floor(exact + 1e-9)).round(6)
    up = whole > np.floor(exact + 1e-9)
    assert remainder[up].min(initial=1) >= remainder[~up].max(initial=0)


@given(st.lists(st.tuples(st.floats(0, 9), st.integers(0, 30)), min_size=1, max_size=8), st.integers(0, 300))
def test_proportional_sums_and_keeps_capacities(pairs, total):
    weight, capacity = (np.array(column) for column in zip(*pairs, strict=True))
    found = proportional(total, weight.astype(float), capacity)
    assert found.sum() == min(total, capacity.sum()) and (found <= capacity).all()
    exact = total * weight / weight.sum() if weight.sum() > 0 else np.full(len(weight), total / len(weight))
    if (exact <= capacity).all():
        assert (np.abs(found - exact) < 1 + 1e-6).all()


def test_proportional_by_hand():
    assert proportional(7, np.array([5.0, 5.0, 0.0]), np.array([9, 9, 9])).tolist() == [4, 3, 0]
    assert proportional(9, np.array([8.0, 1.0, 1.0]), np.array([3, 9, 9])).tolist() == [3, 3, 3]
    assert proportional(5, np.zeros(2), np.array([9, 9])).tolist() == [3, 2]
    for size in (1e-310, 1e308):
        assert proportional(9, np.array([1.0, 0.5, 1.5]) * size, np.array([9, 9, 9])).tolist() == [3, 2, 4]


@given(capacities, st.floats(0, 1), st.integers(0, 99))
def test_floors_hold_at_every_prefix(sizes, floor, seed):
    rng = np.random.default_rng(seed)
    stratum = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    ranking = rng.permutation(len(stratum))
    order = floored_order(ranking, stratum, floor)
    place = np.argsort(ranking)
    groups, size = np.unique(stratum, return_counts=True)
    assert sorted(order.tolist()) == list(range(len(stratum)))
    for b in range(1, len(order) + 1):
        least = np.minimum(np.floor(floor * b / len(groups)), size)
        assert (np.bincount(stratum[order[:b]], minlength=len(sizes))[groups] >= least).all()
    for group in groups:
        assert (np.diff(place[order[stratum[order] == group]]) > 0).all()


def test_a_floor_changes_no_more_than_it_must():
    ranking, stratum = np.arange(12), np.repeat([0, 1, 2], 4)
    assert floored_order(ranking, stratum, 0.0).tolist() == ranking.tolist()
    assert floored_order(ranking, stratum, 0.5).tolist() == [0, 1, 2, 4, 3, 8, 5, 6, 7, 9, 10, 11]
    assert floored_order(ranking, stratum, 1.0).tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
    assert floored_order(np.arange(4), np.array([1, 1, 0, 0]), 1.0).tolist() == [0, 2, 1, 3]  # the best row's first
    half = np.repeat([0, 1], 100)  # 0.58 · 100 is a little less than 58 as a product of floats
    assert np.count_nonzero(half[floored_order(np.arange(200), half, 0.58)[:100]]) == 29

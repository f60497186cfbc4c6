"""Greedy in parts and sieve streaming against brute force, and what they reach on digits."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.ops.facility_location import FacilityLocation, facility_location
from tamis.ops.greedy import maximise
from tamis.ops.streaming import partitioned, sieve

instances = given(st.integers(0, 9999), st.integers(3, 12), st.integers(1, 4), st.integers(1, 4))


def drawn(seed, n, k):
    """Similarities, and what the best k rows are worth."""
    similar = np.random.default_rng(seed).random((n, n)).astype(np.float32) ** 4
    sets = itertools.combinations(range(n), min(k, n))
    return similar, max(similar[list(rows)].max(axis=0).sum(dtype=float) for rows in sets)


def parts_of(seed, n, parts):
    return [np.sort(part) for part in np.array_split(np.random.default_rng(seed).permutation(n), min(parts, n))]


@instances
def test_parts_keep_the_bound_of_greedi(seed, n, k, count):
    """(1 − 1/e)² / min(m, k) of the best k rows, where parts judge on all points."""
    similar, most = drawn(seed, n, k)
    every = np.arange(n)
    parts = parts_of(seed, n, count)
    rows, gains = partitioned(lambda candidates, points: FacilityLocation(similar[candidates]), parts, k)
    assert gains.sum() >= (1 - 1 / np.e) ** 2 / min(len(parts), k) * most
    assert gains.sum() == pytest.approx(similar[rows].max(axis=0).sum(dtype=float))
    assert len(set(rows.tolist())) == min(k, n) and np.isin(rows, every).all()


@instances
def test_one_part_is_the_greedy(seed, n, k, _):
    similar, _ = drawn(seed, n, k)
    rows, gains = partitioned(lambda a, b: FacilityLocation(similar[np.ix_(a, b)]), [np.arange(n)], k)
    expected = maximise(FacilityLocation(similar), k)
    assert rows.tolist() == expected[0].tolist() and gains.tolist() == expected[1].tolist()


def test_the_best_single_part_wins_where_it_is_better():
    """What the parts send on is too little for the last step to choose well from."""
    similar = np.diag([5.0, 4.0, 3.0, 1.0]).astype(np.float32)
    parts = [np.array([0, 1, 2]), np.array([3])]
    rows, gains = partitioned(lambda a, b: FacilityLocation(similar[np.ix_(a, b)]), parts, 3, each=1)
    assert rows.tolist() == [0, 1, 2] and gains.tolist() == [5, 4, 3]


@instances
def test_sieve_keeps_its_bound(seed, n, k, count):
    """1/2 − ε of the best k rows, in one pass, with at most k rows."""
    similar, most = drawn(seed, n, k)
    function = FacilityLocation(similar)
    order = np.random.default_rng(seed).permutation(n)
    rows, gains = sieve(function, order.tolist(), k, epsilon=0.1 * count)
    assert gains.sum() >= (0.5 - 0.1 * count) * most and len(rows) <= k
    assert gains.sum() == pytest.approx(similar[rows].max(axis=0, initial=0).sum(dtype=float))
    places = [order.tolist().index(row) for row in rows.tolist()]
    assert places == sorted(places) and not function.taken


def test_sieve_of_nothing_worth_taking():
    rows, gains = sieve(FacilityLocation(np.zeros((4, 4), np.float32)), range(4), 2)
    assert len(rows) == len(gains) == 0


def test_what_they_reach_on_digits():
    """Shares of greedy's worth for n = 400, k = 20 and s = max d − d; published .995, .996, .992 and .932."""
    digits = pytest.importorskip("sklearn.datasets").load_digits().data[:400].astype(np.float32)
    function = facility_location(digits, metric="euclidean")
    greedy = maximise(function.fresh(), 20)[1].sum()
    similar = function.similar
    for count, published in ((2, 0.995), (4, 0.996), (8, 0.992)):
        parts = parts_of(count, 400, count)
        found = partitioned(lambda a, b: FacilityLocation(similar[np.ix_(a, b)]), parts, 20)[1].sum() / greedy
        assert found == pytest.approx(published, abs=0.006)
    passes = [sieve(function, np.random.default_rng(seed).permutation(400).tolist(), 20) for seed in range(5)]
    assert np.mean([gains.sum() for _, gains in passes]) / greedy == pytest.approx(0.932, abs=0.02)

"""Facility location against sums written out and brute force; compiled, in NumPy, and sparse."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.ops import facility_location as ops
from tamis.ops import products, similarity, threads
from tamis.ops.facility_location import FacilityLocation, SparseFacilityLocation, facility_location
from tamis.ops.greedy import maximise
from tamis.vocabulary import SetFunction

shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 9999)


def near(similar):
    """All similarities, in the sparse form: similar has a row for each candidate."""
    n = len(similar)
    return similarity.Sparse(np.arange(n + 1) * n, np.tile(np.arange(n), n), similar.T.ravel())


@pytest.fixture(params=["compiled", "numpy", "sparse"])
def function_of(request, monkeypatch):
    """The three ways to compute one function, whatever the size: `function_of(similar, mass)`."""
    for module in (products, similarity, ops):
        monkeypatch.setattr(module, "COMPILED_FROM", 10**9 if request.param == "numpy" else 0)
    if request.param == "sparse":
        return lambda similar, mass=None: SparseFacilityLocation(near(similar), mass)
    return FacilityLocation


def drawn(seed, n, levels=None):
    """Similarities of few levels, so that gains are often equal, and masses that are whole, so that sums are exact."""
    rng = np.random.default_rng(seed)
    similar = rng.random((n, n)) if levels is None else rng.integers(0, levels, (n, n)) / 4
    mass = [None, rng.integers(0, 5, n).astype(float)][seed % 2]
    return similar.astype(np.float32), mass


def worth(similar, mass, rows):
    """F, written out."""
    most = similar[list(rows)].astype(np.float64).max(axis=0, initial=0)
    return float((most if mass is None else most * mass).sum())


@shared
@given(seeds, st.integers(1, 15))
def test_gains_are_differences_and_only_shrink(function_of, seed, n):
    similar, mass = drawn(seed, n)
    function, taken, before = function_of(similar, mass), [], np.full(n, np.inf)
    for row in np.random.default_rng(seed).permutation(n).tolist():
        gains = function.gains(np.arange(n))
        expected = [worth(similar, mass, [*taken, e]) - worth(similar, mass, taken) for e in range(n)]
        np.testing.assert_allclose(gains, expected, atol=1e-9)
        assert (gains <= before).all()
        function.take(row)
        taken.append(row)
        before = gains
    np.testing.assert_array_equal(function.covered, similar.max(axis=0))


@pytest.mark.parametrize("points", [31, 32, 33, 64, 1000, 1077])
def test_gains_over_many_points(function_of, points):
    """More than are summed at once, with a rest; sums of quarters are exact in any order."""
    rng = np.random.default_rng(points)
    similar = rng.integers(0, 9, (points, points)).astype(np.float32) / 4
    for mass in (None, rng.integers(0, 5, points).astype(float)):
        function = function_of(similar, mass)
        for row in (0, points // 2, points - 1):
            more = np.maximum(similar.astype(float) - function.covered, 0)
            expected = (more if mass is None else more * mass).sum(axis=1)
            np.testing.assert_array_equal(function.gains(np.arange(points)), expected)
            assert function.best(np.ones(points, bool)) == (int(np.argmax(expected)), expected.max())
            function.take(row)


@shared
@given(seeds, st.integers(1, 30), st.booleans())
def test_lazy_is_naive_whatever_is_closed_or_costs(function_of, seed, n, priced):
    """Also where gains are equal, rows close between steps, and other rows are open later on."""
    similar, mass = drawn(seed, n, levels=3)
    rng = np.random.default_rng(seed)
    price = rng.integers(1, 4, n).astype(float) if priced else None
    lazy, naive = function_of(similar, mass), function_of(similar, mass)
    for _ in range(3):
        open = rng.random(n) < 0.7
        while open.any():
            row, gain = lazy.best(open, price)
            gains = naive.gains(np.arange(n))
            worths = np.where(open, gains if price is None else gains / price, -1)
            assert (row, gain) == (int(np.argmax(worths)), gains[row])
            if rng.random() < 0.8:
                lazy.take(row)
                naive.take(row)
            open[row] = False
            open &= rng.random(n) < 0.9


@shared
@given(seeds, st.integers(2, 12), st.integers(1, 4))
def test_greedy_is_worth_632_thousandths_of_the_best(function_of, seed, n, k):
    """1 − (1 − 1/k)^k, which is at least 1 − 1/e: the bound of a monotone submodular function under a count."""
    similar, mass = drawn(seed, n)
    most = max(worth(similar, mass, rows) for rows in itertools.combinations(range(n), min(k, n)))
    rows, gains = maximise(function_of(similar, mass), k)
    assert gains.sum() == pytest.approx(worth(similar, mass, rows))
    assert gains.sum() >= (1 - (1 - 1 / k) ** k) * most - 1e-9


@shared
@given(seeds, st.integers(1, 25), st.integers(1, 6))
def test_weights_are_the_mass_nearest_to_each_row(function_of, seed, n, k):
    similar, mass = drawn(seed, n, levels=4)
    rows = np.random.default_rng(seed).permutation(n)[:k]
    owner = similar[rows].argmax(axis=0)
    owner[rows] = np.arange(len(rows))
    counts = np.ones(n) if mass is None else mass
    expected = [counts[owner == at].sum() for at in range(len(rows))]
    found = function_of(similar, mass).weights(rows)
    assert found.tolist() == expected and found.sum() == counts.sum() and found.dtype == np.float32
    assert (found >= counts[rows]).all()


@shared
@given(seeds, st.integers(1, 20))
def test_fresh_starts_anew_on_the_same_similarities(function_of, seed, n):
    similar, mass = drawn(seed, n)
    function = function_of(similar, mass)
    rows, gains = maximise(function, n)
    for other in (function.fresh(), function.fresh()):
        again = maximise(other, n)
        np.testing.assert_array_equal(again[0], rows)
        np.testing.assert_array_equal(again[1], gains)
    other, naive = function.fresh(), function_of(similar, mass)
    for row in rows[::2].tolist():
        other.take(row)
        naive.take(row)
    assert other.best(np.ones(n, bool)) == SetFunction.best(naive, np.ones(n, bool))
    assert sorted(rows.tolist()) == list(range(n))


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("neighbours", [0, 6])
def test_picks_do_not_depend_on_order_or_threads(metric, neighbours, monkeypatch):
    x = np.abs(np.random.default_rng(0).normal(size=(1300, 20))).astype(np.float32)
    order = np.random.default_rng(1).permutation(len(x))
    rows, gains = maximise(facility_location(x, metric=metric, neighbours=neighbours), 60)
    monkeypatch.setattr(threads, "THREADS", 1)
    moved, same = maximise(facility_location(x[order], metric=metric, neighbours=neighbours), 60)
    np.testing.assert_array_equal(order[moved], rows)
    np.testing.assert_allclose(same, gains, rtol=1e-9)
    full = facility_location(x, metric=metric)
    assert neighbours == 0 or (facility_location(x, metric=metric, neighbours=6).gains(rows) <= full.gains(rows)).all()


def test_a_matrix_says_how_similar_columns_are_to_rows():
    similar = np.array([[1, 0.9, 0], [0, 1, 0], [0, 0.9, 1]], np.float32)  # 1 is near to all, and none is near to 1
    for neighbours in (0, 2):
        function = facility_location(similar, metric="precomputed", neighbours=neighbours)
        assert function.gains(np.arange(3)).round(6).tolist() == [1, 2.8, 1]
    large = np.eye(600, dtype=np.float32)
    large[5, 599] = 0.5
    assert facility_location(large, metric="precomputed").gains(np.array([5, 599])).tolist() == [1, 1.5]


@pytest.mark.parametrize("rows", [1, 7, 1100])
def test_rows_that_are_all_equal(rows):
    for neighbours in (0, 3):
        function = facility_location(np.ones((rows, 3), np.float32), neighbours=neighbours)
        assert maximise(function, rows)[0].tolist() == list(range(rows))
        assert function.weights(np.arange(rows)).tolist() == [1.0] * rows


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the largest memory")
def test_one_matrix_in_memory():
    """`4 n²` bytes and little more, also while they are made."""
    code = """
import re
import numpy as np
from tamis.ops.facility_location import facility_location
from tamis.ops.greedy import maximise
from tamis.vocabulary import SetFunction
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
x = np.random.default_rng(0).normal(size=(6000, 64)).astype(np.float32)
maximise(facility_location(x[:1100]), 5)
before = peak()
maximise(facility_location(x), 50)
print((peak() - before) / (4 * 6000**2 + 8 * 6000 * 64))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0.8 < float(found.stdout) < 1.2

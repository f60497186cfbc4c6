"""Lazy and stochastic greedy: the same sets as the naive one, or as good in the mean, with fewer evaluations."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.ops.d2_sampling import D2Sampling
from tamis.ops.facility_location import FacilityLocation, facility_location
from tamis.ops.gradients import class_coverage
from tamis.ops.greedy import Lazy, Stochastic, maximise
from tamis.ops.hashing import mix64
from tamis.ops.nearest_taken import points

seeds = st.integers(0, 9999)


class Cover(Lazy):
    """How many of the items of its rows a set has; counts evaluations."""

    def __init__(self, has):
        super().__init__(len(has))
        self.has, self.covered, self.evaluations = has, np.zeros(has.shape[1], bool), 0

    def gains(self, rows):
        self.evaluations += len(rows)
        return (self.has[rows] & ~self.covered).sum(axis=1).astype(float)

    def _take(self, row):
        self.covered |= self.has[row]

    def fresh(self):
        return Cover(self.has)


def drawn(seed, n):
    """Rows with few items, so that many gains are equal."""
    return Cover(np.random.default_rng(seed).random((n, 8)) < 0.3)


@given(seeds, st.integers(1, 40), st.integers(1, 40))
def test_lazy_is_naive(seed, n, k):
    function = drawn(seed, n)
    open = np.random.default_rng(seed).random(n) < 0.8
    rows, gains = maximise(function, k, open=open)
    naive = maximise(function.fresh(), k, open=open, naive=True)
    np.testing.assert_array_equal(rows, naive[0])
    np.testing.assert_array_equal(gains, naive[1])
    assert len(rows) == min(k, open.sum()) and open[rows].all() and len(set(rows.tolist())) == len(rows)


@given(seeds, st.integers(1, 30))
def test_another_open_array_or_price_begins_anew(seed, n):
    lazy, naive, rng = drawn(seed, n), drawn(seed, n), np.random.default_rng(seed)
    for _ in range(4):
        open, price = rng.random(n) < 0.6, rng.integers(1, 4, n).astype(float)
        while open.any():
            row, gain = lazy.best(open, price)
            worth = np.where(open, naive.gains(np.arange(n)) / price, -1)
            assert row == int(np.argmax(worth)) and gain == naive.gains(np.array([row]))[0]
            lazy.take(row)
            naive.take(row)
            open[row] = False


@given(seeds, st.integers(2, 12), st.integers(1, 4))
def test_the_bound_of_a_count(seed, n, k):
    """1 − 1/e of the best k rows, found by brute force."""
    function = drawn(seed, n)
    most = max(function.has[list(rows)].any(axis=0).sum() for rows in itertools.combinations(range(n), min(k, n)))
    assert maximise(function, k)[1].sum() >= (1 - 1 / np.e) * most


def test_lazy_evaluates_a_fifth_of_what_naive_does(digits):
    """1,504 of 8,000 here; 1,515 were published for another 400 digits."""
    similar = facility_location(digits, metric="euclidean").similar
    evaluations = []

    class Counted(FacilityLocation):
        def gains(self, rows):
            evaluations.append(len(rows))
            return super().gains(rows)

    rows, gains = maximise(Counted(similar), 20)
    assert 400 <= sum(evaluations) < 1700
    naive = maximise(FacilityLocation(similar), 20, naive=True)
    np.testing.assert_array_equal(rows, naive[0])
    np.testing.assert_array_equal(gains, naive[1])


@pytest.mark.parametrize(("epsilon", "published"), [(0.01, 0.992), (0.1, 0.989), (0.9, 0.940)])
def test_stochastic_is_nearly_as_good_on_digits(digits, epsilon, published):
    """Within 0.01 of the published share of greedy's worth, in the mean over 20 seeds."""
    function = facility_location(digits, metric="euclidean")
    greedy = maximise(function.fresh(), 20)[1].sum()
    keys = (np.random.default_rng(seed).integers(0, 2**63, 400, dtype=np.uint64) for seed in range(20))
    found = [maximise(Stochastic(function.fresh(), 20, key, epsilon), 20)[1].sum() / greedy for key in keys]
    assert np.mean(found) == pytest.approx(published, abs=0.01)


@given(seeds, st.integers(3, 12), st.integers(1, 3))
def test_the_bound_of_stochastic_greedy_holds_in_the_mean(seed, n, k):
    """1 − 1/e − ε of the best k rows."""
    function = drawn(seed, n)
    most = max(function.has[list(rows)].any(axis=0).sum() for rows in itertools.combinations(range(n), k))
    keys = (mix64(np.arange(n, dtype=np.uint64) + np.uint64(1000 * draw)) for draw in range(40))
    found = [maximise(Stochastic(function.fresh(), k, key, 0.2), k)[1].sum() for key in keys]
    assert np.mean(found) >= (1 - 1 / np.e - 0.2) * most


@given(seeds, st.integers(2, 40))
def test_stochastic_looks_at_a_sample_that_follows_the_keys(seed, n):
    function = drawn(seed, n)
    function.has |= np.eye(n, function.has.shape[1], dtype=bool)
    key = mix64(np.arange(n, dtype=np.uint64))
    drawer = Stochastic(function, n, key, 0.5)
    assert drawer.sample == 1
    order = np.random.default_rng(seed).permutation(n)
    rows, _ = maximise(drawer, n)
    moved, _ = maximise(Stochastic(Cover(function.has[order]), n, key[order], 0.5), n)
    np.testing.assert_array_equal(order[moved], rows)
    assert sorted(rows.tolist()) == list(range(n)) and function.evaluations == n


@pytest.mark.parametrize("epsilon", [1e-9, 0.1])
def test_stochastic_leaves_the_choice_among_its_sample_to_the_function(epsilon):
    """Strata keep their turns and D² sampling its odds; of a sample of all rows the choice is the function's own."""
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    key, stratum = mix64(np.arange(60, dtype=np.uint64)), np.arange(60) % 3
    x[stratum == 0] *= 100  # which alone is worth something
    for function in (class_coverage(x, None, stratum), D2Sampling(points(x), key)):
        rows = maximise(Stochastic(function.fresh(), 12, key, epsilon), 12)[0]
        assert (rows.tolist() == maximise(function.fresh(), 12)[0].tolist()) is (epsilon < 0.1)
        assert isinstance(function, D2Sampling) or np.bincount(stratum[rows]).max() <= 5


@pytest.fixture(scope="module")
def digits():
    """400 images of digits."""
    return pytest.importorskip("sklearn.datasets").load_digits().data[:400].astype(np.float32)

"""Sums of set functions against naive greedy, brute force, and each function alone."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops.combined import Balanced, Modular, Term, Weighted, alone, nearness, ranked, said_shares, weighted
from tamis.ops.coverage import set_cover
from tamis.ops.facility_location import facility_location
from tamis.ops.greedy import maximise
from tamis.ops.log_det import LogDet
from tamis.vocabulary import Balance, SetFunction

NONE = np.empty(0, np.int64)
seeds = st.integers(0, 9999)


def balance_of(codes, shares):
    return Balance("weather", [f"g{g}" for g in range(len(shares))], np.array(codes), np.array(shares, float))


def functions_of(seed, n, k):
    """One of each kind, on random data with many ties."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, (n, 3)).astype(np.float32) + 0.5
    starts = np.arange(n + 1) * 2
    columns = np.stack([rng.permutation(7)[:2] for _ in range(n)]).ravel().astype(np.int32)
    return {
        "coverage": facility_location(x),
        "quality": Modular(rng.integers(0, 5, n) / 4),
        "tags": set_cover(starts, columns, 7),
        "balance": Balanced(balance_of(rng.integers(-1, 3, n), rng.dirichlet([1, 1, 1])), k),
    }


def value(function, rows):
    function, total = function.fresh(), 0.0
    for row in rows:
        total += function.gains(np.array([row]))[0]
        function.take(row)
    return total


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 25), st.integers(1, 25))
def test_lazy_is_naive(seed, n, k):
    weights = np.random.default_rng(seed).random(4)
    functions = [(name, w, f) for w, (name, f) in zip(weights, functions_of(seed, n, k).items(), strict=True)]
    function = weighted(functions, k, NONE)
    lazy, naive = maximise(function.fresh(), k), maximise(function.fresh(), k, naive=True)
    assert lazy[0].tolist() == naive[0].tolist()
    np.testing.assert_array_equal(lazy[1], naive[1])
    assert (np.diff(lazy[1]) <= 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 10), st.integers(1, 4))
def test_greedy_is_within_its_bound_of_brute_force(seed, n, k):
    """Monotone and submodular under a count: `1 - 1/e` of the best."""
    k = min(k, n)
    function = weighted([(name, 1.0, f) for name, f in functions_of(seed, n, k).items()], k, NONE)
    best = max(value(function, rows) for rows in combinations(range(n), k))
    assert maximise(function, k)[1].sum() >= (1 - 1 / np.e) * best - 1e-9


@given(seeds, st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_gains_are_the_weighted_sum_of_the_terms_in_their_units(seed, n):
    functions, weights, k = functions_of(seed, n, 5), [0.5, 2.0, 1.0, 3.0], min(5, n)
    sum_of = weighted([(name, w, f) for w, (name, f) in zip(weights, functions.items(), strict=True)], k, NONE)
    apart = {name: f.fresh() for name, f in functions.items()}
    for row in maximise(sum_of.fresh(), k)[0].tolist():
        expected = sum(
            w * f.gains(np.arange(n)) / (maximise(functions[name].fresh(), k)[1].sum() or 1.0)
            for w, (name, f) in zip(weights, apart.items(), strict=True)
        )
        np.testing.assert_allclose(sum_of.gains(np.arange(n)), expected, rtol=1e-12, atol=1e-15)
        for function in (sum_of, *apart.values()):
            function.take(row)


def test_each_term_alone_reaches_its_weight():
    for name, function in functions_of(3, 20, 6).items():
        rows, gains = maximise(weighted([(name, 2.5, function)], 6, NONE), 6)
        assert gains.sum() == pytest.approx(2.5)
        assert rows.tolist() == maximise(function.fresh(), 6)[0].tolist()


def test_units_are_of_what_is_added_to_the_rows_one_has():
    function, start = functions_of(1, 20, 6)["coverage"], np.array([3, 7])
    left = function.fresh()
    for row in start:
        left.take(row)
    open = np.ones(20, bool)
    open[start] = False
    assert alone(function, 4, start) == pytest.approx(maximise(left, 4, open=open)[1].sum())
    assert alone(function, 4, start) < alone(function, 4, NONE)
    assert alone(function, 4, NONE) == pytest.approx(maximise(function.fresh(), 4)[1].sum())  # it took no row of it


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=6))
def test_shares_sum_to_a_hundred(parts):
    said = said_shares([f"t{at}" for at in range(len(parts))], np.array(parts))
    if sum(parts) == 0:
        assert said == "adds nothing"
        return
    shares = [int(share.split()[1]) for share in said.split(", ")]
    assert sum(shares) == 100 and min(shares) > 0
    for share in said.split(", "):
        name, percent, _ = share.split(" ")
        assert abs(int(percent) - 100 * parts[int(name[1:])] / sum(parts)) < 1
    assert shares == sorted(shares, reverse=True) or max(np.diff(shares)) <= 1


def test_shares_are_of_the_gain_at_that_step():
    good = Modular(np.array([0.3, 0.3, 0.1]))
    cover = set_cover(np.array([0, 1, 2, 3]), np.zeros(3, np.int32), 1)
    function = Weighted([Term("quality", 1.0, good), Term("cover", 0.1, cover)])
    assert function.take(0) == "quality 75 %, cover 25 %"
    assert function.take(1) == "quality 100 %"


@given(seeds, st.integers(1, 30), st.integers(1, 30))
def test_balance_counts_up_to_the_shares(seed, n, k):
    rng = np.random.default_rng(seed)
    balance = balance_of(rng.integers(-1, 3, n), rng.dirichlet([1, 1, 1]))
    function, taken = Balanced(balance, k), []

    def slowly(rows):
        counts = [sum(balance.codes[row] == g for row in rows) for g in range(3)]
        return sum(min(count / k, p) for count, p in zip(counts, balance.shares, strict=True))

    for row in rng.permutation(n)[:k].tolist():
        expected = [slowly([*taken, other]) - slowly(taken) for other in range(n)]
        np.testing.assert_allclose(function.gains(np.arange(n)), expected, atol=1e-12)
        function.take(row)
        taken.append(row)


def test_a_term_that_is_not_submodular_makes_the_greedy_naive():
    class Even(SetFunction):
        """Worth the square of the even rows taken."""

        size, submodular = 6, False

        def __init__(self):
            self.taken = 0

        def gains(self, rows):
            return np.where(rows % 2 == 0, 2.0 * self.taken + 1, 0.0)

        def take(self, row):
            self.taken += row % 2 == 0

        def fresh(self):
            return Even()

    function = Weighted([Term("even", 1.0, Even()), Term("value", 1.0, Modular(np.array([1.2, 0, 0, 1.1, 0, 0])))])
    rows, gains = maximise(function, 4)
    assert not function.submodular and rows.tolist() == [0, 2, 4, 3] and gains.tolist() == [2.2, 3, 5, 1.1]
    for ridge in (1.0, 0.5):
        function = Weighted([Term("log det", 1.0, LogDet(np.eye(3, dtype=np.float32), ridge=ridge))])
        assert function.submodular and function.monotone is (ridge >= 1)


def test_weights_are_those_of_the_first_term_that_has_any():
    coverage = facility_location(np.array([[1, 0], [1, 0.1], [0, 1]], np.float32))
    quality, rows = Modular(np.zeros(3)), np.array([0, 2])
    assert Weighted([Term("q", 1, quality), Term("c", 1, coverage)]).weights(rows).tolist() == [2, 1]
    assert Weighted([Term("q", 1, quality)]).weights(rows) is None


def test_ranks():
    score = np.random.default_rng(0).integers(0, 9, 50).astype(float)
    found = ranked(score)
    assert found.min() == 0 and found.max() == 1 and ((found[:, None] < found) == (score[:, None] < score)).all()
    np.testing.assert_allclose(ranked(10 * score - 3), found)
    assert ranked(np.array([1.0, 2.0, 100.0])).tolist() == [0, 0.5, 1]
    assert ranked(np.full(4, 7.0)).tolist() == [0] * 4 and ranked(np.array([3.0])).tolist() == [0]


def test_nearness_is_the_largest_cosine():
    rng = np.random.default_rng(0)
    x, others = rng.normal(size=(30, 4)).astype(np.float32), rng.normal(size=(3, 4)).astype(np.float32)
    cosines = (x / np.linalg.norm(x, axis=1)[:, None]) @ (others / np.linalg.norm(others, axis=1)[:, None]).T
    np.testing.assert_allclose(nearness(x, others), np.maximum(cosines.max(axis=1), 0), atol=1e-6)
    assert nearness(x, np.zeros((2, 4), np.float32)).tolist() == [0] * 30

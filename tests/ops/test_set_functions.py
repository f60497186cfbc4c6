"""What holds of every set function of coverage, graph cut and log-determinant, against sums written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops.coverage import feature_based, probabilistic_cover, saturated_coverage, set_cover
from tamis.ops.graph_cut import GraphCut
from tamis.ops.greedy import maximise
from tamis.ops.log_det import LogDet
from tamis.ops.similarity import unit_rows
from tamis.vocabulary import SetFunction

FEATURES = 5


def units(x):
    """Rows of length 1, in float32 as they are kept."""
    return unit_rows(x).astype(np.float64)


def apart(x):
    """Distances of all pairs in float64."""
    x = x.astype(np.float64)
    return np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=2))


def drawn(seed, n):
    """Features of at least 0, a third of them 0."""
    rng = np.random.default_rng(seed)
    return (rng.random((n, FEATURES)) * (rng.random((n, FEATURES)) < 0.67) + 0.01).astype(np.float32)


def sparse(x):
    """Starts, columns and values of what is above the median."""
    kept = x > np.median(x)
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return starts, np.nonzero(kept)[1].astype(np.int32), x[kept]


def concave(phi):
    return lambda x, s: phi(x[s].astype(np.float64).sum(axis=0)).sum()


def saturated(x, s):
    similarity = matrix(x)
    return np.minimum(similarity[:, s].sum(axis=1), 0.3 * similarity.sum(axis=1)).sum()


def covered(x, s):
    return ((x > np.median(x))[s].any(axis=0) * WEIGHT).sum()


def probable(x, s):
    kept = np.where(x > np.median(x), x, 0).astype(np.float64)
    return ((1 - np.prod(1 - kept[s] / 2, axis=0)) * WEIGHT).sum()


def cut(lam, similarity):
    def value(x, s):
        between = similarity(x)
        return lam * between[:, s].sum() - between[np.ix_(s, s)].sum()

    return value


def determinant(ridge, kernel):
    def value(x, s):
        return np.linalg.slogdet(kernel(x)[np.ix_(s, s)] + ridge * np.eye(len(s)))[1] if len(s) else 0.0

    return value


def cosines(x):
    found = units(x) @ units(x).T
    np.fill_diagonal(found, 1)
    return found


def clipped(x):
    return np.maximum(units(x) @ units(x).T, 0)


def gaussian(x):
    return np.exp(-(apart(x) ** 2) / (apart(x) ** 2).mean())


def product(x):
    return x.astype(np.float64) @ x.T.astype(np.float64)


def matrix(x):
    return (x @ x.T).astype(np.float64)


WEIGHT = np.arange(1.0, FEATURES + 1)
SIGNED = np.float32([1, -1, 1, 1, -1])


def probability(x):
    starts, columns, values = sparse(x)
    return probabilistic_cover(starts, columns, values / 2, FEATURES, weight=WEIGHT)


# name: the function of features, its value written out, monotone
FUNCTIONS = {
    "sqrt": (feature_based, concave(np.sqrt), True),
    "log1p": (lambda x: feature_based(x, concave="log1p"), concave(np.log1p), True),
    "saturating": (lambda x: feature_based(x, concave="saturating"), concave(lambda c: c / (1 + c)), True),
    "saturated": (lambda x: saturated_coverage(x @ x.T, share=0.3), saturated, True),
    "set cover": (lambda x: set_cover(*sparse(x)[:2], FEATURES, weight=WEIGHT), covered, True),
    "probable": (probability, probable, True),
    "cut, cosine": (lambda x: GraphCut(x * SIGNED), cut(2.0, lambda x: clipped(x * SIGNED)), True),
    "cut, euclidean": (lambda x: GraphCut(x, metric="euclidean"), cut(2.0, lambda x: apart(x).max() - apart(x)), True),
    "cut, lam 1": (lambda x: GraphCut(x, metric="dot", lam=1.0), cut(1.0, product), False),
    "cut, lam 0.5": (lambda x: GraphCut(x @ x.T, metric="precomputed", lam=0.5), cut(0.5, matrix), False),
    "log-det": (LogDet, determinant(1.0, cosines), True),
    "log-det, signed": (
        lambda x: LogDet(x * SIGNED, metric="dot"),
        determinant(1.0, lambda x: product(x * SIGNED)),
        True,
    ),
    "log-det, gaussian": (lambda x: LogDet(x, metric="euclidean", ridge=0.1), determinant(0.1, gaussian), False),
}
every = pytest.mark.parametrize("name", FUNCTIONS)


def taken(function, rows):
    for row in rows:
        function.take(int(row))
    return function


@every
def test_gains_are_differences_and_shrink(name):
    """On 1,000 random A within B and e: gain(e | A) = F(A + e) - F(A) >= gain(e | B); F of nothing is 0."""
    build, value, monotone = FUNCTIONS[name]
    for seed in range(10):
        x, rng = drawn(seed, 12), np.random.default_rng(seed)
        empty = build(x)
        assert isinstance(empty, SetFunction) and empty.submodular and value(x, []) == 0
        assert empty.monotone is monotone
        for _ in range(100):
            order = rng.permutation(12)
            small, large = sorted(rng.integers(0, 12, 2))
            rest = order[large:]
            few = taken(empty.fresh(), order[:small]).gains(rest)
            many = taken(empty.fresh(), order[:large]).gains(rest)
            assert (many <= few + 1e-9).all()
            exact = [value(x, [*order[:large], e]) - value(x, list(order[:large])) for e in rest]
            np.testing.assert_allclose(many, exact, rtol=1e-8, atol=1e-8)
            assert not monotone or (many >= -1e-9).all()


@every
def test_fifty_rows_later_the_state_is_that_of_a_new_function(name):
    """Taking rows one by one, interrupted by questions, leaves what taking them at once leaves."""
    build, value, _ = FUNCTIONS[name]
    x, rows = drawn(3, 90), np.random.default_rng(3).permutation(90)
    function, open, total = build(x), np.ones(90, bool), 0.0
    for row in rows[:50]:
        function.best(open)
        total += float(function.gains(np.array([row]))[0])
        function.take(int(row))
        open[row] = False
    np.testing.assert_allclose(function.gains(rows[50:]), taken(build(x), rows[:50]).gains(rows[50:]), rtol=1e-12)
    np.testing.assert_allclose(total, value(x, list(rows[:50])), rtol=1e-8)
    np.testing.assert_allclose(function.fresh().gains(rows), build(x).gains(rows))


@every
@given(seed=st.integers(0, 10_000), n=st.integers(1, 40), copies=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_greedy_is_the_naive_one(name, seed, n, copies):
    """Lazy or not, monotone or not: the same rows and gains, ties by row, through to the last row."""
    build = FUNCTIONS[name][0]
    x = np.tile(drawn(seed, n), (copies, 1))[np.random.default_rng(seed).permutation(n * copies)]
    function = build(x)
    rows, gains = maximise(function, n * copies)
    again = maximise(function.fresh(), n * copies, naive=True)
    np.testing.assert_array_equal(rows, again[0])
    np.testing.assert_array_equal(gains, again[1])


@every
def test_best_says_what_gains_say(name):
    """Rows close between calls, another array opens them again, and prices come and go."""
    x, rng = drawn(8, 30), np.random.default_rng(8)
    function = FUNCTIONS[name][0](x)
    price, left = rng.random(30) + 0.5, np.ones(30, bool)
    for turn in range(20):
        open = left.copy()
        for asked in (None, price):
            open[rng.integers(0, 30, 3)] = False
            for _ in range(2):
                expected = SetFunction.best(function, open, asked)
                assert function.best(open, asked) == expected
        function.take(expected[0])
        left[expected[0]] = False
        assert turn == 0 or not left.all()

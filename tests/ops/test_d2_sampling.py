"""D² sampling: every draw has its odds, in any order of rows, and factors give the distances of what they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.cluster import kmeans_plusplus
from sklearn.datasets import load_digits

from tamis.ops import nearest_taken
from tamis.ops.d2_sampling import D2Sampling
from tamis.ops.greedy import maximise
from tamis.ops.hashing import mix64
from tamis.ops.nearest_taken import factors, points

SIZES = [7, 1201]  # below and above where kernels begin; of the larger pool all but 7 rows are copies of the first


def keys(n, seed):
    return mix64(mix64(np.arange(1, n + 1, dtype=np.uint64)) + np.uint64(seed))


def pool(n, d=4):
    """Seven distinct rows, the others equal to the first."""
    rng = np.random.default_rng(0)
    x = np.zeros((n, d), np.float32)
    x[:] = rng.normal(size=d)
    x[np.linspace(0, n - 1, 7).astype(int)[1:]] = rng.normal(size=(6, d)) * np.arange(1, 7)[:, None] / 3
    return x


def residuals(n, classes, seed=0):
    logits = np.random.default_rng(seed).normal(size=(n, classes)) * 2
    probs = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    probs[np.arange(n), probs.argmax(axis=1)] -= 1
    return probs


@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_factors_have_the_distances_of_outer_products(seed, classes, d, compiled):
    rng = np.random.default_rng(seed)
    n = 1100 if compiled else 30
    a, h = rng.normal(size=(n, classes)).astype(np.float32), rng.normal(size=(n, d)).astype(np.float32)
    a[3], h[3] = a[5], h[5]
    function = D2Sampling(factors(a, h), keys(n, 0), first="largest")
    whole = (a[:30, :, None].astype(np.float64) * h[:30, None]).reshape(30, -1)
    np.testing.assert_allclose(function.gains(np.arange(30)), (whole**2).sum(axis=1), rtol=1e-9)
    function.take(5)
    found = function.gains(np.arange(30))
    np.testing.assert_allclose(found, ((whole - whole[5]) ** 2).sum(axis=1), rtol=1e-9, atol=1e-9)
    assert found[3] == 0


@pytest.mark.parametrize("price", [None, "priced"])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("space", ["points", "factors"])
def test_draws_have_their_odds(n, space, price):
    """Chi-square of the second and third of 2,000 draws, at 1 in 10,000."""
    x = pool(n)
    a = residuals(7, 3)[(np.cumsum((x != x[0]).any(axis=1)) * (x != x[0]).any(axis=1)) % 7]
    space = points(x) if space == "points" else factors(a, x)
    price = None if price is None else np.linspace(1, 3, n)
    open = np.ones(n, bool)
    open[[0, 2]] = False
    for had in ([0], [0, n - 1]):
        open[had] = False
        found = np.zeros(n)
        for seed in range(2000):
            function = D2Sampling(space, keys(n, seed))
            for row in had:
                function.take(row)
            found[function.best(open, price)[0]] += 1
        odds = np.where(open, function.gains(np.arange(n)), 0) / (1 if price is None else price)
        assert (found[odds == 0] == 0).all()
        expected = odds[odds > 0] / odds.sum() * 2000
        assert len(expected) >= 4 and chisquare(found[odds > 0], expected).pvalue > 1e-4


@pytest.mark.parametrize("compiled", [False, True])
def test_each_draw_is_new_given_those_before(compiled, monkeypatch):
    """Two groups of six around row 0: a row drawn halves the odds of its group, so that 12 of 17 next are of the other.

    Random numbers that were used again would make it 14 of 17.
    """
    monkeypatch.setattr(nearest_taken, "COMPILED_FROM", 0 if compiled else 1000)
    group = np.repeat([1.0, -1.0], 6)
    x = np.zeros((13, 13), np.float32)
    x[1:, 0], x[1:, 1:] = np.sqrt(0.75) * group, np.sqrt(0.25) * np.eye(12)
    other = 0
    for seed in range(3000):
        function = D2Sampling(points(x), keys(13, seed))
        function.take(0)
        first, second = maximise(function, 2, open=np.arange(13) > 0)[0] - 1
        other += group[first] != group[second]
    assert chisquare([other, 3000 - other], [3000 * 12 / 17, 3000 * 5 / 17]).pvalue > 1e-4


def test_potential_is_that_of_scikit_learn():
    """The mean potential of 20 seeds over 200 runs, within 4 standard errors; one trial a step, as BADGE draws."""
    x = load_digits().data.astype(np.float32)
    potentials = np.empty((2, 200))
    for seed in range(200):
        ours, _ = maximise(D2Sampling(points(x), keys(len(x), seed)), 20)
        theirs = kmeans_plusplus(x, 20, random_state=seed, n_local_trials=1)[1]
        for at, rows in enumerate((ours, theirs)):
            potentials[at, seed] = ((x[:, None] - x[rows]) ** 2).sum(axis=2).min(axis=1).mean()
    error = np.sqrt(potentials.var(axis=1, ddof=1).sum() / 200)
    assert abs(potentials[0].mean() - potentials[1].mean()) < 4 * error
    assert error < 0.01 * potentials.mean()


def test_the_first_is_any_row_evenly():
    x = pool(7)
    found = np.bincount([D2Sampling(points(x), keys(7, seed)).best(np.ones(7, bool))[0] for seed in range(2000)])
    assert chisquare(found).pvalue > 1e-4


@pytest.mark.parametrize("n", [80, 1500])
@pytest.mark.parametrize("space", ["points", "factors"])
def test_order_of_rows_does_not_matter(n, space):
    rng = np.random.default_rng(n)
    x, a, key, moved = rng.normal(size=(n, 9)).astype("f4"), residuals(n, 5), keys(n, 1), rng.permutation(n)
    x[n // 2 :] = x[: n - n // 2]  # every row twice
    a[n // 2 :] = a[: n - n // 2]
    made = points if space == "points" else lambda rows: factors(a[moved] if rows is not x else a, rows)
    rows, gains = maximise(D2Sampling(made(x), key), n)
    others, same = maximise(D2Sampling(made(x[moved]), key[moved]), n)
    assert (moved[others] == rows).all() and (same == gains).all()


@pytest.mark.parametrize("space", ["points", "factors"])
def test_kernels_draw_what_numpy_draws(space, monkeypatch):
    n = 1300
    x, a = np.random.default_rng(0).normal(size=(n, 21)).astype("f4"), residuals(n, 18)
    found = []
    for limit in (1000, 10_000):
        monkeypatch.setattr(nearest_taken, "COMPILED_FROM", limit)
        function = D2Sampling(points(x) if space == "points" else factors(a, x), keys(n, 5), first="uniform")
        found.append(maximise(function, 200))
    assert (found[0][0] == found[1][0]).all()
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-9)


@pytest.mark.parametrize("n", [1, 30, 1100])
def test_copies_are_drawn_evenly_when_nothing_else_is_left(n):
    x = np.ones((n, 2), np.float32)
    orders = [maximise(D2Sampling(points(x), keys(n, seed)), n)[0] for seed in range(2)]
    assert all(sorted(rows.tolist()) == list(range(n)) for rows in orders)
    assert n == 1 or (orders[0] != orders[1]).any()


def test_numbers_that_squares_in_float32_cannot_hold():
    x = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)
    (rows, gains), (others, scaled) = (
        maximise(D2Sampling(points(f * x), keys(50, 0)), 9) for f in (1, np.float32(2.0**90))
    )
    assert (rows == others).all()
    np.testing.assert_allclose(scaled, gains * 2.0**180, rtol=1e-12)


def test_another_seed_draws_others_and_the_same_seed_the_same():
    x = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    one = D2Sampling(points(x), keys(200, 0))
    first, again, other = (
        maximise(function, 30)[0] for function in (one, one.fresh(), D2Sampling(points(x), keys(200, 1)))
    )
    assert (first == again).all() and (first != other).any()
    assert one.fresh().gains(np.arange(3)).min() >= one.gains(np.arange(3)).max()

"""Farthest-first as the greedy uses it: rows that one has, prices, closed rows, other metrics, odd numbers."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tamis.errors import BadRow, Refused
from tamis.ops.farthest_first import FarthestFirst
from tamis.ops.greedy import maximise

SIZES = [300, 1500]  # below and above where kernels begin


def points(n, d=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_digits_as_a_plain_loop():
    x = load_digits().data.astype(np.float32)  # whole numbers to 16, whose squares float32 adds exactly
    rows, gains = maximise(FarthestFirst(x, first="index"), 300)
    near, expected = np.full(len(x), np.inf), [0]
    for _ in range(299):
        near = np.minimum(near, np.linalg.norm(x - x[expected[-1]], axis=1))
        expected.append(int(np.argmax(near)))
    assert rows.tolist() == expected
    assert (np.diff(gains) <= 0).all()


@pytest.mark.parametrize("n", SIZES)
def test_rows_that_one_has_shape_gains(n):
    x = points(n)
    function = FarthestFirst(x)
    had = np.random.default_rng(1).permutation(n)[: n // 2]
    for row in had:
        assert function.take(int(row)) is None
    near = np.linalg.norm(x[:, None].astype(np.float64) - x[had], axis=2).min(axis=1)
    open = np.ones(n, bool)
    open[had] = False
    row, gain = function.best(open)
    assert row == np.argmax(np.where(open, near, -1)) and gain == pytest.approx(near[row], rel=1e-6)
    np.testing.assert_allclose(function.gains(np.arange(n)), near, rtol=1e-5, atol=1e-7)
    assert function.fresh().best(open) == FarthestFirst(x).best(open)


@pytest.mark.parametrize("n", SIZES)
def test_taken_rows_do_not_come_again_even_if_left_open(n):
    function = FarthestFirst(np.ones((n, 2), np.float32))
    found = []
    for _ in range(20):
        found.append(function.best(np.ones(n, bool))[0])
        function.take(found[-1])
    assert found == list(range(20))


@pytest.mark.parametrize("n", SIZES)
def test_cosine_gains(n):
    x = points(n)
    function = FarthestFirst(x, metric="cosine")
    function.take(4)
    cosines = x @ x[4] / np.linalg.norm(x, axis=1) / np.linalg.norm(x[4])
    np.testing.assert_allclose(function.gains(np.arange(n)), 1 - cosines, atol=1e-6)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "precomputed"])
def test_prices_and_closed_rows_as_all_gains_have_it(n, metric):
    """At each step the best is what all gains say, while rows are closed, opened again and priced."""
    rng = np.random.default_rng(n)
    x = rng.random((n, n)).astype(np.float32) if metric == "precomputed" else points(n)
    price = rng.uniform(0.5, 2, n)
    function = FarthestFirst(x, metric=metric)
    function.take(3)
    left = np.ones(n, bool)
    left[3] = False
    for turn in range(12):
        open = left & (rng.random(n) < 0.7)
        for _ in range(8):
            given = price if turn % 2 else None
            rows = np.flatnonzero(open)
            gains = function.gains(rows) if turn % 3 else None
            row, gain = function.best(open, given)
            gains = function.gains(rows) if gains is None else gains
            worth = gains if given is None else gains / given[rows]
            assert worth[np.searchsorted(rows, row)] >= worth.max() * (1 - 1e-12)
            assert gain == gains[np.searchsorted(rows, row)]
            function.take(row)
            open[row] = left[row] = False
            open[rng.permutation(rows)[:5]] = False


@pytest.mark.parametrize("n", SIZES)
def test_precomputed_matrix_that_is_no_metric(n):
    x = np.random.default_rng(0).random((n, n)).astype(np.float32)
    rows, gains = maximise(FarthestFirst(x, metric="precomputed", first="index"), 100)
    near, expected = x[0].copy(), [0]
    for _ in range(99):
        near[expected] = -1
        expected.append(int(np.argmax(near)))
        near = np.minimum(near, x[expected[-1]])
    assert rows.tolist() == expected and gains[0] == x.max()


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("scale", [2.0**-110, 2.0**-40, 2.0**100, 2.0**120])
def test_numbers_that_squares_in_float32_cannot_hold(n, scale):
    x = points(n)
    rows, gains = maximise(FarthestFirst(x), 50)
    others, scaled = maximise(FarthestFirst(x * np.float32(scale)), 50)
    assert (rows == others).all()
    np.testing.assert_allclose(scaled, gains * scale, rtol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_how_it_starts(n):
    x, key = points(n), np.random.default_rng(3).integers(0, 2**63, n, np.uint64)
    open = np.ones(n, bool)
    away = np.linalg.norm(x - x.mean(axis=0), axis=1)
    first = {how: FarthestFirst(x, key, first=how).best(open)[0] for how in ("medoid", "random", "index")}
    assert first == {"medoid": np.argmin(away), "random": np.argmax(key), "index": 0}
    open[list(first.values())] = False
    assert FarthestFirst(x).best(open)[0] == np.flatnonzero(open)[np.argmin(away[open])]
    price = np.ones(n)
    price[[5, 9]] = 0.5
    assert FarthestFirst(x).best(np.ones(n, bool), price)[0] == (5 if away[5] < away[9] else 9)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "precomputed"])
@pytest.mark.parametrize("n", SIZES)
def test_the_first_gain_is_finite_and_the_largest(n, metric):
    x = np.random.default_rng(0).random((n, n)).astype(np.float32) if metric == "precomputed" else points(n)
    _, gains = maximise(FarthestFirst(x, metric=metric), 40)
    assert np.isfinite(gains).all() and (np.diff(gains) <= 0).all()


@pytest.mark.parametrize("n", [1, 2, 1100])
def test_equal_rows_come_in_order(n):
    rows, gains = maximise(FarthestFirst(np.full((n, 3), 0.1, np.float32)), n)
    assert rows.tolist() == list(range(n))
    assert gains == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_vectors_in_a_file_that_is_only_read(tmp_path, n):
    np.save(tmp_path / "x.npy", points(n))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert (maximise(FarthestFirst(mapped), 30)[0] == maximise(FarthestFirst(points(n)), 30)[0]).all()


def test_what_is_refused():
    x = points(5)
    x[2] = 0
    with pytest.raises(BadRow, match="all zeros") as caught:
        FarthestFirst(x, metric="cosine")
    assert caught.value.row == 2
    with pytest.raises(Refused, match="5 rows and 6 columns"):
        FarthestFirst(x, metric="precomputed")
    square = np.ones((5, 5), np.float32)
    square[3, 1] = -0.5
    with pytest.raises(BadRow, match=r"row 1 is -0\.5") as caught:
        FarthestFirst(square, metric="precomputed")
    assert caught.value.row == 3

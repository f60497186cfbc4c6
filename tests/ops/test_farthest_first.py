"""Farthest-first: equal to a loop over all rows, within twice the best radius, whatever the order of rows."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import BadRow
from tamis.ops import nearest_taken
from tamis.ops.farthest_first import FarthestFirst
from tamis.ops.greedy import maximise
from tamis.ops.nearest_taken import mean_of, squares


def slowly(distances, k, first):
    """Every row is compared with every row taken, in the distances `f(row) -> [n]`."""
    near, rows, gains = np.full(len(distances(first)), np.inf), [first], [np.inf]
    for _ in range(k - 1):
        near = np.minimum(near, distances(rows[-1]))
        near[rows] = -1
        rows.append(int(np.argmax(near)))
        gains.append(near[rows[-1]])
    return rows, np.array(gains)


def exactly(x):
    return lambda row: np.sqrt(((x.astype(np.float64) - x[row]) ** 2).sum(axis=1))


def in_float32(x):
    return lambda row: np.sqrt(squares(x, x[row][None]).astype(np.float64))


def clusters(n, d, count, spread, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, d))[rng.integers(0, count, n)] + spread * rng.normal(size=(n, d))).astype("f4")


def line(n, d, seed=0):
    """Points on a line with points half way between others, where the triangle inequality leaves all to rounding."""
    rng = np.random.default_rng(seed)
    return (np.linspace(0, 1, n)[rng.permutation(n), None] * rng.normal(size=d)).astype(np.float32)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 20), st.sampled_from(["index", "medoid"]))
def test_small_pools_as_a_loop(seed, n, d, first):
    x = np.random.default_rng(seed).integers(-3, 4, (n, d)).astype(np.float32)  # many ties, exact in float32
    rows, gains = maximise(FarthestFirst(x, first=first), n)
    expected = slowly(exactly(x), n, 0 if first == "index" else int(rows[0]))
    assert rows.tolist() == expected[0]
    np.testing.assert_allclose(gains[1:], expected[1][1:], rtol=1e-12)
    if first == "medoid":
        away = np.linalg.norm(x - x.mean(axis=0, dtype=np.float64), axis=1)
        assert away[rows[0]] <= away.min() + 1e-6


@pytest.mark.parametrize(
    ("x", "k"),
    [
        (clusters(1500, 8, 20, 0.1), 400),  # close rows spare most of the distances
        (clusters(3000, 37, 40, 0.3), 900),
        (clusters(2000, 24, 2000, 1.0), 800),  # noise: what is apart spares nothing and is given up
        (line(1025, 3), 700),
        (line(2049, 40), 2000),
        (np.random.default_rng(0).integers(0, 3, (1300, 5)).astype(np.float32), 1300),  # 243 distinct rows
        (clusters(1100, 16, 5, 0.0), 60),
    ],
)
def test_large_pools_as_a_loop_to_the_bit(x, k):
    function = FarthestFirst(x)
    rows, gains = maximise(function, k)
    expected = slowly(in_float32(x), k, int(rows[0]))
    assert rows.tolist() == expected[0]
    assert (gains[1:] == expected[1][1:]).all()
    near = np.array([exactly(x)(row)[rows[:at]].min() for at, row in enumerate(rows) if at])
    np.testing.assert_allclose(gains[1:], near, rtol=1e-5, atol=1e-6)


def test_what_is_apart_spares_distances_and_is_given_up_on_noise():
    found = {}
    for name, x in {"clusters": clusters(3000, 16, 20, 0.05), "noise": clusters(3000, 24, 3000, 1.0)}.items():
        function = FarthestFirst(x)
        maximise(function, 700)
        found[name] = function._nearest
    assert found["clusters"]._known == 699
    assert found["clusters"].tally[1] > found["clusters"].tally[0]
    assert found["noise"]._known == 0 and found["noise"]._apart.size == 0
    assert found["clusters"].tally[0] < 0.05 * 3000 * 700
    assert found["noise"].tally[0] < 0.5 * 3000 * 700


def test_what_is_apart_is_tried_after_many_rows_in_turn_and_bounded(monkeypatch):
    x = clusters(3000, 16, 20, 0.05)
    function = FarthestFirst(x)
    for row in range(700):
        function.take(row)
    function.best(np.arange(3000) >= 700)
    assert function._nearest._known >= nearest_taken.FREE
    usual = maximise(FarthestFirst(x), 200)
    monkeypatch.setattr(nearest_taken, "FREE", 32)
    monkeypatch.setattr(nearest_taken, "MOST", 64)
    function = FarthestFirst(x)
    rows, gains = maximise(function, 200)
    assert function._nearest._apart.shape == (64, 64) and function._nearest._known == 64
    assert (rows == usual[0]).all() and (gains == usual[1]).all()


@pytest.mark.parametrize("d", [1, 2, 15, 16, 17, 31, 32, 33, 64, 100])
def test_compiled_squares_are_those_of_numpy(d):
    from tamis.ops._distance_kernels import squared_to

    x = np.random.default_rng(d).normal(size=(50, d)).astype(np.float32)
    found = np.empty(50, np.float32)
    squared_to(x, x[7:8], found)
    assert (found == squares(x, x[7:8])).all()
    np.testing.assert_allclose(found, ((x.astype(np.float64) - x[7]) ** 2).sum(axis=1), rtol=1e-5)


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 5), st.sampled_from(["euclidean", "cosine"]))
def test_radius_is_within_twice_the_best(seed, n, k, metric):
    """Twice holds for distances; `1 - cos` is half the square of one, so four times."""
    x, k = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32), min(k, n)
    rows, _ = maximise(FarthestFirst(x, metric=metric), k)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    between = np.linalg.norm(x[:, None] - x, axis=2) if metric == "euclidean" else np.maximum(1 - unit @ unit.T, 0)
    best = min(between[:, subset].min(axis=1).max() for subset in combinations(range(n), k))
    assert between[:, rows].min(axis=1).max() <= (2 if metric == "euclidean" else 4) * best + 1e-5


def test_fewer_distinct_points_than_rows_asked_for():
    """The published code gives `[0, 5, 10, 0, 0, 0]`."""
    x = np.repeat(np.array([[0.0], [1.0], [3.0]], np.float32), 5, axis=0)
    rows, gains = maximise(FarthestFirst(x, first="index"), 15)
    assert rows[:3].tolist() == [0, 10, 5]
    assert rows[3:].tolist() == [1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14]
    assert gains[1:].tolist() == [3, 1] + [0] * 12


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "precomputed"])
@pytest.mark.parametrize("first", ["medoid", "random"])
@pytest.mark.parametrize("n", [2, 90, 1400])
def test_order_of_rows_does_not_matter(n, first, metric):
    rng = np.random.default_rng(n)
    x, key, moved = clusters(n, 7, 9, 0.4), rng.integers(0, 2**63, n, np.uint64), rng.permutation(n)
    x[:, 0] *= 1 + rng.random(n).astype(np.float32)  # no two rows are equally far from the mean
    there = np.abs(x[:, None, 0] - x[:, 0]) + np.abs(x[:, None, 1] - x[:, 1]) if metric == "precomputed" else x
    here = there[np.ix_(moved, moved)] if metric == "precomputed" else there[moved]
    rows, gains = maximise(FarthestFirst(there, key, metric=metric, first=first), min(n, 200))
    others, same = maximise(FarthestFirst(here, key[moved], metric=metric, first=first), min(n, 200))
    assert n == 2 or (moved[others] == rows).all()
    assert (same == gains).all()


@pytest.mark.parametrize("size", [64, 4096])
def test_blocks_of_rows_are_as_the_whole(size, monkeypatch):
    x = clusters(300, 5, 4, 1.0)
    between = np.abs(x[:, None, 0] - x[:, 0])
    whole = [
        FarthestFirst(x).best(np.ones(300, bool)),
        FarthestFirst(between, metric="precomputed").best(np.ones(300, bool)),
    ]
    monkeypatch.setattr(nearest_taken, "BLOCK_BYTES", size)
    assert FarthestFirst(x).best(np.ones(300, bool)) == whole[0]
    assert FarthestFirst(between, metric="precomputed").best(np.ones(300, bool)) == whole[1]
    between[211, 5] = -1
    with pytest.raises(BadRow, match="to row 5 is -1") as caught:
        FarthestFirst(between, metric="precomputed")
    assert caught.value.row == 211


@given(st.integers(0, 1000), st.integers(1, 5000), st.floats(1e-20, 1e20))
def test_means_are_the_same_in_any_order(seed, n, scale):
    rng = np.random.default_rng(seed)
    x = (scale * rng.random((n, 3)) * 10.0 ** rng.integers(-9, 1, (n, 1))).astype(np.float32)
    assert (mean_of(x) == mean_of(x[rng.permutation(n)])).all()
    np.testing.assert_allclose(mean_of(x), x.mean(axis=0, dtype=np.float64), rtol=1e-9, atol=scale * 1e-9)
    np.testing.assert_allclose(mean_of(x, axis=1), x.mean(axis=1, dtype=np.float64), rtol=1e-9, atol=scale * 1e-9)


@pytest.mark.parametrize("n", [5, 1500])
def test_what_was_taken_is_never_found_again(n):
    """Even of copies that are left open, where the published code repeats its first row."""
    function, rows = FarthestFirst(np.ones((n, 3), np.float32), first="index"), []
    for _ in range(5):
        rows.append(function.best(np.ones(n, bool))[0])
        function.take(rows[-1])
    assert rows == [0, 1, 2, 3, 4]

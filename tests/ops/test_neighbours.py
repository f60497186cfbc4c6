"""Nearest neighbours against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.ops.neighbours import nearest, nearest_others


def slowly(queries, points, k):
    """All distances in float64, sorted by distance and then by place."""
    between = queries.astype(np.float64)[:, None] - points.astype(np.float64)[None]
    distances = np.sqrt((between**2).sum(axis=2))
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, axis=1), order


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 12), st.sampled_from([1, 700, 5_000, 1 << 26]))
def test_nearest_is_what_loops_find(seed, n, k, block_bytes):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 3)).astype(np.float32)
    queries = np.concatenate([rng.normal(size=(9, 3)).astype(np.float32), points[:2]])
    found, expected = nearest(queries, points, k, block_bytes=block_bytes), slowly(queries, points, k)
    np.testing.assert_array_equal(found.places, expected[1])
    np.testing.assert_allclose(found.distances, expected[0], rtol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_ties_go_to_the_first(k):
    points = np.repeat(np.array([[2.0], [0.0], [1.0]], np.float32), [3, 4, 2], axis=0)
    found = nearest(np.array([[0.1], [2.0]], np.float32), points, k)
    assert found.places.tolist() == [[3, 4, 5, 6, 7][:k], [0, 1, 2, 7, 8][:k]]


def test_points_far_from_the_origin():
    rng = np.random.default_rng(0)
    points = (1000 + rng.normal(size=(500, 20))).astype(np.float32)
    queries = (1000 + rng.normal(size=(50, 20))).astype(np.float32)
    assert (nearest(queries, points, 4).places == slowly(queries, points, 4)[1]).all()


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_nearest_others_is_what_loops_find(seed, n):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 4, (n, 2)).astype(np.float32)  # many copies
    rows = rng.permutation(n)[: n // 2 + 1]
    expected = [min(np.hypot(*(points[row] - points[other])) for other in range(n) if other != row) for row in rows]
    np.testing.assert_allclose(nearest_others(points, rows), expected, rtol=1e-6)


def test_a_point_alone_has_no_other():
    assert nearest_others(np.zeros((1, 2), np.float32), np.array([0])).tolist() == [np.inf]

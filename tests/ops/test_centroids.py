"""The nearest centroids of rows against loops in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import BadRow
from tamis.ops import centroids as made
from tamis.ops.centroids import Nearest, assign
from tamis.ops.kmeans import kmeans


@given(st.integers(0, 9999), st.integers(1, 40), st.integers(1, 12), st.integers(1, 3), st.booleans())
def test_assigning_is_what_loops_find(seed, n, k, m, grid):
    rng = np.random.default_rng(seed)
    make = (lambda size: rng.integers(-2, 3, size)) if grid else (lambda size: 1000 + rng.normal(size=size))
    x, centroids = make((n, 3)).astype(np.float32), make((k, 3)).astype(np.float32)
    found = assign(x, centroids, nearest=m)
    far = ((x[:, None].astype(np.float64) - centroids[None]) ** 2).sum(axis=2)
    _, first = np.unique(centroids, axis=0, return_index=True)
    others = np.setdiff1d(np.arange(k), first)
    far[:, others] = np.inf  # of equal centroids the first counts
    expected = np.argsort(far, axis=1, kind="stable")[:, : min(m, len(first))]
    assert found.label.tolist() == expected.tolist()
    np.testing.assert_array_equal(found.distance, np.take_along_axis(far, expected, axis=1))


@given(st.integers(0, 9999), st.floats(1e-30, 1e30))
@settings(max_examples=30)
def test_lengths_do_not_matter_to_spherical_assignment(seed, scale):
    rng = np.random.default_rng(seed)
    x, centroids = rng.normal(size=(30, 4)), rng.normal(size=(5, 4))
    centroids = (centroids / np.linalg.norm(centroids, axis=1)[:, None]).astype(np.float32)
    cosines = x @ centroids.T.astype(np.float64) / np.linalg.norm(x, axis=1)[:, None]
    found = assign((x * scale).astype(np.float32), centroids, spherical=True)
    assert found.label[:, 0].tolist() == cosines.argmax(axis=1).tolist()
    np.testing.assert_allclose(found.distance[:, 0], 1 - cosines.max(axis=1), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1.0, 1e30])
def test_close_calls_do_not_depend_on_the_block(scale):
    """Pairs of centroids that float32 cannot tell apart, and rows whose squares it cannot hold."""
    rng = np.random.default_rng(0)
    directions = np.repeat(rng.normal(size=(100, 16)), 2, axis=0)
    directions *= 1 + 1e-7 * rng.normal(size=directions.shape)
    centroids = (directions / np.linalg.norm(directions, axis=1)[:, None]).astype(np.float32)
    x = (rng.normal(size=(600, 16)) * scale).astype(np.float32)
    found = assign(x, centroids, spherical=True)
    products = x.astype(np.float64) @ centroids.T.astype(np.float64)
    best, chosen = products.max(axis=1), np.take_along_axis(products, found.label, axis=1)[:, 0]
    np.testing.assert_allclose(chosen, best, rtol=1e-13, atol=0)
    some = rng.permutation(600)[:77]
    assert assign(x[some], centroids, spherical=True).label.tolist() == found.label[some].tolist()


def test_a_row_of_zeros_has_no_direction():
    x = np.ones((9000, 2), np.float32)
    x[8000] = 0
    centroids = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    for find in (
        lambda: assign(x, centroids, spherical=True),
        lambda: kmeans(x, 2, np.arange(9000, dtype=np.uint64), spherical=True),
    ):
        with pytest.raises(BadRow) as bad:
            find()
        assert bad.value.row == 8000


@given(st.integers(0, 9999), st.integers(2, 300), st.floats(0, 1000))
@settings(max_examples=40)
def test_bounds_hold(seed, k, offset):
    """The nearest is at most `upper` far and all others at least `lower`, both to within the rounding of float32."""
    rng = np.random.default_rng(seed)
    x, centroids = ((rng.normal(size=(size, 5)) + offset).astype(np.float32) for size in (64, k))
    upper, lower = np.empty(64), np.empty(64)
    finder = Nearest(centroids, centred=True)
    moved = np.concatenate([x, np.ones((64, 1), np.float32)], axis=1)
    finder.of(moved, made.squares_of(moved), finder.products(), upper=upper, lower=lower)
    far = np.sort(np.sqrt(((x[:, None].astype(np.float64) - centroids[None]) ** 2).sum(axis=2)), axis=1)
    assert (upper >= far[:, 0]).all() and (lower <= far[:, 1]).all()
    largest = max((moved**2).sum(axis=1).max(), (centroids**2).sum(axis=1).max())
    np.testing.assert_allclose(upper**2, far[:, 0] ** 2, atol=2e-5 * largest)
    np.testing.assert_allclose(lower**2, far[:, 1] ** 2, atol=2e-5 * largest)


@given(st.integers(0, 9999), st.integers(1, 40), st.integers(1, 70))
@settings(deadline=None)
def test_the_best_two_by_kernel_and_by_numpy(seed, rows, k):
    rng = np.random.default_rng(seed)
    products = rng.normal(size=(rows, k)).astype(np.float32)
    products[rng.random(products.shape) < 0.2] = rng.choice([0.0, -0.0, 1e38, -1e38, 1e-45])
    place, best = np.empty(rows, np.int64), np.empty((rows, 2), np.float32)
    kernels = made.kernels(made.COMPILED_FROM)
    kernels.best_two(products.view(np.int32), rows, place, best.view(np.int32))
    expected = np.sort(np.concatenate([products, np.full((rows, 1), -np.inf, np.float32)], axis=1), axis=1)[:, ::-1]
    np.testing.assert_array_equal(best, expected[:, :2])
    alone = best[:, 0] > best[:, 1]
    np.testing.assert_array_equal(place[alone], products.argmax(axis=1)[alone])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "kernels", lambda work: None)
        kept = products.copy()
        found = made._largest(kept, 1)
    np.testing.assert_array_equal(found[1], best)
    np.testing.assert_array_equal(found[0][alone, 0], place[alone])
    np.testing.assert_array_equal(kept, products)

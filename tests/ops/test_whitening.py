"""Whitening against the covariance that it promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.ops.whitening import directions, whitened


def correlated(n, d, seed=0):
    rng = np.random.default_rng(seed)
    mixing = np.eye(d) + rng.normal(size=(d, d)) / (2 * np.sqrt(d))
    return (rng.normal(size=(n, d)) @ mixing + 5).astype(np.float32)


@pytest.mark.parametrize("share", [None, 0.5, 0.0])
@pytest.mark.parametrize("block_bytes", [1 << 25, 500])
def test_the_mixture_is_white(share, block_bytes):
    x, y = correlated(500, 8), correlated(100, 8, seed=1)
    found = whitened(x, y, share=share, block_bytes=block_bytes)
    weight = 1 / 6 if share is None else share
    mean = (1 - weight) * found[0].mean(axis=0) + weight * found[1].mean(axis=0)
    assert np.abs(mean).max() < 1e-3
    covariance = sum(w * part.T @ part / len(part) for w, part in zip((1 - weight, weight), found, strict=True))
    assert np.abs(covariance - np.eye(8)).max() < 1e-3


def test_a_constant_feature_and_fewer_rows_than_features():
    x, y = correlated(100, 5), correlated(9, 5, seed=1)
    wide = [np.column_stack([part, np.full(len(part), 100, np.float32)]) for part in (x, y)]
    for narrow, found in zip(whitened(x, y), whitened(*wide), strict=True):
        np.testing.assert_allclose(found[:, :5], narrow, atol=1e-4)
        assert (found[:, 5] == 0).all()
    few = whitened(correlated(4, 30), correlated(3, 30, seed=1))
    assert all(np.isfinite(part).all() for part in few)


@pytest.mark.parametrize("scale", [2.0**-90, 2.0**90])
def test_the_ridge_is_relative_so_that_the_unit_does_not_matter(scale):
    x, y = correlated(50, 5), correlated(9, 5, seed=1)
    x[:, 3] *= 1e-4
    moved = whitened(x * np.float32(scale), y * np.float32(scale))
    for one, other in zip(whitened(x, y), moved, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_rows_that_are_all_alike_have_no_direction():
    found = whitened(np.full((3, 2), 7, np.float32), np.full((1, 2), 7, np.float32))
    assert not any(part.any() for part in found)
    assert not directions(found[0]).any()


@given(st.integers(0, 1000), st.integers(1, 20))
def test_directions_have_length_1(seed, n):
    x = correlated(n, 3, seed)
    found = directions(x.copy())
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found * np.linalg.norm(x, axis=1, keepdims=True), x, rtol=1e-5)

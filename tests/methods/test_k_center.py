"""k-center as a method, and agreement with the usual code: a loop over scikit-learn's distances."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise_distances

from tamis.methods.k_center import k_center
from tamis.ops.greedy import maximise

DIGITS = load_digits()
X = (DIGITS.data + 1).astype(np.float32)
KEY = np.random.default_rng(0).integers(0, 2**63, len(X), np.uint64)


def covering(metric, rows):
    return pairwise_distances(X, X[rows], metric=metric).min(axis=1).max()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_agrees_with_a_loop_over_distances_of_scikit_learn(metric):
    rows, gains = maximise(k_center(X, KEY, metric=metric), 150)
    near = np.full(len(X), np.inf)
    for at, row in enumerate(rows):
        if at:
            assert gains[at] == pytest.approx(near.max(), rel=1e-4, abs=1e-6)
            assert near[row] == pytest.approx(near.max(), rel=1e-4, abs=1e-6)
        near = np.minimum(near, pairwise_distances(X, X[row : row + 1], metric=metric)[:, 0])


def test_precomputed_is_the_same():
    between = pairwise_distances(X).astype(np.float32)
    rows, gains = maximise(k_center(X, KEY, first="index"), 100)
    others, same = maximise(k_center(between, KEY, metric="precomputed", first="index"), 100)
    assert (rows == others).all()
    np.testing.assert_allclose(gains[1:], same[1:], rtol=1e-5)


def test_covers_better_than_random_rows():
    for metric in ("euclidean", "cosine"):
        rows, gains = maximise(k_center(X, KEY, metric=metric), 41)
        ours = covering(metric, rows[:40])
        assert ours == pytest.approx(gains[40], rel=1e-4)
        drawn = [covering(metric, np.random.default_rng(seed).permutation(len(X))[:40]) for seed in range(20)]
        assert ours < 0.95 * min(drawn)


def test_key_matters_for_a_random_start_only():
    other = KEY[::-1].copy()
    for first, same in (("medoid", True), ("index", True), ("random", False)):
        one, two = (maximise(k_center(X, key, first=first), 10)[0].tolist() for key in (KEY, other))
        assert (one == two) is same

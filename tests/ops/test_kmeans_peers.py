"""k-means on digits against scikit-learn's."""

import numpy as np
import pytest

from tamis.ops.kmeans import kmeans
from tamis.ops.similarity import unit_rows

cluster = pytest.importorskip("sklearn.cluster")
x = pytest.importorskip("sklearn.datasets").load_digits().data.astype(np.float32)


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def test_the_same_from_the_same_start():
    peer = cluster.KMeans(10, init=x[:10], n_init=1, max_iter=100, tol=0).fit(x)
    found = kmeans(x, 10, keys(len(x)), start=x[:10], iterations=100, tolerance=0)
    np.testing.assert_allclose(found.centroids, peer.cluster_centers_, atol=1e-4)
    np.testing.assert_allclose(found.distance.sum(), peer.inertia_, rtol=1e-6)
    for tolerance in (0.03, 0.3):  # small steps end it before labels do, at the same place
        peer = cluster.KMeans(10, init=x[:10], n_init=1, max_iter=100, tol=tolerance).fit(x)
        found = kmeans(x, 10, keys(len(x)), start=x[:10], iterations=100, tolerance=tolerance)
        np.testing.assert_allclose(found.centroids, peer.cluster_centers_, atol=1e-4)


def test_as_good_from_its_own_start():
    free = cluster.KMeans(40, n_init=3, random_state=0).fit(x).inertia_
    batches = cluster.MiniBatchKMeans(40, n_init=3, batch_size=256, max_iter=10, random_state=0).fit(x).inertia_
    assert kmeans(x, 40, keys(len(x)), runs=3).distance.sum() < 1.02 * free
    assert kmeans(x, 40, keys(len(x)), runs=3, batch=256, iterations=10).distance.sum() < 1.03 * batches
    assert kmeans(x, 40, keys(len(x)), runs=3, fit_rows=900).distance.sum() < 1.1 * free


def test_spherical_clusters_are_as_good_as_those_of_unit_rows():
    """Which scikit-learn divides by Euclidean distance; its centroids are brought to length 1."""
    units = unit_rows(x)
    peer = cluster.KMeans(20, n_init=3, random_state=0).fit(units).cluster_centers_
    theirs = (1 - (units @ unit_rows(peer.astype(np.float32)).T).max(axis=1)).sum()
    assert kmeans(3 * x, 20, keys(len(x)), spherical=True, runs=3).distance.sum() < 1.02 * theirs

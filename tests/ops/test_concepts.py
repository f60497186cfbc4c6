"""Complexity of concepts against loops, and odds at every temperature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import concepts as made
from tamis.ops.concepts import cluster_names, complexity, concepts, softmax
from tamis.ops.kmeans import Clusters


@given(st.integers(0, 9999), st.integers(1, 12), st.integers(1, 15))
def test_complexity_is_what_loops_find(seed, k, neighbours):
    rng = np.random.default_rng(seed)
    centroids = rng.normal(size=(k, 4))
    centroids = (centroids / np.linalg.norm(centroids, axis=1)[:, None]).astype(np.float32)
    label = rng.permutation(np.concatenate([np.arange(k), rng.integers(0, k, 20)]))
    distance = rng.random(len(label))
    expected = []
    for j in range(k):
        others = sorted(1 - float(centroids[j].astype(float) @ c) for i, c in enumerate(centroids) if i != j)
        far = np.mean(others[:neighbours]) if others else 0.0
        expected.append(np.mean(distance[label == j]) * far)
    np.testing.assert_allclose(complexity(Clusters(centroids, label, distance), neighbours), expected, atol=1e-6)


def test_complexity_in_blocks():
    """As of one matrix, where there are more clusters than rows of a block."""
    centroids = np.random.default_rng(0).normal(size=(2100, 3)).astype(np.float32)
    centroids /= np.linalg.norm(centroids, axis=1)[:, None]
    found = complexity(Clusters(centroids, np.arange(2100), np.ones(2100)), 5)
    cosines = centroids.astype(np.float64) @ centroids.T.astype(np.float64)
    np.fill_diagonal(cosines, -2)
    np.testing.assert_allclose(found, 1 - np.sort(cosines, axis=1)[:, -5:].mean(axis=1), atol=1e-12)


@pytest.mark.parametrize("temperature", [5e-324, 1e-3, 0.5, 1e300])
def test_odds_at_every_temperature(temperature):
    values = np.array([0.3, 0.1, 0.3, -2.0])
    with np.errstate(all="raise", under="ignore"):
        found = softmax(values, temperature)
    least = max(temperature, 1e-3)
    odds = np.exp((values - 0.3) / least)
    np.testing.assert_allclose(found, odds / odds.sum(), atol=1e-12)


def test_how_many_clusters_and_rows_to_fit_to():
    x, key = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32), np.arange(90, dtype=np.uint64)
    assert [len(concepts(x, key, None, usual).centroids) for usual in (0, 7, 9999)] == [1, 7, 90]
    assert len(concepts(x, key, 5, 7).centroids) == 5
    with pytest.MonkeyPatch.context() as patch:
        seen, kmeans = [], made.kmeans
        patch.setattr(made, "FIT_ROWS", 10)
        patch.setattr(made, "kmeans", lambda *a, **o: (seen.append(o), kmeans(*a, **o))[1])
        concepts(x, key, 2, 7, spherical=False)
    assert seen == [{"spherical": False, "fit_rows": 512}]
    for clusters in (0, 91):
        with pytest.raises(Refused, match=f"clusters={clusters}"):
            concepts(x, key, clusters, 7)


def test_names():
    assert cluster_names(np.array([2, 0, 2])) == ["cluster 2", "cluster 0", "cluster 2"]
    assert cluster_names(np.zeros(0, np.int64)) == []

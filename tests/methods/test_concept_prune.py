"""Density-based pruning and prototypes: the checks of their specification, in clusters that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import BadRow, Refused
from tamis.methods.concept_prune import concept_prune
from tamis.methods.ssp_prototypes import ssp_prototypes
from tamis.ops.concepts import complexity
from tamis.ops.kmeans import Clusters


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def blobs(sizes, spreads, d=6, seed=0):
    """Rows around axes, which are all as far from each other, at all lengths; and the blob of each."""
    rng, blob = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)
    x = np.eye(d)[blob] + np.asarray(spreads)[blob, None] * rng.normal(size=(len(blob), d)) / np.sqrt(d)
    return (x * rng.uniform(0.1, 10, (len(blob), 1))).astype(np.float32), blob


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


def test_the_wider_of_two_blobs_gives_more():
    x, blob = blobs([500, 500], [0.1, 0.3])
    for budget in (100, 400):
        kept = concept_prune(x, keys(1000), budget, clusters=2, tau=0.05).rows[:budget]
        wide = np.count_nonzero(blob[kept] == 1)
        assert budget - wide < wide < budget  # a share by size would give both as many


def test_the_ends_of_the_temperature():
    x, blob = blobs([300, 300, 60, 300], [0.1, 0.2, 0.3, 0.4])

    def counts(tau, budget):
        rows = concept_prune(x, keys(960), budget, clusters=4, tau=tau).rows[:budget]
        return np.bincount(blob[rows], minlength=4).tolist()

    assert counts(1e9, 240) == [60, 60, 60, 60]
    assert counts(1e9, 360) == [100, 100, 60, 100]  # equal as far as they reach
    assert counts(1e-6, 240) == [1, 1, 1, 237]
    assert counts(1e-6, 480)[3] == 300


@pytest.mark.parametrize("keep", ["hard", "easy", "random"])
@pytest.mark.parametrize("floor", [0.0, 0.5, 1.0])
def test_the_budget_is_met_and_every_concept_stays(keep, floor):
    x, _ = blobs([300, 200, 1, 40, 9], [0.08, 0.02, 0.0, 0.03, 0.03])
    for budget in (1, 7, 8, 101, 333, 550):
        order = concept_prune(x, keys(550), budget, clusters=8, tau=1e-3, floor=floor, keep=keep)
        assert sorted(order.rows.tolist()) == list(range(550))
        cluster = np.array([int(said.partition(" ")[2]) for said in order.reasons])
        sizes = np.bincount(cluster)
        assert len(sizes) == 8 and sizes.min() == 1
        least = int(budget / 8 * floor) if floor else budget // 8 > 0
        assert (np.bincount(cluster[:budget], minlength=8) >= np.minimum(least, sizes)).all()
        for one in range(8):
            if keep != "random":
                assert (np.diff(order.gains[cluster == one]) * (1 if keep == "easy" else -1) >= 0).all()


def test_random_rows_of_a_concept_go_by_key():
    x, blob = blobs([50, 50], [0.2, 0.2])
    key = keys(100)
    rows = concept_prune(x, key, 20, clusters=2, keep="random").rows
    for one in range(2):
        assert (np.diff(key[rows[blob[rows] == one]].astype(object)) > 0).all()


def test_prototypes_far_and_near():
    x, blob = blobs([80, 80, 80], [0.2, 0.2, 0.2])
    units = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1)[:, None]
    means = np.stack([units[blob == one].sum(axis=0) for one in range(3)])
    distance = 1 - (units * (means / np.linalg.norm(means, axis=1)[:, None])[blob]).sum(axis=1)
    far = ssp_prototypes(x, keys(240), clusters=3, balance=0.0)
    near = ssp_prototypes(x, keys(240), clusters=3, balance=0.0, keep="near")
    np.testing.assert_allclose(far.gains, np.sort(distance)[::-1], atol=1e-4)
    np.testing.assert_allclose(near.gains, np.sort(distance), atol=1e-4)


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_prototypes_keep_classes_in_balance(balance):
    """The one wide blob is farthest, and takes all that the floor of the others leaves."""
    x, blob = blobs([100, 100, 100, 5], [0.02, 0.02, 0.9, 0.02])
    order = ssp_prototypes(x, keys(305), np.array([3, 1, 0, 2])[blob], clusters=40, balance=balance)
    assert sorted(order.rows.tolist()) == list(range(305))
    counts = np.bincount(blob[order.rows[:80]], minlength=4)
    assert counts.tolist() == {0.0: [0, 0, 80, 0], 0.5: [10, 10, 55, 5], 1.0: [20, 20, 35, 5]}[balance]
    order = ssp_prototypes(x, keys(305), clusters=40, balance=balance)
    clusters = np.array([int(said.partition(" ")[2]) for said in order.reasons])
    sizes = np.bincount(clusters)
    for b in (40, 120, 200):
        assert (np.bincount(clusters[:b], minlength=40) >= np.minimum(balance * b // 40, sizes)).all()


@pytest.mark.parametrize("choose", [ssp_prototypes, lambda x, key, **o: concept_prune(x, key, 40, **o)])
def test_rows_in_another_order(choose):
    x, _ = blobs([100, 100, 50], [0.3, 0.2, 0.1])
    key, mixed = keys(250), np.random.default_rng(2).permutation(250)
    assert mixed[choose(x[mixed], key[mixed], clusters=12).rows].tolist() == choose(x, key, clusters=12).rows.tolist()


def test_few_and_equal_rows():
    for n in (1, 30):
        x = np.ones((n, 3), np.float32)
        assert sorted(concept_prune(x, keys(n), n).rows.tolist()) == list(range(n))
        assert sorted(concept_prune(x, keys(n), 1, clusters=n).rows.tolist()) == list(range(n))
        key = keys(n)
        assert ssp_prototypes(x, key).rows.tolist() == np.argsort(key).tolist()


@pytest.mark.parametrize(
    "options", [{"tau": 0.0}, {"floor": 1.1}, {"neighbours": 0}, {"clusters": 0}, {"clusters": 251}, {"balance": -0.1}]
)
def test_parameters_out_of_range(options):
    x, _ = blobs([100, 150], [0.3, 0.2])
    with pytest.raises(Refused, match=next(iter(options))):
        ssp_prototypes(x, keys(250), **options) if "balance" in options else concept_prune(x, keys(250), 9, **options)
    x[7] = 0
    with pytest.raises(BadRow, match="row 7"):
        concept_prune(x, keys(250), 9)

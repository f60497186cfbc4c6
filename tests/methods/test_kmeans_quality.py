"""kMQ: every budget divided among clusters, and quality within them."""

import numpy as np
import pytest

from tamis.errors import BadRow, Refused
from tamis.methods.kmeans_quality import kmeans_quality
from tamis.ops.shares import water_filling


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def blobs(*sizes):
    blob = np.repeat(np.arange(len(sizes)), sizes)
    noise = np.random.default_rng(0).normal(scale=0.01, size=(len(blob), 2))
    return (np.stack([blob * 10.0, blob % 2], axis=1) + noise).astype(np.float32), blob


@pytest.mark.parametrize("divide", ["size", "equal"])
def test_every_budget_of_kmq_is_divided_among_clusters(divide):
    x, blob = blobs(70, 20, 7)
    order = kmeans_quality(x, np.random.default_rng(1).random(97), keys(97), clusters=3, divide=divide)
    for budget in range(1, 98):
        counts = np.bincount(blob[order.rows[:budget]], minlength=3)
        if divide == "equal":
            assert sorted(counts) == sorted(water_filling(budget, np.array([70, 20, 7])))
        else:
            assert (np.abs(counts - budget * np.array([70, 20, 7]) / 97) < 1).all()


@pytest.mark.parametrize("sampling", ["proportional", "softmax"])
def test_within_a_cluster_rows_are_drawn_by_quality(sampling):
    """The first of each cluster, by odds of 3 to 1, and the best one at a temperature of 0."""
    x, blob = blobs(2, 2)
    quality = np.array([3.0, 1.0, 1.0, 3.0]) if sampling == "proportional" else np.log([3.0, 1.0, 1.0, 3.0])
    firsts = [kmeans_quality(x, quality, keys(4, seed), clusters=2, sampling=sampling).rows[:2] for seed in range(2000)]
    assert all(len(set(blob[rows])) == 2 for rows in firsts)
    np.testing.assert_allclose(np.bincount(np.concatenate(firsts)) / 2000, [0.75, 0.25, 0.25, 0.75], atol=0.03)
    if sampling == "softmax":
        best = kmeans_quality(x, quality, keys(4), clusters=2, sampling=sampling, temperature=0.0)
        assert set(best.rows[:2].tolist()) == {0, 3}


def test_reasons_name_the_cluster():
    x, blob = blobs(9, 4)
    order = kmeans_quality(x, np.ones(13), keys(13), clusters=2)
    assert len({(said, one) for said, one in zip(order.reasons, blob[order.rows].tolist(), strict=True)}) == 2


def test_rows_in_another_order():
    rng, key = np.random.default_rng(2), keys(300)
    x, score, mixed = rng.normal(size=(300, 4)).astype(np.float32), rng.random(300), rng.permutation(300)
    one, two = (kmeans_quality(x[at], score[at], key[at], clusters=20).rows for at in (np.arange(300), mixed))
    assert mixed[two].tolist() == one.tolist()


@pytest.mark.parametrize("n", [1, 2, 40])
def test_few_and_equal_rows(n):
    found = kmeans_quality(np.zeros((n, 3), np.float32), np.zeros(n), keys(n), clusters=n)
    assert sorted(found.rows.tolist()) == list(range(n))


@pytest.mark.parametrize("options", [{"clusters": 0}, {"clusters": 41}, {"temperature": -1.0}])
def test_parameters_out_of_range(options):
    x = np.ones((40, 2), np.float32)
    with pytest.raises(Refused, match=next(iter(options))):
        kmeans_quality(x, np.ones(40), keys(40), **options)
    with pytest.raises(BadRow, match="row 3"):
        kmeans_quality(x, np.where(np.arange(40) == 3, -1.0, 1.0), keys(40))

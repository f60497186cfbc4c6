"""Prototypes: distances by hand, and classes in balance."""

import numpy as np
import pytest

from tamis.errors import BadRow, Refused
from tamis.methods.ssp_prototypes import ssp_prototypes


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def blobs(sizes, spreads, d=6, seed=0):
    """Rows around axes, which are all as far from each other, at all lengths; and the blob of each."""
    rng, blob = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)
    x = np.eye(d)[blob] + np.asarray(spreads)[blob, None] * rng.normal(size=(len(blob), d)) / np.sqrt(d)
    return (x * rng.uniform(0.1, 10, (len(blob), 1))).astype(np.float32), blob


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


def test_as_many_clusters_as_classes_or_the_root_of_rows():
    x, blob = blobs([50, 30, 20], [0.5, 0.5, 0.5])
    for label, clusters in ((None, 10), (blob, 3)):
        assert len(set(ssp_prototypes(x, keys(100), label).reasons)) == clusters


def test_rows_in_another_order():
    x, blob = blobs([100, 100, 50], [0.3, 0.2, 0.1])
    key, mixed = keys(250), np.random.default_rng(2).permutation(250)
    for label in (None, blob):
        one, two = (
            ssp_prototypes(x[at], key[at], None if label is None else label[at], clusters=12).rows
            for at in (np.arange(250), mixed)
        )
        assert mixed[two].tolist() == one.tolist()


@pytest.mark.parametrize("n", [1, 30])
def test_equal_rows_go_by_key(n):
    key = keys(n)
    assert ssp_prototypes(np.ones((n, 3), np.float32), key).rows.tolist() == np.argsort(key).tolist()


@pytest.mark.parametrize("options", [{"balance": -0.1}, {"balance": 1.1}, {"clusters": 0}, {"clusters": 251}])
def test_what_is_refused(options):
    x, _ = blobs([100, 150], [0.3, 0.2])
    with pytest.raises(Refused, match=next(iter(options))):
        ssp_prototypes(x, keys(250), **options)
    x[7] = 0
    with pytest.raises(BadRow, match="row 7"):
        ssp_prototypes(x, keys(250))

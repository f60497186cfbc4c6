"""Density-based pruning: the checks of its specification, in clusters that are known."""

import numpy as np
import pytest

from tamis.errors import BadRow, Refused
from tamis.methods.concept_prune import concept_prune


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def blobs(sizes, spreads, d=6, seed=0):
    """Rows around axes, which are all as far from each other, at all lengths; and the blob of each."""
    rng, blob = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)
    x = np.eye(d)[blob] + np.asarray(spreads)[blob, None] * rng.normal(size=(len(blob), d)) / np.sqrt(d)
    return (x * rng.uniform(0.1, 10, (len(blob), 1))).astype(np.float32), blob


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
    assert counts(5e-324, 240) == [1, 1, 1, 237]


def test_a_floor_is_not_lost_to_rounding():
    """0.29 of an equal share of 100 is 29, though the product of the two numbers is a little less."""
    x, blob = blobs([200, 200], [0.02, 0.5])
    rows = concept_prune(x, keys(400), 200, clusters=2, tau=1e-6, floor=0.29).rows[:200]
    assert np.bincount(blob[rows]).tolist() == [29, 171]


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


def test_rows_in_another_order():
    x, _ = blobs([100, 100, 50], [0.3, 0.2, 0.1])
    key, mixed = keys(250), np.random.default_rng(2).permutation(250)
    one, two = (concept_prune(x[at], key[at], 40, clusters=12).rows for at in (np.arange(250), mixed))
    assert mixed[two].tolist() == one.tolist()


def test_few_and_equal_rows():
    for n in (1, 30):
        x = np.ones((n, 3), np.float32)
        assert sorted(concept_prune(x, keys(n), n).rows.tolist()) == list(range(n))
        assert sorted(concept_prune(x, keys(n), 1, clusters=n).rows.tolist()) == list(range(n))


@pytest.mark.parametrize(
    "options", [{"tau": 0.0}, {"floor": 1.1}, {"neighbours": 0}, {"clusters": 0}, {"clusters": 251}]
)
def test_parameters_out_of_range(options):
    x, _ = blobs([100, 150], [0.3, 0.2])
    with pytest.raises(Refused, match=next(iter(options))):
        concept_prune(x, keys(250), 9, **options)
    x[7] = 0
    with pytest.raises(BadRow, match="row 7"):
        concept_prune(x, keys(250), 9)

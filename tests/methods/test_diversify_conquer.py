"""Diversify and Conquer: what each round draws of each cluster."""

import numpy as np
import pytest

from tamis.errors import Refused
from tamis.methods.diversify_conquer import diversify_conquer


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def blobs(*sizes):
    blob = np.repeat(np.arange(len(sizes)), sizes)
    noise = np.random.default_rng(0).normal(scale=0.01, size=(len(blob), 2))
    return (np.stack([blob * 10.0, blob % 2], axis=1) + noise).astype(np.float32), blob


def test_junk_clusters_get_less_every_round():
    x, blob = blobs(*[400] * 6)
    quality = np.where(blob >= 4, 1.0, 4.0) + np.random.default_rng(0).random(2400)
    order = diversify_conquer(x, quality, keys(2400), 600, clusters=6, rounds=3)
    shares = [float(np.mean(blob[order.rows[start : start + 200]] >= 4)) for start in (0, 200, 400)]
    assert abs(shares[0] - 1 / 3) < 0.01 and shares[0] > 1.5 * shares[1] > 2 * shares[2]
    assert order.reasons[0].endswith(", round 1") and order.reasons[599].endswith(", round 3")
    assert "round" not in order.reasons[600]


def test_twenty_thousand_rows_and_budgets_that_do_not_divide():
    x = np.random.default_rng(0).normal(size=(20_000, 8)).astype(np.float32)
    order = diversify_conquer(x, np.random.default_rng(1).random(20_000), keys(20_000), 1001, clusters=60, rounds=7)
    assert len(set(order.rows.tolist())) == 20_000
    assert len({said.partition(",")[0] for said in order.reasons[:1001]}) == 60


def test_rows_in_another_order():
    rng, key = np.random.default_rng(2), keys(300)
    x, score, mixed = rng.normal(size=(300, 4)).astype(np.float32), rng.random(300), rng.permutation(300)
    one, two = (diversify_conquer(x[at], score[at], key[at], 50, clusters=20).rows for at in (np.arange(300), mixed))
    assert mixed[two].tolist() == one.tolist()


@pytest.mark.parametrize("n", [1, 2, 40])
def test_few_and_equal_rows(n):
    for count in (1, n):
        found = diversify_conquer(np.zeros((n, 3), np.float32), np.zeros(n), keys(n), count)
        assert sorted(found.rows.tolist()) == list(range(n))


@pytest.mark.parametrize("options", [{"clusters": 41}, {"temperature": 0.0}, {"rounds": 0}])
def test_parameters_out_of_range(options):
    with pytest.raises(Refused, match=next(iter(options))):
        diversify_conquer(np.ones((40, 2), np.float32), np.ones(40), keys(40), 9, **options)

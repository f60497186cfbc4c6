"""kMQ and Diversify and Conquer: budgets, odds and weights by hand and by frequency."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import BadRow, Refused
from tamis.methods.diversify_conquer import diversify_conquer
from tamis.methods.kmeans_quality import kmeans_quality
from tamis.ops.cluster_draws import drawn, drawn_in_rounds, reweighted
from tamis.ops.shares import water_filling


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def blobs(*sizes):
    blob = np.repeat(np.arange(len(sizes)), sizes)
    noise = np.random.default_rng(0).normal(scale=0.01, size=(len(blob), 2))
    return (np.stack([blob * 10.0, blob % 2], axis=1) + noise).astype(np.float32), blob


@pytest.mark.parametrize("sampling", ["proportional", "softmax"])
def test_decimals_of_quality_change_the_odds(sampling):
    """The first draw of 4.7, 4.2 and 4.0 (cast to whole numbers they would be equal) is by odds, as is the second."""
    quality = np.array([4.7, 4.2, 4.0])
    odds = quality if sampling == "proportional" else np.exp(quality / 0.5)
    found = np.array([drawn(quality, keys(3, seed), sampling, 0.5) for seed in range(12_000)])
    np.testing.assert_allclose(np.bincount(found[:, 0]) / 12_000, odds / odds.sum(), atol=0.015)
    second = found[found[:, 0] == 2, 1]
    np.testing.assert_allclose(np.mean(second == 0), odds[0] / odds[:2].sum(), atol=0.03)


def test_a_quality_of_nothing_comes_last_and_large_ones_do_no_harm():
    assert drawn(np.array([0.0, 3.0, 0.0]), keys(3), "proportional", 1.0)[0] == 1
    assert len({tuple(drawn(np.zeros(3), keys(3, seed), "proportional", 1.0)) for seed in range(60)}) == 6
    assert drawn(np.array([1e300, 0.0, -1e300]), keys(3), "softmax", 1.0).tolist() == [0, 1, 2]
    assert drawn(np.array([1.0, 2.0]), keys(2), "softmax", 0.0).tolist() == [1, 0]
    with pytest.raises(BadRow, match="row 1"):
        drawn(np.array([0.0, -0.5]), keys(2), "proportional", 1.0)


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


def test_weights_are_halved_again_and_again():
    weight = np.full(4, 0.25)
    for times in (1, 2, 3):
        weight = reweighted(weight, np.array([1.0, 2.0, 2.0, 2.0]), "proportional", 1.0)
        np.testing.assert_allclose(weight[0] / weight[1:], 0.5**times)
        np.testing.assert_allclose(weight.sum(), 1)
    apart = reweighted(np.full(2, 0.2), np.log([3.0, 1.0]), "softmax", 1.0)
    np.testing.assert_allclose(apart, [0.3, 0.1])  # what the two had together they keep
    assert reweighted(np.array([0.3, 0.7]), np.zeros(2), "proportional", 1.0).tolist() == [0.3, 0.7]


def test_rounds_by_hand():
    """Three clusters, the first half as good; the last gives out in the first round and keeps its weight."""
    label, score = np.repeat([0, 1, 2], [400, 400, 10]), np.repeat([1.0, 2.0, 2.0], [400, 400, 10])
    rows, turn = drawn_in_rounds(label, score, keys(810), np.array([90, 90, 90]), "proportional", 1.0)
    counts = [np.bincount(label[rows[turn == number]], minlength=3).tolist() for number in range(4)]
    assert counts[0] == [40, 40, 10]
    # weights 1/5, 2/5, 2/5 of the whole, and what the last cannot give is shared evenly
    assert counts[1] == [36, 54, 0]
    # then 1/5 and 2/5 were drawn from: 3/25 and 12/25
    assert counts[2] == [29, 61, 0]
    assert sum(counts[3]) == 540


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.integers(1, 6),
    st.integers(0, 99),
    st.booleans(),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_rounds_spend_their_budgets(sizes, rounds, seed, soft, data):
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    budget = data.draw(st.integers(rounds, len(label))) if len(label) >= rounds else len(label)
    counts = np.bincount(rng.integers(0, rounds, budget), minlength=rounds)
    score, sampling = rng.random(len(label)), "softmax" if soft else "proportional"
    rows, turn = drawn_in_rounds(label, score, keys(len(label), seed), counts, sampling, 1.0)
    assert sorted(rows.tolist()) == list(range(len(label))) and (np.diff(turn) >= 0).all()
    assert np.bincount(turn, minlength=rounds + 1)[:rounds].tolist() == counts.tolist()
    order = drawn(score, keys(len(label), seed), sampling, 1.0)
    for code in range(len(sizes)):  # rounds go on where the last one stopped: one draw without replacement
        mine = [(at, np.flatnonzero(order == row)[0]) for row, at in zip(rows, turn, strict=True) if label[row] == code]
        assert mine == sorted(mine)


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


METHODS = [kmeans_quality, lambda x, score, key, **o: diversify_conquer(x, score, key, 50, **o)]


@pytest.mark.parametrize("choose", METHODS)
def test_rows_in_another_order(choose):
    rng = np.random.default_rng(2)
    x, score, key, mixed = (
        rng.normal(size=(300, 4)).astype(np.float32),
        rng.random(300),
        keys(300),
        rng.permutation(300),
    )
    one, two = choose(x, score, key, clusters=20).rows, choose(x[mixed], score[mixed], key[mixed], clusters=20).rows
    assert mixed[two].tolist() == one.tolist()


@pytest.mark.parametrize("n", [1, 2, 40])
def test_few_and_equal_rows(n):
    x, score = np.zeros((n, 3), np.float32), np.zeros(n)
    for count in (1, n):
        assert sorted(diversify_conquer(x, score, keys(n), count).rows.tolist()) == list(range(n))
    assert sorted(kmeans_quality(x, score, keys(n), clusters=n).rows.tolist()) == list(range(n))


@pytest.mark.parametrize("options", [{"clusters": 41}, {"temperature": -1.0}, {"rounds": 0}])
def test_parameters_out_of_range(options):
    x, score = np.ones((40, 2), np.float32), np.ones(40)
    for choose in METHODS["rounds" in options :]:
        with pytest.raises(Refused, match=next(iter(options))):
            choose(x, score, keys(40), **options)
    with pytest.raises(Refused, match="temperature"):
        METHODS[1](x, score, keys(40), temperature=0.0)

"""Draws within clusters: odds by frequency, rounds and weights by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import BadRow
from tamis.ops.cluster_draws import drawn, drawn_in_rounds, equal_rounds, reweighted


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


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


@pytest.mark.parametrize("size", [1e-310, 1e308])
def test_large_and_small_scores_are_divided_alike(size):
    """Neither their sums nor their shares overflow."""
    label, score = np.repeat([0, 1], 400), np.repeat([0.5, 1.0], 400) * size
    with np.errstate(all="raise", under="ignore"):
        rows, turn = drawn_in_rounds(label, score, keys(800), np.array([90, 90]), "proportional", 1.0)
    assert [np.bincount(label[rows[turn == number]]).tolist() for number in (0, 1)] == [[45, 45], [30, 60]]


def test_rounds_are_no_more_than_rows():
    assert [equal_rounds(count, 3).tolist() for count in (1, 3, 7)] == [[1], [1, 1, 1], [3, 2, 2]]

"""Choosers: priorities by hand, and the distribution of the weighted draw."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops.choosers import CHOOSERS, bottom, gumbel, middle, threshold, top, uniform, weighted_draw
from tamis.ops.hashing import mix64

SCORE = np.array([3.0, -1.0, 3.0, 7.0, 0.5])
KEY = mix64(np.arange(5, dtype=np.uint64))


def order(priority):
    """Rows by falling priority, ties by row, NaN never."""
    rows = np.argsort(-priority, kind="stable")
    return rows[~np.isnan(priority[rows])].tolist()


def test_orders_by_hand():
    assert order(top(SCORE, KEY)) == [3, 0, 2, 4, 1]
    assert order(bottom(SCORE, KEY)) == [1, 4, 0, 2, 3]
    assert order(threshold(SCORE, KEY, low=0.5, high=3.0)) == [0, 2, 4]
    assert order(threshold(SCORE, KEY)) == order(top(SCORE, KEY))
    assert order(weighted_draw(SCORE, KEY, temperature=0)) == order(top(SCORE, KEY))


def test_middle_by_hand():
    assert order(middle(np.array([40.0, 10, 30, 50, 20]), KEY)) == [2, 4, 0, 1, 3]
    assert order(middle(np.array([4.0, 1, 3, 2]), KEY[:4])) == [3, 2, 1, 0]
    assert order(middle(np.full(4, 2.0), KEY[:4])) == [0, 1, 2, 3]
    assert order(middle(np.array([9.0, 5, 1, 1, 1]), KEY)) == [2, 3, 4, 1, 0]


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_middle_goes_with_the_scores_not_the_rows(values, random):
    score = np.array(values, float)
    mixed = np.array(random.sample(range(len(values)), len(values)))
    key = np.zeros(len(values), np.uint64)
    assert middle(score, key)[mixed].tolist() == middle(score[mixed], key).tolist()


@pytest.mark.parametrize("name", ["top", "bottom", "threshold", "weighted-draw"])
def test_pointwise_choosers_may_be_cut_in_blocks(name):
    found = CHOOSERS.get(name)
    assert found.pointwise
    halves = [found.function(SCORE[part], KEY[part]) for part in (slice(2), slice(2, 5))]
    assert np.concatenate(halves).tolist() == found.function(SCORE, KEY).tolist()


def test_uniform_is_strictly_between_0_and_1():
    ends = np.array([0, 2**64 - 1], np.uint64)
    low, high = uniform(ends)
    assert 0 < low < high < 1
    assert np.isfinite(gumbel(ends)).all()


def draws(weights, count, temperature=1.0):
    """Rows by priority in each of `count` draws, `[count, n]`."""
    keys = mix64(np.arange(count * len(weights), dtype=np.uint64)).reshape(count, len(weights))
    score = np.log(weights) * temperature
    return np.argsort([-weighted_draw(score, key, temperature=temperature) for key in keys], axis=1)


@pytest.mark.parametrize("temperature", [1.0, 0.25, 3.0])
def test_weighted_draw_is_a_draw_without_replacement(temperature):
    """Weights .5, .3, .2: the first as the weights, two of three with .840, .675, .485 (spec, ±.01 at 40,000 draws)."""
    weights = [0.5, 0.3, 0.2]
    found = draws(weights, 40_000, temperature)
    first = np.bincount(found[:, 0], minlength=3) / len(found)
    inside = np.bincount(found[:, :2].ravel(), minlength=3) / len(found)
    np.testing.assert_allclose(first, weights, atol=0.01)
    np.testing.assert_allclose(inside, [inclusion(weights, row) for row in range(3)], atol=0.01)
    np.testing.assert_allclose(inside, [0.840, 0.675, 0.485], atol=0.01)


def inclusion(weights, row):
    """Chance that `row` is among the first two of successive draws without replacement."""
    others = (w for other, w in enumerate(weights) if other != row)
    return weights[row] + sum(w * weights[row] / (1 - w) for w in others)


def test_gumbel_has_its_mean_and_variance():
    noise = gumbel(mix64(np.arange(200_000, dtype=np.uint64)))
    assert noise.mean() == pytest.approx(0.57722, abs=0.01)
    assert noise.var() == pytest.approx(math.pi**2 / 6, abs=0.03)


@pytest.mark.parametrize(("score", "temperature"), [(1.0, 1e-320), (-1e300, 1e-300)])
def test_a_draw_whose_priorities_overflow_is_refused(score, temperature):
    said = f"temperature={temperature}: it is too near 0 for a score of {score:g}"
    with pytest.raises(Refused, match=re.escape(said)):
        weighted_draw(np.array([0.0, score]), KEY[:2], temperature=temperature)

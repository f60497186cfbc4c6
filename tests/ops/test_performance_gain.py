"""The gain at each threshold against loops, its interval and p-value against what chance makes, and planted items."""

import itertools
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import contamination, performance_gain
from tamis.ops.contamination_scores import scores
from tamis.ops.performance_gain import gains

pytestmark = pytest.mark.filterwarnings("ignore:.*items tell little")
SHARES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.6, 1.0, np.nan])


def slow(found, y, t):
    """EPG, frac and z by their definitions."""
    pairs = [(s, v) for s, v in zip(found, y, strict=True) if s == s]
    everyone = np.array([v for _, v in pairs])
    clean = [v for s, v in pairs if s <= t]
    gain = everyone.mean() - np.mean(clean) if clean else np.nan
    z = np.nan
    if 0 < len(clean) < len(everyone):
        left = (len(everyone) - len(clean)) / (len(everyone) - 1)
        z = (np.mean(clean) - everyone.mean()) / (everyone.std() / np.sqrt(len(clean)) * np.sqrt(left))
    return gain, 1 - len(clean) / len(everyone), z


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(SHARES, st.integers(-2, 3)), max_size=12), least=st.sampled_from([0.0, 0.3, 1.0]))
def test_equals_the_definition(rows, least):
    found, y = (np.array(column, float) for column in zip(*rows, strict=True)) if rows else (np.array([]),) * 2
    if len(np.unique(y[~np.isnan(found)])) < 2:
        with pytest.raises(Refused, match="all the same"):
            gains(found, y)
        return
    told = gains(found, y, thresholds=[-0.5, 0, 0.1, 0.3, 0.6, 1], minimum_clean=least, repeats=100)
    expected = np.array([slow(found, y, t) for t in told.threshold])
    np.testing.assert_allclose(np.transpose([told.gain, told.fraction, told.z]), expected, atol=1e-12)
    assert (told.items, told.undefined) == (np.sum(~np.isnan(found)), np.sum(np.isnan(found)))
    allowed = np.flatnonzero((expected[:, 1] > 0) & (1 - expected[:, 1] >= max(least - 1e-12, 1e-12)))
    if not len(allowed):
        assert (told.best, told.p) == (-1, 1)
    else:
        assert told.best in allowed
        assert told.gain[told.best] == pytest.approx(expected[allowed, 0].max(), abs=1e-12)
    assert (np.isnan(told.low) == np.isnan(told.gain)).all() and not (told.low > told.high).any()


def test_z_has_mean_0_and_variance_1_over_all_choices_of_clean_items():
    y = np.array([0.0, 1, 1, 3, 0, 2, 7])
    all_z = []
    for clean in itertools.combinations(range(7), 3):
        found = np.ones(7)
        found[list(clean)] = 0
        all_z.append(gains(found, y, thresholds=[0.5], repeats=100).z[0])
    assert np.mean(all_z) == pytest.approx(0, abs=1e-12) and np.var(all_z) == pytest.approx(1)


def test_p_value_is_the_share_of_permutations():
    found, y = np.array([0, 0.2, 0.2, 0.4, 0.6, 0.8]), np.array([0.0, 1, 0, 0, 1, 1])
    grid = [0, 0.2, 0.4, 0.6]
    told = gains(found, y, thresholds=grid, repeats=20_000)
    largest = [
        max(y.mean() - shuffled[found <= t].mean() for t in grid)
        for shuffled in map(np.array, itertools.permutations(y))
    ]
    exact = np.mean(np.array(largest) >= told.gain[told.best] - 1e-12)
    assert abs(told.p - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000)


def test_p_values_of_unrelated_scores_are_uniform():
    """Kolmogorov and Smirnov: with 300 values the deviation is below 0.094 in 99 of 100."""
    rng = np.random.default_rng(5)
    p = [
        gains(rng.choice([0, 0.2, 0.5, 0.9], 60, p=[0.5, 0.2, 0.2, 0.1]), rng.normal(size=60), repeats=199, seed=k).p
        for k in range(300)
    ]
    expected = (np.arange(300) + 1) / 300
    assert np.abs(np.sort(p) - expected).max() < 0.094


def test_intervals_hold_the_true_gain_as_often_as_they_say():
    """0/1 values, a fifth contaminated and always right, the others in 3 of 10: the gain is 0.14."""
    rng = np.random.default_rng(6)
    held = []
    for _ in range(300):
        found = (rng.random(300) < 0.2).astype(float)
        y = np.where(found > 0, 1.0, rng.random(300) < 0.3)
        told = gains(found, y, thresholds=[0.5], repeats=300, level=0.9)
        held.append(told.low[0] <= 0.14 <= told.high[0])
    assert 0.85 < np.mean(held) < 0.95


def test_blocks_and_order_change_little_and_the_seed_tells(monkeypatch):
    rng = np.random.default_rng(7)
    found, y = rng.choice([0, 0.3, 0.9], 200), rng.random(200)
    whole = gains(found, y, repeats=100)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(whole, gains(found, y, repeats=100), strict=True))
    monkeypatch.setattr(performance_gain, "BLOCK", 1_000)
    again = gains(found, y, repeats=100)
    np.testing.assert_allclose([again.low, again.high], [whole.low, whole.high])
    assert again.p == whole.p
    other = gains(found, y, repeats=100, seed=1)
    assert not np.array_equal(other.low, whole.low)


@pytest.mark.skipif("TAMIS_DATA" not in os.environ, reason="TAMIS_DATA names no folder of data sets")
def test_planted_items_of_gsm8k_are_told_and_so_is_what_they_gave():
    folder = Path(os.environ["TAMIS_DATA"])
    items = pq.read_table(folder / "instruct/gsm8k_test.parquet")["question"].to_pylist()[:500]
    texts = pq.read_table(folder / "text/ag_news_test.parquet")["text"].to_pylist()[:2_000]
    rng = np.random.default_rng(8)
    planted = np.zeros(500, bool)
    planted[rng.permutation(500)[:100]] = True
    for place, row in zip(rng.permutation(2_000), np.flatnonzero(planted), strict=False):
        texts[place] = f"{texts[place]}\n\nQ:  {items[row].upper()}\nA: see below. {texts[place]}"
    index = contamination.index(pa.array(items))
    found = scores(index, contamination.count(index, pa.array(texts))).longest_match
    flagged = found > 0.6
    assert planted[flagged].mean() > 0.95 and flagged[planted].all() and (found[planted] == 1).all()
    y = np.where(planted, 1.0, rng.random(500) < 0.3)
    told = gains(found, y)
    truth = y.mean() - y[~planted].mean()
    assert abs(told.gain[told.best] - truth) < 0.03 and told.p == 1 / 1001 and told.z[told.best] < -3
    assert told.low[told.best] < truth < told.high[told.best]
    assert told.fraction[told.best] == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"y": [1.0]}, "1 values of y: it is out of range; give 60, one a score"),
        ({"y": [np.inf, *range(59)]}, "y=inf"),
        ({"y": [1.0] * 60}, "y of 60 items"),
        ({"scores": [np.nan] * 60}, "y of 0 items"),
        ({"minimum_clean": 1.5}, "minimum_clean=1.5"),
        ({"repeats": 99}, "repeats=99"),
        ({"level": 1.0}, "level=1.0"),
    ],
)
def test_refusals(changed, said):
    with pytest.raises(Refused, match=said):
        gains(**{"scores": np.linspace(0, 1, 60), "y": np.arange(60.0)} | changed)


def test_few_items_are_warned_of():
    with pytest.warns(UserWarning, match="49 items tell little"):
        gains(np.r_[np.linspace(0, 1, 49), np.nan], np.arange(50.0), repeats=100)

"""The test where a choice is the same for every seed."""

import numpy as np
import pytest
from scipy import stats

from tamis.evidence.judge import judge
from tamis.evidence.one_choice import is_luck, one_choice_p


def test_a_method_that_never_varies_is_judged_as_one_more_random_choice():
    random = np.array([0.71, 0.74, 0.70, 0.73, 0.75])
    method = np.full(5, 0.80)
    error = random.std(ddof=1) * np.sqrt(1 + 1 / 5)
    wanted = 2 * stats.t.sf((0.80 - random.mean()) / error, 4)
    assert one_choice_p(method, random, 1.0) == pytest.approx(wanted)


@pytest.mark.parametrize("seeds", [5, 20])
def test_one_random_choice_for_all_seeds_is_rarely_called_different(seeds):
    """The plain paired test is wrong a third of the time and more; 5 % are allowed in each direction."""
    rng = np.random.default_rng(seeds)
    plain = called = 0
    for _ in range(2000):
        draws = rng.normal(size=seeds + 1)
        method, random = np.full(seeds, draws[0]), draws[1:]
        sure = stats.ttest_1samp(method - random, 0).pvalue < 0.05
        plain += sure
        called += sure and not is_luck(method, random, 1.0)
    assert plain / 2000 > 0.25 and called / 2000 < 0.115


def test_where_training_varies_as_much_the_paired_test_stands():
    """The same rows, and noise of the seed in both: power is hardly less than that of the paired test."""
    rng = np.random.default_rng(3)
    plain = called = 0
    for _ in range(2000):
        method, random = 1.5 + rng.normal(size=5), rng.normal(size=5)
        sure = stats.ttest_rel(method, random).pvalue < 0.05
        plain += sure
        called += sure and not is_luck(method, random, 1.0)
    assert called / plain > 0.96


def test_choices_that_vary_are_not_touched():
    rng = np.random.default_rng(0)
    method, random = rng.normal(size=5) / 9, rng.normal(size=5)
    assert one_choice_p(method, random, 0.3) is None
    assert one_choice_p(random, method, 1.0) is None


def test_the_verdict_and_its_words():
    values = ([0.80] * 5, [0.73, 0.77, 0.74, 0.79, 0.72])
    drawn = judge({"m": values}, higher_is_better=True)[0]
    fixed = judge({"m": values}, higher_is_better=True, same={"m": 1.0})[0]
    assert (drawn["verdict"], fixed["verdict"]) == ("better", "no difference")
    assert (drawn["low"], drawn["high"]) == (fixed["low"], fixed["high"]) and fixed["one_choice"]
    assert "the same for every seed" in fixed["words"] and "Holm" not in fixed["words"]

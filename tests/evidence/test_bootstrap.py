"""The bootstrap interval that stands beside the t interval."""

import numpy as np
import pytest

from tamis.evidence.statistics import bootstrap, paired


def test_bootstrap_begins_at_twenty_seeds():
    values = np.random.default_rng(7).normal(0.3, 1, 20)
    assert bootstrap(values[:19]) is None
    found = bootstrap(values, 3)
    assert found == bootstrap(values, 3) != bootstrap(values, 4)
    assert found == pytest.approx(paired(values)[2:4], abs=0.15)
    assert bootstrap([0.25] * 20) == (0.25, 0.25)


def test_bootstrap_is_the_slow_one():
    values = np.random.default_rng(8).normal(size=25)
    rng = np.random.default_rng(1)
    means = [np.mean([values[i] for i in row]) for row in rng.integers(0, 25, (500, 25))]
    assert bootstrap(values, 1, repeats=500, level=0.9) == pytest.approx(tuple(np.percentile(means, [5, 95])))


def test_bootstrap_of_many_repeats_is_the_normal_interval():
    values = np.random.default_rng(9).normal(size=400)
    half = 1.96 * values.std() / 20
    assert bootstrap(values, repeats=4_500) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)

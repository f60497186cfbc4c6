"""Paired intervals, Holm's correction and the bootstrap, against SciPy, statsmodels and slow computations."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tamis.errors import Refused
from tamis.evidence.statistics import (
    holm,
    mean_interval,
    need_bench_packages,
    paired,
    without_rounding,
)

numbers = st.lists(st.integers(-1000, 1000), min_size=2, max_size=12).map(lambda found: np.array(found) / 64)
varied = numbers.filter(lambda found: np.ptp(found) > 0)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@pytest.mark.parametrize("seeds", [2, 3, 5, 20, 200])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_paired_is_scipys_t_test(seeds, level):
    rng = np.random.default_rng(seeds)
    method, random = rng.normal(0.8, 0.1, seeds), rng.normal(0.7, 0.1, seeds)
    found, peer = paired(method - random, level), stats.ttest_rel(method, random)
    assert found.p == pytest.approx(peer.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(peer.confidence_interval(level)), rel=1e-9)
    assert (found.mean, found.sd) == pytest.approx(((method - random).mean(), (method - random).std(ddof=1)))
    assert (found.seeds, found.constant) == (seeds, False)


@given(varied, st.permutations(range(12)), st.integers(-300, 300))
def test_order_and_scale_do_not_matter(differences, order, power):
    found = paired(differences)
    assert paired(differences[[i for i in order if i < len(differences)]]) == found
    scaled = paired(np.ldexp(differences, power))
    assert scaled.p == found.p
    assert np.array_equal(scaled[:4], np.ldexp(found[:4], power))


def test_the_order_does_not_matter_to_the_last_bit():
    rng = np.random.default_rng(3)
    values = rng.normal(size=40) * 10.0 ** rng.integers(-9, 3, 40)
    assert len({paired(rng.permutation(values)) for _ in range(50)}) == 1


@given(varied)
def test_turned_signs_turn_the_interval(differences):
    found, turned = paired(differences), paired(-differences)
    assert (turned.mean, turned.low, turned.high) == (-found.mean, -found.high, -found.low)
    assert (turned.sd, turned.p) == (found.sd, found.p)


@given(varied, st.integers(-100, 100))
def test_a_shift_moves_the_interval(differences, shift):
    found, moved = paired(differences), paired(differences + shift)
    assert moved.sd == pytest.approx(found.sd, rel=1e-9)
    assert [moved.mean, moved.low, moved.high] == pytest.approx([v + shift for v in found[:1] + found[2:4]], abs=1e-9)


@given(varied)
def test_p_says_whether_the_interval_leaves_out_0(differences):
    found = paired(differences)
    assert found.low <= found.mean <= found.high
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    edge = paired(differences, 1 - found.p) if 0 < found.p < 1 else found
    assert edge is found or min(abs(edge.low), abs(edge.high)) < 1e-6 * max(1, abs(found.mean))


@pytest.mark.parametrize("factor", [1e-300, 1e-12, 1.0, 1e300])
def test_very_large_and_very_small(factor):
    found = paired(factor * np.array([1.0, 2.0, 3.0, 5.0]))
    assert found.p == pytest.approx(stats.ttest_1samp([1.0, 2.0, 3.0, 5.0], 0).pvalue, rel=1e-9)
    assert found.sd / factor == pytest.approx(np.std([1, 2, 3, 5], ddof=1))


@pytest.mark.parametrize("value", [0.0, -0.0, 0.25, -3.0])
def test_equal_differences(value):
    found = paired([value] * 5)
    assert found == (value, 0.0, value, value, 1.0 if value == 0 else 0.0, 5, True)


def test_rounding_is_no_difference():
    """0.8 − 0.7 and 0.4 − 0.3 are two floats, and 0.1 + 0.2 − 0.3 is not 0."""
    assert 0.8 - 0.7 != 0.4 - 0.3
    assert paired([0.8 - 0.7, 0.4 - 0.3]).constant
    assert not paired([1e-17, 0.0, 5e-17]).constant  # on their own they might be anything
    found = paired([0.1 + 0.2 - 0.3, 0.0, -1e-17], scale=0.3)
    assert found == (0, 0, 0, 0, 1, 3, True)
    assert without_rounding([0.5, 1e-17, -1e-17]).tolist() == [0.5, 0, 0]
    assert without_rounding([0.5, 1e-11, 0]).tolist() == [0.5, 1e-11, 0]


@given(numbers, st.integers(0, 99))
def test_noise_of_rounding_changes_nothing(differences, seed):
    """Below a tolerance of 1e-12 · 16, the size of what was subtracted."""
    noise = np.random.default_rng(seed).uniform(-1e-15, 1e-15, len(differences))
    plain, noisy = paired(differences, scale=16), paired(differences + noise, scale=16)
    assert (noisy.constant, noisy.seeds) == (plain.constant, plain.seeds)
    assert noisy[:5] == pytest.approx(plain[:5], abs=1e-9)


@pytest.mark.parametrize("differences", [[], [0.1], [0.1, np.nan], [0.1, np.inf]])
def test_what_has_no_interval(differences):
    with pytest.raises(ValueError, match=r"at least 2|not finite"):
        paired(differences)


def test_a_method_that_is_random_is_called_different_in_one_of_twenty_studies():
    rng = np.random.default_rng(4)
    rejected = np.mean([paired(rng.normal(size=5)).p < 0.05 for _ in range(4000)])
    assert abs(rejected - 0.05) < 3 * (0.05 * 0.95 / 4000) ** 0.5


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    found = [paired(rng.normal(0.3, 1, 4), 0.9) for _ in range(3000)]
    assert abs(np.mean([f.low < 0.3 < f.high for f in found]) - 0.9) < 3 * (0.9 * 0.1 / 3000) ** 0.5


def slow_holm(p):
    """By the definition: the least level at which the step-down procedure still rejects."""
    order, adjusted = sorted(range(len(p)), key=lambda i: p[i]), [0.0] * len(p)
    for place, i in enumerate(order):
        adjusted[i] = min(1.0, max(p[j] * (len(p) - earlier) for earlier, j in enumerate(order[: place + 1])))
    return adjusted


@given(p_values)
def test_holm_is_the_slow_one(p):
    found = holm(p)
    assert found.tolist() == slow_holm(p)
    assert (found >= p).all() and (found <= 1).all()
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= 0).all()


@given(p_values, st.randoms())
def test_holm_follows_its_values(p, random):
    order = random.sample(range(len(p)), len(p))
    assert holm([p[i] for i in order]).tolist() == [holm(p)[i] for i in order]


@pytest.mark.parametrize("methods", [1, 2, 5, 30])
def test_holm_is_statsmodels(methods):
    peer = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(methods).integers(0, 20, methods) / 100
    assert holm(p) == pytest.approx(peer.multipletests(p, method="holm")[1])


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_holm_calls_one_of_ten_nulls_different_in_one_of_twenty_studies():
    rng = np.random.default_rng(6)
    rejected = np.mean([holm(rng.random(10)).min() < 0.05 for _ in range(4000)])
    assert abs(rejected - 0.0489) < 3 * (0.05 * 0.95 / 4000) ** 0.5


def test_mean_interval_is_scipys():
    values = np.random.default_rng(10).normal(0.8, 0.1, 6)
    peer = stats.t.interval(0.95, 5, values.mean(), stats.sem(values))
    assert mean_interval(values)[1:] == pytest.approx(tuple(peer))
    assert mean_interval([*values, np.nan]) == mean_interval(values)
    assert mean_interval([0.5, 0.5]) == (0.5, 0.5, 0.5)
    assert mean_interval([0.5, np.nan]) == (0.5, None, None)
    assert mean_interval([np.inf]) == mean_interval([]) == (None, None, None)


def test_scipy_is_asked_for_by_name(monkeypatch):
    need_bench_packages()
    for name in [name for name in sys.modules if name.split(".")[0] == "scipy"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(Refused, match=r"tamis bench: .*scipy; run pip install 'tamis\[bench\]'") as refused:
        need_bench_packages()
    assert refused.value.kind == "package-missing"


def test_all_differences_of_few_are_ranked_alike():
    """Every pattern of three small whole differences: the p-value is SciPy's, or the one of equal differences."""
    for pattern in itertools.product([-1.0, 0.0, 1.0], repeat=3):
        found = paired(pattern)
        if len(set(pattern)) > 1:
            assert found.p == pytest.approx(stats.ttest_1samp(pattern, 0).pvalue)
        else:
            assert found.p == float(pattern[0] == 0)

"""The power of the paired t test, against statsmodels, simulation and published figures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.evidence.power import detectable, power, seeds_needed
from tamis.evidence.statistics import paired

# Effect in deviations, level, power: pairs needed (G*Power 3.1 and Cohen 1988 give these for two-sided tests).
TABLE = [(0.2, 0.95, 0.8, 199), (0.5, 0.95, 0.8, 34), (0.8, 0.95, 0.8, 15), (0.5, 0.95, 0.95, 54), (0.5, 0.99, 0.8, 51)]


@pytest.mark.parametrize(("effect", "level", "asked", "seeds"), TABLE)
def test_published_numbers_of_pairs(effect, level, asked, seeds):
    assert seeds_needed(effect, 1.0, asked, level) == seeds


@pytest.mark.parametrize("seeds", [2, 3, 5, 20, 300])
@pytest.mark.parametrize("effect", [0.0, 0.1, 0.5, 1.0, 3.0])
def test_power_is_statsmodels(seeds, effect):
    peer = pytest.importorskip("statsmodels.stats.power").TTestPower()
    expected = peer.power(effect, seeds, 0.05)
    if not math.isnan(expected):  # SciPy's noncentral t has no value for some large effects
        assert power(effect, 1.0, seeds) == pytest.approx(expected, abs=1e-7)
    else:
        assert power(effect, 1.0, seeds) > 1 - 1e-9


@pytest.mark.parametrize("seeds", [3, 5, 20, 300])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_detectable_is_statsmodels(seeds, level):
    peer = pytest.importorskip("statsmodels.stats.power").TTestPower()
    effect = detectable(0.02, seeds, level=level) / 0.02  # its own solver stops too early, at 7.17 rather than 7.32
    assert peer.power(effect, seeds, 1 - level) == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 4, 19])
@pytest.mark.parametrize("effect", [0.0, 0.5, 2.0])
def test_power_is_the_slow_integral(freedom, effect):
    """Of the density of χ over a fine grid, far from how it is computed."""
    from scipy.stats import chi, norm, t

    limit, shift = t.isf(0.025, freedom), effect * math.sqrt(freedom + 1)
    root, step = np.linspace(0, 12, 200_001, retstep=True)
    cut = limit * root / math.sqrt(freedom)
    density = chi.pdf(root, freedom) * (norm.sf(cut - shift) + norm.cdf(-cut - shift))
    assert power(effect, 1.0, freedom + 1) == pytest.approx(np.trapezoid(density, dx=step), abs=3e-6)


@pytest.mark.parametrize("seeds", [1000, 10_000, 99_999])
def test_many_seeds_are_a_normal_test(seeds):
    from scipy.stats import norm

    effect = 2.5 / math.sqrt(seeds)
    assert power(effect, 1.0, seeds) == pytest.approx(norm.sf(1.959964 - 2.5), abs=2 / seeds)


@pytest.mark.parametrize(("effect", "seeds"), [(0.5, 5), (1.0, 5), (2.0, 5), (2.0, 3), (1.0, 20)])
def test_power_is_what_simulated_studies_reject(effect, seeds):
    rng = np.random.default_rng(seeds)
    rejected = np.mean([paired(row).p < 0.05 for row in rng.normal(effect, 1, (2000, seeds))])
    expected = power(effect, 1.0, seeds)
    assert abs(rejected - expected) < 3.3 * math.sqrt(expected * (1 - expected) / 2000)


@given(st.floats(1e-6, 1e6), st.integers(2, 500), st.sampled_from([0.8, 0.95, 0.9995]))
def test_what_is_detectable_has_the_power(sd, seeds, level):
    assert power(detectable(sd, seeds, level=level), sd, seeds, level) == pytest.approx(0.8, abs=1e-9)
    assert detectable(2 * sd, seeds, level=level) == pytest.approx(2 * detectable(sd, seeds, level=level))
    assert detectable(sd, seeds + 1, level=level) < detectable(sd, seeds, level=level)


@given(st.floats(0.02, 50), st.sampled_from([0.3, 0.8, 0.99]), st.sampled_from([0.95, 0.999]))
def test_the_least_number_of_seeds(effect, asked, level):
    seeds = seeds_needed(effect, 1.0, asked, level)
    assert power(effect, 1.0, seeds, level) >= asked
    assert seeds == 2 or power(effect, 1.0, seeds - 1, level) < asked
    assert seeds_needed(-effect, 1.0, asked, level, most=seeds) == seeds
    assert seeds_needed(effect, 1.0, asked, level, most=seeds - 1) is None


@given(st.floats(0, 40), st.floats(0, 40), st.integers(2, 200))
def test_power_grows_with_effect_and_seeds(one, other, seeds):
    small, large = sorted((one, other))
    assert 0.05 - 1e-7 <= power(small, 1.0, seeds) <= power(large, 1.0, seeds) + 1e-7
    assert power(small, 1.0, seeds) <= power(small, 1.0, seeds + 1) + 1e-7


def test_edges():
    assert power(0.0, 1.0, 5) == pytest.approx(0.05, abs=1e-12)
    assert (power(0.0, 0.0, 5), power(1e-9, 0.0, 5)) == (0.0, 1.0)
    large = [power(math.inf, 1.0, 5), power(1e300, 1.0, 2), power(1e200, 1e-200, 5)]
    assert large == pytest.approx([1.0] * 3, abs=1e-12)
    assert seeds_needed(1e-320, 1.0, power=0.01) == 2
    assert detectable(0.0, 5) == 0.0
    assert detectable(1.0, 5, power=0.01) == 0.0
    assert [seeds_needed(effect, 1.0) for effect in (0.0, math.nan, 1e-9, 1e-320)] == [None] * 4
    assert (seeds_needed(math.inf, 1.0), seeds_needed(0.1, 0.0), seeds_needed(1e300, 1e-300)) == (2, 2, 2)
    assert seeds_needed(1.0, math.inf) is seeds_needed(0.0, 0.0) is None


@pytest.mark.parametrize("call", [
    lambda: power(1.0, 1.0, 1), lambda: power(1.0, -1.0, 5), lambda: detectable(math.nan, 5),
    lambda: detectable(1.0, 1), lambda: detectable(1.0, 5, power=1.0), lambda: seeds_needed(1.0, -1.0),
])  # fmt: skip
def test_what_has_no_power(call):
    with pytest.raises(ValueError):
        call()

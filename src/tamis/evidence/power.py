"""What a number of seeds can show: the power of the paired t test, exactly, and its two inverses."""

import bisect
import functools
import math

import numpy as np
from numpy.typing import NDArray

from tamis.evidence.statistics import LEVEL, critical

POWER = 0.8
MOST = 100_000
STEPS, STEPS_OF_ONE = 16, 512


def power(effect: float, sd: float, seeds: int, level: float = LEVEL) -> float:
    """Probability that the paired t test of `seeds` normal differences rejects: P(|T| > c), T noncentral t.

    Args:
        effect: true mean of the differences.
        sd: their true standard deviation; at 0 any effect is seen.
        seeds: number of differences.
        level: of the interval that must leave out 0, so that c is the (1 + level) / 2 quantile of t.

    Examples:
        >>> round(power(effect=0.5, sd=1.0, seeds=34), 4)
        0.8078
    """
    _check(sd, seeds)
    if sd == 0:
        return float(effect != 0)
    return _rejected(abs(effect) / sd * math.sqrt(seeds), seeds, level)


def detectable(sd: float, seeds: int, power: float = POWER, level: float = LEVEL) -> float:
    """The smallest true difference that `seeds` seeds show with probability `power`, where differences have this sd."""
    _check(sd, seeds)
    return sd / math.sqrt(seeds) * _noncentrality(seeds, power, level)


def seeds_needed(effect: float, sd: float, power: float = POWER, level: float = LEVEL, most: int = MOST) -> int | None:
    """The least number of seeds that show this true difference with probability `power`; None above `most`."""
    _check(sd, 2)
    if not effect or math.isnan(effect) or math.isinf(sd):
        return None
    size = math.inf if sd == 0 else abs(effect) / sd

    def enough(seeds: int) -> bool:
        return math.isinf(size) or _rejected(size * math.sqrt(seeds), seeds, level) >= power

    if most < 2 or not enough(most):
        return None
    low, high = 2, most
    for bound in _around(size, power, level):
        if low <= bound < high:
            low, high = (low, bound) if enough(bound) else (bound + 1, high)
    return low + bisect.bisect_left(range(low, high + 1), True, key=enough)


def _around(size: float, power: float, level: float) -> tuple[int, int]:
    """Numbers between which the least number of seeds mostly lies: were the sd known, a few less would do."""
    from scipy.special import ndtri

    shift = max(0.0, float(ndtri((1 + level) / 2) + ndtri(power)))
    guess = math.floor(min(shift / size, math.sqrt(MOST)) ** 2)
    return guess - 2, guess + 14


@functools.lru_cache(1024)
def _noncentrality(seeds: int, power: float, level: float) -> float:
    """The δ at which `_rejected` is `power`; 0 where even that is more."""
    from scipy.optimize import brentq

    if not 0 < power < 1:
        raise ValueError(f"a power lies between 0 and 1, and {power} does not")
    if _rejected(0.0, seeds, level) >= power:
        return 0.0
    high = 4.0
    while _rejected(high, seeds, level) < power:
        high *= 2
    return float(brentq(lambda value: _rejected(value, seeds, level) - power, 0.0, high, xtol=1e-12, rtol=1e-12))


def _rejected(noncentrality: float, seeds: int, level: float) -> float:
    """P(|T| > c) where T = (Z + δ) / √(V / f), with Z standard normal, V of χ² with f = seeds − 1.

    SciPy's own noncentral distributions have no value here for some f and δ. So Z or V is summed over, the other one's
    distribution function being known: of both, the one whose integrand is smooth on the scale of the grid. Trapezia
    on a smooth integrand that ends in nothing converge faster than any power of their width. Two seeds, whose
    integrand has a kink, need finer ones. The error is below 1e-7, and from five seeds on below 1e-12.
    """
    from scipy.special import gammainc, ndtr

    freedom = seeds - 1
    limit = critical(freedom, level)
    nodes, weights = _grid(STEPS if freedom > 1 else STEPS_OF_ONE)
    if limit**2 > 2 * freedom:
        with np.errstate(over="ignore"):
            seen = gammainc(freedom / 2, freedom / 2 * ((nodes + noncentrality) / limit) ** 2)
    else:
        root = _roots(freedom)
        seen = ndtr(noncentrality - limit * root) + ndtr(-noncentrality - limit * root)
    return float(min(1.0, weights @ seen))


@functools.cache
def _grid(steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places on the axis of a standard normal variable, `steps` a unit, and its density there times their distance."""
    nodes = np.arange(-9 * steps, 9 * steps + 1) / steps
    return nodes, np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi) / steps


@functools.lru_cache(64)
def _roots(freedom: int) -> NDArray[np.float64]:
    """√(V / f) at the quantiles of the places."""
    from scipy.special import gammainccinv, gammaincinv, ndtr

    nodes, _ = _grid(STEPS)
    below = gammaincinv(freedom / 2, ndtr(nodes[nodes < 0]))
    above = gammainccinv(freedom / 2, ndtr(-nodes[nodes >= 0]))
    return np.sqrt(np.concatenate([below, above]) * 2 / freedom)


def _check(sd: float, seeds: int) -> None:
    if not sd >= 0:
        raise ValueError(f"a standard deviation is at least 0, and {sd} is not")
    if seeds < 2:
        raise ValueError(f"the paired t test needs at least 2 seeds, and there are {seeds}")

"""Differences that are paired by seed: their interval, their p-value, and the correction for several methods."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamis import refusals

LEVEL = 0.95
TWO_EQUAL = 0.5  # the p-value of two equal differences: on a small test set chance makes them, and no deviation tells
ROUNDING = 1e-12
BOOTSTRAP_SEEDS = 20
BLOCK = 1_000


def need_bench_packages(where: object = "tamis bench") -> None:
    """Refuse unless SciPy, which has the t distributions, can be imported.

    Raises:
        Refused: `package-missing`, which names the extra that brings it.
    """
    try:
        import scipy.special  # noqa: F401
    except ImportError:
        raise refusals.PACKAGE_MISSING(where, package="scipy", extra="bench") from None


class Paired(NamedTuple):
    """What a paired t test found.

    Args:
        mean: of the differences.
        sd: their standard deviation, with s − 1 below the line.
        low: lower end of the interval of the mean.
        high: upper end.
        p: two-sided, of the hypothesis that the true mean is 0.
        seeds: number of differences, s.
        constant: all differences are equal, so that the interval is a point and `p` is 1 (all are 0) or 0.
    """

    mean: float
    sd: float
    low: float
    high: float
    p: float
    seeds: int
    constant: bool


class Interval(NamedTuple):
    """A mean and the ends of its interval, which are None where there are too few values."""

    mean: float | None
    low: float | None
    high: float | None


def paired(differences: ArrayLike, level: float = LEVEL, scale: float = 0.0) -> Paired:
    """Interval of the mean difference and two-sided p-value by Student's t: d̄ ± t_{s−1} · sd / √s.

    The order of the seeds does not matter to the last bit, and neither does a factor that is a power of 2.

    Args:
        differences: `float64 [s]`, finite, one a seed.
        level: probability with which such an interval holds the true mean.
        scale: size of the numbers that were subtracted; what `without_rounding` calls rounding counts as equal.

    Raises:
        ValueError: fewer than 2 differences, or one that is not finite.

    Examples:
        >>> found = paired([0.02, 0.03, 0.01, 0.04, 0.025])
        >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3), round(found.p, 3)
        (0.025, 0.011, 0.039, 0.007)
    """
    values = _finite(differences)
    if len(values) < 2:
        raise ValueError(f"a paired interval needs at least 2 differences, and there are {len(values)}")
    values = without_rounding(values, scale)
    if values.min() == values.max():
        mean = float(values[0])
        luck = TWO_EQUAL if len(values) == 2 else 0.0
        return Paired(mean, 0.0, mean, mean, 1.0 if mean == 0 else luck, len(values), True)
    from scipy.special import stdtr

    mean, sd = _mean_and_sd(values)
    error = sd / math.sqrt(len(values))
    half = critical(len(values) - 1, level) * error
    p = min(1.0, 2 * float(stdtr(len(values) - 1, -abs(mean) / error)))
    return Paired(mean, sd, mean - half, mean + half, p, len(values), False)


def without_rounding(differences: ArrayLike, scale: float = 0.0) -> NDArray[np.float64]:
    """`float64 [s]`: the differences, with 0 in place of rounding, and all the same if rounding tells them apart.

    Rounding is what lies below 1e-12 of the largest number at hand, be it a difference or `scale`, the size of what
    was subtracted: sums of millions of floats in another order agree far better than that, and no metric is so fine.
    """
    values = _finite(differences)
    tolerance = ROUNDING * max(abs(scale), float(np.abs(values).max(initial=0.0)))
    values[np.abs(values) <= tolerance] = 0.0
    if len(values) and values.max() - values.min() <= tolerance:
        values[:] = np.median(values)
    return values


def bootstrap(
    differences: ArrayLike, seed: int = 0, repeats: int = 10_000, level: float = LEVEL
) -> tuple[float, float] | None:
    """Percentile interval of the mean of `repeats` samples with replacement; None below 20 differences.

    It assumes no distribution and stands beside the t interval as a check. Percentiles, rather than accelerated ones:
    at these sizes both cover a little less than they say, and percentiles stay put where differences are tied.
    """
    values = _finite(differences)
    if len(values) < BOOTSTRAP_SEEDS:
        return None
    rng = np.random.default_rng(seed)
    sizes = [min(BLOCK, repeats - start) for start in range(0, repeats, BLOCK)]
    means = np.concatenate([values[rng.integers(0, len(values), (size, len(values)))].mean(axis=1) for size in sizes])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """`float64 [m]`: Holm's adjusted p-values; those below α are rejected, and any false one with probability ≤ α.

    The i-th smallest of m becomes the largest of (m − j + 1) p_j over j ≤ i, and at most 1.

    Examples:
        >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
        [0.03, 0.06, 0.06]
    """
    values = _finite(p)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def mean_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """t interval of a mean over the values that are finite; None where these are fewer than 1 (mean) or 2 (ends)."""
    found = np.asarray(values, dtype=np.float64).ravel()
    found = found[np.isfinite(found)]
    if len(found) < 2:
        return Interval(float(found[0]) if len(found) else None, None, None)
    mean, _, low, high, *_ = paired(found, level)
    return Interval(mean, low, high)


def critical(freedom: int, level: float = LEVEL) -> float:
    """What |t| with so many degrees of freedom exceeds with probability 1 − level."""
    from scipy.special import stdtrit

    return float(-stdtrit(freedom, (1 - level) / 2))


def _mean_and_sd(values: NDArray[np.float64]) -> tuple[float, float]:
    """Exactly rounded sums, of values that are brought near 1 so that their squares neither overflow nor vanish."""
    _, power = math.frexp(float(np.abs(values).max()))
    scaled = np.ldexp(values, -power)
    mean = math.fsum(scaled) / len(values)
    sd = math.sqrt(math.fsum((scaled - mean) ** 2) / (len(values) - 1))
    return math.ldexp(mean, power), math.ldexp(sd, power)


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    """A copy as one row of floats."""
    found = np.array(values, dtype=np.float64).ravel()
    if not np.isfinite(found).all():
        raise ValueError("a number is not finite")
    return found

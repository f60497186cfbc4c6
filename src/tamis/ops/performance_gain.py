"""What a model gained by contaminated test items, at every threshold of a contamination score: ConTAM's analysis."""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamis import refusals

Floats = NDArray[np.float64]

GRID = np.arange(101) / 100
FEWEST = 50
ROUNDING = 1e-12
BLOCK = 1 << 22


class Gains(NamedTuple):
    """The gain at each of g thresholds, and the threshold where it is largest.

    Args:
        threshold: `float64[g]`; an item is clean if its score is at most that.
        gain: `float64[g]`, EPG, the mean of all items less that of the clean ones; high where contamination helped. NaN
            where no item is clean.
        fraction: `float64[g]`, share of the items that are not clean.
        z: `float64[g]`, how many standard errors the mean of the clean items is above that of all: low where gain is
            high. NaN where no item is clean, or all are.
        low: `float64[g]`, lower end of the bootstrap interval of the gain.
        high: `float64[g]`, its upper end.
        best: row of the largest gain among thresholds that leave enough clean items and not all; -1 if there is none.
        p: probability of so large a gain, at any of these thresholds, if scores had nothing to do with y; 1 if none.
        items: Q, those with a score.
        undefined: those without, which are left out.
    """

    threshold: Floats
    gain: Floats
    fraction: Floats
    z: Floats
    low: Floats
    high: Floats
    best: int
    p: float
    items: int
    undefined: int


def gains(
    scores: ArrayLike,
    y: ArrayLike,
    *,
    thresholds: ArrayLike = GRID,
    minimum_clean: float = 0.1,
    repeats: int = 1_000,
    level: float = 0.95,
    seed: int = 0,
) -> Gains:
    """Estimate what contamination added to a model's mean score, for each threshold t.

    With clean_t = {q: score_q ≤ t} of m items of Q, ȳ the mean and s the standard deviation (over Q) of all y,

        EPG(t) = ȳ − ȳ(clean_t),  frac(t) = 1 − m / Q,  z(t) = −EPG(t) / (s / √m · √((Q − m) / (Q − 1)))

    The largest gain of many is large by chance: p compares it with the largest one after shuffling y, (1 + those at
    least as large) / (1 + repeats). The interval is that of one threshold, by drawing items with replacement; at the
    best one it is too high by what choosing adds. Thresholds are of one model, test set and measure. It misleads where
    contaminated items are easier in themselves: compare with a model that was trained without the corpus.

    Args:
        scores: `float64[q]` in 0 … 1, one of `contamination_scores.ItemScores`; NaN items are left out.
        y: `float64[q]`, finite, how well the model did on each item, such as 0 or 1, or a log-likelihood.
        thresholds: `float64[g]`.
        minimum_clean: least share of the items that must be clean at the best threshold.
        repeats: of the bootstrap and of the shuffling, 100 or more.
        level: of the interval.
        seed: of both.

    Returns:
        Gains by threshold. `O(repeats (Q + g))` time, `O(repeats g)` memory and up to 100 MB.

    Raises:
        Refused: if y is not as long as the scores, not finite or the same for all items with a score, or a number is
            outside its range.

    Warns:
        UserWarning: for fewer than 50 items with a score.

    Examples:
        >>> scores = np.repeat([0.9, 0.1], [20, 80])
        >>> found = gains(scores, np.r_[np.ones(20), np.tile([0.0, 1.0], 40)], repeats=200)
        >>> best = found.best
        >>> [round(float(column[best]), 2) for column in (found.threshold, found.gain, found.fraction)], found.p < 0.01
        ([0.1, 0.1, 0.2], True)

    Source: Singh et al. 2024, Evaluation data contamination in LLMs: how do we measure it and (when) does it matter?
    """
    all_scores, all_y = np.asarray(scores, np.float64).ravel(), np.asarray(y, np.float64).ravel()
    there = _checked(all_scores, all_y, minimum_clean, repeats, level)
    order = np.argsort(all_scores[there], kind="stable")
    values = all_y[there][order] - all_y[there].mean()
    grid, size = np.asarray(thresholds, np.float64).ravel(), len(values)
    m = np.searchsorted(all_scores[there][order], grid, side="right")
    gain = -_clean_means(values[None], m)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = values.std() / np.sqrt(m) * np.sqrt((size - m) / (size - 1))
        z = np.where((m > 0) & (m < size), -gain / error, np.nan)
    rng = np.random.default_rng(seed)
    low, high = _intervals(values, m, repeats, level, rng)
    best, p = -1, 1.0
    allowed = np.flatnonzero((m >= max(minimum_clean * size - ROUNDING, 1)) & (m < size))
    if len(allowed):
        best = int(allowed[np.argmax(gain[allowed])])
        p = _p_value(values, np.unique(m[allowed]), gain[best], repeats, rng)
    return Gains(grid, gain, 1 - m / size, z, low, high, best, p, size, len(there) - size)


def _checked(scores: Floats, y: Floats, minimum_clean: float, repeats: int, level: float) -> NDArray[np.bool_]:
    """Which items have a score, once all is known to be in range."""
    if len(scores) != len(y):
        raise refusals.PARAMETER_OUT_OF_RANGE(f"{len(y):,} values of y", accepted=f"{len(scores):,}, one a score")
    there = ~np.isnan(scores)
    if not np.isfinite(y[there]).all():
        raise refusals.PARAMETER_OUT_OF_RANGE(f"y={y[there][~np.isfinite(y[there])][0]}", accepted="finite numbers")
    if not there.any() or y[there].min() == y[there].max():
        raise refusals.PARAMETER_OUT_OF_RANGE(
            f"y of {there.sum():,} items with a score, all the same",
            accepted="items of which it does some better",
        )
    for name, value, accepted, good in (
        ("minimum_clean", minimum_clean, "a share between 0 and 1", 0 <= minimum_clean <= 1),
        ("repeats", repeats, "100 or more", repeats >= 100),
        ("level", level, "a share above 0 and below 1", 0 < level < 1),
    ):
        if not good:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"{name}={value}", accepted=accepted)
    if there.sum() < FEWEST:
        warnings.warn(f"{there.sum():,} items tell little of what a model gained; give {FEWEST} or more", stacklevel=3)
    return there


def _clean_means(rows: Floats, m: NDArray[np.int64]) -> Floats:
    """Mean of the first m values of each row, `float64[rows, g]`; NaN where m is 0."""
    sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)[:, m]
    return np.asarray(np.divide(sums, m, out=np.full(sums.shape, np.nan), where=m > 0))


def _blocks(repeats: int, size: int) -> list[int]:
    step = max(BLOCK // size, 1)
    return [min(step, repeats - begin) for begin in range(0, repeats, step)]


def _intervals(
    y: Floats, m: NDArray[np.int64], repeats: int, level: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Percentiles of the gain over samples with replacement; those without a clean item are left out."""
    size, found = len(y), []
    for block in _blocks(repeats, size):
        drawn = rng.integers(0, size, (block, size)) + np.arange(block)[:, None] * size
        times = np.bincount(drawn.ravel(), minlength=block * size).reshape(block, size).astype(np.float64)
        sums = np.concatenate([np.zeros((block, 1)), np.cumsum(times * y, axis=1)], axis=1)
        clean = np.concatenate([np.zeros((block, 1)), np.cumsum(times, axis=1)], axis=1)[:, m]
        means = np.divide(sums[:, m], clean, out=np.full(clean.shape, np.nan), where=clean > 0)
        found.append(sums[:, -1:] / size - means)
    low, high = np.full((2, len(m)), np.nan)
    some = m > 0
    if some.any():
        ends = [(1 - level) / 2, (1 + level) / 2]
        low[some], high[some] = np.nanquantile(np.concatenate(found)[:, some], ends, axis=0)
    return low, high


def _p_value(y: Floats, m: NDArray[np.int64], largest: float, repeats: int, rng: np.random.Generator) -> float:
    """Share of shuffles whose largest gain is `largest` or more, this one among them."""
    reached = 1
    for block in _blocks(repeats, len(y)):
        shuffled = rng.permuted(np.broadcast_to(y, (block, len(y))), axis=1)
        reached += int(np.sum(-_clean_means(shuffled, m).min(axis=1) >= largest - ROUNDING * np.abs(y).max()))
    return reached / (repeats + 1)

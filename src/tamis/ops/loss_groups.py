"""Groups of examples by their losses: k-means in one dimension, and the window of groups of an epoch."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals

Floats = NDArray[np.floating]
Codes = NDArray[np.int64]

MOST_BINS = 4096
EXACT_TO = 1 << 16
_BLOCK = 1 << 20
_SAMPLE, _ENDS = 1 << 20, 64


class Window(NamedTuple):
    """Groups start … stop - 1."""

    start: int
    stop: int


def window(epoch: int, groups: int, scale: float, *, from_easiest: bool = True) -> Window:
    """Which of G groups, the easiest first, an epoch keeps: all in epoch 0, then a window that slides and begins anew.

    W = max(1, ⌊α G + ½⌋), slide = G − W, start = (c − 1) mod (slide + 1); without `from_easiest` c mod (slide + 1),
    with which the first window begins at the second group, as the published code has it.

    Examples:
        >>> [tuple(window(epoch, 5, 0.6)) for epoch in range(5)]
        [(0, 5), (0, 3), (1, 4), (2, 5), (0, 3)]

    Source: Zhou et al. 2025, Scale Efficient Training for Large Datasets.
    """
    if groups < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"groups={groups}", accepted="1 or more")
    if not 0 < scale <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"window={scale}", accepted="more than 0, and at most 1")
    if epoch == 0:
        return Window(0, groups)
    width = max(1, int(np.floor(scale * groups + 0.5)))
    start = (epoch - from_easiest) % (groups - width + 1)
    return Window(start, start + width)


def grouped(losses: Floats, groups: int) -> Codes:
    """The group of each loss, 0 the smallest: k-means in one dimension.

    Up to 65,536 losses with at most 4,096 values this is exact. Others are put into 4,096 bins of about equal numbers
    of losses, the 64 largest and smallest into bins of their own, and bins are grouped by their means and numbers.
    Where there are fewer values than groups, groups are equal parts of the losses in ascending order, equal ones as
    they stand.

    Args:
        losses: `[n]`, finite.
        groups: G, at most n.

    Returns:
        `int64 [n]` from 0 to G − 1, none empty. `O(n + G b log b)` time for b values or bins.

    Examples:
        >>> grouped(np.array([0.1, 5.0, 0.2, 9.0, 0.1]), 3).tolist()
        [0, 1, 0, 2, 0]

    Source: Wang and Song 2011, Ckmeans.1d.dp: Optimal k-means Clustering in One Dimension by Dynamic Programming.
    """
    bins, mean, count = _binned(losses)
    if len(mean) < groups:
        codes = np.empty(len(losses), np.int64)
        codes[np.argsort(losses, kind="stable")] = np.arange(len(losses)) * groups // len(losses)
        return codes
    starts = best_cuts(mean, count, groups)
    of_bin = np.searchsorted(starts, np.arange(len(mean)), side="right") - 1
    return np.asarray(of_bin[bins])


def best_cuts(values: Floats, weights: Floats, groups: int) -> Codes:
    """Where each of G runs of ascending values begins, so that the weighted squares within runs are least.

    D_g(j) = min_i D_{g−1}(i − 1) + cost(i, j), where the best i grows with j, so that it is found by halving.

    Args:
        values: `float64 [b]`, ascending.
        weights: `float64 [b]`, above 0.
        groups: G, at most b.

    Returns:
        `int64 [G]`, ascending from 0. `O(G b log b)` time, `8 G b` bytes.
    """
    shifted = (values - np.average(values, weights=weights)).astype(np.float64)
    sums = np.stack([np.concatenate(([0.0], np.cumsum(weights * shifted**power))) for power in range(3)])

    def cost(first: Codes, last: Codes) -> Floats:
        zero, one, two = sums[:, last + 1] - sums[:, first]
        return np.asarray(np.maximum(two - one * one / zero, 0.0))

    size = len(values)
    places = np.arange(size)
    best = cost(np.zeros(size, np.int64), places)
    begins = np.zeros((groups, size), np.int64)
    for group in range(1, groups):
        best, begins[group] = _layer(best, cost, group, size)
    cuts, last = [], size - 1
    for group in range(groups - 1, -1, -1):
        cuts.append(int(begins[group, last]))
        last = cuts[-1] - 1
    return np.array(cuts[::-1])


def _layer(before: Floats, cost: Callable[[Codes, Codes], Floats], group: int, size: int) -> tuple[Floats, Codes]:
    """D_g and where its last group begins, for all ends: those in the middle first, which bound their neighbours."""
    best, begin = np.full(size, np.inf), np.full(size, group, np.int64)
    step = 1 << max(size - group - 1, 0).bit_length()
    done = np.empty(0, np.int64)
    while step:
        ends = np.arange(group + step - 1, size, 2 * step)
        step //= 2
        at = np.searchsorted(done, ends)
        low = np.concatenate(([group], begin[done]))[at]
        high = np.minimum(np.concatenate((begin[done], [size]))[at], ends)
        counts = high - low + 1
        starts = np.cumsum(counts) - counts
        first = np.arange(counts.sum()) - np.repeat(starts - low, counts)
        total = before[first - 1] + cost(first, np.repeat(ends, counts))
        if len(ends):
            best[ends] = np.minimum.reduceat(total, starts)
            hit = np.flatnonzero(total == np.repeat(best[ends], counts))
            begin[ends] = first[hit[np.searchsorted(hit, starts)]]
            done = np.sort(np.concatenate((done, ends)))
    return best, begin


def _binned(losses: Floats) -> tuple[Codes, Floats, Floats]:
    """The bin of each loss, and mean and number of the losses of each bin, none empty and means ascending."""
    if len(losses) <= EXACT_TO:
        values, bins, counts = np.unique(losses, return_inverse=True, return_counts=True)
        if len(values) <= MOST_BINS:
            return bins, values.astype(np.float64), counts.astype(np.float64)
    edges = _edges(losses)
    bins = np.empty(len(losses), np.int64)
    number, sums = np.zeros(len(edges)), np.zeros(len(edges))
    for start in range(0, len(losses), _BLOCK):
        block = losses[start : start + _BLOCK]
        found = np.searchsorted(edges, block, side="right") - 1
        bins[start : start + _BLOCK] = found
        number += np.bincount(found, minlength=len(edges))
        sums += np.bincount(found, block.astype(np.float64), len(edges))
    full = number > 0
    renumbered = np.cumsum(full) - 1
    return renumbered[bins], sums[full] / number[full], number[full]


def _edges(losses: Floats) -> Floats:
    """Where bins begin that hold about as many losses each; the largest and the smallest have bins of their own."""
    ends = np.partition(losses, (_ENDS, -_ENDS))
    some = np.sort(losses[:: max(1, len(losses) // _SAMPLE)])
    inner = some[np.arange(MOST_BINS) * len(some) // MOST_BINS]
    return np.unique(np.concatenate((ends[:_ENDS], inner, ends[-_ENDS:])))

"""How much of a budget each stratum or cluster gets, in whole rows that sum to it."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


def water_filling(total: int, capacity: Longs) -> Longs:
    """Equal parts of `total`, where what small strata cannot take rises evenly in the others.

    By growing capacity, the later of equal ones last: `x_j = min(capacity_j, ⌊rest / strata left⌋)`, so that what does
    not divide evenly goes one each to the largest.

    Args:
        total: rows to give away; all that there is room for is given where that is less.
        capacity: `int64 [m]`, rows in each stratum.

    Returns:
        `int64 [m]`. `O(m log m)` time.

    Examples:
        >>> water_filling(200, np.array([0, 3, 100, 50, 7, 1000]))
        array([ 0,  3, 70, 50,  7, 70])
    """
    found, rest = np.zeros(len(capacity), np.int64), total
    for left, stratum in zip(range(len(capacity), 0, -1), np.argsort(capacity, kind="stable").tolist(), strict=True):
        found[stratum] = min(int(capacity[stratum]), rest // left)
        rest -= int(found[stratum])
    return found


def round_robin_order(stratum: Longs, rank: NDArray[np.uint64] | Longs) -> Longs:
    """Rows in an order of which every prefix is divided among strata as `water_filling` does.

    Strata take turns, the largest first and of equal ones the last, until they have no more rows.

    Args:
        stratum: `int64 [n]`, codes from 0.
        rank: `[n]`, the order within a stratum; ties by row.

    Returns:
        `int64 [n]`, a permutation of the rows. `O(n log n)` time, `32 n` bytes.

    Examples:
        >>> round_robin_order(np.array([0, 0, 0, 1, 1]), np.array([2, 1, 0, 5, 4])).tolist()
        [2, 4, 1, 3, 0]
    """
    by_stratum = np.lexsort((rank, stratum))
    sizes = np.bincount(stratum)
    turn = np.arange(len(stratum)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    code = stratum[by_stratum]
    return np.asarray(by_stratum[np.lexsort((-code, -sizes[code], turn))])


def projection(total: float, target: Floats, low: Floats | Longs, high: Floats | Longs) -> Floats:
    """The shares nearest to `target` that sum to `total` and stay within bounds: a quadratic programme, exactly.

        min ½ Σ (x_j − t_j)²  subject to  Σ x_j = total,  low_j ≤ x_j ≤ high_j

    is solved by `x_j = clip(t_j + ν, low_j, high_j)`. The sum grows with ν along straight lines between the points
    `low_j − t_j` and `high_j − t_j`: bisection finds the two around the solution, which lies on the line between them.

    Args:
        total: from `Σ low_j` to `Σ high_j`.
        target: `float64 [m]`.
        low, high: `[m]`, with `low ≤ high`.

    Returns:
        `float64 [m]`. `O(m log m)` time.

    Examples:
        >>> target, high = np.array([120.0, 40, 20, 20]), np.array([50, 100, 100, 400])
        >>> projection(200, target, np.ones(4), high).round(2).tolist()
        [50.0, 63.33, 43.33, 43.33]
    """
    bends = np.sort(np.concatenate((low - target, high - target)))
    before, after = 0, len(bends) - 1
    while after - before > 1:
        middle = (before + after) // 2
        if np.clip(target + bends[middle], low, high).sum() <= total:
            before = middle
        else:
            after = middle
    ends = [np.clip(target + bends[at], low, high) for at in (before, after)]
    sums = [float(end.sum()) for end in ends]
    part = (total - sums[0]) / (sums[1] - sums[0]) if sums[1] > sums[0] else 0.0
    return np.asarray(ends[0] + min(max(part, 0.0), 1.0) * (ends[1] - ends[0]))


def projected(total: int, target: Floats, low: Longs, high: Longs) -> Longs:
    """`projection` in whole rows that sum to `total`, by largest remainder; ties go to the earlier one.

    Args:
        total: from `Σ low_j` to `Σ high_j`.
        target: `float64 [m]`.
        low, high: `int64 [m]`, with `low ≤ high`.

    Returns:
        `int64 [m]`, within the bounds.

    Examples:
        >>> projected(200, np.array([120.0, 40, 20, 20]), np.ones(4, np.int64), np.array([50, 100, 100, 400]))
        array([50, 64, 43, 43])
    """
    exact = projection(total, target, low, high)
    whole = np.clip(np.floor(exact + 1e-9).astype(np.int64), low, high)
    order = np.argsort(-(exact - whole).round(9), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return np.asarray(whole)


def proportional(total: int, weight: Floats, capacity: Longs) -> Longs:
    """`total` in proportion to `weight`, no stratum over its capacity: `projected` of `total · w_j / Σ w`.

    Equal parts where all weights are 0; all that there is room for where that is less than `total`.

    Args:
        total: rows to give away.
        weight: `float64 [m]`, at least 0.
        capacity: `int64 [m]`.

    Returns:
        `int64 [m]`.

    Examples:
        >>> proportional(10, np.array([8.0, 1.0, 1.0]), np.array([5, 9, 9]))
        array([5, 3, 2])
    """
    total = min(total, int(capacity.sum()))
    weight = weight / weight.max() if weight.any() else np.ones(len(weight))  # so that no sum overflows
    return projected(total, total * (weight / weight.sum()), np.zeros(len(weight), np.int64), capacity)


def floored_order(ranking: Longs, stratum: Longs, floor: float) -> Longs:
    """A ranking, changed so that every prefix holds each stratum with at least that part of an equal share.

    Of b rows, each of G strata has at least `⌊floor · b / G⌋`, or all of its rows. Every `1 / floor` places, the next
    stratum's turn comes, in the order of their best rows; where it does not have its due yet, its best row is taken.

    Args:
        ranking: `int64 [n]`, all rows, best first.
        stratum: `int64 [n]`, codes from 0 of the rows.
        floor: from 0, which leaves the ranking as it is, to 1, with which strata take turns.

    Returns:
        `int64 [n]`, a permutation of the rows. `O(n log n)` time, `34 n` bytes.

    Examples:
        >>> floored_order(np.array([0, 1, 2, 3, 4]), np.array([0, 0, 0, 0, 1]), 1.0).tolist()
        [0, 4, 1, 2, 3]
    """
    if floor == 0:
        return ranking
    codes = stratum[ranking]
    by_stratum, sizes = np.argsort(codes, kind="stable"), np.bincount(codes)
    starts, present = np.cumsum(sizes) - sizes, np.flatnonzero(sizes)
    groups = present[np.argsort(by_stratum[starts[present]])].tolist()
    queue, taken, gone = ranking[by_stratum], [0] * len(sizes), np.zeros(len(ranking), bool)
    found, best, due = np.empty(len(ranking), np.int64), 0, 0
    for place in range(len(ranking)):
        row = -1
        while row < 0 and due < int((place + 1) * floor + 1e-9):
            turn, which = divmod(due, len(groups))
            due += 1
            group = groups[which]
            if taken[group] <= turn < sizes[group]:
                row = int(queue[starts[group] + turn])
        while row < 0:
            row = -1 if gone[ranking[best]] else int(ranking[best])
            best += 1
        found[place], gone[row] = row, True
        taken[int(stratum[row])] += 1
    return found

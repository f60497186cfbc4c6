"""From the matches of examples with many queries to one order or one score, in blocks: n × t is never in memory.

Orders are exact to the last row: each column has a sorted list of its largest matches, and when one runs out another
pass makes lists of what is left. How long lists are changes nothing but the number of passes. Where turns may be lost,
lists would run out again and again on rows that are taken, so that columns are sorted as a whole, some at once.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.ops.column_lists import BLOCK_BYTES, Entries, column_lists, encode, rows_of, usual_length, values_of
from tamis.ops.matches import Matches

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

_AT_ONCE = 16  # columns that a strict order sorts in one pass
_NO_MATRIX = np.empty((0, 0), np.float32)


class Taken(NamedTuple):
    """All n rows in the order that they were taken, each with the column that took it and the match with it.

    Rows that no column may take are left out. `turns` is the number of the turn, from 0; `gains` is what the rule went
    by.
    """

    rows: Longs
    columns: Longs
    matches: Floats
    turns: Longs
    gains: Floats


class Moments(NamedTuple):
    """Of each of t columns, `float64 [t]`; `std` divides by n, and `low` and `high` are the extremes."""

    mean: Floats
    std: Floats
    low: Floats
    high: Floats


def moments(matches: Matches, *, block_bytes: int = BLOCK_BYTES) -> Moments:
    """Mean, standard deviation and extremes of each column in one pass over blocks, sums in float64.

    With d the differences from the first row, `std² = (n Σ d² − (Σ d)²) / n²`. Sums of whole numbers are exact, so
    that columns of the same ones have the same `std`, whatever their order. That of a constant column is 0 exactly.
    `O(n t)` time beside that of the matches.

    Examples:
        >>> found = moments(Matches(np.array([[1.0, 7.0], [3.0, 7.0]], np.float32)))
        >>> found.mean.tolist(), found.std.tolist()
        ([2.0, 7.0], [1.0, 0.0])
    """
    n, t = matches.shape
    sums, squares, low, high = np.zeros(t), np.zeros(t), np.full(t, np.inf), np.full(t, -np.inf)
    first = matches.rows(slice(0, 1))[0].astype(np.float64)
    for _, part in matches.blocks(block_bytes):
        low, high = np.minimum(low, part.min(axis=0)), np.maximum(high, part.max(axis=0))
        apart = part - first
        sums += apart.sum(axis=0)
        squares += np.einsum("nt,nt->t", apart, apart)
    std = np.sqrt(np.maximum(n * squares - sums**2, 0)) / n
    return Moments((n * first + sums) / n, np.where(low < high, std, 0.0), low, high)


def maximum(matches: Matches, task: Longs | None = None) -> Floats:
    """The largest match of each row with the queries of each task, `float64 [n, tasks]`; of one task without `task`.

    Examples:
        >>> maximum(Matches(np.array([[1.0, 2.0, 5.0]], np.float32)), np.array([0, 0, 1])).tolist()
        [[2.0, 5.0]]
    """
    return _reduced(matches, task, None)


def mean(matches: Matches, task: Longs | None = None, *, normalised: bool = False) -> Floats:
    """The mean match of each row with the queries of each task, `float64 [n, tasks]`; of one task without `task`.

    With `normalised` each query's matches are first brought to 0 … 1 by its smallest and largest, and a constant
    column to 0. Means of subtasks with `.max(axis=1)` are the score of LESS.

    Examples:
        >>> mean(Matches(np.array([[1.0, 2.0, 5.0]], np.float32)), np.array([0, 0, 1])).tolist()
        [[1.5, 5.0]]
    """
    if not normalised:
        return _reduced(matches, task, (np.zeros(matches.shape[1]), np.ones(matches.shape[1])))
    found = moments(matches)
    return _reduced(matches, task, (found.low, np.where(found.std > 0, found.high - found.low, 1.0)))


def _reduced(matches: Matches, task: Longs | None, scale: tuple[Floats, Floats] | None) -> Floats:
    """Maxima, or with `scale` means of `(match - scale[0]) / scale[1]`."""
    task = np.zeros(matches.shape[1], np.int64) if task is None else task
    parts = [np.flatnonzero(task == code) for code in np.unique(task)]
    found = np.empty((matches.shape[0], len(parts)))
    for start, block in matches.blocks(BLOCK_BYTES // 2):
        for part, columns in enumerate(parts):
            out = found[start : start + len(block), part]
            if scale is None:
                out[:] = block[:, columns].max(axis=1)
            else:
                out[:] = ((block[:, columns] - scale[0][columns]) / scale[1][columns]).mean(axis=1)
    return found


def round_robin(
    matches: Matches,
    task: Longs | None = None,
    *,
    strict: bool = False,
    above: float = -np.inf,
    length: int | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Taken:
    """Columns take turns, each taking its best row left; tasks take turns, and within them their columns.

    Turns go by the code of the task, then by the place of the column. `strict` ends a turn also where the best row of a
    column has been taken before, as published code does: then row i is taken at the turn `min over columns c of
    rank_c(i) t + c`, and columns that agree with others get less than their share.

    Args:
        matches: `[n, t]`.
        task: `int64 [t]`, which task each column is of; all of one without it.
        strict: let a turn be spent on a row that is taken.
        above: in a strict order no column takes a row that it does not match better, and what none takes is left out.
        length: how many entries the sorted list of a column has; 8 n / t without it, or n for few columns. A strict
            order sorts all n, of 16 columns at once.
        block_bytes: bound of the memory of a block.

    Returns:
        `Taken`, of which `gains` are the matches. One pass over the matches for few columns, else one for at least each
        `length` rows, and for many more where columns differ; `O(n t)` time a pass beside that of the matches, 140 n
        bytes. A strict order takes `O(n t log n)`.

    Examples:
        >>> close = Matches(np.array([[0.9, 0.8], [0.7, 0.6], [0.1, 0.5]], np.float32))
        >>> found = round_robin(close)
        >>> found.rows.tolist(), found.columns.tolist()
        ([0, 1, 2], [0, 1, 0])
        >>> round_robin(close, strict=True).turns.tolist()
        [0, 2, 4]

    Source: Ivison et al. 2025, Large-Scale Data Selection for Instruction Tuning.
    """
    starts, members = _tasks(task, matches.shape[1])
    if strict:
        found, turns = _strictly(matches, starts, members, above, block_bytes)
    else:
        found, turns = _by_lists(matches, starts, members, length or usual_length(matches), block_bytes)
    which = turns % (len(starts) - 1)
    columns = members[starts[which] + turns // (len(starts) - 1) % (starts[which + 1] - starts[which])]
    values = values_of(found)
    return Taken(rows_of(found), columns, values, turns, values)


def _tasks(task: Longs | None, t: int) -> tuple[Longs, Longs]:
    """Where the columns of each task start in a list of all, and that list."""
    if task is None:
        return np.array([0, t]), np.arange(t)
    sizes = np.unique(task, return_counts=True)[1]
    return np.concatenate([[0], np.cumsum(sizes)]), np.argsort(task, kind="stable")


def _by_lists(matches: Matches, starts: Longs, members: Longs, length: int, block_bytes: int) -> tuple[Entries, Longs]:
    """The entry of each row in the order that they are taken, and its turn; each turn finds a new row."""
    from tamis.ops import _aggregation_kernels as kernels

    n, t = matches.shape
    taken, found, turns = np.zeros(n, np.bool_), np.empty(n, np.uint64), np.empty(n, np.int64)
    turn, filled = 0, 0
    while filled < n:
        lists = column_lists(matches, length, open=~taken, block_bytes=block_bytes)
        state = (*lists, np.zeros(t, np.int64), starts, members, taken)
        turn, filled = kernels.round_robin(*state, turn, filled, found, turns)
        del lists, state
    return found, turns


def _strictly(matches: Matches, starts: Longs, members: Longs, above: float, block_bytes: int) -> tuple[Entries, Longs]:
    """As `_by_lists`, where a turn may be lost: each row at the first of the turns that columns have for it."""
    n, t = matches.shape
    tasks, never = len(starts) - 1, np.iinfo(np.int64).max
    turns, found = np.full(n, never), np.empty(n, np.uint64)
    for low in range(0, t, _AT_ONCE):
        some = members[low : low + _AT_ONCE]
        block = np.empty((len(some), n), np.float32)
        for start, part in matches.blocks(block_bytes, some):
            block[:, start : start + len(part)] = part.T
        for place, values in enumerate(block, low):
            task = int(np.searchsorted(starts, place, side="right")) - 1
            rows = np.flatnonzero(values > above)
            entries = np.sort(encode(values[rows], rows))
            order = rows_of(entries)
            asked = (np.arange(len(order)) * (starts[task + 1] - starts[task]) + place - starts[task]) * tasks + task
            sooner = asked < turns[order]
            order = order[sooner]
            turns[order], found[order] = asked[sooner], entries[sooner]
    order = np.argsort(turns)[: np.count_nonzero(turns < never)]
    return found[order], turns[order]


def best_rank(matches: Matches, *, block_bytes: int = BLOCK_BYTES) -> Longs:
    """The best rank of each row among the rows in any column, from 0, ties by row: `int64 [n]`.

    Cost as of a strict `round_robin`.

    Examples:
        >>> best_rank(Matches(np.array([[0.9, 0.1], [0.5, 0.3], [0.1, 0.2]], np.float32))).tolist()
        [0, 0, 1]

    Source: Mizrahi et al. 2025, Language Models Improve When Pretraining Data Matches Target Tasks.
    """
    return best_ranks(matches, block_bytes=block_bytes)[0]


def best_ranks(matches: Matches, *, block_bytes: int = BLOCK_BYTES) -> tuple[Longs, Floats]:
    """The best rank of each row, and its match with the column that gave it, the first of those that give the same.

    Examples:
        >>> ranks, near = best_ranks(Matches(np.array([[0.9, 0.1], [0.5, 0.3], [0.1, 0.2]], np.float32)))
        >>> ranks.tolist(), near.round(1).tolist()
        ([0, 0, 1], [0.9, 0.3, 0.2])
    """
    found = round_robin(matches, strict=True, block_bytes=block_bytes)
    ranks, near = np.empty_like(found.rows), np.empty(len(found.rows))
    ranks[found.rows], near[found.rows] = found.turns // matches.shape[1], found.gains
    return ranks, near


def furthest_behind(matches: Matches, *, length: int | None = None, block_bytes: int = BLOCK_BYTES) -> Taken:
    """Each row goes to the column whose best row left is furthest above the mean of what was taken (BIDS).

    With Ã the matches standardised by column, T the rows taken and m_j = mean_{i∈T} Ã_ij, 0 at first:

        i* = argmax_{i∉T} max_j (Ã_ij − m_j)

    m_j does not depend on i, so a sorted list of each column suffices. Ties go to the lower column, then to the lower
    row. Constant columns say nothing and are left out; without any other, rows stay in their order.

    Args:
        matches: `[n, t]`.
        length: of the list of a column, as of `round_robin`.
        block_bytes: bound of the memory of a block.

    Returns:
        `Taken`; `gains` are `Ã_ij − m_j`. `O(t)` time for each row taken, `O(t d)` where matches are made of vectors,
        and passes over the matches as of `round_robin`, one more for the moments.

    Examples:
        >>> found = furthest_behind(Matches(np.array([[5, 0], [4, 0], [0, 40], [0, 30]], np.float32)))
        >>> found.rows.tolist(), found.columns.tolist()
        ([2, 0, 1, 3], [1, 0, 0, 1])

    Source: Dai et al. 2025, Improving Influence-based Instruction Tuning Data Selection for Balanced Learning of
    Diverse Capabilities.
    """
    from tamis.ops import _aggregation_kernels as kernels

    n, _ = matches.shape
    all_moments = moments(matches, block_bytes=block_bytes)
    columns = np.flatnonzero(all_moments.std > 0)
    if not len(columns):
        return _as_they_are(matches)
    middle, spread = all_moments.mean[columns], all_moments.std[columns]
    matrix = np.ascontiguousarray(matches.left, np.float32) if matches.right is None else _NO_MATRIX
    taken, total, filled = np.zeros(n, np.bool_), np.zeros(len(columns)), 0
    found, who, gains = np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n)
    while filled < n:
        lists = column_lists(matches, length or usual_length(matches), columns, open=~taken, block_bytes=block_bytes)
        state = (*lists, np.zeros(len(columns), np.int64), columns, taken, middle, spread, matrix)
        heads, before = np.full(len(columns), np.nan), -1
        while before < filled < n:
            before = filled
            filled = kernels.furthest_behind(*state, heads, total, filled, found, who, gains)
            if filled > before and not len(matrix):
                row = int(rows_of(found[before:filled])[0])
                total += matches.rows(slice(row, row + 1))[0, columns]
        del lists, state
    return Taken(rows_of(found), who, values_of(found), np.arange(n), gains)


def _as_they_are(matches: Matches) -> Taken:
    """All rows in their order, of columns that are all constant."""
    n = matches.shape[0]
    first = matches.rows(slice(0, 1))[0, 0]
    zeros = np.zeros(n, np.int64)
    return Taken(np.arange(n), zeros, np.full(n, float(first)), np.arange(n), np.zeros(n))

"""Compiled walks through the sorted lists of columns, whose entries are explained in `ops.column_lists`."""

import numpy as np
from numba import njit, types

LISTS, LONGS, DOUBLES = types.uint64[:, ::1], types.int64[::1], types.float64[::1]
MATRIX = types.Array(types.float32, 2, "C", readonly=True)
FIXED = types.Array(types.float64, 1, "C", readonly=True)

_ROW, _HIGH, _SIGN, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint32(0x80000000), np.uint32(0xFFFFFFFF)


@njit(types.float64(types.uint64), cache=True, nogil=True, inline="always")
def value_of(entry):
    """The match that an entry stands for."""
    ascending = np.uint32(entry >> _HIGH) ^ _HALF
    bits = ascending ^ _SIGN if ascending & _SIGN else ascending ^ _HALF
    return np.float64(np.uint32(bits).view(np.float32))


@njit(
    types.UniTuple(types.int64, 2)(
        LISTS, LONGS, LONGS, LONGS, LONGS, types.bool_[::1], types.int64, types.int64, types.uint64[::1], LONGS,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def round_robin(lists, held, pointer, starts, members, taken, turn, filled, found, turns):
    """Take turns until all rows are taken or the list of the column whose turn it is has no more entries.

    Turn i is that of task `i % tasks`, and there of its query `i // tasks % queries`, column `members[starts[task] +
    query]`. Each finds a row that is not taken. Returns the number of the turn that comes next, and how many rows are
    taken.
    """
    tasks = len(starts) - 1
    while filled < len(taken):
        task = turn % tasks
        column = members[starts[task] + (turn // tasks) % (starts[task + 1] - starts[task])]
        at = pointer[column]
        while at < held[column] and taken[np.int64(lists[column, at] & _ROW)]:
            at += 1
        if at == held[column]:
            break
        pointer[column] = at + 1
        taken[np.int64(lists[column, at] & _ROW)] = True
        found[filled], turns[filled] = lists[column, at], turn
        filled += 1
        turn += 1
    return turn, filled


@njit(
    types.int64(
        LISTS, LONGS, LONGS, LONGS, types.bool_[::1], FIXED, FIXED, MATRIX, DOUBLES, DOUBLES, types.int64,
        types.uint64[::1], LONGS, DOUBLES,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def furthest_behind(lists, held, pointer, columns, taken, mean, std, matrix, heads, total, filled, found, who, gains):
    """Take rows until all are taken or a list has no more entries; without a matrix, one row at most.

    `heads` is the best open match of each column, `total` the sum of the matches of the rows taken, which the caller
    adds to where there is no matrix: sums of matches as they are seldom round, so that columns tie where they should.
    Returns how many rows are taken.
    """
    while filled < len(taken):
        best, best_gain = -1, -np.inf
        for c in range(len(columns)):
            at = pointer[c]
            while at < held[c] and taken[np.int64(lists[c, at] & _ROW)]:
                at += 1
            if at == held[c]:
                return filled
            if at != pointer[c] or np.isnan(heads[c]):
                pointer[c] = at
                heads[c] = value_of(lists[c, at])
            gain = (heads[c] - (total[c] / filled if filled else mean[c])) / std[c]
            if gain > best_gain:
                best, best_gain = c, gain
        entry = lists[best, pointer[best]]
        row = np.int64(entry & _ROW)
        taken[row] = True
        found[filled], who[filled], gains[filled] = entry, columns[best], best_gain
        filled += 1
        if not len(matrix):
            break
        for c in range(len(columns)):
            total[c] += np.float64(matrix[row, columns[c]])
    return filled

"""Compiled coverage functions: gains of rows, the heap of stale gains, and what taking a row does.

Rows are `(starts, columns, shift, values, each, scale, own)`: entry `at` of row i is column `columns[at - i * shift]`
with the value `values[at * each] * scale[i * own]`. So rows can share one list of columns (`shift` = d, a dense
matrix), all entries one value (`each` = 0), and rows have a factor of their own (`own` = 1).

What rounding does cannot turn gains upwards: each is a sum, in an order that stays, of terms that are computed by one
division or product of what only grows or only shrinks. Hence lazy and naive greedy find the same rows.
"""

import math
from typing import Any

import numpy as np
from numba import from_dtype, njit, types

# Division by 0 as in NumPy: a check for it would keep loops from using vector instructions.
FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}

SQRT, LOG1P, SATURATING, CAPPED, PROBABLE, LINEAR = range(6)
POWER, EXPONENTIAL = range(2)
OFFSET, EXPONENT = 1e-6, 0.8
SAMPLE, SHARE = 4096, 32
SMALLEST = 1e-300  # so that nothing of nothing is 0

_LONG, _DOUBLE = types.int64, types.float64
_DOUBLES, _PLACES = types.float64[::1], types.int32[::1]
_BOOLS = types.Array(types.boolean, 1, "C", readonly=True)


def _fixed(kind):
    return types.Array(kind, 1, "C", readonly=True)


_VALUES = [types.float32, types.float64]
_ROWS = [
    types.Tuple((_fixed(_LONG), _fixed(types.int32), _LONG, _fixed(kind), _LONG, _fixed(_DOUBLE), _LONG))
    for kind in _VALUES
]
_STATE = types.Tuple((_LONG, _DOUBLES, _DOUBLES, _DOUBLES))
ENTRY = np.dtype([("key", np.float64), ("row", np.int32), ("step", np.int32)], align=True)
_HEAP = from_dtype(ENTRY)[::1]


@njit(
    [_DOUBLE(_fixed(kind), _DOUBLE, _LONG, _DOUBLES, _DOUBLES, _DOUBLES) for kind in _VALUES],
    **FAST,
    fastmath={"reassoc", "contract", "nsz"},  # the order follows from the number of features alone
)
def _dense_gain(values, factor, kind, covered, level, weight):
    """What a row with a value of every feature adds, for the kinds that vectors have instructions for."""
    total = 0.0
    if kind == SQRT:
        for f in range(len(values)):
            x = values[f] * factor
            total += weight[f] * (x / (math.sqrt(covered[f] + x) + level[f] + SMALLEST))
    elif kind == SATURATING:
        for f in range(len(values)):
            x = values[f] * factor
            total += weight[f] * (x / ((1 + covered[f]) * (1 + covered[f] + x)))
    else:
        for f in range(len(values)):
            total += weight[f] * min(values[f] * factor, level[f])
    return total


@njit([_DOUBLE(rows, _STATE, _LONG) for rows in _ROWS], **FAST)
def _gain(rows, state, row):
    """What row adds to `Σ_f w_f φ(c_f)`, or `Σ_f x_f level_f` for the linear kinds."""
    starts, columns, shift, values, each, scale, own = rows
    kind, covered, level, weight = state
    total, factor = 0.0, scale[row * own]
    if shift and each and kind != LOG1P and kind < PROBABLE:
        return _dense_gain(values[starts[row] : starts[row + 1]], factor, kind, covered, level, weight)
    for at in range(starts[row], starts[row + 1]):
        f = columns[at - row * shift]
        x = values[at * each] * factor
        if kind >= PROBABLE:
            total += x * level[f]
        elif x > 0:
            c = covered[f]
            if kind == SQRT:
                rise = x / (math.sqrt(c + x) + level[f])
            elif kind == LOG1P:
                rise = math.log1p(x / (1 + c))
            elif kind == SATURATING:
                rise = x / ((1 + c) * (1 + c + x))
            else:
                rise = min(x, level[f])
            total += weight[f] * rise
    return total


@njit([types.void(rows, _STATE, _fixed(_LONG), _DOUBLES) for rows in _ROWS], **FAST)
def gains(rows, state, asked, out):
    """The gain of each row of `asked`."""
    for place in range(len(asked)):
        out[place] = _gain(rows, state, asked[place])


@njit([types.void(rows, _STATE, _LONG) for rows in _ROWS], **FAST)
def cover(rows, state, row):
    """Add a row to what is covered; `level` is √c, the room below the cap, or weight times what is still missing."""
    starts, columns, shift, values, each, scale, own = rows
    kind, covered, level, _ = state
    for at in range(starts[row], starts[row + 1]):
        f = columns[at - row * shift]
        x = values[at * each] * scale[row * own]
        if kind == PROBABLE:
            level[f] *= 1 - x
            continue
        covered[f] += x
        if kind == SQRT:
            level[f] = math.sqrt(covered[f])
        elif kind == CAPPED:
            level[f] = max(0.0, level[f] - x)


@njit(types.boolean(_HEAP, _LONG, _DOUBLE, _LONG), **FAST)
def _before(heap, at, key, row):
    """Whether the entry `at` comes before a row with this key."""
    return heap[at].key > key or (heap[at].key == key and heap[at].row < row)


@njit(types.void(_HEAP, _LONG, _LONG, _DOUBLE, _LONG, _LONG), **FAST)
def _sift(heap, size, hole, key, row, step):
    """Put a row into the heap at `hole` or below; each entry has four below it."""
    while True:
        child = 4 * hole + 1
        if child >= size:
            break
        for other in range(child + 1, min(child + 4, size)):
            if _before(heap, other, heap[child].key, heap[child].row):
                child = other
        if not _before(heap, child, key, row):
            break
        heap[hole].key, heap[hole].row, heap[hole].step = heap[child].key, heap[child].row, heap[child].step
        hole = child
    heap[hole].key, heap[hole].row, heap[hole].step = key, row, step


@njit(types.Tuple((_LONG, _DOUBLE))(_HEAP, _DOUBLES, _PLACES, _BOOLS, _fixed(_DOUBLE)), **FAST)
def _fill(heap, bounds, steps, open, price):
    """Make a heap of the open rows whose key is at least a floor, about one of `SHARE`; how many, and the floor.

    The key of a row is its bound, per price if there are prices. A heap of few rows stays in the cache.
    """
    n = len(open)
    sample, found = np.empty(SAMPLE + 1), 0
    for row in range(0, n, n // SAMPLE + 1):
        if open[row]:
            sample[found] = bounds[row] / price[row] if len(price) else bounds[row]
            found += 1
    floor = -np.inf
    if found >= SHARE:
        floor = np.sort(sample[:found])[found - found // SHARE]
    size = 0
    for row in range(n):
        if open[row]:
            key = bounds[row] / price[row] if len(price) else bounds[row]
            if key >= floor:
                heap[size].key, heap[size].row, heap[size].step = key, row, steps[row]
                size += 1
    for hole in range(size // 4, -1, -1):
        if hole < size:
            _sift(heap, size, hole, heap[hole].key, heap[hole].row, heap[hole].step)
    return size, floor


@njit(
    [
        types.Tuple((_LONG, _LONG, _DOUBLE, _LONG))(
            rows, _STATE, _HEAP, _DOUBLES, _PLACES, _LONG, _DOUBLE, _LONG, _BOOLS, _fixed(_DOUBLE)
        )
        for rows in _ROWS
    ],
    **FAST,
)
def best(rows, state, heap, bounds, steps, size, floor, step, open, price):
    """The first open row whose gain is known at this step; what the heap has then, its floor, and the gains it took.

    Rows whose key falls below the floor leave the heap, which is filled again when it is empty.
    """
    asked = 0
    while True:
        if size == 0:
            size, floor = _fill(heap, bounds, steps, open, price)
            if size == 0:
                return -1, size, floor, asked
        row = _LONG(heap[0].row)
        key = -np.inf
        if open[row]:
            if heap[0].step == step:
                return row, size, floor, asked
            asked += 1
            bounds[row], steps[row] = _gain(rows, state, row), step
            key = bounds[row] / price[row] if len(price) else bounds[row]
        if open[row] and key >= floor:
            _sift(heap, size, 0, key, row, step)
        else:
            size -= 1
            _sift(heap, size, 0, heap[size].key, heap[size].row, heap[size].step)


@njit(_DOUBLE(_LONG, _DOUBLE), **FAST)
def slope(phi, x):
    """`φ'(x)`."""
    if phi == POWER:
        return EXPONENT * (x + OFFSET) ** (EXPONENT - 1)
    return math.exp(-x)


_GRAPH = types.Tuple((_fixed(_LONG), _fixed(types.int32), _fixed(_DOUBLE)))


@njit(_DOUBLE(_GRAPH, _DOUBLES, _LONG), **FAST)
def _product(graph, slopes, a):
    """`Σ_b P[a, b] slopes[b]`."""
    starts, columns, values = graph
    total = 0.0
    for at in range(starts[a], starts[a + 1]):
        total += values[at] * slopes[columns[at]]
    return total


@njit(types.void(_GRAPH, _DOUBLES, _DOUBLES), **FAST)
def levels(graph, slopes, out):
    """`P @ slopes`."""
    for a in range(len(out)):
        out[a] = _product(graph, slopes, a)


@njit(
    types.void(_fixed(types.int32), _DOUBLE, _LONG, _GRAPH, _LONG, _PLACES, _DOUBLES, _DOUBLES, _DOUBLES),
    **FAST,
)
def inform(tags, amount, phi, graph, step, seen, information, slopes, level):
    """Add the information of a row with these tags; the level of a tag follows where a neighbour's slope changed.

    `seen` keeps the step at which a tag's level was last made anew. The graph's pattern is symmetric.
    """
    starts, columns, values = graph
    for tag in tags:
        for at in range(starts[tag], starts[tag + 1]):
            information[columns[at]] += amount * values[at]
    for tag in tags:
        for at in range(starts[tag], starts[tag + 1]):
            b = columns[at]
            slopes[b] = min(slopes[b], slope(phi, information[b]))
    for tag in tags:
        for at in range(starts[tag], starts[tag + 1]):
            b = columns[at]
            for back in range(starts[b], starts[b + 1]):
                a = columns[back]
                if seen[a] != step:
                    seen[a] = step
                    level[a] = _product(graph, slopes, a)


@njit(types.void(_fixed(_LONG), _PLACES), **FAST)
def sort_rows(starts, columns):
    """Sort the columns of each row in place; rows are short."""
    for row in range(len(starts) - 1):
        for at in range(starts[row] + 1, starts[row + 1]):
            column, hole = columns[at], at
            while hole > starts[row] and columns[hole - 1] > column:
                columns[hole] = columns[hole - 1]
                hole -= 1
            columns[hole] = column

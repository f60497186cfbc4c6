"""Compiled scans of blocks of similarities."""

import numpy as np
from numba import njit

_CHUNK = 64


@njit("boolean(float32, int64, float32, int64)", cache=True, nogil=True, inline="always")
def _worse(value, column, other_value, other_column):
    """Whether a candidate goes before another one: it is less similar, or as similar and comes later."""
    return value < other_value or (value == other_value and column > other_column)


@njit("void(float32[:], int64[:], int64, int64)", cache=True, nogil=True)
def _sink(values, columns, at, size):
    """Move the entry at `at` down a heap that has its worst entry on top."""
    value, column = values[at], columns[at]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _worse(values[child + 1], columns[child + 1], values[child], columns[child]):
            child += 1
        if not _worse(values[child], columns[child], value, column):
            break
        values[at], columns[at] = values[child], columns[child]
        at = child
    values[at], columns[at] = value, column


@njit("void(float32[:, ::1], float32[::1], int64, int64[:, ::1], float32[::1])", cache=True, nogil=True)
def top_columns(block, less, first, out, lowest):
    """For each row the `out.shape[1]` columns with the largest `block - less`, in any order, but the row itself.

    Row i of the block is row `first + i`; a tie goes to the smaller column. `lowest` receives the smallest value of
    each row, itself included. Chunks without a value above the worst of those kept are passed over.
    """
    n, wanted = block.shape[1], out.shape[1]
    values, columns, chunk = np.empty(wanted, np.float32), np.empty(wanted, np.int64), np.empty(_CHUNK, np.float32)
    for i in range(block.shape[0]):
        size = 0
        smallest = np.float32(np.inf)
        for start in range(0, n, _CHUNK):
            width = min(_CHUNK, n - start)
            above, below = 0, 0
            bound = values[0] if size == wanted else np.float32(-np.inf)
            for j in range(width):
                chunk[j] = block[i, start + j] - less[start + j]
                above += chunk[j] > bound
                below += chunk[j] < smallest
            if below:
                for j in range(width):
                    if chunk[j] < smallest:
                        smallest = chunk[j]
            if not above and size == wanted:
                continue
            for j in range(width):
                if start + j == first + i:
                    continue
                if size < wanted:
                    values[size], columns[size] = chunk[j], start + j
                    size += 1
                    if size == wanted:
                        for at in range(wanted // 2 - 1, -1, -1):
                            _sink(values, columns, at, size)
                elif chunk[j] > values[0]:
                    values[0], columns[0] = chunk[j], start + j
                    _sink(values, columns, 0, size)
        out[i] = columns
        lowest[i] = smallest

"""Compiled loops of k-means: sums of rows by cluster, and one step of the race that draws its first centroids."""

import numpy as np
from numba import njit

TILE = 1024


@njit("void(float32[:,::1], int64[::1], int64, int64, float64[:,::1])", cache=True, nogil=True)
def add_rows(rows, label, low, high, sums):
    """Add the columns low … high - 1 of each row to its cluster's, in the order of the rows."""
    for row in range(len(rows)):
        cluster = label[row]
        for column in range(low, high):
            sums[cluster, column] += rows[row, column]


@njit(
    "Tuple((int64, float64))(float32[:,::1], float32[::1], float32[::1], float64[::1], float64)",
    cache=True,
    nogil=True,
)
def race(columns, point, weight, rest, elapsed):
    """Let `elapsed` pass, lower each weight to the squared distance to `point`, and say who is next and when."""
    squares = np.empty(TILE, np.float32)
    first, soonest = -1, np.inf
    for start in range(0, len(rest), TILE):
        size = min(TILE, len(rest) - start)
        squares[:] = 0
        for axis in range(len(point)):
            at = point[axis]
            for i in range(size):
                step = columns[axis, start + i] - at
                squares[i] += step * step
        for i in range(size):
            row = start + i
            left = rest[row] - weight[row] * elapsed
            rest[row] = left if left > 0.0 else 0.0
            if squares[i] < weight[row]:
                weight[row] = squares[i]
            if weight[row] > 0:
                due = rest[row] / weight[row]
                if due < soonest:
                    first, soonest = row, due
    return first, soonest

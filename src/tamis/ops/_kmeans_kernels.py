"""Compiled loops of k-means: the best two of a row of products, sums by cluster, a step of the race for centroids."""

import numpy as np
from numba import njit

TILE = 1024
LOWEST, ALL_BUT_SIGN, SIGN = np.int32(-0x7F800001), np.int32(2**31 - 1), np.int32(31)  # the lowest stands for -inf


@njit("void(int32[:,::1], int64, int64[::1], int32[:,::1])", cache=True, nogil=True)
def best_two(bits, size, place, best):
    """Where each of the first `size` rows has its largest float32, and the bits of the largest two.

    As whole numbers, with all but the sign turned round below 0, floats keep their order, and loops that compare them
    become vector instructions, which loops over floats do not for fear of NaN.
    """
    for row in range(size):
        top = LOWEST
        for j in range(bits.shape[1]):
            value = bits[row, j]
            top = max(top, np.int32(value ^ ((value >> SIGN) & ALL_BUT_SIGN)))
        second, at, count = LOWEST, np.int32(0), np.int32(0)
        for j in range(bits.shape[1]):
            value = bits[row, j]
            value = np.int32(value ^ ((value >> SIGN) & ALL_BUT_SIGN))
            same = np.int32(value == top)
            count = np.int32(count + same)
            at = np.int32(at + np.int32(j) * same)
            second = max(second, np.int32(value if value < top else LOWEST))
        if count > 1:  # then `at` is the sum of several places
            second, at = top, np.int32(0)
        place[row] = at
        best[row, 0] = np.int32(top ^ ((top >> SIGN) & ALL_BUT_SIGN))
        best[row, 1] = np.int32(second ^ ((second >> SIGN) & ALL_BUT_SIGN))


@njit("void(float32[:,::1], int64[::1], float64[:,::1])", cache=True, nogil=True)
def add_rows(rows, label, sums):
    """Add each row, as far as sums are wide, to that of its cluster, in the order of the rows."""
    for row in range(len(rows)):
        part, total = rows[row], sums[label[row]]
        for column in range(len(total)):
            total[column] += part[column]


@njit(
    "Tuple((int64, float64))(float32[:,::1], float32[::1], float32[::1], float64[::1], float64)",
    cache=True,
    nogil=True,
)
def race(columns, point, weight, rest, elapsed):
    """Let `elapsed` pass, lower each weight to the squared distance to `point`, and say who is next and when."""
    squares = np.empty(TILE, np.float32)
    first, soonest = -1, np.inf
    for start in range(0, len(rest), TILE):  # slices, because loops over `start + i` do not become vector instructions
        left, speed = rest[start : start + TILE], weight[start : start + TILE]
        squares[:] = 0
        for axis in range(len(point)):
            at, column = point[axis], columns[axis, start : start + TILE]
            for i in range(len(left)):
                step = column[i] - at
                squares[i] += step * step
        for i in range(len(left)):
            later = left[i] - speed[i] * elapsed
            left[i] = later if later > 0.0 else 0.0
            speed[i] = squares[i] if squares[i] < speed[i] else speed[i]
        for i in range(len(left)):
            if speed[i] > 0:
                due = left[i] / speed[i]
                if due < soonest:
                    first, soonest = start + i, due
    return first, soonest

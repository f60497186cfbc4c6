"""CountSketch: each column is added, with a sign, to one place."""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix

BLOCK = 8192  # columns whose places are held
_STEP, _S32, _U1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(32), np.uint64(1)
READ = types.Array(types.float32, 2, "C", readonly=True)


@njit(
    types.void(types.uint64, types.int64, types.uint64, types.uint32[::1], types.float32[::1]), cache=True, nogil=True
)
def places(key, first, d, place, sign):
    """Of `w = mix(key + c _STEP)` the high half tells the place of column c, times d of 32 bits; its last bit is -1."""
    for c in range(len(place)):
        w = mix(key + np.uint64(first + c) * _STEP)
        place[c] = ((w >> _S32) * d) >> _S32
        sign[c] = 1 - 2 * np.float32(w & _U1)


@njit(types.void(READ, *[types.int64] * 3, types.uint64, types.float32[:, ::1]), cache=True, nogil=True)
def add_count_sketch(piece, start, row, stop, key, out):
    """Add the columns of these rows, which are those from `start` on, each chain of additions in their order."""
    width, d = piece.shape[1], np.uint64(out.shape[1])
    room, signs = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.float32)
    for first in range(0, width, BLOCK):
        count = min(BLOCK, width - first)
        place, sign = room[:count], signs[:count]
        places(key, start + first, d, place, sign)
        for i in range(row, stop - 1, 2):
            for c in range(count):  # two rows for one look at places
                to, factor = place[c], sign[c]
                out[i, to] += factor * piece[i, first + c]
                out[i + 1, to] += factor * piece[i + 1, first + c]
        if (stop - row) % 2:
            for c in range(count):
                out[stop - 1, place[c]] += sign[c] * piece[stop - 1, first + c]

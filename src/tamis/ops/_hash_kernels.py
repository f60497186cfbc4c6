"""Compiled 128-bit hash of variable-length values."""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix

BYTES = types.Array(types.uint8, 1, "C", readonly=True)
OFFSETS = types.Array(types.int64, 1, "C", readonly=True)

_U1, _U8 = np.uint64(1), np.uint64(8)


@njit(types.void(BYTES, OFFSETS, types.uint64, types.uint64, types.uint64[:, ::1]), cache=True, nogil=True)
def hash_values(data, offsets, step, second, out):
    """The sums of `ops.hashing.hash_rows` for the values `data[offsets[i]:offsets[i + 1]]`."""
    for i in range(len(offsets) - 1):
        at, end = np.uint64(offsets[i]), np.uint64(offsets[i + 1])
        a = np.uint64(0)
        b = np.uint64(0)
        key = step
        while at + _U8 <= end:
            word = np.uint64(0)
            for k in range(8):
                word |= np.uint64(data[at + np.uint64(k)]) << np.uint64(8 * k)
            u = mix(word + key)
            a += u
            b += (u ^ (u >> np.uint64(29))) * second
            key += step
            at += _U8
        if at < end:
            word = np.uint64(0)
            shift = np.uint64(0)
            while at < end:
                word |= np.uint64(data[at]) << shift
                shift += _U8
                at += _U1
            u = mix(word + key)
            a += u
            b += (u ^ (u >> np.uint64(29))) * second
        length = np.uint64(offsets[i + 1] - offsets[i])
        out[i, 0] = mix(a ^ (length * second))
        out[i, 1] = mix(b + length)

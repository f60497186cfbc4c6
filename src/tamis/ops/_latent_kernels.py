"""Compiled products of sparse rows, one a document, with tables that have a row for each bucket that is kept."""

from math import sqrt

import numpy as np
from numba import njit, types

from tamis.ops._count_kernels import BUCKET_BITS, COUNT_BITS
from tamis.ops._ngram_kernels import FAST

PACKED = types.Array(types.uint32, 1, "C", readonly=True)
STOPS = types.Array(types.int64, 1, "C", readonly=True)
SLOTS = types.Array(types.int32, 1, "C", readonly=True)
VALUES = types.Array(types.float32, 1, "C", readonly=True)
TABLE = types.Array(types.float32, 2, "C", readonly=True)
VECTOR, VECTORS = types.float32[::1], types.float32[:, ::1]


@njit(types.void(VECTOR, types.float32, VECTOR), cache=True, **FAST)
def add(total, factor, vector):
    """total += factor · vector."""
    for j in range(len(total)):
        total[j] += factor * vector[j]


@njit(types.boolean(VECTOR), cache=True, **FAST)
def make_unit(vector):
    """Divide by the Euclidean norm, unless it is 0; return whether it was not."""
    total = 0.0
    for j in range(len(vector)):
        total += np.float64(vector[j]) * vector[j]
    if total == 0:
        return False
    factor = np.float32(1 / sqrt(total))
    for j in range(len(vector)):
        vector[j] *= factor
    return True


@njit(types.void(SLOTS, VALUES, STOPS, VECTORS, VECTORS), cache=True, **FAST)
def multiply(slots, values, stops, table, out):
    """out[d] = Σ value · table[slot] over the sparse row d."""
    begin = np.int64(0)
    for d in range(len(stops)):
        out[d, :] = 0
        for i in range(begin, stops[d]):
            add(out[d], values[i], table[slots[i]])
        begin = stops[d]


@njit(types.void(SLOTS, VALUES, STOPS, VECTORS, VECTORS), cache=True, **FAST)
def multiply_transposed(slots, values, stops, rows, out):
    """out[slot] = Σ value · rows[d] over all sparse rows d that have the slot."""
    out[:, :] = 0
    begin = np.int64(0)
    for d in range(len(stops)):
        for i in range(begin, stops[d]):
            add(out[slots[i]], values[i], rows[d])
        begin = stops[d]


@njit(types.void(PACKED, STOPS, VALUES, SLOTS, TABLE, VALUES, VECTORS), cache=True, **FAST)
def project(packed, stops, log_counts, slot_of, table, mean, out):
    """The unit vector of each document: its sum of rows of the table, made a unit, minus the mean, made a unit."""
    width = out.shape[1]
    begin = np.int64(0)
    for d in range(len(stops)):
        total = out[d]
        total[:] = 0
        for i in range(begin, stops[d]):
            slot = slot_of[packed[i] & BUCKET_BITS]
            if slot >= 0:
                factor = log_counts[packed[i] >> COUNT_BITS]
                row = table[slot]
                for j in range(width):
                    total[j] += factor * row[j]
        if make_unit(total):
            for j in range(width):
                total[j] -= mean[j]
            make_unit(total)
        begin = stops[d]

"""Compiled vote counts: who supports a row, and what their votes are worth."""

import numpy as np
from numba import njit, types

LONGS = types.Array(types.int64, 1, "C", readonly=True)
PLACES = types.Array(types.int32, 1, "C", readonly=True)
WORTHS = types.Array(types.float64, 1, "C", readonly=True)
FLAGS = types.Array(types.boolean, 1, "C", readonly=True)


@njit(types.void(LONGS, LONGS, types.int64[::1], types.int32[::1]), cache=True, nogil=True)
def turn(starts, heads, bounds, tails):
    """The rows that point to each row, ascending: those of row u end up in `tails[bounds[u]:bounds[u + 1]]`."""
    n = len(starts) - 1
    for e in range(len(heads)):
        bounds[heads[e] + 1] += 1
    for u in range(n):
        bounds[u + 1] += bounds[u]
    at = bounds[:-1].copy()
    for v in range(n):
        for e in range(starts[v], starts[v + 1]):
            tails[at[heads[e]]] = v
            at[heads[e]] += 1


@njit(types.void(LONGS, PLACES, PLACES, FLAGS, WORTHS, LONGS, types.float64[::1]), cache=True, nogil=True)
def worth(bounds, tails, heard, taken, worths, rows, out):
    """Σ of `worths[heard[v]]` over the supporters v of each of `rows` that are not taken, whatever their order."""
    counts = np.zeros(len(worths), np.int64)
    for i in range(len(rows)):
        highest = 0
        for e in range(bounds[rows[i]], bounds[rows[i] + 1]):
            v = tails[e]
            if not taken[v]:
                counts[heard[v]] += 1
                highest = max(highest, heard[v])
        total = 0.0
        for level in range(highest, -1, -1):
            total += counts[level] * worths[level]
            counts[level] = 0
        out[i] = total

"""Compiled searches for who would have reached a row, each in a world of its own."""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix

LONGS = types.Array(types.int64, 1, "C", readonly=True)
PLACES = types.Array(types.int32, 1, "C", readonly=True)
HASHES = types.Array(types.uint64, 1, "C", readonly=True)
EDGES = types.Array(types.uint64, 2, "C", readonly=True)

_STEP, _ROOT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_S32, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@njit(types.int64[::1](LONGS, PLACES), cache=True, nogil=True)
def walk(starts, heads):
    """All rows in an order in which neighbours are near to each other: breadth first, from each row not met before."""
    n = len(starts) - 1
    order = np.empty(n, np.int64)
    seen = np.zeros(n, np.bool_)
    used, at = 0, 0
    for row in range(n):
        if not seen[row]:
            seen[row] = True
            order[used] = row
            used += 1
        while at < used:
            for there in heads[starts[order[at]] : starts[order[at] + 1]]:
                if not seen[there]:
                    seen[there] = True
                    order[used] = there
                    used += 1
            at += 1
    return order


@njit(
    types.UniTuple(types.int32[::1], 2)(LONGS, EDGES, HASHES, types.int64, types.int64, types.int64, types.int64),
    cache=True,
    nogil=True,
)
def reached_by(starts, edges, key, begin, end, first, worlds):
    """The rows from which each of the rows `begin … end - 1` is reached in each of `worlds` worlds: sets, one by one.

    The edges into row u are `starts[u] … starts[u + 1]`: a hash, then the most that the upper half of a hash of edge,
    row and world may be for the edge to be there, and in the lower half the row that the edge comes from.
    Returns members and sizes.
    """
    n = len(starts) - 1
    seen = np.zeros(n, np.bool_)
    sizes = np.empty((end - begin) * worlds, np.int32)
    members = np.empty(8 * len(sizes) + n, np.int32)
    used, found = 0, 0
    for root in range(begin, end):
        own = mix(key[root] ^ _ROOT)
        for world in range(first, first + worlds):
            chance = mix(own + _STEP * np.uint64(world + 1))
            if used + n > len(members):
                larger = np.empty(2 * len(members), np.int32)
                larger[:used] = members[:used]
                members = larger
            low = used
            at = used
            members[used] = root
            used += 1
            seen[root] = True
            while at < used:
                there = members[at]
                at += 1
                for e in range(starts[there], starts[there + 1]):
                    limit = edges[e, 1]
                    if (mix(edges[e, 0] + chance) >> _S32) <= (limit >> _S32):
                        tail = np.int64(limit & _LOW)
                        if not seen[tail]:
                            seen[tail] = True
                            members[used] = tail
                            used += 1
            for at in range(low, used):
                seen[members[at]] = False
            sizes[found] = used - low
            found += 1
    return members[:used].copy(), sizes


@njit(types.void(PLACES, types.int64[::1]), cache=True, nogil=True)
def count(members, counts):
    """Add 1 to `counts[member + 1]` for each of `members`."""
    for member in members:
        counts[member + 1] += 1


@njit(types.void(PLACES, PLACES, types.int64, types.int64[::1], types.int32[::1]), cache=True, nogil=True)
def turn(members, sizes, first, at, out):
    """Write the number of each set, from `first` on, to the place `at` of each of its members, which moves on."""
    low = 0
    for i in range(len(sizes)):
        for member in members[low : low + sizes[i]]:
            out[at[member]] = first + i
            at[member] += 1
        low += sizes[i]

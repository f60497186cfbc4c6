"""Compiled counts: the distinct n-gram buckets of each document, packed with how often they occur."""

import numpy as np
from numba import njit, types

from tamis.ops._ngram_kernels import FAST, IDS, LONGS

COUNTS = types.uint8[::1]

COUNT_BITS, BUCKET_BITS = np.uint32(24), np.uint32(0xFFFFFF)
_MOST, _ONE = np.uint8(255), np.uint8(1)


@njit(types.int64(IDS, LONGS, COUNTS), cache=True, **FAST)
def pack_distinct(ids, stops, counts):
    """Put each document's distinct ids, in the order in which they first occur, with their counts over them, in place.

    `stops` moves with them; `counts` has a number for each bucket, 0 before and after. Returns how many are left.
    """
    begin, filled = np.int64(0), np.int64(0)
    for d in range(len(stops)):
        first = filled
        for i in range(begin, stops[d]):
            bucket = ids[i]
            count = counts[bucket]
            ids[filled] = bucket
            filled += np.int64(count == 0)
            counts[bucket] = count + _ONE if count < _MOST else _MOST
        begin = stops[d]
        for i in range(first, filled):
            bucket = ids[i]
            ids[i] = bucket | np.uint32(np.uint32(counts[bucket]) << COUNT_BITS)
            counts[bucket] = 0
        stops[d] = filled
    return filled

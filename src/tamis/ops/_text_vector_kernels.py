"""Compiled text vectors: features of a text to buckets, and buckets to signed places of a vector."""

import numpy as np
from numba import njit, types

from tamis.ops._count_kernels import BUCKET_BITS, COUNT_BITS
from tamis.ops._mix_kernels import mix
from tamis.ops._ngram_kernels import BYTES, FAST, IDS, LONGS, OFFSETS, TABLE, WORDS, hash_tokens, read_tokens
from tamis.ops._vector_instructions import load_word

PACKED = types.Array(types.uint32, 1, "C", readonly=True)
STOPS = types.Array(types.int64, 1, "C", readonly=True)
CLASSES = types.Array(types.uint8, 1, "C", readonly=True)
VALUES = types.Array(types.float32, 1, "C", readonly=True)
VECTORS = types.float32[:, ::1]

START, PLACES = 3, 4
_STARTS, _PAIRS = np.uint64(0x9E6C63D0876A9A47), np.uint64(0xC6BC279692B5CC83)
_START_BITS, _BUCKET, _PAIR = np.uint64((1 << 8 * START) - 1), np.uint64(46), np.int64(6)
_STEP, _PLACE_BITS, _SIGN, _SHIFT = np.uint64(16), np.uint64(0x7FFF), np.uint64(0x8000), np.uint64(15)


@njit(types.uint32(types.uint64), cache=True, **FAST)
def pair_bucket(pair):
    """The bucket of two neighbouring characters' classes."""
    return np.uint32(mix(pair ^ _PAIRS) >> _BUCKET)


@njit(types.int64(BYTES, OFFSETS, TABLE, CLASSES, PACKED, WORDS, LONGS, LONGS, WORDS, IDS, LONGS), cache=True, **FAST)
def feature_ids(data, offsets, table, classes, pairs, low, starts, ends, hashes, ids, stops):
    """Fill `ids` with the buckets of words, of their first bytes if they have more, and of changes of class.

    A document without a token has none.
    """
    low_bytes = low.view(np.uint8)
    filled = np.uint64(0)
    one = np.uint64(1)
    for d in range(len(offsets) - 1):
        tokens = read_tokens(data, offsets[d], offsets[d + 1], table, low_bytes, starts, ends)
        hash_tokens(low, starts, ends, tokens, hashes)
        for t in range(tokens):
            ids[filled] = np.uint32(hashes[t] >> _BUCKET)
            filled += one
        for t in range(tokens):
            if ends[t] - starts[t] > START:
                word = load_word(low_bytes, np.uint64(starts[t])) & _START_BITS
                ids[filled] = np.uint32(mix(word ^ _STARTS) >> _BUCKET)
                filled += one
        if tokens > 0:
            before = classes[data[offsets[d]]]
            for i in range(offsets[d] + 1, offsets[d + 1]):
                here = classes[data[i]]
                ids[filled] = pairs[(np.int64(before) << _PAIR) | np.int64(here)]
                filled += np.uint64(before != here)
                before = here
        stops[d] = filled
    return filled


@njit(types.void(PACKED, STOPS, VALUES, types.uint64, VECTORS), cache=True, **FAST)
def place(packed, stops, values, seed, out):
    """Add each feature's value, with signs, to its places of the vector, and make the vector a unit."""
    width = np.uint64(out.shape[1])
    begin = np.int64(0)
    for d in range(len(stops)):
        total = out[d]
        total[:] = 0
        for i in range(begin, stops[d]):
            value = values[packed[i] >> COUNT_BITS]
            bits = mix(np.uint64(packed[i] & BUCKET_BITS) ^ seed)
            for _ in range(PLACES):
                at = ((bits & _PLACE_BITS) * width) >> _SHIFT
                total[at] += -value if bits & _SIGN else value
                bits >>= _STEP
        squares = 0.0
        for j in range(width):
            squares += np.float64(total[j]) * total[j]
        if squares > 0:
            factor = np.float32(1 / np.sqrt(squares))
            for j in range(width):
                total[j] *= factor
        begin = stops[d]

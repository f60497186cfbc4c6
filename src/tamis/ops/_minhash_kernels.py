"""Compiled MinHash: text to tokens, tokens to shingles, shingles to minima, minima to band keys; and copies in a band.

Scratch arrays are those of `_ngram_kernels`, by the longest document; `shingles` has room for its tokens and `SPARE`.
"""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix
from tamis.ops._ngram_kernels import BYTES, FAST, IDS, LONGS, OFFSETS, TABLE, WORDS, hash_tokens, read_tokens
from tamis.ops._vector_instructions import ORDER

PARAMETERS = types.Array(types.uint32, 1, "C", readonly=True)
MINIMA = types.uint32[:, ::1]
KEYS = types.uint64[:, ::1]
LOW_BYTES = types.Array(types.uint8, 2, "C", readonly=True)
COLUMN = types.Array(types.uint64, 1, "C", readonly=True)

TOGETHER = 8
_ORDER, _S32 = np.uint64(ORDER), np.uint64(32)
_U1, _LENGTH = np.uint64(1), np.uint64(0x9E3779B97F4A7C15)
_LARGEST = np.uint32(0xFFFFFFFF)


@njit(types.uint64(WORDS, types.int64, types.int64, WORDS, IDS), cache=True, **FAST)
def hash_shingles(hashes, tokens, width, grams, shingles):
    """Write the 32-bit hash of every run of `width` tokens, or of all if they are fewer; return how many.

    g = h_1 P^(w-1) + … + h_w modulo 2^64, then the high half of `mix`; behind the last one, it is repeated.
    """
    width = min(width, tokens)
    count = np.uint64(tokens - width + 1)
    for i in range(count):
        grams[i] = hashes[i]
    for k in range(1, width):
        for i in range(count):
            grams[i] = grams[i] * _ORDER + hashes[i + np.uint64(k)]
    for i in range(count):
        shingles[i] = np.uint32(mix(grams[i]) >> _S32)
    for i in range(count, count + np.uint64(TOGETHER)):
        shingles[i] = shingles[count - _U1]
    return count


@njit(types.void(IDS, types.uint64, PARAMETERS, PARAMETERS, IDS), cache=True, **FAST)
def minimise(shingles, count, factors, terms, lowest):
    """lowest_j = min over shingles x of (factor_j x + term_j) modulo 2^32, `TOGETHER` shingles at a time.

    Numba makes the product of two uint32 a uint64: without the cast, minima would be of other numbers.
    """
    for j in range(len(lowest)):
        lowest[j] = _LARGEST
    i = np.uint64(0)
    while i < count:
        s = shingles[i : i + np.uint64(TOGETHER)]
        s0, s1, s2, s3, s4, s5, s6, s7 = s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
        for j in range(len(lowest)):
            a, b = factors[j], terms[j]
            c0, c1 = np.uint32(a * s0 + b), np.uint32(a * s1 + b)
            c2, c3 = np.uint32(a * s2 + b), np.uint32(a * s3 + b)
            c4, c5 = np.uint32(a * s4 + b), np.uint32(a * s5 + b)
            c6, c7 = np.uint32(a * s6 + b), np.uint32(a * s7 + b)
            c0, c2, c4, c6 = min(c0, c1), min(c2, c3), min(c4, c5), min(c6, c7)
            lowest[j] = min(lowest[j], min(min(c0, c2), min(c4, c6)))
        i += np.uint64(TOGETHER)


@njit(types.void(IDS, types.int64, WORDS), cache=True, **FAST)
def write_keys(lowest, rows, keys):
    """The key of each band: h = rows * constant, then h = mix(h ^ m) for its minima m, two a word; never 0."""
    at = 0
    for band in range(len(keys)):
        h = np.uint64(rows) * _LENGTH
        end = at + rows
        while at < end:
            word = np.uint64(lowest[at])
            if at + 1 < end:
                word |= np.uint64(lowest[at + 1]) << _S32
            h = mix(h ^ word)
            at += 2
        at = end
        keys[band] = max(h, _U1)


@njit(
    types.void(
        BYTES, OFFSETS, TABLE, types.int64, types.int64, PARAMETERS, PARAMETERS, types.boolean,
        WORDS, LONGS, LONGS, WORDS, WORDS, IDS, MINIMA, KEYS,
    ),
    cache=True,
    **FAST,
)  # fmt: skip
def sketch_documents(
    data, offsets, table, width, rows, factors, terms, empty_alike,
    low, starts, ends, hashes, grams, shingles, minima, keys,
):  # fmt: skip
    """Fill the band keys of each document, and its minima unless `minima` has one row, which is then for all in turn.

    A document without a token has the largest minima, and keys of 0 unless `empty_alike`.
    """
    low_bytes = low.view(np.uint8)
    kept = len(minima) == len(keys)
    for d in range(len(offsets) - 1):
        lowest = minima[d if kept else 0]
        tokens = read_tokens(data, offsets[d], offsets[d + 1], table, low_bytes, starts, ends)
        count = np.uint64(0)
        if tokens > 0:
            hash_tokens(low, starts, ends, tokens, hashes)
            count = hash_shingles(hashes, tokens, width, grams, shingles)
        minimise(shingles, count, factors, terms, lowest)
        if count > 0 or empty_alike:
            write_keys(lowest, rows, keys[d])
        else:
            keys[d, :] = 0


@njit(types.int64(LOW_BYTES, types.int64, LOW_BYTES, types.int64), cache=True, **FAST)
def equal_minima(some, row, others, other):
    """In how many places two rows of minima have an equal lowest byte."""
    a, b = some[row], others[other]
    equal = np.int64(0)
    for j in range(len(a)):
        equal += np.int64(a[j] == b[j])
    return equal


@njit(
    types.void(
        COLUMN, types.uint64, types.int64, COLUMN, LOW_BYTES, LOW_BYTES, types.int64, LONGS, LONGS
    ),
    cache=True,
    **FAST,
)  # fmt: skip
def match_band(packed, row_bits, before, column, minima_before, minima, needed, leaders, parent):
    """Lower `parent[i]` to the first leader in this band that row i matches.

    `packed` are the high bits of the keys `column` over row numbers, sorted: rows with equal high bits follow each
    other in their order. The first `before` rows are of another corpus; all of them lead. If there are none, a row
    leads that matches no leader. A pair matches with equal keys, and `needed` equal minima.
    """
    at, size = 0, len(packed)
    while at < size:
        high = packed[at] & ~row_bits
        led = 0
        while at < size and packed[at] & ~row_bits == high:
            row = np.int64(packed[at] & row_bits)
            at += 1
            if row < before:
                leaders[led] = row
                led += 1
                continue
            found = -1
            for k in range(led):
                leader = leaders[k]
                if column[leader] != column[row]:
                    continue
                if needed > 0:
                    if before > 0:
                        equal = equal_minima(minima_before, leader, minima, row - before)
                    else:
                        equal = equal_minima(minima, leader, minima, row)
                    if equal < needed:
                        continue
                found = leader
                break
            if found >= 0:
                parent[row - before] = min(parent[row - before], found)
            elif before == 0:
                leaders[led] = row
                led += 1

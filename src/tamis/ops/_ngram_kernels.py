"""Compiled n-grams: text to tokens, tokens to hashes, n-grams to buckets, buckets to counts and sums.

Scratch arrays come from the caller, sized by the longest document: `low` uint64, `starts` and `ends` int64, `hashes`
and `grams` uint64.
"""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix

BYTES = types.Array(types.uint8, 1, "C", readonly=True)
OFFSETS = types.Array(types.int64, 1, "C", readonly=True)
TABLE = types.Array(types.uint32, 1, "C", readonly=True)
RATIO = types.Array(types.float64, 1, "C", readonly=True)
RATIOS = types.Array(types.float64, 2, "C", readonly=True)
WORDS, LONGS, IDS, SUMS, SUM_ROWS = (
    types.uint64[::1],
    types.int64[::1],
    types.uint32[::1],
    types.float64[::1],
    types.float64[:, ::1],
)

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_LENGTH, _ORDER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_LAST, _CODE, _SINGLE = np.uint64(0x10FFFF), np.uint32(0xFFFFFF), np.uint32(3)
_S1, _S24 = np.uint32(1), np.uint32(24)
_U1, _U3, _U6, _U7, _U8, _U12, _U18, _U24 = (np.uint64(k) for k in (1, 3, 6, 7, 8, 12, 18, 24))
_U32, _U63, _U64, _U128 = (np.uint64(k) for k in (32, 63, 64, 128))


@njit(types.uint64(types.uint64, types.uint8[::1], types.uint64), cache=True, nogil=True)
def write_utf8(code, low, out):
    """Write the 1 to 4 bytes of a code point at `out` and return where the next one goes."""
    if code < _U128:
        low[out] = code
        return out + _U1
    if code < 0x800:
        low[out] = 0xC0 | (code >> _U6)
    else:
        if code < 0x10000:
            low[out] = 0xE0 | (code >> _U12)
        else:
            low[out] = 0xF0 | (code >> _U18)
            out += _U1
            low[out] = 0x80 | ((code >> _U12) & _U63)
        out += _U1
        low[out] = 0x80 | ((code >> _U6) & _U63)
    low[out + _U1] = 0x80 | (code & _U63)
    return out + _U1 + _U1


@njit(types.int64(BYTES, types.int64, types.int64, TABLE, types.uint8[::1], LONGS, LONGS), cache=True, nogil=True)
def read_tokens(data, begin, end, table, low, starts, ends):
    """Write the lower case of `data[begin:end]` to `low`, the token bounds within it, and return their number."""
    at, stop = np.uint64(begin), np.uint64(end)
    out, opened, closed = np.uint64(0), np.uint64(0), np.uint64(0)
    previous = np.uint32(0)
    while at < stop:
        code = np.uint64(data[at])
        at += _U1
        if code < _U128:
            entry = table[code]
            run = entry >> _S24
            low[out] = entry
        else:
            more = _U1 + np.uint64(code >= 0xE0) + np.uint64(code >= 0xF0)
            code &= _U63 >> more
            while more > 0 and at < stop:
                code = (code << _U6) | (np.uint64(data[at]) & _U63)
                at += _U1
                more -= _U1
            entry = table[min(code, _LAST)]
            run = entry >> _S24
            if run == _SINGLE and previous == _SINGLE:
                run = _SINGLE + _S1
        starts[opened] = out
        ends[closed] = out
        changed = run != previous
        opened += np.uint64(changed & (run != 0))
        closed += np.uint64(changed & (previous != 0))
        previous = run
        if code < _U128:
            out += _U1
        else:
            out = write_utf8(np.uint64(entry & _CODE), low, out)
    ends[closed] = out
    return opened


@njit(types.void(WORDS, LONGS, LONGS, types.int64, WORDS), cache=True, nogil=True)
def hash_tokens(low, starts, ends, tokens, hashes):
    """Hash each token: h = length * constant, then h = mix(h ^ w) for its 8-byte words w, the last one zero-padded."""
    for t in range(tokens):
        start, left = np.uint64(starts[t]), np.uint64(ends[t] - starts[t])
        shift = (start & _U7) << _U3
        at = start >> _U3
        h = left * _LENGTH
        while True:
            word = (low[at] >> shift) | ((low[at + _U1] << _U1) << (_U63 - shift))
            if left <= _U8:
                break
            h = mix(h ^ word)
            left -= _U8
            at += _U1
        hashes[t] = mix(h ^ (word & (_ALL >> (_U64 - (left << _U3)))))


@njit(types.uint64(types.uint64, types.uint64), cache=True, nogil=True)
def join(shorter, token):
    """Hash of the n-gram that appends `token` to the n-gram `shorter`."""
    return mix(shorter * _ORDER + token)


@njit(
    types.int64(BYTES, OFFSETS, TABLE, types.int64, types.int64, WORDS, LONGS, LONGS, WORDS, WORDS, IDS, LONGS, LONGS),
    cache=True,
    nogil=True,
)
def bucket_ids(data, offsets, table, ngrams, buckets, low, starts, ends, hashes, grams, ids, stops, lengths):
    """Fill `ids` with the bucket of every n-gram, `stops` with where each document's end, `lengths` with its tokens."""
    size = np.uint64(buckets)
    low_bytes = low.view(np.uint8)
    filled = 0
    for d in range(len(offsets) - 1):
        tokens = read_tokens(data, offsets[d], offsets[d + 1], table, low_bytes, starts, ends)
        hash_tokens(low, starts, ends, tokens, hashes)
        for i in range(tokens):
            grams[i] = hashes[i]
            ids[filled + i] = ((hashes[i] >> _U32) * size) >> _U32
        filled += tokens
        for order in range(2, min(ngrams, tokens) + 1):
            for i in range(tokens - 1, order - 2, -1):
                gram = join(grams[i - 1], hashes[i])
                grams[i] = gram
                ids[filled] = ((gram >> _U32) * size) >> _U32
                filled += 1
        stops[d] = filled
        lengths[d] = tokens
    return filled


@njit(types.void(IDS, types.int64, LONGS), cache=True, nogil=True)
def add_counts(ids, filled, counts):
    """Add one to the count of every id."""
    for i in range(filled):
        counts[ids[i]] += 1


@njit(types.void(IDS, LONGS, RATIO, SUMS), cache=True, nogil=True)
def sum_one(ids, stops, ratio, sums):
    """Sum `ratio` over each document's ids."""
    begin = 0
    for d in range(len(stops)):
        total = 0.0
        for i in range(begin, stops[d]):
            total += ratio[ids[i]]
        sums[d] = total
        begin = stops[d]


@njit(types.void(IDS, LONGS, RATIOS, SUM_ROWS), cache=True, nogil=True)
def sum_many(ids, stops, ratios, sums):
    """Sum the rows of `ratios` over each document's ids."""
    begin = 0
    for d in range(len(stops)):
        sums[d] = 0.0
        for i in range(begin, stops[d]):
            row = ids[i]
            for t in range(ratios.shape[1]):
                sums[d, t] += ratios[row, t]
        begin = stops[d]


@njit(types.void(BYTES, OFFSETS, TABLE, types.uint8[::1], LONGS, LONGS, LONGS), cache=True, nogil=True)
def count_tokens(data, offsets, table, low, starts, ends, lengths):
    """Fill `lengths` with the number of tokens of each document."""
    for d in range(len(offsets) - 1):
        lengths[d] = read_tokens(data, offsets[d], offsets[d + 1], table, low, starts, ends)

"""Compiled n-grams: text to tokens, tokens to hashes, n-grams to buckets, buckets to counts and sums.

Scratch arrays come from the caller, sized by the longest document: `low` uint64, `starts` and `ends` int64, `hashes`
and `grams` uint64. Each, and `ids`, has `ngram_blocks.SPARE` elements more, for what vectors write beyond the last one.
"""

from typing import Any

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix
from tamis.ops._vector_instructions import (
    BITS,
    LANES,
    ORDER,
    WIDTH,
    classify,
    count_bits,
    join_lanes,
    load_word,
    mix_lanes,
    write_bits,
)

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

# Without `_nrt=False` references to arrays are counted.
FAST: dict[str, Any] = {"nogil": True, "_nrt": False}

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_LENGTH, _ORDER = np.uint64(0x9E3779B97F4A7C15), np.uint64(ORDER)
_LAST, _CODE, _FILE_SEPARATOR = np.uint64(0x10FFFF), np.uint32(0xFFFFFF), np.uint64(0x1C)
_SPACE, _WORD, _SYMBOL, _SINGLE, _AGAIN = (np.uint32(k) for k in range(5))
_S24, _STEP, _LANES, _BITS, _WIDTH = np.uint32(24), np.uint64(16), np.uint64(LANES), np.uint64(BITS), np.uint64(WIDTH)
_U1, _U3, _U6, _U8, _U12, _U18, _U63, _U64, _U128 = (np.uint64(k) for k in (1, 3, 6, 8, 12, 18, 63, 64, 128))


@njit(types.uint64(types.uint64, types.uint8[::1], types.uint64), cache=True, **FAST)
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


@njit(types.uint64(LONGS, types.uint64, types.uint64, types.uint64), cache=True, inline="always", **FAST)
def write_places(places, at, base, mask):
    """Write `base` + place for every bit of the mask and return where the next one goes."""
    behind = at + count_bits(mask)
    mask = write_bits(places, at, base, mask)
    while mask != 0:
        at += _BITS
        mask = write_bits(places, at, base, mask)
    return behind


@njit(types.int64(BYTES, types.int64, types.int64, TABLE, types.uint8[::1], LONGS, LONGS), cache=True, **FAST)
def read_tokens(data, begin, end, table, low, starts, ends):
    """Write the lower case of `data[begin:end]` to `low`, the token bounds within it, and return their number.

    ASCII is read in vectors, and `_STEP` bytes from the first one beyond it are read by `table`, which decides about
    ASCII only whether 0x1C to 0x1F are spaces; so are the last bytes of `data`, too few for a vector.
    """
    at, stop, size = np.uint64(begin), np.uint64(end), np.uint64(data.size)
    out, opened, closed = np.uint64(0), np.uint64(0), np.uint64(0)
    controls = np.uint8(4) if table[_FILE_SEPARATOR] >> _S24 == _SPACE else np.uint8(0)
    previous = _SPACE
    while at < stop:
        turn = stop
        if at + _WIDTH <= size:
            plain, words, spaces = classify(data, at, low, out, controls)
            plain = min(plain, stop - at)
            if plain > 0:
                valid = _ALL >> (_WIDTH - plain)
                symbols = ~(words | spaces)
                after_word = (words << _U1) | np.uint64(previous == _WORD)
                after_symbol = (symbols << _U1) | np.uint64(previous == _SYMBOL)
                after_single = np.uint64(previous >= _SINGLE)
                opening = (words & ~after_word) | (symbols & ~after_symbol)
                closing = (after_word & ~words) | (after_symbol & ~symbols) | after_single
                opened = write_places(starts, opened, out, opening & valid)
                closed = write_places(ends, closed, out, closing & valid)
                last = plain - _U1
                previous = np.uint32(((words >> last) & _U1) | (((symbols >> last) & _U1) << _U1))
                at += plain
                out += plain
                if plain == _WIDTH:
                    continue
            turn = min(stop, at + _STEP)
        while at < turn:
            code = np.uint64(data[at])
            at += _U1
            wide = code >= _U128
            if wide:
                more = _U1 + np.uint64(code >= 0xE0) + np.uint64(code >= 0xF0)
                code &= _U63 >> more
                while more > 0 and at < stop:
                    code = (code << _U6) | (np.uint64(data[at]) & _U63)
                    at += _U1
                    more -= _U1
                entry = table[min(code, _LAST)]
                run = entry >> _S24
                if run == _SINGLE and previous == _SINGLE:
                    run = _AGAIN
            else:
                entry = table[code]
                run = entry >> _S24
                low[out] = entry
            starts[opened] = out
            ends[closed] = out
            changed = run != previous
            opened += np.uint64(changed & (run != _SPACE))
            closed += np.uint64(changed & (previous != _SPACE))
            previous = run
            if wide:
                out = write_utf8(np.uint64(entry & _CODE), low, out)
            else:
                out += _U1
    ends[closed] = out
    return opened


@njit(types.void(types.uint8[::1], LONGS, LONGS, types.int64, WORDS), cache=True, **FAST)
def fold_tokens(low, starts, ends, tokens, hashes):
    """Write the hash of each token before its last `mix`, from place `LANES` on."""
    for t in range(tokens):
        at, left = np.uint64(starts[t]), np.uint64(ends[t] - starts[t])
        h = left * _LENGTH
        while left > _U8:
            h = mix(h ^ load_word(low, at))
            left -= _U8
            at += _U8
        hashes[np.uint64(t) + _LANES] = h ^ (load_word(low, at) & (_ALL >> (_U64 - (left << _U3))))


@njit(types.void(WORDS, LONGS, LONGS, types.int64, WORDS), cache=True, **FAST)
def hash_tokens(low, starts, ends, tokens, hashes):
    """Hash each token: h = length * constant, then h = mix(h ^ w) for its 8-byte words w, the last one zero-padded."""
    fold_tokens(low.view(np.uint8), starts, ends, tokens, hashes)
    for t in range(tokens):
        hashes[t] = mix(hashes[t + LANES])


@njit(types.uint64(types.uint64, types.uint64), cache=True, **FAST)
def join(shorter, token):
    """Hash of the n-gram that appends `token` to the n-gram `shorter`."""
    return mix(shorter * _ORDER + token)


@njit(
    types.int64(BYTES, OFFSETS, TABLE, types.int64, types.int64, WORDS, LONGS, LONGS, WORDS, WORDS, IDS, LONGS, LONGS),
    cache=True,
    **FAST,
)
def bucket_ids(data, offsets, table, ngrams, buckets, low, starts, ends, hashes, grams, ids, stops, lengths):
    """Fill `ids` with the bucket of every n-gram, `stops` with where each document's end, `lengths` with its tokens.

    Token and n-gram i are at place `LANES` + i; those of more than one token are joined from the last to the first.
    """
    size = np.uint64(buckets)
    low_bytes = low.view(np.uint8)
    filled = np.uint64(0)
    for d in range(len(offsets) - 1):
        tokens = np.uint64(read_tokens(data, offsets[d], offsets[d + 1], table, low_bytes, starts, ends))
        fold_tokens(low_bytes, starts, ends, tokens, hashes)
        i = np.uint64(0)
        while i < tokens:
            mix_lanes(hashes, i + _LANES, ids, filled + i, size)
            i += _LANES
        filled += tokens
        shorter = hashes
        for order in range(2, min(ngrams, np.int64(tokens)) + 1):
            count = tokens + _U1 - np.uint64(order)
            i = np.uint64(0)
            while i < count:
                at = tokens - i
                join_lanes(shorter, at - _U1, hashes, at, grams, at, ids, filled + i, size)
                i += _LANES
            shorter = grams
            filled += count
        stops[d] = filled
        lengths[d] = tokens
    return filled


@njit(types.void(IDS, types.int64, LONGS), cache=True, **FAST)
def add_counts(ids, filled, counts):
    """Add one to the count of every id."""
    for i in range(filled):
        counts[ids[i]] += 1


@njit(types.void(IDS, LONGS, RATIO, SUMS), cache=True, **FAST)
def sum_one(ids, stops, ratio, sums):
    """Sum `ratio` over each document's ids."""
    begin = 0
    for d in range(len(stops)):
        total = 0.0
        for i in range(begin, stops[d]):
            total += ratio[ids[i]]
        sums[d] = total
        begin = stops[d]


@njit(types.void(IDS, LONGS, RATIOS, SUM_ROWS), cache=True, **FAST)
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


@njit(types.void(BYTES, OFFSETS, TABLE, types.uint8[::1], LONGS, LONGS, LONGS), cache=True, **FAST)
def count_tokens(data, offsets, table, low, starts, ends, lengths):
    """Fill `lengths` with the number of tokens of each document."""
    for d in range(len(offsets) - 1):
        lengths[d] = read_tokens(data, offsets[d], offsets[d + 1], table, low, starts, ends)

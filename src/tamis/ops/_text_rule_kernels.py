"""Compiled measures of text: words and lines, for the rules of Gopher's quality and of FineWeb.

Scratch arrays are those of `_ngram_kernels`, by the longest document. Tokens are read by a table that keeps the length
of every character, so that their bounds are places in the text; `low` then holds the text itself.
"""

import numpy as np
from numba import njit, types

from tamis.ops._mix_kernels import mix
from tamis.ops._ngram_kernels import BYTES, FAST, LONGS, OFFSETS, TABLE, WORDS, read_tokens
from tamis.ops._vector_instructions import load_word
from tamis.ops.text_classes import BREAK, LETTER, MARK, SPACE

FLAGS = types.Array(types.uint8, 1, "C", readonly=True)
MEASURED = types.float64[:, ::1]

_ALL, _LENGTH, _LAST = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0x9E3779B97F4A7C15), np.int64(0x10FFFF)
_HASH, _DOT, _DASH, _BULLET, _ELLIPSIS, _RETURN, _NEW_LINE = (ord(c) for c in "#.-•…\r\n")
# The, be, to, of, and, that, have, with: their bytes as little-endian numbers.
_STOP_WORDS = np.array(
    [int.from_bytes(word.encode(), "little") for word in "the be to of and that have with".split()], np.int64
)


@njit(types.UniTuple(types.int64, 2)(BYTES, types.int64, types.int64), cache=True, **FAST)
def read_character(data, at, end):
    """The code point at `at` and where the next one begins, `end` at most."""
    code = np.int64(data[at])
    at += 1
    if code < 0x80:
        return code, at
    more = 1 + (code >= 0xE0) + (code >= 0xF0)
    code &= 0x3F >> more
    while more > 0 and at < end:
        code = (code << 6) | (np.int64(data[at]) & 0x3F)
        at += 1
        more -= 1
    return min(code, _LAST), at


@njit(types.int64(BYTES, types.int64, types.int64), cache=True, **FAST)
def count_characters(data, begin, end):
    """Number of code points."""
    found = np.int64(0)
    for at in range(begin, end):
        found += np.int64((data[at] & 0xC0) != 0x80)
    return found


@njit(types.float64(types.int64, types.int64), cache=True, **FAST)
def share(part, whole):
    """part / whole, and 0 of nothing."""
    return part / whole if whole > 0 else 0.0


@njit(types.uint64(types.uint8[::1], types.int64, types.int64), cache=True, **FAST)
def hash_bytes(low, begin, end):
    """h = length * constant, then h = mix(h ^ w) for the 8-byte words w, the last one zero-padded."""
    left = np.uint64(end - begin)
    h, at = left * _LENGTH, np.uint64(begin)
    while left > np.uint64(8):
        h = mix(h ^ load_word(low, at))
        left -= np.uint64(8)
        at += np.uint64(8)
    if left > np.uint64(0):
        h ^= load_word(low, at) & (_ALL >> (np.uint64(64) - (left << np.uint64(3))))
    return mix(h)


@njit(types.UniTuple(types.int64, 4)(BYTES, types.int64, FLAGS, LONGS, LONGS, types.int64), cache=True, **FAST)
def measure_words(data, begin, flags, starts, ends, tokens):
    """Words that are not punctuation, their characters, those with a letter, kinds of stop words."""
    words, characters, lettered, stops = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for t in range(tokens):
        at, end = begin + starts[t], begin + ends[t]
        size = end - at
        if 2 <= size <= 4:
            packed = np.int64(0)
            for k in range(size):
                packed |= np.int64(data[at + k]) << (8 * k)
            for k in range(len(_STOP_WORDS)):
                stops |= np.int64(packed == _STOP_WORDS[k]) << k
        length, kinds, marks = np.int64(0), np.uint8(0), np.uint8(MARK)
        while at < end:
            code, at = read_character(data, at, end)
            kinds |= flags[code]
            marks &= flags[code]
            length += 1
        lettered += np.int64(kinds & np.uint8(LETTER) != 0)
        if marks == 0:
            words += 1
            characters += length
    distinct = np.int64(0)
    while stops > 0:
        distinct += stops & 1
        stops >>= 1
    return words, characters, lettered, distinct


@njit(types.UniTuple(types.int64, 5)(BYTES, types.int64, types.int64, FLAGS), cache=True, **FAST)
def measure_lines(data, begin, end, flags):
    """Number signs, ellipses, lines, those that begin with a bullet, and those that end with an ellipsis."""
    signs, ellipses, lines, bulleted, trailing = np.int64(0), np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    blank, spaced, opened, dots, run, closed = True, False, False, np.int64(0), np.int64(0), False
    previous, at = np.int64(0), begin
    while at < end:
        code, at = read_character(data, at, end)
        flag = flags[code]
        run = run + 1 if code == _DOT else np.int64(0)
        ellipses += np.int64(run > 0 and run % 3 == 0) + np.int64(code == _ELLIPSIS)
        signs += np.int64(code == _HASH)
        if flag & BREAK != 0:
            if opened or not (code == _NEW_LINE and previous == _RETURN):
                lines += 1
                trailing += np.int64(closed or dots >= 3)
            blank, spaced, opened, dots, closed = True, False, False, np.int64(0), False
        elif flag & SPACE != 0:
            spaced, opened = True, True
        else:
            bulleted += np.int64(blank and (code == _BULLET or code == _DASH))
            dots = np.int64(0) if code != _DOT else np.int64(1) if spaced else dots + 1
            closed = code == _ELLIPSIS
            blank, spaced, opened = False, False, True
        previous = code
    if opened:
        lines += 1
        trailing += np.int64(closed or dots >= 3)
    return signs, ellipses, lines, bulleted, trailing


@njit(
    types.void(BYTES, OFFSETS, TABLE, FLAGS, WORDS, LONGS, LONGS, WORDS, WORDS, LONGS, LONGS, MEASURED),
    cache=True,
    **FAST,
)
def gopher_quality(data, offsets, table, flags, low, starts, ends, hashes, grams, slots, counts, measured):
    """Fill a row of `measured` for each document."""
    low_bytes = low.view(np.uint8)
    for d in range(len(offsets) - 1):
        begin, end = offsets[d], offsets[d + 1]
        tokens = read_tokens(data, begin, end, table, low_bytes, starts, ends)
        words, characters, lettered, stops = measure_words(data, begin, flags, starts, ends, tokens)
        signs, ellipses, lines, bulleted, trailing = measure_lines(data, begin, end, flags)
        measured[d, 0] = words
        measured[d, 1] = share(characters, words)
        measured[d, 2] = share(signs, tokens)
        measured[d, 3] = share(ellipses, tokens)
        measured[d, 4] = share(bulleted, lines)
        measured[d, 5] = share(trailing, lines)
        measured[d, 6] = share(lettered, tokens)
        measured[d, 7] = stops

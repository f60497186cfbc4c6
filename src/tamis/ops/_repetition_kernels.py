"""Compiled measures of repetition: duplicate lines, paragraphs and n-grams of a document, for Gopher's rules.

Things are equal if their 64-bit hashes are. They are looked up in `slots`, whose length is a power of two; an entry
below `base` is of an earlier look-up, so that nothing has to be cleared.
"""

import numpy as np
from numba import njit, types

from tamis.ops._ngram_kernels import BYTES, FAST, LONGS, OFFSETS, TABLE, WORDS, hash_tokens, read_tokens
from tamis.ops._text_rule_kernels import FLAGS, MEASURED, count_characters, hash_bytes, read_character, share
from tamis.ops._vector_instructions import ORDER
from tamis.ops.text_classes import SPACE

_ORDER, _MIX, _S32 = np.uint64(ORDER), np.uint64(0x9E3779B97F4A7C15), np.uint64(32)
_NEW_LINE = ord("\n")
TOP, LAST = 4, 10


@njit(types.void(BYTES, types.int64, types.int64, types.uint8[::1]), cache=True, **FAST)
def copy_text(data, begin, end, text):
    """Write a document to the begin of `text`."""
    for k in range(end - begin):
        text[k] = data[begin + k]


@njit(types.int64(LONGS, types.int64, types.int64, WORDS, types.int64), cache=True, **FAST)
def first_place(slots, mask, base, keys, i):
    """The place of the first key equal to `keys[i]`, which is i itself, and remembered, if there is none yet."""
    slot = np.int64((keys[i] * _MIX) >> _S32) & mask
    while slots[slot] >= base:
        place = slots[slot] - base
        if keys[place] == keys[i]:
            return place
        slot = (slot + 1) & mask
    slots[slot] = base + i
    return i


@njit(types.int64(types.int64), cache=True, **FAST)
def mask_for(count):
    """A power of two, at least twice `count`, less one."""
    size = np.int64(16)
    while size < 2 * count:
        size *= 2
    return size - 1


@njit(
    types.UniTuple(types.int64, 2)(types.uint8[::1], LONGS, LONGS, types.int64, WORDS, LONGS, types.int64),
    cache=True,
    **FAST,
)
def count_duplicates(low, starts, ends, count, keys, slots, base):
    """How many of the pieces `low[starts[i]:ends[i]]` equal an earlier one, and their characters."""
    mask, duplicates, characters = mask_for(count), np.int64(0), np.int64(0)
    for i in range(count):
        keys[i] = hash_bytes(low, starts[i], ends[i])
        if first_place(slots, mask, base, keys, i) != i:
            duplicates += 1
            characters += count_characters(low, starts[i], ends[i])
    return duplicates, characters


@njit(types.int64(types.uint8[::1], types.int64, types.int64, types.int64, LONGS, LONGS), cache=True, **FAST)
def split_pieces(low, begin, end, width, starts, ends):
    """Bounds of the pieces between runs of at least `width` new lines; returns their number, 1 or more."""
    count, at = np.int64(0), begin
    starts[0] = begin
    while at < end:
        if low[at] != _NEW_LINE:
            at += 1
            continue
        stop = at
        while stop < end and low[stop] == _NEW_LINE:
            stop += 1
        if stop - at >= width:
            ends[count] = at
            count += 1
            starts[count] = stop
        at = stop
    ends[count] = end
    return count + 1


@njit(types.UniTuple(types.int64, 2)(BYTES, types.int64, types.int64, FLAGS), cache=True, **FAST)
def strip(data, begin, end, flags):
    """Bounds without white space at both ends."""
    while begin < end:
        code, behind = read_character(data, begin, end)
        if flags[code] & SPACE == 0:
            break
        begin = behind
    while begin < end:
        at = end - 1
        while at > begin and (data[at] & 0xC0) == 0x80:
            at -= 1
        if flags[read_character(data, at, end)[0]] & SPACE == 0:
            break
        end = at
    return begin, end


@njit(types.void(LONGS, types.int64, types.int64, WORDS, LONGS, LONGS), cache=True, **FAST)
def count_equal(slots, base, count, keys, first, counts):
    """Write to `first` the place of the first key that equals each, and to `counts` how many equal the first one."""
    mask = mask_for(count)
    for i in range(count):
        counts[i] = 0
        first[i] = first_place(slots, mask, base, keys, i)
        counts[first[i]] += 1


@njit(types.int64(LONGS, types.int64, types.int64, types.int64, WORDS, LONGS), cache=True, **FAST)
def skip_duplicates(slots, base, count, n, keys, behind):
    """Characters of n-grams that equal an earlier one, from left to right, where the next begins behind a duplicate."""
    mask, characters, i = mask_for(count), np.int64(0), np.int64(0)
    while i < count:
        if first_place(slots, mask, base, keys, i) != i:
            characters += behind[i + n] - behind[i]
            i += n
        else:
            i += 1
    return characters


@njit(
    types.void(BYTES, OFFSETS, TABLE, FLAGS, WORDS, LONGS, LONGS, WORDS, WORDS, LONGS, LONGS, MEASURED),
    cache=True,
    **FAST,
)
def gopher_repetition(data, offsets, table, flags, low, starts, ends, hashes, grams, slots, counts, measured):
    """Fill a row of `measured` for each document."""
    text = low.view(np.uint8)
    base = np.int64(1)
    for d in range(len(offsets) - 1):
        begin, end = offsets[d], offsets[d + 1]
        tokens = read_tokens(data, begin, end, table, text, starts, ends)
        copy_text(data, begin, end, text)
        hash_tokens(low, starts, ends, tokens, hashes)
        characters = count_characters(data, begin, end)
        measured[d, 0] = characters
        behind = counts[: tokens + 1]
        behind[0] = 0
        for t in range(tokens):
            behind[t + 1] = behind[t] + count_characters(text, starts[t], ends[t])
            grams[t] = hashes[t]
        first, equal = starts, ends
        for n in range(2, LAST + 1):
            count = tokens - n + 1
            for i in range(count):
                grams[i] = grams[i] * _ORDER + hashes[i + n - 1]
            found = np.int64(0)
            if n > TOP:
                found = skip_duplicates(slots, base, count, n, grams, behind)
            elif count > 0:
                count_equal(slots, base, count, grams, first, equal)
                top = np.int64(0)
                for i in range(count):
                    if equal[i] > equal[top]:
                        top = i
                found = equal[top] * (behind[top + n] - behind[top] + n - 1)
            measured[d, 3 + n] = share(found, characters)
            base += max(count, np.int64(0))
        for width in range(1, 3):
            left, right = begin, end
            if width == 2:
                left, right = strip(data, begin, end, flags)
            count = split_pieces(text, left - begin, right - begin, width, starts, ends)
            duplicates, found = count_duplicates(text, starts, ends, count, grams, slots, base)
            measured[d, width] = share(duplicates, count)
            measured[d, 2 + width] = share(found, characters)
            base += count

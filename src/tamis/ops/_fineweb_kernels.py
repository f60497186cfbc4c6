"""Compiled measures of lines for FineWeb's rules; scratch arrays are those of `_repetition_kernels`."""

import numpy as np
from numba import njit, types

from tamis.ops._ngram_kernels import BYTES, FAST, LONGS, OFFSETS, TABLE, WORDS, read_tokens
from tamis.ops._repetition_kernels import copy_text, count_duplicates
from tamis.ops._text_rule_kernels import FLAGS, MEASURED, count_characters, read_character, share
from tamis.ops.text_classes import SPACE, STOP

_NEW_LINE, SHORT = ord("\n"), 30


@njit(
    types.void(BYTES, OFFSETS, TABLE, FLAGS, WORDS, LONGS, LONGS, WORDS, WORDS, LONGS, LONGS, MEASURED),
    cache=True,
    **FAST,
)
def fineweb_quality(data, offsets, table, flags, low, starts, ends, hashes, grams, slots, counts, measured):
    """Fill a row of `measured` for each document."""
    text = low.view(np.uint8)
    base = np.int64(1)
    for d in range(len(offsets) - 1):
        begin, end = offsets[d], offsets[d + 1]
        tokens = read_tokens(data, begin, end, table, text, starts, ends)
        copy_text(data, begin, end, text)
        ended, shorter, breaks, lines = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        at = begin
        while at <= end:
            stop, size, blank, final = at, np.int64(0), True, np.uint8(0)
            while stop < end and data[stop] != _NEW_LINE:
                code, stop = read_character(data, stop, end)
                final = flags[code]
                blank &= final & SPACE != 0
                size += 1
            if not blank:
                starts[lines], ends[lines] = at - begin, stop - begin
                lines += 1
                ended += np.int64(final & STOP != 0)
                shorter += np.int64(size <= SHORT)
            breaks += np.int64(stop < end)
            at = stop + 1
        _, found = count_duplicates(text, starts, ends, lines, grams, slots, base)
        base += lines
        measured[d, 0] = lines
        measured[d, 1] = share(ended, lines)
        measured[d, 2] = share(shorter, lines)
        measured[d, 3] = share(found, count_characters(data, begin, end) - breaks)
        measured[d, 4] = share(breaks, tokens)

"""Compiled line rules of C4: the lines that are kept, without citation marks, and what the document rules measure."""

import numpy as np
from numba import njit, types

from tamis.ops._ngram_kernels import BYTES, FAST, LONGS, OFFSETS
from tamis.ops._repetition_kernels import copy_text, strip
from tamis.ops._text_rule_kernels import FLAGS, MEASURED, read_character
from tamis.ops.text_classes import BREAK, MARK, SPACE, STOP

_PHRASES = (
    "javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
    "lorem ipsum", "[edit]", "[citation needed]",
)  # fmt: skip
_POLICY, _LOREM, _EDIT, _NEEDED = 1, 7, 8, 9
_LETTERS = np.frombuffer("".join(_PHRASES).encode(), np.uint8)
_STOPS = np.cumsum([0, *map(len, _PHRASES)]).astype(np.int64)
_ENDS = tuple(ord(c) for c in ".?!\"'")
_BRACE, _OPEN, _CLOSE, _DOT, _NEW_LINE, _ZERO = (ord(c) for c in "{[].\n0")
CLEAN = types.uint8[::1]


@njit(types.boolean(CLEAN, types.int64, types.int64, types.int64, types.boolean), cache=True, **FAST)
def is_phrase(text, at, end, k, fold):
    """Whether the k-th phrase is at `text[at:end]`, in any case of ASCII letters if `fold`."""
    size = _STOPS[k + 1] - _STOPS[k]
    if at + size > end:
        return False
    for i in range(size):
        byte = text[at + i]
        if fold and 65 <= byte <= 90:
            byte |= 32
        if byte != _LETTERS[_STOPS[k] + i]:
            return False
    return True


@njit(types.int64(CLEAN, types.int64, types.int64), cache=True, **FAST)
def after_citation(text, at, end):
    """Where the citation mark at `at` ends, `at` itself if there is none: [12], [], [edit], [citation needed].

    Digits are those of ASCII.
    """
    stop = at + 1
    while stop < end and _ZERO <= text[stop] < _ZERO + 10:
        stop += 1
    if stop < end and text[stop] == _CLOSE:
        return stop + 1
    for k in range(_EDIT, _NEEDED + 1):
        if is_phrase(text, at, end, k, False):
            return at + _STOPS[k + 1] - _STOPS[k]
    return at


@njit(types.int64(CLEAN, types.int64, types.int64), cache=True, **FAST)
def drop_citations(text, begin, end):
    """Remove citation marks of a line in place; returns its new end."""
    at = out = begin
    while at < end:
        if text[at] == _OPEN:
            behind = after_citation(text, at, end)
            if behind > at:
                at = behind
                continue
        text[out] = text[at]
        out += 1
        at += 1
    return out


@njit(types.UniTuple(types.int64, 2)(BYTES, types.int64, types.int64, FLAGS), cache=True, **FAST)
def measure_line(data, begin, end, flags):
    """Number of words between white space, and characters of the longest."""
    words, longest, length, at = np.int64(0), np.int64(0), np.int64(0), begin
    while at < end:
        code, at = read_character(data, at, end)
        if flags[code] & SPACE != 0:
            length = np.int64(0)
        else:
            length += 1
            words += np.int64(length == 1)
            longest = max(longest, length)
    return words, longest


@njit(types.boolean(CLEAN, types.int64, types.int64), cache=True, **FAST)
def ends_well(text, begin, end):
    """Whether a line ends with a mark of `_ENDS` and not with three dots."""
    if begin == end or (end - begin >= 3 and text[end - 1] == text[end - 2] == text[end - 3] == _DOT):
        return False
    last = text[end - 1]
    return last == _ENDS[0] or last == _ENDS[1] or last == _ENDS[2] or last == _ENDS[3] or last == _ENDS[4]


@njit(types.UniTuple(types.boolean, 4)(CLEAN, types.int64, types.int64), cache=True, **FAST)
def find_phrases(text, begin, end):
    """Whether a line has "lorem ipsum", "javascript", a curly bracket, a phrase of policies."""
    lorem, script, brace, policy = False, False, False, False
    for at in range(begin, end):
        byte = text[at]
        brace |= byte == _BRACE
        byte |= 32
        if byte == 0x6A or byte == 0x6C or byte == 0x74 or byte == 0x70 or byte == 0x63 or byte == 0x75:
            script |= is_phrase(text, at, end, 0, True)
            lorem |= is_phrase(text, at, end, _LOREM, True)
            for k in range(_POLICY, _LOREM):
                policy |= is_phrase(text, at, end, k, True)
    return lorem, script, brace, policy


@njit(types.int64(CLEAN, types.int64, types.int64, FLAGS), cache=True, **FAST)
def count_sentences(text, begin, end, flags):
    """Sentences of a line: each ends with STOP and any MARK behind it, before white space, the end, or after U+3000 on.

    What follows the last one is a sentence too.
    """
    sentences, at, inside, stopped, wide = np.int64(0), begin, False, False, False
    while at < end:
        code, at = read_character(text, at, end)
        flag = flags[code]
        if stopped and (flag & SPACE != 0 or (wide and flag & MARK == 0)):
            sentences += 1
            inside, stopped, wide = False, False, False
        if flag & STOP != 0:
            stopped = True
            wide |= code >= 0x3000
        elif flag & MARK == 0:
            stopped, wide = False, False
        inside |= flag & SPACE == 0
    return sentences + np.int64(inside)


@njit(types.int64(BYTES, OFFSETS, FLAGS, types.int64, types.int64, CLEAN, LONGS, MEASURED), cache=True, **FAST)
def clean_lines(data, offsets, flags, least_words, longest_word, clean, stops, measured):
    """Write to `clean` the kept lines of each document, to `stops` where they end; to `measured` how many lines say
    lorem ipsum, how many have a curly bracket, and the number of sentences.
    """
    out = np.int64(0)
    for d in range(len(offsets) - 1):
        at, end, first = offsets[d], offsets[d + 1], out
        for k in range(3):
            measured[d, k] = 0
        while at < end:
            stop, behind = at, end
            while stop < end:
                code, behind = read_character(data, stop, end)
                if flags[code] & BREAK != 0:
                    break
                stop = behind
            left, right = strip(data, at, stop, flags)
            at = behind
            words, longest = measure_line(data, left, right, flags)
            if longest > longest_word:
                continue
            begin = out + np.int64(out > first)
            size = right - left
            copy_text(data, left, right, clean[begin:])
            close = drop_citations(clean, begin, begin + size)
            if not ends_well(clean, begin, close) or words < least_words:
                continue
            lorem, script, brace, policy = find_phrases(clean, begin, close)
            measured[d, 0] += lorem
            if script:
                continue
            measured[d, 1] += brace
            if policy:
                continue
            measured[d, 2] += count_sentences(clean, begin, close, flags)
            if out > first:
                clean[out] = _NEW_LINE
            else:
                left = strip(clean, begin, close, flags)[0]
                for k in range(left, close):
                    clean[begin + k - left] = clean[k]
                close -= left - begin
            out = close
        stops[d] = out
    return out

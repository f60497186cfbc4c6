"""Character tables: the kind of every code point and its lower case, for the n-gram kernels.

A table is a uint32 array over all 0x110000 code points; an entry is `kind << 24 | lower-case code point`.
"""

import importlib.util
import re
import unicodedata
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

SPACE, WORD, SYMBOL, SINGLE = range(4)
CODE_POINTS = 0x110000

_ASSIGNED = (range(0x32000), range(0xE0100, 0xE01F0))
_WORD_CATEGORIES = frozenset("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl Pc".split())
_CIRCLED_LETTERS_AND_JOINERS = (
    range(0x24B6, 0x24EA),
    range(0x1F130, 0x1F14A),
    range(0x1F150, 0x1F16A),
    range(0x1F170, 0x1F18A),
    range(0x200C, 0x200E),
)
_IDEOGRAPHS_AND_KANA = (
    range(0x3005, 0x3008),
    range(0x3041, 0x3100),
    range(0x31F0, 0x3200),
    range(0x3400, 0x4DC0),
    range(0x4E00, 0xA000),
    range(0xF900, 0xFB00),
    range(0xFF66, 0xFFA0),
    range(0x1B000, 0x1B170),
    range(0x20000, 0x32000),
)


@cache
def unicode_table() -> NDArray[np.uint32]:
    """Kinds by the Unicode properties that regular expressions recommend, with lower case; `hash="mix64"` reads it.

    Words are letters, marks, decimal digits, letter numbers and connectors; an ideograph or kana is a word by itself.
    A lower case of several code points ("İ") keeps its first. The Unicode version is that of Python.

    Examples:
        >>> entry = unicode_table()[ord("É")]
        >>> int(entry >> 24) == WORD, chr(entry & 0xFFFFFF)
        (True, 'é')

    Source: Unicode Technical Standard 18, annex C (`\\w`, `\\s`).
    """
    kinds = _unicode_kinds()
    for span in _IDEOGRAPHS_AND_KANA:
        part = kinds[span.start : span.stop]
        part[part == WORD] = SINGLE
    lower = np.arange(CODE_POINTS, dtype=np.uint32)
    lower[:0x20000] = [ord(chr(code).lower()[0]) for code in range(0x20000)]
    return _packed(kinds, lower)


@cache
def regex_table() -> NDArray[np.uint32]:
    r"""Kinds of `\w` and `\s` in the package `regex`, which NLTK 3.10 and hence data-selection use; `hash="sha256"`.

    Without that package: the same properties in the Unicode version of Python. Only ASCII is lowered.
    """
    if importlib.util.find_spec("regex") is None:
        return _packed(_unicode_kinds(), _ascii_lower())
    import regex

    return _packed(_kinds_of(regex), _ascii_lower())


@cache
def re_table() -> NDArray[np.uint32]:
    r"""Kinds of `\w` and `\s` in Python's own `re`, which NLTK used before 3.10; `hash="sha256-re"`."""
    return _packed(_kinds_of(re), _ascii_lower())


def _unicode_kinds() -> NDArray[np.uint8]:
    kinds = np.full(CODE_POINTS, SYMBOL, np.uint8)
    words = [code for span in _ASSIGNED for code in span if unicodedata.category(chr(code)) in _WORD_CATEGORIES]
    kinds[words] = WORD
    kinds[list(chain(*_CIRCLED_LETTERS_AND_JOINERS))] = WORD
    kinds[[code for code in range(0x3001) if chr(code).isspace() and code not in range(0x1C, 0x20)]] = SPACE
    return kinds


def _kinds_of(engine: object) -> NDArray[np.uint8]:
    kinds = np.full(CODE_POINTS, SYMBOL, np.uint8)
    everything = "".join(map(chr, range(CODE_POINTS)))
    for pattern, kind in ((r"\w+", WORD), (r"\s+", SPACE)):
        for run in engine.finditer(pattern, everything):  # type: ignore[attr-defined]
            kinds[run.start() : run.end()] = kind
    return kinds


def _ascii_lower() -> NDArray[np.uint32]:
    lower = np.arange(CODE_POINTS, dtype=np.uint32)
    lower[ord("A") : ord("Z") + 1] += 32
    return lower


def _packed(kinds: NDArray[np.uint8], lower: NDArray[np.uint32]) -> NDArray[np.uint32]:
    table = (kinds.astype(np.uint32) << np.uint32(24)) | lower
    table.flags.writeable = False
    return table

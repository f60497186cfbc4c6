"""Which scripts texts are written in, by their letters. A script is no language: Latin may be English or Turkish."""

import unicodedata
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

CODE_POINTS = 0x110000
SHOWN = 8
WIDTHS = ("FULLWIDTH", "HALFWIDTH")
OTHER = "other"
SCRIPTS = {
    name.upper(): name
    for name in (
        "Latin Greek Cyrillic Armenian Georgian Hebrew Arabic Syriac Thaana Devanagari Bengali Gurmukhi Gujarati Oriya "
        "Tamil Telugu Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Khmer Ethiopic Cherokee Mongolian Hiragana "
        "Katakana Hangul Bopomofo Yi Javanese Balinese Tifinagh Nko Coptic Gothic"
    ).split()
} | {"CJK": "Han", "IDEOGRAPHIC": "Han", "FEMININE": "Latin", "MASCULINE": "Latin"}


def letter_counts(texts: Iterable[str]) -> NDArray[np.int64]:
    """How often each code point stands in `texts`, `int64 [1114112]`. `O(characters)` time, `4` bytes a character."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.bincount(codes, minlength=CODE_POINTS)


def script_shares(counts: NDArray[np.int64]) -> dict[str, float]:
    """The share of the letters in each script, largest first; what is rare or no script's own is `other`.

    Examples:
        >>> {name: round(share, 2) for name, share in script_shares(letter_counts(["ab, 1 вг", "дe"])).items()}
        {'Cyrillic': 0.5, 'Latin': 0.5}
    """
    found: dict[str, int] = {}
    for code in np.flatnonzero(counts).tolist():
        name = script_of(code)
        if name is not None:
            found[name] = found.get(name, 0) + int(counts[code])
    total = sum(found.values())
    rest = found.pop(OTHER, 0)
    ordered = sorted(found, key=lambda name: (-found[name], name))
    rest += sum(found[name] for name in ordered[SHOWN:])
    return {name: found[name] / total for name in ordered[:SHOWN]} | ({OTHER: rest / total} if rest else {})


@cache
def script_of(code: int) -> str | None:
    """The script of a letter, by its Unicode name; None for what is no letter.

    Examples:
        >>> [script_of(ord(sign)) for sign in "aж中あ한ع1"]
        ['Latin', 'Cyrillic', 'Han', 'Hiragana', 'Hangul', 'Arabic', None]
    """
    sign = chr(code)
    if not unicodedata.category(sign).startswith("L"):
        return None
    words = unicodedata.name(sign, "UNNAMED").split()
    first = words[1] if words[0] in WIDTHS and len(words) > 1 else words[0]
    return SCRIPTS.get(first, OTHER)

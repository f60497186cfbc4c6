"""A method in a file of your own. Run it from the root of the repository:

tamis select examples/pool --method examples/my_method.py:varied_words --budget 100 -o out/mine
"""

import re

import numpy as np
import pyarrow as pa

from tamis.vocabulary import Score

WORD = re.compile(r"\w+")


def varied_words(text: pa.Array, *, first: int = 50) -> Score:
    """The share of different words among the first `first` words of each text.

    `score = |{w_1, …, w_m}| / first` with `m = min(first, words of the text)`. Only the beginning counts, because any
    long text repeats itself, and the divisor is the same for all, so that a text of three words does not come first.

    High means varied. That is not the same as good: lists of names are varied, and clear prose repeats its terms. Use
    it from below, against pages of boilerplate, and compare with `random` before you believe it.

    Args:
        text: Arrow strings `[n]`.
        first: how many words to look at.

    Returns:
        `float64 [n]` in 0 … 1. `O(characters)` time, one batch of texts in memory.

    Examples:
        >>> varied_words(pa.array(["tea and tea", "tea or ham"]), first=3).round(2).tolist()
        [0.67, 1.0]
    """
    found = [WORD.findall((one or "").lower())[:first] for one in text.to_pylist()]
    return np.array([len(set(some)) / first for some in found], np.float64)

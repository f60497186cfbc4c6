"""A method in a file of your own. Run it from the root of the repository:

tamis select examples/pool --method examples/my_method.py:character_entropy --choose middle --budget 100 -o out/mine
"""

import numpy as np
import pyarrow as pa

from tamis.vocabulary import Score


def character_entropy(text: pa.Array, *, first: int = 2000) -> Score:
    """Entropy of the characters of each text, in nats: low for texts that repeat themselves, high for symbols.

    `H = -Σ p_c ln p_c` with `p_c` the share of character c among the first `first` characters.

    Neither end is good: at the bottom are rows of dashes and short or repeated lines, at the top are tables, markup and
    lists of symbols. Prose lies between, so choose from the middle, and compare with `random` before you believe it.

    Args:
        text: Arrow strings `[n]`.
        first: how many characters to look at; a longer text has had time to use rare ones.

    Returns:
        `float64 [n]` of at least 0. `O(characters)` time, a batch of texts in memory.

    Examples:
        >>> character_entropy(pa.array(["aaaa", "abab", "abcd"])).round(2).tolist()
        [0.0, 0.69, 1.39]
    """
    return np.array([entropy((one or "")[:first]) for one in text.to_pylist()], np.float64)


def entropy(text: str) -> float:
    """Entropy of the characters of one text, in nats."""
    _, counts = np.unique(np.frombuffer(text.encode("utf-32-le"), np.uint32), return_counts=True)
    share = counts / max(len(text), 1)
    return float(-(share * np.log(share)).sum()) + 0.0

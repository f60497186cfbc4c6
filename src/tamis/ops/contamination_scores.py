"""How much of each test item a corpus holds, by the four measures of ConTAM."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.contamination import Hits
from tamis.ops.contamination_index import TestIndex

Floats = NDArray[np.float64]


class ItemScores(NamedTuple):
    """Shares of each item, `float64[Q]` in 0 … 1, high where the corpus holds it; NaN where an item has no n tokens.

    Args:
        ngram_match: n-grams that are matched, of those that it has.
        token_match: tokens inside a matched n-gram, of its L tokens.
        token_extend: these and the gaps of up to `skip_budget` tokens between two of them, of L.
        longest_match: tokens of the longest span, from one inside to another and up to `skip_budget` others, of L.
    """

    ngram_match: Floats
    token_match: Floats
    token_extend: Floats
    longest_match: Floats


def scores(index: TestIndex, hits: Hits, *, skip_budget: int = 0, mincount: int = 1) -> ItemScores:
    """Score each item by the n-grams of it that the corpus holds `mincount` times or more.

    A span is of the item: its n-grams may come from several documents. A copied piece of fewer than n tokens between
    two edits counts as not copied, and a span includes what it skips. The paper's advice is `longest_match`, n = 8 and
    `mincount` 1: large n and leaving out what is rare miss items that matter. It loses where items are paraphrased or
    translated, and tells boilerplate that many items share from an item only by its length.

    Args:
        index: of the items.
        hits: of the corpus, by `contamination.count`, those of shards merged.
        skip_budget: tokens that a span may skip, in all.
        mincount: least count of an n-gram that matches.

    Returns:
        Four shares an item. `O(T)` time, `O(longest item)` memory besides the result.

    Raises:
        Refused: if `skip_budget` is below 0 or `mincount` below 1.

    Examples:
        >>> import pyarrow as pa
        >>> from tamis.ops.contamination import count, index
        >>> items = index(pa.array(["a b c d x e f g h i", "a b"]), n=4)
        >>> hits = count(items, pa.array(["a b c d", "e f g h i"]))
        >>> [share.round(2).tolist() for share in scores(items, hits)]
        [[0.43, nan], [0.9, nan], [0.9, nan], [0.5, nan]]
        >>> scores(items, hits, skip_budget=1).longest_match.tolist()
        [1.0, nan]

    Source: Singh et al. 2024, Evaluation data contamination in LLMs: how do we measure it and (when) does it matter?
    """
    for name, value, least in (("skip_budget", skip_budget, 0), ("mincount", mincount, 1)):
        if value < least:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"{name}={value}", accepted=f"{least} or more")
    from tamis.ops._contamination_kernels import score_items

    shares = np.full((len(index.stops) - 1, 4), np.nan)
    covered = np.empty(int(np.diff(index.stops).max(initial=0)), np.bool_)
    score_items(index.stops, int(index.n), index.numbers, hits.counts, mincount, skip_budget, covered, shares)
    return ItemScores(*np.ascontiguousarray(shares.T))

"""The n-grams of test items, as plain arrays that may be stored: which there are, where, and what follows them."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import unicode
from tamis.ops.ngram_blocks import Scratch, text_buffers, token_blocks

Longs = NDArray[np.int64]
Numbers = NDArray[np.uint32]
Words = NDArray[np.uint64]

NGRAM, FEWEST = 8, 4
NONE = np.uint32(0xFFFFFFFF)


class TestIndex(NamedTuple):
    """The n-grams of Q items, m of which differ. Each of the T places is of a token or of the end of an item.

    Args:
        n: `int64[()]`, tokens in an n-gram.
        stops: `int64[Q + 1]`: the tokens of item q are at `stops[q]` to `stops[q + 1] - 1`, where its end is.
        tokens: `uint64[T]`, the hash of each token, and 0 at an end.
        numbers: `uint32[T]`, which of the m n-grams begins here; 4294967295 where the item ends before.
        slots: `uint32`, a power of two of at least 2 T, the first place of each n-gram by its hash.
        bits: `uint64`, a power of two, of 16 bits a token or more, those of hashes that are there.
        order: `int64`, the places where n-grams begin, sorted by the numbers from there to the end of the item.
        begins: `int64[m + 1]`, where in `order` those of each n-gram are.
    """

    n: Longs
    stops: Longs
    tokens: Words
    numbers: Numbers
    slots: Numbers
    bits: Words
    order: Longs
    begins: Longs


def index(items: pa.Array | pa.ChunkedArray, *, n: int = NGRAM) -> TestIndex:
    """Index the n-grams of test items, for `contamination.scan`.

    Put several test sets one behind another: items are told by their row. A token is that of `ops.ngrams` with
    `hash="mix64"`, so that case, spaces and line ends make no difference, and punctuation does.

    Args:
        items: `[Q]`, strings, such as the question with its answer; null is empty text.
        n: tokens in an n-gram. The paper's advice is 8; GPT-3 took 13. More find less that was edited.

    Returns:
        Up to 48 bytes for each token and item. `O(T log² T)` time at the worst, 106 on the way.

    Raises:
        Refused: if `items` are no strings, n is below 1, or no item has n tokens.

    Warns:
        UserWarning: for n below 4, since runs as short are everywhere.

    Examples:
        >>> found = index(pa.array(["What is two and two? Four.", "Too short"]), n=4)
        >>> len(found.begins) - 1, np.diff(found.stops).tolist()
        (5, [9, 3])

    Source: Singh et al. 2024, Evaluation data contamination in LLMs: how do we measure it and (when) does it matter?
    """
    if n < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"n={n}", accepted="1 or more")
    column = pa.concat_arrays(items.chunks) if isinstance(items, pa.ChunkedArray) and items.num_chunks else items
    column = pa.array([], items.type) if isinstance(column, pa.ChunkedArray) else column
    lengths = token_blocks(column)
    longest = int(lengths.max(initial=0))
    if longest < n:
        raise refusals.PARAMETER_OUT_OF_RANGE(
            f"n={n} for {len(column):,} items of which the longest has {longest:,} tokens",
            accepted="at most that, or longer items",
        )
    if n < FEWEST:
        warnings.warn(f"runs of n={n} tokens are in most texts by chance; give {FEWEST} or more", stacklevel=2)
    stops = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths + 1)])
    tokens = _token_hashes(column, int(stops[-1]))
    room = 1 << (2 * len(tokens) - 1).bit_length()
    slots, bits = np.full(room, NONE), np.zeros(max(room >> 3, 1), np.uint64)
    numbers = np.full(len(tokens), NONE)
    m = _kernels().number_grams(tokens, stops, n, np.empty(longest, np.uint64), slots, bits, numbers)
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(numbers[numbers != NONE], minlength=m))])
    return TestIndex(np.array(n), stops, tokens, numbers, slots, bits, suffix_order(numbers, stops, n), begins)


def suffix_order(numbers: Numbers, stops: Longs, n: int) -> Longs:
    """The places of n-grams sorted by what their item has from there on, by doubling the length that is compared."""
    places = np.flatnonzero(numbers != NONE)
    lengths = np.diff(stops) - 1
    left = np.repeat(stops[1:] - n, np.maximum(lengths - n + 1, 0)) - places
    rank = np.zeros(len(numbers), np.int64)
    rank[places] = numbers[places].astype(np.int64) + 1
    distinct, compared, most = 0, 1, int(left.max(initial=0))
    while True:
        follows = np.zeros(len(places), np.int64)
        on = left > compared
        follows[on] = rank[places[on] + compared]
        key = rank[places] * (len(places) + 1) + follows
        order = np.argsort(key, kind="stable")
        changes = np.concatenate([np.ones(1, np.int64), np.diff(key[order]) != 0])
        ranks = np.cumsum(changes)
        compared *= 2
        if ranks[-1] == distinct or compared >= most:
            return places[order]
        rank[places[order]], distinct = ranks, int(ranks[-1])


def _token_hashes(items: pa.Array, total: int) -> Words:
    scratch = Scratch(*text_buffers(items), 1)
    tokens = np.empty(total, np.uint64)
    low, starts, ends, hashes, _ = scratch.arrays
    _kernels().read_items(scratch.data, scratch.offsets, unicode.unicode_table(), low, starts, ends, hashes, tokens)
    return tokens


def _kernels() -> Any:
    from tamis.ops import _contamination_kernels

    return _contamination_kernels

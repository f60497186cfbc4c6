"""Distinct hashed n-grams of each document with their counts, and the values that features have for a count."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import unicode
from tamis.ops.ngram_blocks import Scratch, text_blocks, text_buffers
from tamis.ops.threads import in_threads

Packed = NDArray[np.uint32]
Longs = NDArray[np.int64]

MOST_BUCKETS = 1 << 24

LOG_COUNTS = np.log1p(np.arange(256)).astype(np.float32)
"""ln(1 + c) for every count that is kept."""


class DistinctNgrams(NamedTuple):
    """Distinct buckets of documents: those of document i are `packed[stops[i - 1]:stops[i]]`, tokens first.

    Args:
        packed: `uint32[m]`, the bucket in the low 24 bits, how often it occurs, at most 255, in the high 8.
        stops: `int64[n]`.
    """

    packed: Packed
    stops: Longs


class Block(NamedTuple):
    """Some rows of a column: their numbers in it, their bytes, and where each begins and the last ends."""

    rows: slice
    data: NDArray[np.uint8]
    offsets: Longs


def blocks_of(texts: pa.Array | pa.ChunkedArray) -> list[Block]:
    """All rows, in blocks that are small enough for the processor's cache."""
    found: list[Block] = []
    first = 0
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        data, offsets = text_buffers(chunk)
        for part in text_blocks(offsets):
            rows = slice(first + part.start, first + part.stop)
            found.append(Block(rows, data, offsets[part.start : part.stop + 1]))
        first += len(chunk)
    return found


def in_blocks(
    texts: pa.Array | pa.ChunkedArray, ngrams: int, buckets: int, work: Callable[[slice, DistinctNgrams], Any]
) -> list[Any]:
    """What `work` makes of the rows and counts of each block, on two threads, in row order."""
    if ngrams < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"ngrams={ngrams}", accepted="at least 1")
    if not 2 <= buckets <= MOST_BUCKETS:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"buckets={buckets}", accepted=f"2 to {MOST_BUCKETS}")
    table = unicode.unicode_table()

    def do(block: Block) -> Any:
        from tamis.ops._count_kernels import pack_distinct
        from tamis.ops._ngram_kernels import bucket_ids

        own = Scratch(block.data, block.offsets, ngrams)
        bucket_ids(block.data, block.offsets, table, ngrams, buckets, *own.arrays, own.ids, own.stops, own.lengths)
        filled = pack_distinct(own.ids, own.stops, np.zeros(buckets, np.uint8))
        return work(block.rows, DistinctNgrams(own.ids[:filled], own.stops))

    return in_threads(do, blocks_of(texts))


def count(texts: pa.Array | pa.ChunkedArray, *, ngrams: int = 2, buckets: int = 1 << 20) -> DistinctNgrams:
    """Distinct hashed n-grams of order 1 … `ngrams` of each text, and how often each occurs there.

    Tokens and hashes are those of `ops.ngrams` with `hash="mix64"`. Null counts as empty text.

    Args:
        texts: `[n]`, strings.
        ngrams: the highest order.
        buckets: V, 2 to 16777216; n-grams that share a bucket are one.

    Returns:
        4 bytes for each distinct bucket of a document: with the default orders about 1.2 times the bytes of prose, and
        up to twice that while blocks are joined. `O(bytes · ngrams)` time on two threads, and `O(longest document +
        1 MB + V)` memory each besides the result.

    Raises:
        Refused: if `texts` are no strings, or a number is out of range.

    Examples:
        >>> found = count(pa.array(["to be or not to be", ""]), ngrams=1)
        >>> (found.packed >> 24).tolist(), found.stops.tolist()
        ([2, 2, 1, 1], [4, 4])
    """
    parts = in_blocks(texts, ngrams, buckets, lambda _, own: DistinctNgrams(own.packed.copy(), own.stops))
    bounds = np.cumsum([0, *(len(each.packed) for each in parts)])
    packed, stops = np.empty(bounds[-1], np.uint32), np.empty(len(texts), np.int64)
    row = 0
    for place, (begin, end) in enumerate(pairwise(bounds)):
        each, parts[place] = parts[place], None
        packed[begin:end] = each.packed
        stops[row : row + len(each.stops)] = each.stops + begin
        row += len(each.stops)
    return DistinctNgrams(packed, stops)

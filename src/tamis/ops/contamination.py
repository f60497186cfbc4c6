"""Test items in a corpus: how often each of their n-grams occurs, and the longest run of test text in each document.

The corpus is read once, in blocks; memory is that of the index of the items (`contamination_index.index`), whatever the
size of the corpus. Counts of shards are added by `merge`; `contamination_scores.scores` makes shares of them.

An n-gram found has the n tokens of an item in their order: tokens are compared by hashes of 64 bits, so that a wrong
one takes n collisions at once.

Source: Singh et al. 2024, Evaluation data contamination in LLMs: how do we measure it and (when) does it matter?
"""

from threading import Lock
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.ops import unicode
from tamis.ops.contamination_index import NGRAM, TestIndex, index
from tamis.ops.ngram_blocks import Scratch, text_blocks, text_buffers
from tamis.ops.threads import in_threads

__all__ = ["NGRAM", "Hits", "Matches", "TestIndex", "count", "index", "matches", "merge", "scan"]

Longs = NDArray[np.int64]


class Hits(NamedTuple):
    """How often a corpus has each n-gram of an index.

    Args:
        counts: `uint32[m]`; 4294967295 is that or more.
        documents: `int64[()]`, read.
        tokens: `int64[()]`, read.
    """

    counts: NDArray[np.uint32]
    documents: Longs
    tokens: Longs


class Matches(NamedTuple):
    """What each document has of the items.

    Args:
        longest: `int32[d]`, tokens of the longest run that is in an item too, 0 where it is shorter than n.
        item: `int32[d]`, the first item that has this run (the first such run of the document), -1 where there is none.
        share: `float32[d]`, the largest share of the tokens of an item that one run is; a short item may have it.
        share_item: `int32[d]`, the first item that has this share, -1 where there is none.
    """

    longest: NDArray[np.int32]
    item: NDArray[np.int32]
    share: NDArray[np.float32]
    share_item: NDArray[np.int32]


def scan(index: TestIndex, texts: pa.Array | pa.ChunkedArray) -> tuple[Hits, Matches]:
    """Count the n-grams of an index in texts, and find the longest run of test text in each.

    Args:
        index: of the items.
        texts: `[d]`, strings; null is empty text.

    Returns:
        4 bytes an n-gram and 16 a document. `O(bytes)` time on two threads where there is little test text, and
        `O(log T)` more for each n-gram that is found; `O(longest document + 1 MB)` memory on each thread besides.

    Raises:
        Refused: if `texts` are no strings.

    Examples:
        >>> items = index(pa.array(["How many eggs are left for sale each day", "a b c d e f g h"]))
        >>> hits, found = scan(items, pa.array(["Q: HOW MANY eggs are left\\nfor sale each week", "A b", None]))
        >>> hits.counts.tolist(), found.longest.tolist(), found.item.tolist()
        ([1, 0, 0], [8, 0, 0], [0, -1, -1])
    """
    hits = Hits(np.zeros(len(index.begins) - 1, np.uint32), np.array(len(texts)), np.array(0))
    longest, item, share_item = (np.empty(len(texts), np.int32) for _ in range(3))
    found = Matches(longest, item, np.empty(len(texts), np.float32), share_item)
    begin = 0
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        here = slice(begin, begin + len(chunk))
        part = Matches(found.longest[here], found.item[here], found.share[here], found.share_item[here])
        _scan(index, chunk, hits, part)
        begin = here.stop
    return hits, found


def count(index: TestIndex, texts: pa.Array | pa.ChunkedArray) -> Hits:
    """How often texts have each n-gram of an index: the first of what `scan` gives, which takes no longer.

    Examples:
        >>> count(index(pa.array(["a b c d e"]), n=4), pa.array(["a b c d a b c d"])).counts.tolist()
        [2, 0]
    """
    return scan(index, texts)[0]


def matches(index: TestIndex, texts: pa.Array | pa.ChunkedArray) -> Matches:
    """The longest run of test text in each text: the second of what `scan` gives, which takes no longer.

    Examples:
        >>> matches(index(pa.array(["a b c d e"]), n=4), pa.array(["x a b c d e x"])).longest.tolist()
        [5]
    """
    return scan(index, texts)[1]


def merge(a: Hits, b: Hits) -> Hits:
    """Hits of two corpora together, of one index.

    Examples:
        >>> one = Hits(np.array([4294967295, 1], np.uint32), np.array(1), np.array(9))
        >>> merge(one, one).counts.tolist()
        [4294967295, 2]
    """
    counts = a.counts + np.minimum(b.counts, ~a.counts)
    return Hits(counts, np.asarray(a.documents + b.documents), np.asarray(a.tokens + b.tokens))


def _scan(index: TestIndex, chunk: pa.Array, hits: Hits, out: Matches) -> None:
    """Add one array of texts to `hits`, and write what is found in each."""
    from tamis.ops._contamination_kernels import add_hits, scan_documents

    data, offsets = text_buffers(chunk)
    table, adding, n = unicode.unicode_table(), Lock(), int(index.n)

    def look(rows: slice) -> None:
        scratch = Scratch(data, offsets[rows.start : rows.stop + 1], 1)
        runs, places, items = np.empty((3, rows.stop - rows.start), np.int64)
        low, starts, ends, hashes, grams = scratch.arrays
        found = np.empty(len(grams), np.uint32)
        filled, tokens = scan_documents(
            data, scratch.offsets, table, n, index.tokens, index.numbers, index.slots, index.bits, index.order,
            index.begins, index.stops, low, starts, ends, hashes, grams, found, scratch.ids, runs, places,
            out.share[rows], items,
        )  # fmt: skip
        out.longest[rows], out.share_item[rows] = runs, items
        out.item[rows] = np.where(places < 0, -1, np.searchsorted(index.stops, places, side="right") - 1)
        with adding:
            add_hits(scratch.ids, filled, hits.counts)
            hits.tokens[...] += tokens

    in_threads(look, text_blocks(offsets))

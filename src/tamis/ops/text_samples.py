"""Samples of a stream of texts as counts of their n-grams: those with the lowest hashes, each text once.

A sample depends on the texts and the seed alone: samples of shards merge to that of the whole, in any order, and a text
that occurs twice is drawn once.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.hashing import hash_rows, mix64
from tamis.ops.ngram_counts import DistinctNgrams, count

Longs = NDArray[np.int64]


class Sample(NamedTuple):
    """Documents with the lowest hashes so far.

    Args:
        keys: `uint64[m]`, their hashes, in ascending order.
        packed: `uint32`, the distinct n-grams of one document after the other, see `ngram_counts.DistinctNgrams`.
        stops: `int64[m]`, where those of each document end.
        size: `int64[()]`, how many documents it has at most.
    """

    keys: NDArray[np.uint64]
    packed: NDArray[np.uint32]
    stops: Longs
    size: Longs

    @property
    def counts(self) -> DistinctNgrams:
        """The distinct n-grams of its documents."""
        return DistinctNgrams(self.packed, self.stops)


def sample(texts: pa.Array | pa.ChunkedArray, *, ngrams: int, buckets: int, size: int, seed: int = 0) -> Sample:
    """The sample of some texts, of which only those drawn are divided into words.

    Args:
        texts: `[n]`, strings; null is empty text.
        ngrams: the highest order of n-grams.
        buckets: how many buckets they share.
        size: how many documents at most.
        seed: of the hashes that decide.

    Returns:
        About 1 kB for each document of 1 kB. `O(bytes)` time, `O(n)` memory.

    Raises:
        Refused: if texts are no strings or the size is below 1.

    Examples:
        >>> drawn = {"ngrams": 1, "buckets": 64, "size": 2}
        >>> one, two = sample(pa.array(["a b", "c"]), **drawn), sample(pa.array(["d", "c"]), **drawn)
        >>> both = sample(pa.array(["c", "d", "a b"]), **drawn)
        >>> merge(one, two).keys.tolist() == merge(two, one).keys.tolist() == both.keys.tolist()
        True
    """
    if size < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"size={size}", accepted="1 or more")
    keys, rows = np.unique(keys_of(texts, seed), return_index=True)
    taken = texts.take(pa.array(rows[:size]))
    return Sample(keys[:size], *count(taken, ngrams=ngrams, buckets=buckets), np.array(size))


def keys_of(texts: pa.Array | pa.ChunkedArray, seed: int = 0) -> NDArray[np.uint64]:
    """The hash by which each text is drawn, `uint64[n]`.

    What is learned of a sample knows its texts too well. Halves by the last bit of the hash let every text be judged by
    what was learned of the other half, without keeping which texts were drawn.

    Examples:
        >>> one, two = keys_of(pa.array(["a", "b"])), keys_of(pa.array(["b", "a"]))
        >>> one.tolist() == two[::-1].tolist()
        True
    """
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    term = mix64(np.array([seed % (1 << 64)], np.uint64))
    hashes = [mix64(hash_rows(_filled(chunk))[:, 0] + term) for chunk in chunks]
    return np.concatenate([*hashes, np.zeros(0, np.uint64)])


def merge(a: Sample, b: Sample) -> Sample:
    """The sample of the texts of both, which must have the same size and seed."""
    if a.size != b.size:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"samples of {a.size} and {b.size}", accepted="samples of one size")
    keys, rows = np.unique(np.concatenate((a.keys, b.keys)), return_index=True)
    packed = np.concatenate((a.packed, b.packed))
    stops = np.concatenate((a.stops, b.stops + len(a.packed)))
    return Sample(keys[: a.size], *take(packed, stops, rows[: a.size]), a.size)


def take(packed: NDArray[np.uint32], stops: Longs, rows: Longs) -> tuple[NDArray[np.uint32], Longs]:
    """The distinct n-grams of some of the documents."""
    begins = np.concatenate((np.zeros(1, np.int64), stops[:-1]))[rows]
    lengths = stops[rows] - begins
    ends = np.cumsum(lengths)
    return packed[np.repeat(begins - (ends - lengths), lengths) + np.arange(lengths.sum())], ends


def _filled(chunk: pa.Array) -> pa.Array:
    """Null as empty text."""
    if not (pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type)):
        raise refusals.TEXT_NOT_STRINGS("text", type=chunk.type)
    return chunk.fill_null("")

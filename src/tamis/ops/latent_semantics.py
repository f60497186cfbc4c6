"""Latent semantic analysis of hashed words: text vectors that need no model, from a sample of the pool itself.

With c_w how often word w occurs in a document, f_w in how many of the n documents of the sample it does,

    a_w = ln(1 + c_w) ln(n / f_w),   A = rows a / ‖a‖ of the sample ≈ U S Vᵀ,   z = Vᵀa / ‖Vᵀa‖,   x = (z - μ) / ‖z - μ‖

where V are the d leading right singular vectors, by two turns of subspace iteration from random directions, and μ is
the mean of z over the sample. More turns make V more exact and neighbours no better (`benchmarks/text_vectors.py`).
Words are tokens of `ops.ngrams`, hashed; those that only one document of the sample has are left out.

The sample are the texts with the lowest hashes, so that it depends on the texts and the seed alone: samples of shards
merge to that of the whole, in any order, and a text that occurs twice is drawn once.

Source: Deerwester et al. 1990, Indexing by Latent Semantic Analysis; Halko, Martinsson and Tropp 2011, Finding
Structure with Randomness, algorithm 4.4; Mu and Viswanath 2018, All-but-the-Top, for the mean.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.blas import one_blas_thread
from tamis.ops.hashing import hash_rows, mix64
from tamis.ops.ngram_counts import LOG_COUNTS, DistinctNgrams, count, in_blocks

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]
Slots = NDArray[np.int32]

BUCKETS = 1 << 18
SPARE, TURNS, NOTHING = 16, 2, 1e-8
_BUCKET, _COUNT = np.uint32(0xFFFFFF), np.uint32(24)


class Sample(NamedTuple):
    """Documents with the lowest hashes so far.

    Args:
        keys: `uint64[m]`, their hashes, in ascending order.
        packed: `uint32[·]`, their hashed words with counts, as in `ngram_counts.DistinctNgrams`.
        stops: `int64[m]`, where in these each document ends.
        size: `int64[()]`, how many documents it has at most.
    """

    keys: NDArray[np.uint64]
    packed: NDArray[np.uint32]
    stops: Longs
    size: Longs


class Basis(NamedTuple):
    """What makes vectors of texts.

    Args:
        slots: `int32[V]`, the row of each bucket in the table, or -1.
        table: `float32[m, d]`, a vector for each bucket, the most frequent first.
        mean: `float32[d]`, μ.
    """

    slots: Slots
    table: Floats
    mean: Floats


def fit(texts: pa.Array | pa.ChunkedArray, *, size: int = 10_000, seed: int = 0) -> Sample:
    """The sample of some texts.

    Args:
        texts: `[n]`, strings; null is empty text.
        size: how many documents at most; beyond some thousands, vectors hardly change.
        seed: of the hashes that decide.

    Returns:
        About 1 kB for each document of 1 kB. `O(bytes)` time, of which only those of the sample are divided into words,
        and `O(n)` memory.

    Raises:
        Refused: if texts are no strings or the size is below 1.

    Examples:
        >>> one, two = fit(pa.array(["a b", "c"]), size=2), fit(pa.array(["d", "c"]), size=2)
        >>> both = fit(pa.array(["c", "d", "a b"]), size=2)
        >>> merge(one, two).keys.tolist() == merge(two, one).keys.tolist() == both.keys.tolist()
        True
    """
    if size < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"size={size}", accepted="1 or more")
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    term = mix64(np.array([seed % (1 << 64)], np.uint64))
    hashes = [mix64(hash_rows(_filled(chunk))[:, 0] + term) for chunk in chunks]
    keys, rows = np.unique(np.concatenate([*hashes, np.zeros(0, np.uint64)]), return_index=True)
    taken = texts.take(pa.array(rows[:size]))
    return Sample(keys[:size], *count(taken, ngrams=1, buckets=BUCKETS), np.array(size))


def merge(a: Sample, b: Sample) -> Sample:
    """The sample of the texts of both, which must have the same size and seed."""
    if a.size != b.size:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"samples of {a.size} and {b.size}", accepted="samples of one size")
    keys, rows = np.unique(np.concatenate((a.keys, b.keys)), return_index=True)
    packed = np.concatenate((a.packed, b.packed))
    stops = np.concatenate((a.stops, b.stops + len(a.packed)))
    return Sample(keys[: a.size], *_take(packed, stops, rows[: a.size]), a.size)


def finish(sample: Sample, d: int = 256, *, seed: int = 0) -> Basis:
    """The d directions in which the words of the sample occur together.

    Args:
        sample: of n documents, better some thousands of them.
        d: how many.
        seed: of the random directions.

    Returns:
        `4 d m + 4 V` bytes for m words kept; where the sample has less than d directions, the last columns are 0.
        `O(words · d + (n + m) d²)` time, `O((n + m) d)` memory.

    Raises:
        Refused: if d is below 1 or no word is in two documents but not in all.

    Examples:
        >>> basis = finish(fit(pa.array(["red wine", "white wine", "red car", "fast car"])), d=2)
        >>> a, b, c = vectors(basis, pa.array(["white wine", "wine", "a fast car"]))
        >>> bool(a @ b > a @ c)
        True
    """
    if d < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"d={d}", accepted="1 or more")
    from tamis.ops._latent_kernels import make_unit, multiply

    n = len(sample.keys)
    buckets = (sample.packed & _BUCKET).astype(np.int64)
    frequency = np.bincount(buckets, minlength=BUCKETS)
    kept = np.flatnonzero((frequency > 1) & (frequency < n))
    if not len(kept):
        raise refusals.PARAMETER_OUT_OF_RANGE(
            f"a sample of {n} documents", accepted="texts that share words, and not the same ones all"
        )
    kept = kept[np.argsort(-frequency[kept], kind="stable")]
    slots = np.full(BUCKETS, -1, np.int32)
    slots[kept] = np.arange(len(kept))
    weights = np.log(n / frequency[kept]).astype(np.float32)
    rows = _weighted(sample, slots[buckets], weights)
    with one_blas_thread():
        directions = _leading(*rows, len(kept), d, seed)
    inside = np.empty((n, d), np.float32)
    multiply(*rows, directions, inside)
    for row in inside:
        make_unit(row)
    return Basis(slots, directions * weights[:, None], inside.mean(axis=0, dtype=np.float64).astype(np.float32))


def vectors(basis: Basis, texts: pa.Array | pa.ChunkedArray) -> Floats:
    """The vector x of each text: of length 1, or 0 for a text without a word that the sample has twice.

    Args:
        basis: what `finish` gave.
        texts: `[n]`, strings; null is empty text.

    Returns:
        `float32[n, d]`, whose products are cosines: *high* is alike; they survive rounding to float16. `O(bytes +
        distinct words · d)` time on two threads, `O(longest document + 2 MB)` memory each besides the result.

    Raises:
        Refused: if texts are no strings.

    Examples:
        >>> basis = finish(fit(pa.array(["red wine", "white wine", "red car", "fast car"])), d=2)
        >>> np.linalg.norm(vectors(basis, pa.array(["wine", "", None])), axis=1).round(3).tolist()
        [1.0, 0.0, 0.0]
    """
    from tamis.ops._latent_kernels import project

    out = np.empty((len(texts), basis.table.shape[1]), np.float32)

    def fill(rows: slice, own: DistinctNgrams) -> None:
        project(own.packed, own.stops, LOG_COUNTS, *basis, out[rows])

    in_blocks(texts, 1, len(basis.slots), fill)
    return out


def _filled(chunk: pa.Array) -> pa.Array:
    """Null as empty text."""
    if not (pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type)):
        raise refusals.TEXT_NOT_STRINGS("text", type=chunk.type)
    return chunk.fill_null("")


def _take(packed: NDArray[np.uint32], stops: Longs, rows: Longs) -> tuple[NDArray[np.uint32], Longs]:
    """The counts of some of the documents."""
    begins = np.concatenate((np.zeros(1, np.int64), stops[:-1]))[rows]
    lengths = stops[rows] - begins
    ends = np.cumsum(lengths)
    return packed[np.repeat(begins - (ends - lengths), lengths) + np.arange(lengths.sum())], ends


def _weighted(sample: Sample, slots: Slots, weights: Floats) -> tuple[Slots, Floats, Longs]:
    """Slots, values a / ‖a‖ and stops of the documents, without the words that are left out."""
    document = np.repeat(np.arange(len(sample.stops)), np.diff(sample.stops, prepend=0))
    inside = slots >= 0
    slots, document = slots[inside], document[inside]
    values = LOG_COUNTS[sample.packed[inside] >> _COUNT] * weights[slots]
    squares = np.bincount(document, np.square(values, dtype=np.float64), minlength=len(sample.stops))
    stops = np.cumsum(np.bincount(document, minlength=len(sample.stops)))
    return slots, (values / np.sqrt(squares)[document]).astype(np.float32), stops


def _leading(slots: Slots, values: Floats, stops: Longs, m: int, d: int, seed: int) -> Floats:
    """The leading right singular vectors of sparse rows, `float32[m, d]`, the largest element of each positive."""
    from tamis.ops._latent_kernels import multiply, multiply_transposed

    width = min(d + SPARE, len(stops), m)
    rows = np.empty((len(stops), width), np.float32)
    basis = np.random.default_rng(seed).standard_normal((m, width), np.float32)
    for _ in range(TURNS):
        multiply(slots, values, stops, basis, rows)
        multiply_transposed(slots, values, stops, np.ascontiguousarray(np.linalg.qr(rows)[0]), basis)
    squares, turn = np.linalg.eigh(basis.T.astype(np.float64) @ basis)
    squares, turn = squares[::-1][:d], turn[:, ::-1][:, :d]
    turn = np.where(squares > NOTHING * squares[0], turn / np.sqrt(np.maximum(squares, NOTHING * squares[0])), 0)
    found = np.zeros((m, d), np.float32)
    found[:, : turn.shape[1]] = basis @ turn.astype(np.float32)
    found *= np.where(found[np.argmax(np.abs(found), axis=0), np.arange(d)] < 0, np.float32(-1), np.float32(1))
    return found

"""Latent semantic analysis of hashed words: text vectors that need no model, from a sample of the pool itself.

With c_w how often word w occurs in a document, f_w in how many of the n documents of the sample it does,

    a_w = ln(1 + c_w) ln(n / f_w),   A = rows a / ‖a‖ of the sample ≈ U S Vᵀ,   z = Vᵀa / ‖Vᵀa‖,   x = (z - μ) / ‖z - μ‖

where V are the d leading right singular vectors, by two turns of subspace iteration from random directions, and μ is
the mean of z over the sample. More turns make V more exact and neighbours no better (`benchmarks/text_vectors.py`).
Words are tokens of `ops.ngrams`, hashed; those that only one document of the sample has are left out.

The sample is one of `ops.text_samples`, so that it depends on the texts and the seed alone.

Source: Deerwester et al. 1990, Indexing by Latent Semantic Analysis; Halko, Martinsson and Tropp 2011, Finding
Structure with Randomness, algorithm 4.4; Mu and Viswanath 2018, All-but-the-Top, for the mean.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import text_samples
from tamis.ops.blas import one_blas_thread
from tamis.ops.ngram_counts import LOG_COUNTS, DistinctNgrams, in_blocks
from tamis.ops.text_samples import Sample, merge

__all__ = ["Basis", "Sample", "finish", "fit", "merge", "vectors"]

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]
Slots = NDArray[np.int32]

BUCKETS = 1 << 18
SPARE, TURNS, NOTHING = 16, 2, 1e-8
_BUCKET, _COUNT = np.uint32(0xFFFFFF), np.uint32(24)


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
        >>> one, two, both = (fit(pa.array(texts)) for texts in (["a b"], ["c"], ["c", "a b"]))
        >>> merge(one, two).keys.tolist() == both.keys.tolist()
        True
    """
    return text_samples.sample(texts, ngrams=1, buckets=BUCKETS, size=size, seed=seed)


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
        raise refusals.LATENT_OF_TOO_LITTLE("latent-semantics", texts=n)
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

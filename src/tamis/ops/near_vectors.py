"""Near copies by vectors: each row whose direction is near that of an earlier one is dropped.

Candidates share the signs of a band of random projections: with the angle θ between two vectors, a band of b signs is
equal with probability (1 - θ / π)^b, and of several bands one is with 1 - (1 - (1 - θ / π)^b)^bands. Each candidate is
then compared by its cosine, so that what is dropped is near for certain.

Source: Charikar 2002, Similarity Estimation Techniques from Rounding Algorithms.
"""

from collections.abc import Callable, Sequence
from math import acos, pi
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.blas import one_blas_thread
from tamis.ops.minhash import Keys
from tamis.ops.near_copies import NOWHERE, NearCopies, copies_of, packed_keys

Rows = NDArray[np.int64]
Empty = Callable[[tuple[int, int], Any], NDArray[Any]]

SIGNS = 512
BLOCK = 1 << 14


def bands_for(cosine: float, signs: int = SIGNS) -> tuple[int, int]:
    """Bands, and signs in each, to find nine of ten pairs of this cosine: the most signs that do so, up to 32.

    Examples:
        >>> bands_for(0.95), bands_for(0.8)
        ((23, 22), (42, 12))
    """
    equal = 1 - acos(min(cosine, 1.0)) / pi
    found = [(signs // bits, bits) for bits in range(1, 33)]
    return max((pair for pair in found if 1 - (1 - equal ** pair[1]) ** pair[0] >= 0.9), key=lambda pair: pair[1])


def near_vectors(
    vectors: NDArray[np.floating],
    *,
    cosine: float,
    against: Sequence[NDArray[np.floating]] = (),
    among: NDArray[np.bool_] | None = None,
    empty: Empty = np.empty,
) -> NearCopies:
    """Drop each row whose vector is near that of an earlier row, of this corpus or of those before it.

    The rule is that of `near_copies.near_copies`: compared in a band are rows of equal signs, and a row that is near no
    leader leads; what a row is told never depends on rows behind it. Vectors must not depend on them either: those that
    are learned from the corpus (`latent_semantics`) do.

    Args:
        vectors: `float[n, d]`; rows of zeros match nothing. Those of float32 are not copied.
        cosine: above 0 and at most 1; pairs of this cosine and more are near, nine of ten of those at it are found.
        against: vectors of earlier corpora, made alike.
        among: `bool[n]`, rows that are looked at; all of them by default.
        empty: makes the arrays of a shape and dtype that grow with the rows, so that they may lie in files.

    Returns:
        The row that each is a copy of. `O(n d)` time and a sort for each band, and `O(d)` for each row and leader of
        the same signs; in arrays of `empty` 8 bytes a row and band, and `4 d` a row where vectors are not of float32,
        beside them 66 bytes a row.

    Raises:
        Refused: if the cosine is outside its range.

    Examples:
        >>> found = near_vectors(np.array([[1.0, 0.0], [0.0, 1.0], [0.01, 3.0]]), cosine=0.99)
        >>> found.kept_row.tolist()
        [0, 1, 1]
    """
    if not 0 < cosine <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"cosine={cosine}", accepted="more than 0, and at most 1")
    own = _directions(vectors, *bands_for(cosine), empty)
    if among is not None:
        own.keys[:, ~among] = 0
    least = cosine - 1e-6  # what rounding to float32 takes from equal vectors
    nothing = Directions(own.vectors[:0], own.lengths[:0], own.keys[:, :0])
    unmatched = np.full(len(own.vectors), NOWHERE)
    earlier = (
        _parents(_directions(each, *bands_for(cosine), empty), own, least) if len(each) else unmatched
        for each in against
    )
    return copies_of(_parents(nothing, own, least), earlier)


class Directions(NamedTuple):
    """`float32[n, d]`, their lengths `float64[n]`, and keys `uint64[bands, n]`: a band lies in one piece."""

    vectors: NDArray[np.float32]
    lengths: NDArray[np.float64]
    keys: Keys


def _directions(given: NDArray[np.floating], bands: int, bits: int, empty: Empty) -> Directions:
    """Keys are the same for a vector whatever stands beside it."""
    from tamis.ops._near_vector_kernels import write_sign_keys

    n, d = given.shape
    ready = given.dtype == np.float32 and given.flags.c_contiguous
    vectors = np.asarray(given) if ready else empty((n, d), np.float32)
    lengths, keys = np.empty(n), empty((bands, n), np.uint64)
    directions = np.random.default_rng(0).standard_normal((d, bands * bits))
    with one_blas_thread():
        for start in range(0, n, BLOCK):
            here = slice(start, start + BLOCK)
            block = np.asarray(given[here], np.float64)
            if not ready:
                vectors[here] = block
            lengths[here] = np.sqrt(np.einsum("nd,nd->n", block, block))
            products = np.ascontiguousarray((block @ directions).astype(np.float32))
            found = np.empty((len(block), bands), np.uint64)
            write_sign_keys(products, bits, found)
            keys[:, here] = found.T
    return Directions(np.asarray(vectors), lengths, np.asarray(keys))


def _parents(before: Directions, own: Directions, least: float) -> Rows:
    """The lowest row of `before`, or of the rows themselves if that has none, that each is near, or `NOWHERE`."""
    from tamis.ops._near_vector_kernels import match_vectors

    earlier, rows = len(before.vectors), len(before.vectors) + len(own.vectors)
    parent = np.full(len(own.vectors), NOWHERE)
    leaders, row_bits = np.empty(rows, np.int64), np.uint64((1 << max(1, rows - 1).bit_length()) - 1)
    both = (before.vectors, before.lengths, own.vectors, own.lengths)
    for keys_before, keys in zip(before.keys, own.keys, strict=True):
        column = np.concatenate((keys_before, keys))
        match_vectors(packed_keys(column, row_bits), row_bits, earlier, column, *both, least, leaders, parent)
    return parent

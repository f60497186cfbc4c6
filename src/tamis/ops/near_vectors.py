"""Near copies by vectors: each row whose direction is near that of an earlier one is dropped.

Candidates share the signs of a band of random projections: with the angle θ between two vectors, a band of b signs is
equal with probability (1 - θ / π)^b, and of several bands one is with 1 - (1 - (1 - θ / π)^b)^bands. Each candidate is
then compared by its cosine, so that what is dropped is near for certain.

Source: Charikar 2002, Similarity Estimation Techniques from Rounding Algorithms.
"""

from collections.abc import Sequence
from math import acos, pi

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.blas import one_blas_thread
from tamis.ops.minhash import Keys
from tamis.ops.near_copies import NOWHERE, NearCopies, copies_of, packed_keys

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

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
) -> NearCopies:
    """Drop each row whose vector is near that of an earlier row, of this corpus or of those before it.

    The rule is that of `near_copies.near_copies`: compared in a band are rows of equal signs, and a row that is near no
    leader leads; what a row is told never depends on rows behind it. Vectors must not depend on them either: those that
    are learned from the corpus (`latent_semantics`) do.

    Args:
        vectors: `float[n, d]`; rows of zeros match nothing.
        cosine: above 0 and at most 1; pairs of this cosine and more are near, nine of ten of those at it are found.
        against: vectors of earlier corpora, made alike.
        among: `bool[n]`, rows that are looked at; all of them by default.

    Returns:
        The row that each is a copy of. `O(n d)` time and a sort for each band, and `O(d)` for each row and leader of
        the same signs; `4 d + 32 bands` bytes a row.

    Raises:
        Refused: if the cosine is outside its range.

    Examples:
        >>> found = near_vectors(np.array([[1.0, 0.0], [0.0, 1.0], [0.01, 3.0]]), cosine=0.99)
        >>> found.kept_row.tolist()
        [0, 1, 1]
    """
    if not 0 < cosine <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"cosine={cosine}", accepted="more than 0, and at most 1")
    bands, bits = bands_for(cosine)
    own, keys = _units(vectors), _keys(vectors, bands, bits)
    if among is not None:
        keys[~among] = 0
    least = cosine - 1e-6  # what rounding to float32 takes from equal vectors
    nothing = np.empty((0, own.shape[1]), np.float32)
    empty = np.empty((0, bands), np.uint64)
    unmatched = np.full(len(own), NOWHERE)
    earlier = (
        _parents(_units(each), _keys(each, bands, bits), own, keys, least) if len(each) else unmatched
        for each in against
    )
    return copies_of(_parents(nothing, empty, own, keys, least), earlier)


def _units(vectors: NDArray[np.floating]) -> Floats:
    """Rows of length 1 in float32; those of length 0 stay 0."""
    made = np.array(vectors, np.float32)
    for start in range(0, len(made), BLOCK):
        block = made[start : start + BLOCK]
        lengths = np.sqrt(np.einsum("nd,nd->n", block, block, dtype=np.float64))
        block /= np.where(lengths > 0, lengths, 1.0)[:, None].astype(np.float32)
    return made


def _keys(vectors: NDArray[np.floating], bands: int, bits: int) -> Keys:
    """`uint64[n, bands]`; the same for a vector whatever stands beside it."""
    from tamis.ops._near_vector_kernels import write_sign_keys

    directions = np.random.default_rng(0).standard_normal((vectors.shape[1], bands * bits))
    keys = np.empty((len(vectors), bands), np.uint64)
    with one_blas_thread():
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK], np.float64)
            products = np.ascontiguousarray((block @ directions).astype(np.float32))
            write_sign_keys(products, bits, keys[start : start + BLOCK])
    return keys


def _parents(before: Floats, keys_before: Keys, units: Floats, keys: Keys, least: float) -> Rows:
    """The lowest row of `before`, or of the rows themselves if that has none, that each is near, or `NOWHERE`."""
    from tamis.ops._near_vector_kernels import match_vectors

    rows = len(before) + len(units)
    parent = np.full(len(units), NOWHERE)
    leaders, row_bits = np.empty(rows, np.int64), np.uint64((1 << max(1, rows - 1).bit_length()) - 1)
    for band in range(keys.shape[1]):
        column = np.concatenate((keys_before[:, band], keys[:, band]))
        packed = packed_keys(column, row_bits)
        match_vectors(packed, row_bits, len(before), column, before, units, least, leaders, parent)
    return parent

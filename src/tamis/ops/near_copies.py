"""Near copies by MinHash: each row that is like an earlier one is dropped, and said of which row it is a copy."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.minhash import Keys, LowBytes, Sketch

Rows = NDArray[np.int64]

NOWHERE = np.iinfo(np.int64).max


class NearCopies(NamedTuple):
    """What each row is a copy of.

    Args:
        kept_row: `int64[n]`, the row's own number where it is kept, -1 where the row kept is in an earlier corpus.
        earlier: `int64[d, 3]`, of each of the latter (row, number of the corpus, row in it), in row order.
    """

    kept_row: Rows
    earlier: Rows


def near_copies(sketches: Sketch, *, threshold: float | None = None, against: Sequence[Sketch] = ()) -> NearCopies:
    """Drop each row that matches an earlier one, of this corpus or of those before it.

    Two rows match if they have an equal band key, and seem as similar as `threshold`: of k minima, at least
    k (threshold + (1 - threshold) / 256) have an equal lowest byte. The rule:

        parent(i) = the lowest row j < i that i matches in a band, or i;  kept_row(i) = parent(parent(… i))

    Compared in a band are rows with the same key: the first one leads, and one that matches no leader leads too; so i
    is compared with leaders, in their order. In an earlier corpus, every row leads, and its match is the parent.

    What a row is told never depends on rows behind it: when rows are added, the earlier ones stay kept, or copies of
    the same row. A row that matches copies of two kept rows is dropped, and told to be a copy of the one that its
    lowest match leads to; both stay. Without a threshold, kept rows have no key in common; with one, those that do are
    below it. A dropped row is like its parent, which may itself be dropped, and be less like the row that is kept.
    Short texts are rarely found: a word that differs spoils 5 shingles of 5 words, all that a text of 9 words has.

    Args:
        sketches: of n rows, by `minhash.sketch`. Keys may be memory-mapped: they are read a band at a time.
        threshold: above 0 and at most 1, such as `minhash.usual_threshold()`; needs minima. None: keys decide.
        against: sketches of earlier corpora, of the same parameters; the first that has a match gives the parent.

    Returns:
        The row that each is a copy of. `O(bands (n + m) log(n + m))` time and `O(n + m)` memory for m rows in the
        largest earlier corpus; with a threshold, also k operations for each row and leader of the same key.

    Raises:
        Refused: if the threshold is outside its range or minima are missing, or the numbers of bands differ.

    Examples:
        >>> keys = np.array([[1, 5], [2, 6], [3, 6], [1, 6]], np.uint64)
        >>> near_copies(Sketch(keys, None)).kept_row.tolist()
        [0, 1, 1, 0]
        >>> near_copies(Sketch(keys, None), against=[Sketch(keys[2:3], None)]).earlier.tolist()
        [[1, 0, 0], [2, 0, 0], [3, 0, 0]]
    """
    nothing = Sketch(np.empty((0, sketches.keys.shape[1]), np.uint64), sketches.minima)
    for each in against:
        if each.keys.shape[1] != sketches.keys.shape[1]:
            raise refusals.PARAMETER_OUT_OF_RANGE(
                f"{each.keys.shape[1]} bands of an earlier corpus", accepted=f"{sketches.keys.shape[1]}, as here"
            )
    needed = _needed(threshold, [sketches, *against])
    unmatched = np.full(len(sketches.keys), NOWHERE)
    earlier = (_parents(each, sketches, needed) if len(each.keys) else unmatched for each in against)
    return copies_of(_parents(nothing, sketches, needed), earlier)


def copies_of(parent: Rows, earlier: Iterable[Rows]) -> NearCopies:
    """What each row is a copy of, given the lowest row that each matches here and in each earlier corpus, or `NOWHERE`.

    Examples:
        >>> found = copies_of(np.array([NOWHERE, 0, 1]), [np.array([NOWHERE, 4, NOWHERE])])
        >>> found.kept_row.tolist(), found.earlier.tolist()
        ([0, -1, -1], [[1, 0, 4], [2, 0, 4]])
    """
    parent = np.minimum(np.arange(len(parent)), parent)
    corpus, place = np.full(len(parent), -1), np.zeros(len(parent), np.int64)
    for number, found in enumerate(earlier):
        new = (found < NOWHERE) & (corpus < 0)
        corpus[new], place[new] = number, found[new]
    away = corpus >= 0
    parent[away] = np.flatnonzero(away)
    kept = _follow(parent)
    dropped = np.flatnonzero(corpus[kept] >= 0)
    told = np.column_stack([dropped, corpus[kept[dropped]], place[kept[dropped]]])
    kept[dropped] = -1
    return NearCopies(kept, told)


def _needed(threshold: float | None, sketches: Sequence[Sketch]) -> int:
    """How many minima must be equal."""
    if threshold is None:
        return 0
    if not 0 < threshold <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"threshold={threshold}", accepted="more than 0, and at most 1")
    if any(each.minima is None for each in sketches):
        raise refusals.PARAMETER_OUT_OF_RANGE(f"threshold={threshold}", accepted="None, or sketches with minima")
    minima = sketches[0].minima
    assert minima is not None
    return ceil((threshold + (1 - threshold) / 256) * int(minima.shape[1]) - 1e-9)


def _parents(before: Sketch, sketches: Sketch, needed: int) -> Rows:
    """The lowest row of `before`, or of `sketches` if that has none, that each row matches, or `NOWHERE`."""
    from tamis.ops._minhash_kernels import match_band

    rows = len(before.keys) + len(sketches.keys)
    parent = np.full(len(sketches.keys), NOWHERE)
    leaders, row_bits = np.empty(rows, np.int64), np.uint64((1 << max(1, rows - 1).bit_length()) - 1)
    none: LowBytes = np.empty((0, 0), np.uint8)
    minima = (none, none)
    if needed:
        minima = (np.ascontiguousarray(before.minima), np.ascontiguousarray(sketches.minima))
    for band in range(sketches.keys.shape[1]):
        column = np.concatenate((before.keys[:, band], sketches.keys[:, band]))
        match_band(packed_keys(column, row_bits), row_bits, len(before.keys), column, *minima, needed, leaders, parent)
    return parent


def packed_keys(column: Keys, row_bits: np.uint64) -> Keys:
    """The high bits of each key that is not 0 over the number of its row, sorted."""
    packed = np.arange(len(column), dtype=np.uint64)
    packed |= column & ~row_bits
    if not column.all():
        packed = packed[column != 0]
    packed.sort()
    return packed


def _follow(parent: Rows) -> Rows:
    """Where parents of parents end: in each turn, twice as far."""
    while True:
        further = parent[parent]
        if (further == parent).all():
            return further
        parent = further

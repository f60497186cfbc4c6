"""The largest matches of each column, sorted, from one pass over blocks of rows.

An entry is 64 bits, which sort as they should: above, the bits of the match as float32, flipped so that larger matches
come first; below, the row, so that ties go to the smaller one. At most 2³² rows have one.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.ops.matches import Matches

Entries = NDArray[np.uint64]
Longs = NDArray[np.int64]

_A_ROW, _LEAST = 8, 64  # entries
BLOCK_BYTES = 1 << 24
_ROW, _HIGH = np.uint64(0xFFFFFFFF), np.uint64(32)
_SIGN = np.uint32(0x80000000)


class Lists(NamedTuple):
    """Of each of t columns the first `held[c]` of `entries[c]`, `uint64 [t, capacity]`, are its largest, sorted."""

    entries: Entries
    held: Longs


def encode(values: NDArray[np.float32], rows: NDArray[Any]) -> Entries:
    """The entries of matches at rows.

    Examples:
        >>> found = encode(np.array([-1.0, 0.5, 0.5], np.float32), np.array([0, 2, 1]))
        >>> np.argsort(found).tolist(), rows_of(found).tolist(), values_of(found).tolist()
        ([2, 1, 0], [0, 2, 1], [-1.0, 0.5, 0.5])
    """
    bits = (values + np.float32(0)).view(np.uint32)  # so that -0 is 0
    descending = np.where(bits & _SIGN, bits, ~bits & ~_SIGN)
    return (descending.astype(np.uint64) << _HIGH) | rows.astype(np.uint64)


def rows_of(entries: Entries) -> Longs:
    """The rows of entries."""
    return (entries & _ROW).astype(np.int64)


def values_of(entries: Entries) -> NDArray[np.float64]:
    """The matches of entries, to the bit."""
    descending = (entries >> _HIGH).astype(np.uint32)
    bits = np.where(descending & _SIGN, descending, ~descending & ~_SIGN)
    return bits.view(np.float32).astype(np.float64)


def usual_length(matches: Matches) -> int:
    """How long lists are so that all of them have 8 entries for each row; of all rows where that is over half of them.

    They have 64 entries at least.

    Examples:
        >>> [usual_length(Matches(np.empty((800, t), np.float32))) for t in (1, 16, 20, 10_000)]
        [800, 800, 320, 64]
    """
    n, t = matches.shape
    length = max(_LEAST, _A_ROW * n // t)
    return length if 2 * length < n else n


def column_lists(
    matches: Matches,
    length: int,
    columns: Longs | None = None,
    *,
    open: NDArray[np.bool_] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Lists:
    """The `length` largest matches of each column, fewer where fewer are left.

    Args:
        matches: `[n, t]`.
        length: how many entries of a column, at least 1.
        columns: `int64 [c]`; all without it.
        open: `bool [n]`, the rows that count; all without it.
        block_bytes: bound of the memory of a block.

    Returns:
        `Lists` of c columns. `O(n t)` time beside that of the matches, `8 c min(n, 2 length)` bytes.
    """
    n, t = matches.shape
    wide = t if columns is None else len(columns)
    entries = np.empty((wide, min(n, 2 * length)), np.uint64)
    held = np.zeros(wide, np.int64)
    least = np.full(wide, -np.inf, np.float32)  # matches below it are not among the largest
    for start, block in matches.blocks(block_bytes):
        places = np.arange(start, start + len(block))
        if open is not None:
            kept = open[start : start + len(block)]
            places, block = places[kept], block[kept]
        block = block if columns is None else block[:, columns]
        for c, values in enumerate(np.ascontiguousarray(block.T)):
            near = np.flatnonzero(values >= least[c])
            new = encode(values[near], places[near])
            if held[c] + len(new) > entries.shape[1]:
                new = np.concatenate([entries[c, : held[c]], new])
                new.partition(length - 1)
                new, held[c] = new[:length], 0
                least[c] = values_of(new[-1:])[0]
            entries[c, held[c] : held[c] + len(new)] = new
            held[c] += len(new)
    for c, count in enumerate(held):
        entries[c, :count].sort()
    return Lists(entries, np.minimum(held, length))

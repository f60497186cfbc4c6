"""How near each of n examples is to each of t others, in blocks of rows: at most a few copies of one in memory."""

from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]

BLOCK_BYTES = 1 << 26


class Matches:
    """`float32 [n, t]` of which a block of rows at a time is computed, or read from a memory-mapped file.

    Args:
        left: `float32 [n, t]`, the matches themselves; or with `right` the vectors `float32 [n, d]` of the examples.
        right: `float32 [t, d]`; then the matches are `left @ right.T`, computed in float64 and rounded, so that they do
            not depend on where a row stands and copies of a row tie.
        cosine: divide by the lengths of the vectors, where those of 0 match nothing.
        among: `int64 [m]`, the rows of `left` that are the examples, by vectors alone; all of them without it. No copy
            is made of them, nor of those of another dtype.

    Examples:
        >>> found = Matches(np.eye(3, dtype=np.float32), np.array([[2.0, 0.0, 0.0]], np.float32), cosine=True)
        >>> found.shape, [block.tolist() for _, block in found.blocks()]
        ((3, 1), [[[1.0], [0.0], [0.0]]])
    """

    def __init__(
        self, left: NDArray[Any], right: NDArray[np.float32] | None = None, *, cosine: bool = False,
        among: Longs | None = None,
    ) -> None:  # fmt: skip
        assert among is None or right is not None
        self.left, self.cosine, self.among = left, cosine, among
        self.right = None if right is None else (_units(right) if cosine else right).astype(np.float64)
        self.shape = (len(left if among is None else among), left.shape[1] if right is None else len(right))

    def of(self, others: Longs) -> "Matches":
        """The matches with some of the others alone."""
        if self.right is None:
            return Matches(np.ascontiguousarray(self.left[:, others]))
        part = copy(self)
        part.right, part.shape = self.right[others], (self.shape[0], len(others))
        return part

    def blocks(
        self, block_bytes: int = BLOCK_BYTES, others: Longs | None = None
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The first row of each block, and its matches `float32 [rows, t]`; blocks follow from the shape alone."""
        wide = max(self.shape[1], self.left.shape[1], 1)
        size = max(1, block_bytes // (4 * wide))
        for start in range(0, self.shape[0], size):
            yield start, self.rows(slice(start, start + size), others)

    def rows(self, places: slice, others: Longs | None = None) -> NDArray[np.float32]:
        """The matches of some rows, with some of the others alone if these are given."""
        rows = np.asarray(self.left[places if self.among is None else self.among[places]], np.float32)
        if self.right is None:
            return rows if others is None else rows[:, others]
        left = (_units(rows) if self.cosine else rows).astype(np.float64)
        return (left @ (self.right if others is None else self.right[others]).T).astype(np.float32)


def _units(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; those of length 0 stay 0."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0)[:, None], np.float32)

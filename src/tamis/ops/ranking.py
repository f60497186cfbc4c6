"""Rows by descending priority, in blocks, out of a column that may be larger than memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20


def descending(
    priority: NDArray[np.float64], eligible: NDArray[np.bool_] | None = None, *, first: int = 65_536
) -> Iterator[NDArray[np.int64]]:
    """Rows with the highest priority first, ties by row, NaN never, in blocks of about `first` rows, then more.

    Args:
        priority: `float64 [n]`, finite or NaN, in memory or memory-mapped.
        eligible: `bool [n]`, rows that may be given out; all without it.
        first: how many rows are likely to be wanted; bounds the memory of the first block.

    Yields:
        `int64` arrays that together hold each eligible row once. `O(n + first log first)` time for the first block,
        `24 first + 32 MB` bytes.

    Examples:
        >>> next(descending(np.array([1.0, 3.0, np.nan, 3.0]), first=3)).tolist()
        [1, 3, 0]
    """
    above, size = np.inf, max(first, 1)
    while (cut := _kth_largest(priority, eligible, above, size)) is not None:
        rows = np.concatenate(list(_rows_between(priority, eligible, cut, above)))
        ties = np.concatenate(list(_rows_between(priority, eligible, cut, cut)))
        yield np.concatenate([rows[np.argsort(-priority[rows], kind="stable")], ties])
        above, size = cut, min(2 * size, 1 << 21)


def extreme(column: NDArray[np.float64], mask: NDArray[np.bool_], k: int, *, largest: bool) -> NDArray[np.int64]:
    """The k rows of `mask` with the largest (or smallest) values, most extreme first, ties by row; block by block.

    Examples:
        >>> extreme(np.array([3.0, 1.0, 2.0]), np.array([True, True, True]), 2, largest=False).tolist()
        [1, 2]
    """
    rows, values = np.empty(0, np.int64), np.empty(0)
    for start in range(0, len(column), BLOCK):
        found = np.flatnonzero(mask[start : start + BLOCK])
        block = np.asarray(column[start : start + BLOCK])[found]
        rows = np.concatenate([rows, found + start])
        values = np.concatenate([values, -block if largest else block])
        best = np.argsort(values, kind="stable")[:k]
        rows, values = rows[best], values[best]
    return rows


def _blocks(
    priority: NDArray[np.float64], eligible: NDArray[np.bool_] | None
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Each block's first row, and its priorities with NaN where a row may not be given out."""
    for start in range(0, len(priority), BLOCK):
        block = np.asarray(priority[start : start + BLOCK])
        yield start, block if eligible is None else np.where(eligible[start : start + BLOCK], block, np.nan)


def _kth_largest(
    priority: NDArray[np.float64], eligible: NDArray[np.bool_] | None, above: float, k: int
) -> float | None:
    """The k-th largest priority below `above`, the smallest one if there are fewer, None if there is none."""
    best = np.empty(0)
    for _, block in _blocks(priority, eligible):
        bar = best.min() if len(best) == k else -np.inf
        best = np.concatenate([best, block[(block < above) & (block >= bar)]])
        if len(best) > k:
            best = np.partition(best, len(best) - k)[len(best) - k :]
    return float(best.min()) if len(best) else None


def _rows_between(
    priority: NDArray[np.float64], eligible: NDArray[np.bool_] | None, low: float, high: float
) -> Iterator[NDArray[np.int64]]:
    """Rows with a priority in (low, high), or equal to both, ascending."""
    for start, block in _blocks(priority, eligible):
        inside = block == low if low == high else (block > low) & (block < high)
        yield np.flatnonzero(inside) + start

"""Exact duplicates by 128-bit hashes, found in partitions that fit into memory."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

PARTITION = 1 << 18
Hashes = Callable[[], Iterable[tuple[int, NDArray[np.uint64]]]]


def partitions(hashes: Hashes) -> Iterator[NDArray[np.uint64]]:
    """The hashes of all shards, `uint64 [n, 3]`, in partitions of about 262,144 by the bits of the first word."""
    shards = list(hashes())
    total = sum(len(found) for _, found in shards)
    bits = max(0, (total - 1).bit_length() - PARTITION.bit_length() + 1)
    for part in range(1 << bits):
        pieces = []
        for start, found in shards:
            low = np.searchsorted(found[:, 0], np.uint64(part << (64 - bits))) if part else 0
            last = part + 1 == 1 << bits
            high = len(found) if last else np.searchsorted(found[:, 0], np.uint64((part + 1) << (64 - bits)))
            piece = np.array(found[low:high])
            piece[:, 2] += np.uint64(start)
            pieces.append(piece)
        yield np.concatenate(pieces)


def find_duplicates(hashes: Hashes, among: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Pairs (row, kept row), `int64 [d, 2]` by row: every row whose hash an earlier row has, with the first such row.

    Only rows of the mask `among` are looked at.

    `O(n log n)` time over all partitions; `40 MB` at most, whatever the pool.

    Examples:
        >>> rows = np.array([[5, 0, 1], [5, 0, 0], [7, 1, 2]], np.uint64)
        >>> find_duplicates(lambda: [(0, rows)]).tolist()
        [[1, 0]]
    """
    found = []
    for part in partitions(hashes):
        part = part if among is None else part[among[part[:, 2].astype(np.int64)]]
        first = np.sort(part[:, 0])
        shared = np.unique(first[1:][first[1:] == first[:-1]])
        part = part[np.isin(part[:, 0], shared)] if len(shared) else part[:0]
        part = part[np.lexsort((part[:, 2], part[:, 1], part[:, 0]))]
        same = np.r_[False, (part[1:, :2] == part[:-1, :2]).all(axis=1)] if len(part) else np.empty(0, bool)
        leader = np.maximum.accumulate(np.where(same, 0, np.arange(len(part))))
        found.append(np.column_stack([part[same, 2], part[leader[same], 2]]).astype(np.int64))
    pairs = np.concatenate(found)
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def find_rows(hashes: Hashes, wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The first row that has each of the `wanted` hashes, `uint64 [w, 2]`, or -1; `O(w log n)` time a shard.

    Examples:
        >>> rows = np.array([[5, 0, 1], [5, 3, 0], [7, 1, 2]], np.uint64)
        >>> find_rows(lambda: [(0, rows)], np.array([[5, 3], [7, 0]], np.uint64)).tolist()
        [0, -1]
    """
    rows = np.full(len(wanted), -1, np.int64)
    for start, found in hashes():
        open_ones = np.flatnonzero(rows < 0)
        at = np.searchsorted(found[:, 0], wanted[open_ones, 0])
        while len(open_ones):  # nearly always once: further only where first words are equal and second ones are not
            inside = at < len(found)
            open_ones, at = open_ones[inside], at[inside]
            same = found[at, 0] == wanted[open_ones, 0]
            open_ones, at = open_ones[same], at[same]
            hit = found[at, 1] == wanted[open_ones, 1]
            rows[open_ones[hit]] = start + found[at[hit], 2].astype(np.int64)
            open_ones, at = open_ones[~hit], at[~hit] + 1
    return rows

"""Of many points the rows that are most similar to each: lists, of as many as memory holds, made in blocks."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.products import Products
from tamis.ops.similarity import Metric, Sparse, not_negative, top_columns, unit_rows
from tamis.ops.threads import in_threads
from tamis.vocabulary import Points

Floats32 = NDArray[np.float32]

ENTRY_BYTES = 20  # of a list: column, value, and both once more when they are laid out by row
_BLOCK = 48  # points that a thread compares with all rows at once


def fitting(memory: float, points: int, rows: int, d: int) -> int:
    """How many rows each of so many points can list within `memory` bytes, beside the rows themselves; at least 0.

    Examples:
        >>> fitting(1e9, 1_000_000, 15_000, 64)
        48
    """
    left = memory - 12 * rows * d - 16 * points - 400 * rows
    return max(0, min(rows, int(left / (ENTRY_BYTES * max(points, 1)))))


def listed(points: Points, x: Floats32, m: int, *, metric: Metric = "cosine") -> Sparse:
    """The m rows of x that are most similar to each point, in the order of the rows; all where there are fewer.

    Args:
        points: p points with vectors of d numbers.
        x: `float32 [n, d]`.
        m: how many, at least 1.
        metric: as in `tamis.ops.similarity`, but not precomputed; similarities below 0 are 0 for "cosine", and the D of
            "euclidean" is the largest distance that is listed.

    Returns:
        `Sparse` with a list a point. Of equally similar rows the earlier one is listed. `O(p n d)` time; `12 p m` bytes
        and those of a block.

    Raises `BadRow` for a row of zeros under cosine, and for a negative dot product that is listed.

    Examples:
        >>> points = Points(np.array([[1, 0], [0, 3], [1, 1]], np.float32), np.arange(3), 1)
        >>> near = listed(points, np.array([[2, 0], [0, 1]], np.float32), 1)
        >>> near.columns.tolist(), near.values.round(3).tolist()
        ([0, 1, 0], [1.0, 1.0, 0.7070000171661377])
    """
    width = min(m, len(x))
    centre = x.mean(axis=0, dtype=np.float64).astype(np.float32) if metric == "euclidean" else np.float32(0)
    x = unit_rows(x) if metric == "cosine" else x - centre
    less = np.einsum("nd,nd->n", x, x) / 2 if metric == "euclidean" else np.zeros(len(x), np.float32)
    others = Products(x)
    columns, values = np.empty((len(points), width), np.int64), np.empty((len(points), width), np.float32)

    def search(start: int) -> None:
        part = slice(start, min(start + _BLOCK, len(points)))
        block = points.block(part.start, part.stop)
        block = unit_rows(block) if metric == "cosine" else block - centre
        found = others.of(block)
        columns[part], _ = top_columns(found, less, None, width)
        if metric == "euclidean":
            values[part] = -_apart(block, x, columns[part])
        else:
            values[part] = np.take_along_axis(found, columns[part], axis=1)

    in_threads(search, range(0, len(points), _BLOCK))
    if metric == "euclidean":
        values -= values.min(initial=0)
    elif metric == "cosine":
        np.maximum(values, 0, out=values)
    else:
        not_negative(values)
    return Sparse(np.arange(len(points) + 1) * width, columns.ravel(), values.ravel())


def _apart(block: Floats32, x: Floats32, columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distances `float64 [b, m]` of each row of a block from the rows of x that are listed for it."""
    found = np.empty(columns.shape)
    for at, near in enumerate(columns):
        found[at] = np.linalg.norm(x[near].astype(np.float64) - block[at], axis=1)
    return found

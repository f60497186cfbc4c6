"""Nearest neighbours by brute force: exact, in blocks of one matrix product each."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SPARE = 8  # candidates beyond k, whose distances are computed again without cancellation


class Neighbours(NamedTuple):
    """Of each of t queries, nearest first: `distances float64 [t, k]`, and `places int64 [t, k]` among the points."""

    distances: NDArray[np.float64]
    places: NDArray[np.int64]


def nearest(
    queries: NDArray[np.float32], points: NDArray[np.float32], k: int, *, block_bytes: int = 1 << 26
) -> Neighbours:
    """The k points that are nearest to each query by Euclidean distance, all points where there are fewer than k.

    `‖p‖²/2 − q·p` in float32 finds k + 8 candidates of each query, whose distances are then computed in float64. Ties
    go to the point that comes first. `O(t n d)` time, about `block_bytes` of memory beside a copy of the points.

    Args:
        queries: `float32 [t, d]`.
        points: `float32 [n, d]`, at least one.
        k: how many, at least 1.
        block_bytes: bound of the memory for one block of queries.

    Examples:
        >>> found = nearest(np.array([[0.0]], np.float32), np.array([[5.0], [-1.0], [1.0]], np.float32), 2)
        >>> found.places.tolist(), found.distances.tolist()
        ([[1, 2]], [[1.0, 1.0]])
    """
    centre = points.mean(axis=0, dtype=np.float64).astype(np.float32)
    moved = np.ascontiguousarray(points - centre)
    halves = np.einsum("nd,nd->n", moved, moved) / 2
    (n, d), k = points.shape, min(k, len(points))
    wanted = min(n, k + _SPARE)
    size = max(1, min(block_bytes // (4 * n), block_bytes // (16 * wanted * max(d, 1))))
    found = Neighbours(np.empty((len(queries), k)), np.empty((len(queries), k), np.int64))
    for start in range(0, len(queries), size):
        block = queries[start : start + size]
        near = halves - (block - centre) @ moved.T
        candidates = np.sort(np.argpartition(near, wanted - 1, axis=1)[:, :wanted], axis=1)
        between = points[candidates].astype(np.float64) - block[:, None]
        distances = np.sqrt(np.einsum("tkd,tkd->tk", between, between))
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        found.distances[start : start + size] = np.take_along_axis(distances, order, axis=1)
        found.places[start : start + size] = np.take_along_axis(candidates, order, axis=1)
    return found


def nearest_others(points: NDArray[np.float32], rows: NDArray[Any]) -> NDArray[np.float64]:
    """The distance from each of some points, `points[rows]`, to the nearest other point; infinite where it is alone.

    Examples:
        >>> nearest_others(np.array([[0.0], [3.0], [3.0]], np.float32), np.array([0, 1])).tolist()
        [3.0, 0.0]
    """
    if len(points) < 2:
        return np.full(len(rows), np.inf)
    return nearest(points[rows], points, 2).distances[:, 1]  # the first is itself, or a copy at the same distance 0

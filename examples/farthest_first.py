"""A method on vectors, in a file of your own: examples that are far from each other.

tamis select pool.parquet --embedding vectors.npy --method examples/farthest_first.py:farthest_first --budget 100 -o out
"""

import numpy as np
from numpy.typing import NDArray

from tamis.vocabulary import Order


def farthest_first(embedding: NDArray[np.float32], *, first: int = 64) -> Order:
    """Take the row that is farthest from all that were taken, again and again; the first one is nearest to the mean.

    `next = argmax_i min_j ‖x_i − x_j‖` over the taken rows `j`; its gain is that distance. What it likes is outliers:
    it loses to random where those are noise.

    Args:
        embedding: `float32 [n, d]`.
        first: how far the order goes; a budget beyond it gets no more rows.

    Returns:
        An order of `first` rows with their gains. `O(n d first)` time, `O(n d)` memory.

    Examples:
        >>> farthest_first(np.array([[0.0], [1.0], [9.0]], np.float32), first=3).rows.tolist()
        [1, 2, 0]
    """
    far = np.full(len(embedding), np.inf)
    rows, gains = [], []
    row = int(np.argmin(np.linalg.norm(embedding - embedding.mean(axis=0), axis=1)))
    for _ in range(min(first, len(embedding))):
        rows.append(row)
        gains.append(float(far[row]) if np.isfinite(far[row]) else 0.0)
        far = np.minimum(far, np.linalg.norm(embedding - embedding[row], axis=1))
        far[rows] = -1.0
        row = int(np.argmax(far))
    return Order(np.array(rows, np.int64), np.array(gains))

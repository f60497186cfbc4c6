"""k-center: rows that leave no other row far from all of them."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis.ops.farthest_first import FarthestFirst
from tamis.ops.nearest_taken import bytes_of
from tamis.registry import method
from tamis.vocabulary import SetFunction


def _bytes(n: float, d: float, k: float, *, metric: str = "euclidean", **_: object) -> float:
    return 4 * n * d * (2 if metric == "cosine" else 1) + bytes_of(n, k)


@method(
    paper="Active Learning for Convolutional Neural Networks: A Core-Set Approach",
    year=2018,
    family="coverage",
    cost="O(n k d) at worst; on most data a tenth of that or less",
    memory=(
        "4 n d + 20 n + 8 k + 4 c²; c = min(max(k, 512), 2,048), as a power of 2; vectors included; 8 n d for cosine"
    ),
    bytes=_bytes,
    streams=False,
    loses="when outliers are noise: what lies farthest from all else is taken first; and when the budget is large",
)
def k_center(
    embedding: NDArray[np.float32],
    key: NDArray[np.uint64],
    *,
    metric: Literal["euclidean", "cosine", "precomputed"] = "euclidean",
    first: Literal["medoid", "random", "index"] = "medoid",
) -> SetFunction:
    """Rows that cover all others within the smallest distance, by farthest-first traversal.

    The aim is `min_S max_i min_{j in S} Δ(x_i, x_j)` over sets of k rows. Each next row is the one farthest from those
    taken, `argmax_i min_{j in S} Δ(x_i, x_j)`; the distance it leaves is at most twice the smallest possible.

    Args:
        embedding: `float32 [n, d]`, or distances `[n, n]` if precomputed.
        key: `uint64 [n]`, `hash(seed, id)`; only `first="random"` looks at it.
        metric: Δ; "cosine" is `1 - cos`, "precomputed" says that the embedding is the matrix of distances itself.
        first: where to start when there are no rows to start from: at the row nearest to the mean of all, at a random
            one, or at the first.

    Returns:
        A `SetFunction` that is not submodular; a gain is the distance to the nearest row taken, and that of the first
        row is what no distance exceeds. `O(n k d)` time at worst, O(n) memory beside the embedding.

    Raises `BadRow` for a vector of zeros under cosine and for a negative precomputed distance; refuses a precomputed
    matrix that is not square.

    Loses to random when outliers are noise, since they are taken first, and when the budget is large.

    The published code starts at row 0 without labelled rows, since all its distances are infinite then, and does not
    leave out what it has taken, so that it repeats row 0 where the pool has fewer distinct rows than are asked for.
    Copies follow in row order here. Its refinement by integer programming is left out, as it is in practice.

    Examples:
        >>> from tamis.ops.greedy import maximise
        >>> vectors = np.array([[0], [1], [5], [6], [20]], np.float32)
        >>> rows, gains = maximise(k_center(vectors, np.arange(5, dtype=np.uint64)), 3)
        >>> rows.tolist(), gains[1:].tolist()
        ([3, 4, 0], [14.0, 6.0])

    Source: Sener and Savarese 2018; Gonzalez 1985, Clustering to Minimize the Maximum Intercluster Distance.
    """
    return FarthestFirst(embedding, key, metric=metric, first=first)

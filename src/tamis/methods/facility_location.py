"""Facility location: a set in which every example of the pool finds a similar one."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops import facility_location as ops
from tamis.ops.similarity import Metric
from tamis.registry import method
from tamis.vocabulary import Points, SetFunction


@method(
    family="coverage",
    cost="O(n² d) to begin with, then O(n) for each of about 5 to 8 n gains in all",
    memory="4 n² + 8 n d; with m neighbours n max(20 m + 20, 12 m + 8 d) + 400 n",
    streams=False,
    loses=(
        "when the pool has many outliers of no use, which it covers too, when vectors do not say what matters to the "
        "task, and as budgets grow, where it ties with random"
    ),
    bytes=lambda n, d, k, neighbours=0, metric="cosine", **_: ops.bytes_of(
        n, 0 if metric == "precomputed" else d, neighbours
    ),
)
def facility_location(
    embedding: NDArray[np.float32],
    mass: NDArray[np.float64] | None = None,
    points: Points | None = None,
    *,
    metric: Metric = "cosine",
    neighbours: int = 0,
) -> SetFunction:
    """A set of which some member is similar to each example: the sum over examples of the largest similarity.

        F(S) = Σ_i m_i max(0, max_{j ∈ S} s_ij)

    F is monotone and submodular, so that the greedy choice of k rows is worth at least 1 − 1/e of the best k.

    Args:
        embedding: `float32 [n, d]`; with `metric=precomputed` the similarities themselves, `[n, n]`, where `[i, j]`
            says how similar j is to i.
        mass: `float64 [n]`, m, how many examples each row stands for.
        points: all examples of the pool, where the rows are what is left of it after a first stage; each lists as many
            of the rows as memory holds.
        metric: s, the cosine with negative ones as 0; the dot product, which must not be negative; or for "euclidean"
            `D − ‖x_i − x_j‖` with the largest distance D. Packages differ in this, and then choose other sets: apricot
            takes squares for "euclidean" and squared correlations for "corr", submodlib `exp(−‖x_i − x_j‖ / d)`,
            DeepCore `1/2 + cos / 2`.
        neighbours: how many of its most similar examples each one knows beside itself, 0 for all; others count as a
            similarity of 0, so that gains are lower bounds, and memory grows with n rather than n².

    Returns:
        A `SetFunction`. A gain is by how much all examples come nearer to a chosen one; high is better. The weight of a
        row is the mass of the examples that it is the most similar one to. `O(n² d)` time, then `O(n)` for each of
        about five to eight n gains; `4 n² + 8 n d` bytes.

    Raises `BadRow` for a vector of zeros under cosine, and for negative similarities.

    Loses to random when the pool has many useless outliers, which it covers too, when vectors do not say what matters
    to the task, and ties with it as budgets grow.

    Examples:
        >>> points = np.array([[1, 0], [1, 0.1], [0, 1], [1, 0.2]], np.float32)
        >>> function = facility_location(points)
        >>> row, gain = function.best(np.ones(4, bool))
        >>> row, round(gain, 3)
        (3, 3.172)
        >>> _ = function.take(row)
        >>> function.weights(np.array([row]))
        array([4.], dtype=float32)

    Source: Lin and Bilmes 2011, A Class of Submodular Functions for Document Summarization; lazy greedy of Minoux 1978.
    """
    return ops.facility_location(embedding, mass, points, metric=metric, neighbours=neighbours)

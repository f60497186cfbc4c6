"""Graph cut: rows like many of the pool, and unlike each other."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.graph_cut import TILE, GraphCut
from tamis.ops.similarity import Metric
from tamis.registry import method
from tamis.vocabulary import SetFunction


def _bytes(n: float, d: float, k: float, *, metric: str = "cosine", **_: object) -> float:
    """The vectors, with a copy that is sorted and one for cosines; seven numbers a row; a tile of similarities."""
    if metric in ("dot", "precomputed"):
        return n * (72 + 4 * (d if metric == "dot" else n))
    return n * (72 + (8 if metric == "euclidean" else 12) * d) + 16 * TILE * d + 16 * TILE**2


@method(
    family="coverage",
    cost="O(n² d) once, O(n d) with metric=dot; then O(n d) a row",
    memory=("12 n d + 72 n + 8,192 d + 4 MiB; vectors included; 8 n d, not 12, for euclidean, 4 n d + 72 n for dot"),
    bytes=_bytes,
    streams=False,
    loses=(
        "when the crowd is not what matters: with the default lam it takes the middle of the densest cluster, again "
        "and again; and on small groups, which add little to the sum over the pool"
    ),
)
def graph_cut(
    embedding: NDArray[np.float32],
    mass: NDArray[np.float64] | None = None,
    *,
    metric: Metric = "cosine",
    lam: float = 2.0,
) -> SetFunction:
    """Rows like many of the pool, less what they are like each other.

    F(S) = λ Σ_{i∈U, j∈S} m_i s_ij - Σ_{i,j∈S} s_ij, over all pairs of S in both orders. It is submodular where s ≥ 0
    and monotone if each λ m_i ≥ 2, so greedy is then within `1 - 1/e` of the best set; below that gains may turn
    negative, and it keeps to the budget all the same. The default is the smallest λ with that bound. With it the sum
    over the pool outweighs what k rows have in common until k is near n, so that nearly the k rows come out that are
    most like all others; rows spread from λ ≈ 2 k / n. This is the convention of apricot and DeepCore, whose default
    λ = 1 is not monotone; submodlib has `Σ Σ - λ' Σ Σ`, which is this one with λ = 1 / λ'.

    Args:
        embedding: `float32 [n, d]`, or the symmetric matrix `[n, n]` of similarities if precomputed.
        mass: `float64 [n]`, m, how much each row of the pool U counts; 1 without it.
        metric: "cosine" (negative ones are 0), "dot" (kept as they are, and then F is not submodular), "euclidean" (the
            largest distance less the distance) or "precomputed".
        lam: λ; the larger, the more the crowd counts.

    Returns:
        The set function. `O(n² d)` time at first, `O(n d)` for "dot", and `O(n d)` for each row; no n × n matrix. A
        high gain is like many rows, and unlike those before.

    Raises `BadRow` for a row of zeros under cosine, and for a matrix that is not symmetric.

    Loses to random when the crowd is not what matters: the default λ takes the middle of the densest cluster again and
    again while k is far below n, and small groups add little.

    Examples:
        >>> found = graph_cut(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32))
        >>> found.best(np.ones(4, bool)), found.take(0), found.gains(np.array([1, 3])).tolist()
        ((0, 5.0), None, [3.0, 1.0])

    Source: Lin and Bilmes 2011, A Class of Submodular Functions for Document Summarization.
    """
    return GraphCut(embedding, mass, metric=metric, lam=lam)

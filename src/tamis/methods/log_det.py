"""Log-determinant: rows of which none is explained by the others."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.log_det import CHUNK, LogDet
from tamis.ops.similarity import Metric
from tamis.registry import method
from tamis.vocabulary import SetFunction


def _bytes(n: float, d: float, k: float, metric: str = "cosine", **_: object) -> float:
    """The vectors, with a copy for cosines, or the matrix; the factor in chunks; seven numbers a row."""
    given = {"cosine": 8 * d, "precomputed": 4 * n}.get(metric, 4 * d)
    return n * (given + 8 * CHUNK * -(-k // CHUNK) + 56)


@method(
    family="coverage",
    cost="O(n k (d + k))",
    memory="8 n d + 8 n k + 56 n; k in steps of 64; vectors included; 4 n d in place of 8 n d without cosines",
    bytes=_bytes,
    streams=False,
    loses=(
        "when outliers are noise, since what is unlike all else comes first; and once k is above the rank of the "
        "vectors, where nothing new is left and every gain is that of the ridge"
    ),
)
def log_det(embedding: NDArray[np.float32], *, metric: Metric = "cosine", ridge: float = 1.0) -> SetFunction:
    """Rows of which none is explained by the others: the likeliest set of a determinantal point process, by greedy.

    F(S) = log det(K_S + λ I). The gain of row e is `log(K_ee + λ - v·v)` with v = L^-1 K_Se and L the Cholesky factor
    of K_S + λ I. It is submodular, and monotone with the default λ = 1, so greedy is then within `1 - 1/e` of the best
    set. A smaller λ insists more on rows being different; gains may be negative then, and there is no bound.

    Args:
        embedding: `float32 [n, d]`, or the symmetric kernel `[n, n]` if precomputed.
        metric: "cosine" and "dot" (products, not clipped at 0, which would be no kernel), "euclidean"
            (`exp(-‖a - b‖² / m)`, m the mean over all pairs) or "precomputed".
        ridge: λ, above 0.

    Returns:
        The set function. `O(n (d + s))` time for the s-th row, 8 n k bytes that grow as rows are taken. A high gain is
        unlike all rows before, in nats.

    Raises `BadRow` for a row of zeros under cosine, and for a matrix that is not symmetric or not positive definite,
    with the ridge that would mend it.

    Loses to random when outliers are noise, and once k is above the rank of the vectors.

    The code of DeepCore has the sign inverted and picks what is most redundant; results that find log-determinants weak
    with it say nothing about them.

    Examples:
        >>> found = log_det(np.array([[1, 0], [1, 0], [0, 1]], np.float32))
        >>> found.take(0), np.exp(found.gains(np.array([1, 2]))).tolist()
        (None, [1.5, 2.0])

    Source: Chen, Zhang and Zhou 2018, Fast Greedy MAP Inference for Determinantal Point Process to Improve
    Recommendation Diversity.
    """
    return LogDet(embedding, metric=metric, ridge=ridge)

"""SemDeDup: near copies by the cosine of their vectors, looked for within clusters."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.centroids import assign
from tamis.ops.concepts import concept_bytes, concepts
from tamis.ops.copies import largest_before
from tamis.registry import method
from tamis.vocabulary import Admitted, AdmittedScore


def _usual(n: float) -> int:
    return round(n / 1000)


def _bytes(n: float, d: float, k: float, *, clusters: int | None = None, centroids: int = 1, **_: object) -> float:
    k = clusters or max(_usual(n), 1)
    largest = min(n, 2 * n / k)
    compared = 2 * largest * 24 * d + 2 * 4 * min(largest, 512) * min(largest, 8192)
    return max(concept_bytes(n, d, k), (40 + 32 * centroids) * n + compared)


@method(
    family="clusters",
    pole="known",
    choose="bottom",
    cost="O(n C d) for C clusters, then O(Σ n_c² d) over their sizes n_c",
    memory=(
        "max(12 MiB + 4 m d + 16 m + max(4 s d, 64 m), (40 + 32 centroids) n + 48 g d + 8 min(g, 512) min(g, "
        "8,192)); s = min(m, max(4,096, 64 c)), the seeds; m = min(n, max(65,536, 256 c)), the rows of the fit; g "
        "= min(n, 2 n / c), rows of a large one; c = n / 1,000, the clusters"
    ),
    bytes=_bytes,
    streams=False,
    own_size=True,
    loses="when the pool has no near copies, or frequent rows ought to count for more",
)
def semdedup(
    embedding: NDArray[np.float32],
    key: NDArray[np.uint64],
    *,
    clusters: int | None = None,
    eps: float = 0.05,
    keep: Literal["hard", "easy", "random"] = "hard",
    chain: Literal["published", "greedy"] = "published",
    centroids: int = 1,
) -> AdmittedScore:
    """How near each row is to one that comes before it: those with a cosine above 1 − ε are copies, and left out.

    Rows are clustered by spherical k-means. With rows in an order, and C(j) the cluster of row j,

        s_j = max_{i before j, i ∈ C(j)} cos(x_i, x_j)

    and j is left out where `s_j > 1 − ε`. The budget `auto` keeps all other rows; a smaller one keeps the lowest s.

    Args:
        embedding: `float32 [n, d]`, of any length.
        key: `uint64 [n]`, `hash(seed, id)`; chance of the clusters, ties, and the order "random".
        clusters: C; without it n / 1,000. The paper has 50,000 for 440 million images.
        eps: ε. With chain "published" a larger one leaves out what a smaller one does, and more.
        keep: which of near copies comes first and so stays: "hard", the farthest from its centroid; "easy", the
            nearest; or "random".
        chain: "published" compares with all rows before, also with those left out, so that of a chain a ~ b ~ c, where
            a and c are not near, only a stays; "greedy" compares with those that stay, of each cluster by itself.
        centroids: compare within the clusters of so many nearest centroids, because near copies on two sides of a
            border between clusters are not found with 1.

    Returns:
        `float64 [n]` from -1, for a row with none before it, to 1, and `bool [n]`, which rows stay. High is known
        already. `O(n C d + Σ n_c² d)` time.

    Raises `BadRow` for a vector of zeros, `Refused` for an ε outside [0, 2], and for clusters or centroids out of
    range.

    Loses to random when the pool has no near copies, so that what is left out is what happens to lie densely.

    The official code compares only parts of a large cluster, with mismatched arrays: here all its rows are compared, in
    blocks. There, products of vectors that were not divided by their lengths pass for cosines; here they are divided.
    A row comes before another in both of its clusters or in neither, by the distance to its nearest centroid.

    Examples:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.01], [0.6, 0.8]], np.float32)
        >>> found = semdedup(x, np.arange(4, dtype=np.uint64), keep="easy")
        >>> int(found.admitted.sum()), found.scores.max().round(4)
        (3, np.float64(1.0))

    Source: Abbas et al. 2023, SemDeDup: Data-efficient learning at web-scale through semantic deduplication.
    """
    if not 0 <= eps <= 2:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"eps={eps}", accepted="0 to 2, as in 0.05")
    if centroids < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"centroids={centroids}", accepted="1 or more")
    found = concepts(embedding, key, clusters, _usual(len(embedding)))
    label = found.label[:, None]
    if centroids > 1:
        label = assign(embedding, found.centroids, spherical=True, nearest=centroids).label
    first = {"hard": -found.distance, "easy": found.distance, "random": np.zeros(len(label))}[keep]
    order = np.lexsort((key, first))
    score = largest_before(embedding, label, order, kept_at=1 - eps if chain == "greedy" else None)
    return Admitted(score, score <= 1 - eps)

"""Density-based pruning: more rows of complex concepts, fewer of simple ones, prototypical rows dropped first."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.apportion import interleave
from tamis.ops.concepts import cluster_names, complexity, concept_bytes, concepts, softmax
from tamis.ops.shares import projected
from tamis.registry import method
from tamis.vocabulary import Order


def _usual(n: float) -> int:
    return min(500, round(n / 100))


def _bytes(n: float, d: float, k: float, *, clusters: int | None = None, **_: object) -> float:
    return max(concept_bytes(n, d, clusters or max(_usual(n), 1)), 80 * n)


@method(
    paper="Effective pruning of web-scale datasets based on complexity of concept clusters",
    no=112,
    year=2024,
    family="clusters",
    cost="O(n C d + C² d) for C clusters, O(n log n)",
    memory=(
        "max(12 MiB + 4 m d + 16 m + max(4 s d, 64 m), 80 n); s = min(m, max(4,096, 64 c)), the seeds; m = min(n, "
        "max(65,536, 256 c)), the rows of the fit; c = min(500, n / 100), the clusters"
    ),
    bytes=_bytes,
    streams=False,
    loses="when near copies or outliers make a cluster look complex (run semdedup first), or few rows are kept",
)
def concept_prune(
    embedding: NDArray[np.float32],
    key: NDArray[np.uint64],
    count: int,
    *,
    clusters: int | None = None,
    tau: float = 0.1,
    neighbours: int = 20,
    floor: float = 0.0,
    keep: Literal["hard", "easy", "random"] = "hard",
) -> Order:
    """So many rows of each concept as it is complex, and of those the ones farthest from its centroid.

    Concepts are the C clusters of spherical k-means, with n_j rows and centroids c_j:

        d_intra_j = mean over its rows of 1 − cos(x, c_j)
        d_inter_j = mean over the l nearest other centroids of 1 − cos(c_j, c_l)
        p         = softmax(d_intra · d_inter / τ)
        x         = argmin ½ Σ_j (x_j − p_j B)²  subject to  Σ_j x_j = B,  lo_j ≤ x_j ≤ n_j

    The programme is solved exactly and rounded by largest remainder, so that exactly B rows are kept.

    Args:
        embedding: `float32 [n, d]`, of any length; the paper has a distilled DINOv2.
        key: `uint64 [n]`, `hash(seed, id)`; chance of the clusters, ties, and the order "random".
        count: B, how many rows the budget keeps.
        clusters: C; without it n / 100, 500 at most. The paper has 500 for 280 million pairs, 100 for DataComp medium.
        tau: τ; a large one divides equally, a small one gives all to the most complex concepts. 0.1 as in the paper;
            the official script has 0.5.
        neighbours: l; all other centroids where there are fewer.
        floor: the part of an equal share B / C that each concept keeps at least; with 0 that is one row, as in the
            paper. The official script has 0.5.
        keep: which rows of a concept come first: "hard", the farthest from its centroid; "easy"; or "random".

    Returns:
        An `Order` of all rows: the first B are the selection, at every step divided about as in the end; after them
        come those that follow in the same proportions. A gain is 1 − cos to the centroid. `O(n C d)` time.

    Raises `BadRow` for a vector of zeros, `Refused` for τ not above 0, for a floor outside [0, 1], and for clusters or
    neighbours out of range.

    Loses to random when near copies or outliers make a cluster look complex, and at small budgets, where the rows
    farthest from their centroid are outliers.

    The official code rounds each x_j by itself and misses B; here the sum is exact. Its bound lo_j = min(m, n_j − 1)
    lets a concept of one row vanish; here it is min(m, n_j). With "easy" and x_j = 0 it keeps the whole cluster, and
    with "random" it keeps what it means to drop. Here centroids have length 1 before d_inter is computed.

    Examples:
        >>> angles = np.array([0.0, 0.01, 0.02, 1.2, 1.5, 1.8])
        >>> x = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        >>> order = concept_prune(x, np.arange(6, dtype=np.uint64), 4, clusters=2, tau=0.01)
        >>> sorted(order.rows[:4].tolist())[1:]
        [3, 4, 5]

    Source: Abbas et al. 2024, Effective Pruning of Web-Scale Datasets Based on Complexity of Concept Clusters.
    """
    if not tau > 0:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"tau={tau}", accepted="more than 0, as in 0.1")
    if not 0 <= floor <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"floor={floor}", accepted="0 to 1")
    if neighbours < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"neighbours={neighbours}", accepted="1 or more")
    found = concepts(embedding, key, clusters, _usual(len(embedding)))
    sizes = np.bincount(found.label)
    equal = count / len(sizes)
    least = np.minimum(int(equal * floor + 1e-9) if floor > 0 else min(1, int(equal)), sizes)
    share = projected(count, count * softmax(complexity(found, neighbours), tau), least, sizes)
    hardness = {"hard": -found.distance, "easy": found.distance, "random": np.zeros(len(key))}[keep]
    rank = np.argsort(np.lexsort((key, hardness))).astype(np.uint64)
    rows = interleave(found.label, rank, share.astype(np.float64))
    return Order(rows, gains=found.distance[rows], reasons=cluster_names(found.label[rows]))

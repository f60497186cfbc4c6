"""k-means and quality (kMQ): clusters share the budget, within each the odds of a row grow with its quality."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.apportion import interleave
from tamis.ops.cluster_draws import drawn
from tamis.ops.concepts import cluster_names, concept_bytes, concepts
from tamis.ops.shares import round_robin_order
from tamis.registry import method
from tamis.vocabulary import Order


def _usual(n: float) -> int:
    return min(1024, round(n / 50))


def _bytes(n: float, d: float, k: float, *, clusters: int | None = None, **_: object) -> float:
    return max(concept_bytes(n, d, clusters or max(_usual(n), 1)), 80 * n)


@method(
    paper="Diversify and Conquer: Diversity-Centric Data Selection with Iterative Refinement",
    no=54,
    year=2024,
    family="clusters",
    cost="O(n C d) for C clusters, O(n log n)",
    memory=(
        "max(12 MiB + 4 m d + 16 m + max(4 s d, 64 m), 80 n); s = min(m, max(4,096, 64 c)), the seeds; m = min(n, "
        "max(65,536, 256 c)), the rows of the fit; c = min(1,024, n / 50), the clusters"
    ),
    bytes=_bytes,
    streams=False,
    loses="when the quality is noise; with divide=size and equal quality it is stratified random",
)
def kmeans_quality(
    embedding: NDArray[np.float32],
    score: NDArray[np.float64],
    key: NDArray[np.uint64],
    *,
    clusters: int | None = None,
    divide: Literal["size", "equal"] = "size",
    sampling: Literal["proportional", "softmax"] = "proportional",
    temperature: float = 1.0,
) -> Order:
    """Rows of all clusters, drawn within each with odds that grow with their quality.

    Clusters are those of k-means. With q the quality, cluster j draws its part of the budget without replacement with

        P(i) = q_i / Σ q,  or  P(i) = exp(q_i / T) / Σ exp(q / T)

    (Gumbel top-k, so that a smaller budget is a prefix of a larger one).

    Args:
        embedding: `float32 [n, d]`.
        score: `float64 [n]`, the quality q; high is good, decimals count.
        key: `uint64 [n]`, `hash(seed, id)`, the only source of chance.
        clusters: C; without it n / 50, 1,024 at most as in the official code.
        divide: parts of the budget by the "size" of clusters, as in the paper, or "equal" ones as in the official code,
            where what small clusters cannot give is shared by the others.
        sampling: how odds are made of quality.
        temperature: T of "softmax"; 0 takes the best first.

    Returns:
        An `Order` of all rows, with the cluster as reason. `O(n C d)` time.

    Raises `BadRow` for a quality below 0 with "proportional", `Refused` for a temperature below 0, and for clusters out
    of range.

    Loses to random when quality is noise. With equal quality it is stratified random.

    The official code gives `⌊B / C⌋` to each cluster and loses the rest; here exactly B rows are kept. It casts quality
    to integers before its softmax, and does not guard that against overflow; here neither happens.

    Examples:
        >>> x = np.array([[0.0], [0.1], [9.0], [9.1]], np.float32)
        >>> order = kmeans_quality(x, np.array([0.0, 1.0, 1.0, 0.0]), np.arange(4, dtype=np.uint64), clusters=2)
        >>> sorted(order.rows[:2].tolist())
        [1, 2]

    Source: Yu et al. 2024, Diversify and Conquer: Diversity-Centric Data Selection with Iterative Refinement.
    """
    if not temperature >= 0:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"temperature={temperature}", accepted="0 or more")
    order = drawn(score, key, sampling, temperature)
    rank = np.argsort(order).astype(np.uint64)
    found = concepts(embedding, key, clusters, _usual(len(embedding)), spherical=False)
    if divide == "equal":
        rows = round_robin_order(found.label, rank)
    else:
        rows = interleave(found.label, rank, np.bincount(found.label) / len(rank))
    return Order(rows, reasons=cluster_names(found.label[rows]))

"""Self-supervised prototypes: rows far from, or near to, the centroid of their cluster."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.concepts import cluster_names, concept_bytes, concepts
from tamis.ops.shares import floored_order
from tamis.registry import method
from tamis.vocabulary import Order


def _usual(n: float) -> int:
    return round(float(np.sqrt(n)))


def _bytes(n: float, d: float, k: float, *, clusters: int | None = None, **_: object) -> float:
    return max(concept_bytes(n, d, clusters or max(_usual(n), 1)), 72 * n)


@method(
    family="clusters",
    pole="hard",
    cost="O(n C d) for C clusters, O(n log n)",
    memory=(
        "max(12 MiB + 4 m d + 16 m + max(4 s d, 64 m), 72 n); s = min(m, max(4,096, 64 c)), the seeds; m = min(n, "
        "max(65,536, 256 c)), the rows of the fit; c = √n, the clusters"
    ),
    bytes=_bytes,
    streams=False,
    loses="when few rows are kept and the far ones are outliers or wrong labels; keep=near is for that",
)
def ssp_prototypes(
    embedding: NDArray[np.float32],
    key: NDArray[np.uint64],
    label: NDArray[np.int64] | None = None,
    *,
    clusters: int | None = None,
    keep: Literal["far", "near"] = "far",
    balance: float = 0.5,
) -> Order:
    """The rows least like a prototype, or most: by their distance to the nearest centroid of spherical k-means.

        s_i = 1 − max_j cos(z_i, c_j)

    Far rows are hard and worth keeping where there is plenty; near ones where there is little. Of every b rows, each
    class (each cluster, without `label`) has at least `⌊balance · b / classes⌋`, or all of its rows.

    Args:
        embedding: `float32 [n, d]`, best of a self-supervised encoder; of any length.
        key: `uint64 [n]`, `hash(seed, id)`; chance of the clusters, and ties.
        label: `int64 [n]`, classes to balance.
        clusters: C; without it as many as classes, or √n without `label`. The paper has 1,000 for ImageNet.
        keep: "far" takes the largest s first, "near" the smallest.
        balance: the part of an equal share that each class has at least; 0 for none, 1 for equal shares.

    Returns:
        An `Order` of all rows; its gain is s, high is far from all prototypes. `O(n C d)` time.

    Raises `BadRow` for a vector of zeros, `Refused` for a balance outside [0, 1] and clusters out of range.

    Loses to random when few rows are kept: the far ones are then outliers and wrong labels.

    Follows the published description.

    Examples:
        >>> x = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, 0.9], [0.0, 1.0]], np.float32)
        >>> ssp_prototypes(x, np.arange(4, dtype=np.uint64), clusters=2, balance=0.0).rows[0]
        np.int64(2)

    Source: Sorscher et al. 2022, Beyond neural scaling laws: beating power law scaling via data pruning.
    """
    if not 0 <= balance <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"balance={balance}", accepted="0 to 1")
    usual = _usual(len(embedding)) if label is None else len(np.unique(label))
    found = concepts(embedding, key, clusters, usual)
    ranking = np.lexsort((key, -found.distance if keep == "far" else found.distance))
    rows = floored_order(ranking, found.label if label is None else label, balance)
    return Order(rows, gains=found.distance[rows], reasons=cluster_names(found.label[rows]))

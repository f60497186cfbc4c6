"""Diversify and Conquer: rounds of draws from clusters, where what a cluster gave decides how much it gives next."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.cluster_draws import drawn_in_rounds, equal_rounds
from tamis.ops.concepts import cluster_names, concept_bytes, concepts
from tamis.registry import method
from tamis.vocabulary import Order


def _usual(n: float) -> int:
    return min(512, round(n / 50))


def _bytes(n: float, d: float, k: float, *, clusters: int | None = None, **_: object) -> float:
    return max(concept_bytes(n, d, clusters or max(_usual(n), 1)), 123 * n)


@method(
    paper="Diversify and Conquer: Diversity-Centric Data Selection with Iterative Refinement",
    no=54,
    year=2024,
    family="clusters",
    cost="O(n C d) for C clusters, O(n log n)",
    memory=(
        "max(12 MiB + 4 m d + 16 m + max(4 s d, 64 m), 123 n); s = min(m, max(4,096, 64 c)), the seeds; m = min(n, "
        "max(65,536, 256 c)), the rows of the fit; c = min(512, n / 50), the clusters"
    ),
    bytes=_bytes,
    streams=False,
    loses="when the quality is noise, or what lies in clusters of low quality is needed all the same",
)
def diversify_conquer(
    embedding: NDArray[np.float32],
    score: NDArray[np.float64],
    key: NDArray[np.uint64],
    count: int,
    *,
    clusters: int | None = None,
    rounds: int = 3,
    sampling: Literal["proportional", "softmax"] = "proportional",
    temperature: float = 1.0,
) -> Order:
    """Rows of all clusters, drawn in rounds, each of which gives more to clusters whose rows so far were good.

    With C clusters of k-means, weights `w_j = 1 / C` and a budget of B, each of T rounds

    1. divides B / T rows in proportion to w, as far as clusters reach;
    2. draws them within each cluster, with odds in proportion to quality, as `kmeans-quality` does;
    3. scores each cluster by what was drawn of it, and `w_j ← w_j s_j / Σ w_c s_c`.

    In the paper a model is trained on the rows so far, and s_j says how much better the given answers to cluster j's
    rows are than the model's own. A pool holds no such model: here s_j is the mean of `score` over the rows that the
    round drew of cluster j, which is the published form for a scorer that is known beforehand, as a judge's or a reward
    model's. To refine by a model, choose a part of the budget, train, measure, and choose again with `--start` and the
    new column as `--score`.

    Args:
        embedding: `float32 [n, d]`.
        score: `float64 [n]`, the quality; high is good.
        key: `uint64 [n]`, `hash(seed, id)`, the only source of chance.
        count: B, how many rows the budget keeps.
        clusters: C; without it n / 50, 512 at most as in the official code.
        rounds: T; B rounds where B is smaller.
        sampling: odds and s_j in proportion to quality, or to `exp(quality / temperature)` ("softmax").
        temperature: of "softmax", above 0.

    Returns:
        An `Order` of all rows: the first B are the selection, round after round; after them come those that follow by
        the last weights. The reason names cluster and round. `O(n C d)` time.

    Raises `BadRow` for a quality below 0 with "proportional", `Refused` for fewer than one round, a temperature not
    above 0, and for clusters out of range.

    Loses to random when quality is noise, or when what lies in clusters of low quality is needed all the same.

    The official code forgets the weights of earlier rounds and drops clusters without a scored draw from the odds; here
    weights are multiplied, and a cluster that was not drawn from keeps its own. There, rounds after the first draw
    `B / (C T)` rows in all; here each draws B / T.

    Examples:
        >>> x = np.repeat(np.array([[0.0], [9.0]], np.float32), 50, axis=0)
        >>> quality = np.repeat([2.0, 1.0], 50)
        >>> order = diversify_conquer(x, quality, np.arange(100, dtype=np.uint64), 60, clusters=2)
        >>> [int((order.rows[start : start + 20] < 50).sum()) for start in (0, 20, 40)]
        [10, 13, 16]

    Source: Yu et al. 2024, Diversify and Conquer: Diversity-Centric Data Selection with Iterative Refinement.
    """
    if rounds < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"rounds={rounds}", accepted="1 or more")
    if not temperature > 0:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"temperature={temperature}", accepted="more than 0")
    found = concepts(embedding, key, clusters, _usual(len(embedding)), spherical=False)
    counts = equal_rounds(count, rounds)
    rows, turn = drawn_in_rounds(found.label, score, key, counts, sampling, temperature)
    names = cluster_names(found.label[rows])
    rest = len(counts)
    said = [f"{name}, round {at + 1}" if at < rest else name for name, at in zip(names, turn.tolist(), strict=True)]
    return Order(rows, reasons=said)

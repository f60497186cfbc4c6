"""IDEAL: the examples from which influence spreads furthest over a graph of neighbours."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.influence import influence, neighbour_graph
from tamis.registry import method
from tamis.vocabulary import SetFunction


def _bytes(n: float, d: float, k: float, *, neighbours: int = 10, worlds: int = 32, **_: object) -> float:
    reaching = 3 + 1.6 * float(np.sqrt(neighbours))  # rows from which a row is reached, in the mean, with real vectors
    return 4 * n * d + n * max(110 * neighbours, (4 * reaching + 24) * worlds + 45 * neighbours)


@method(
    paper="IDEAL: Influence-Driven Selective Annotations Empower In-Context Learners in Large Language Models",
    no=12,
    year=2024,
    family="annotation",
    cost="O(n² d) for the graph, then about O(n · neighbours · worlds)",
    memory="4 n d + n max(110 m, (4 s + 24) worlds + 45 m); s = 3 + 1.6 √m; m = neighbours",
    bytes=_bytes,
    streams=False,
    loses=(
        "when rows between clusters make poor examples: the chances of each row sum to 1, so that rows in sparse "
        "places, whose neighbours are not each other's, reach further than typical ones"
    ),
)
def ideal(
    embedding: NDArray[np.float32],
    key: NDArray[np.uint64],
    mass: NDArray[np.float64] | None = None,
    *,
    neighbours: int = 10,
    worlds: int = 32,
    metric: Literal["cosine", "dot", "euclidean", "precomputed"] = "cosine",
) -> SetFunction:
    """The rows worth labelling first, because influence that starts at them reaches most of the others.

    Each row v has edges to its m nearest, with chances `p(v, u) = max(cos(v, u), 0) / Σ_u' max(cos(v, u'), 0)`. A row
    that becomes active tries each of its edges once (independent cascade); the spread σ(S) is the expected number of
    rows active in the end. Greedy takes the row that adds most to it.

    σ is estimated from worlds in each of which an edge is there or not. Each row has R worlds of its own, and counts
    for S in those where it is reached from S:

        F(S) = 1/R Σ_u m_u |{r : S meets T(u, r)}|,   T(u, r) = the rows from which u is reached in its world r

    All S are judged by the same n R sets T, so that gains only shrink, and greedy is within `1 - 1/e` of the best F. Of
    σ it is within `1 - 1/e - ε`, where ε falls as 1/√R: with 20,000 rows, of which 200 are chosen and reach 1,700, it
    is 0.17 for R = 32 and 0.10 for R = 100. Gains are a little high, since the rows were chosen by them.

    Args:
        embedding: `float32 [n, d]`.
        key: `uint64 [n]`, `hash(seed, id)`, the only source of chance.
        mass: `float64 [n]`, m, how many examples each row stands for; 1 without it.
        neighbours: m, how many rows each row has edges to; all others where there are fewer.
        worlds: R.
        metric: what is near; similarities below 0 give no edge. With "precomputed" the embedding is the matrix of
            similarities itself.

    Returns:
        A `SetFunction`; a gain is the expected number of further rows reached. `O(n² d)` time for the graph, then
        nearly linear in n; memory as on the card.

    Raises `BadRow` for a vector of zeros, which has no direction under cosine.

    Loses to random when rows between clusters make poor examples. The chances of each row sum to 1, hubs or not, so
    that influence spreads furthest from rows in sparse places, whose neighbours are not each other's: on the digits
    that scikit-learn ships, 18 rows so chosen label 57 % of the others rightly by their nearest one, random rows 64 %;
    with 100 rows it is 90 and 91 %.

    The official code departs from its description in six places, in which this follows the description: it takes as
    first row the one it inserted first, for the reason that all have the most edges (here: the row with the largest
    spread); it counts a row twice when two rows reach it in one wave, and tries its edges twice; each candidate is
    judged by ten cascades of its own, so that chance decides (here: the same n R sets for all); the row itself is taken
    out of its neighbours by position, so that copies of a text lose a neighbour or keep themselves (here: by row);
    negative cosines make negative chances (here: none); the facility-location baseline beside it returns sorted rows.

    Examples:
        >>> angles = np.array([0.0, 0.1, 0.3, 1.4, 1.5])
        >>> vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        >>> function = ideal(vectors, np.arange(5, dtype=np.uint64), neighbours=1)
        >>> function.gains(np.arange(5)).round(6).tolist()
        [2.0, 2.0, 3.0, 2.0, 2.0]
        >>> function.take(2), function.gains(np.array([0, 1, 3, 4])).round(6).tolist()
        (None, [0.0, 0.0, 2.0, 2.0])

    Source: Zhang et al. 2024, IDEAL, section 3; github.com/skzhang1/IDEAL.
    """
    if neighbours < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"neighbours={neighbours}", accepted="1 or more")
    if worlds < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"worlds={worlds}", accepted="1 or more")
    return influence(neighbour_graph(embedding, neighbours, metric), key, worlds, mass)

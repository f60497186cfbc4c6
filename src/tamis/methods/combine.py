"""Several objectives in one choice: quality, coverage, similarity to a target, novelty, and balance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.combined import Balanced, Modular, nearness, ranked, weighted
from tamis.ops.facility_location import bytes_of, facility_location
from tamis.registry import method
from tamis.vocabulary import WORDS, Balance, Points, SetFunction

NEEDS = {
    "quality": ("score",),
    "coverage": ("embedding",),
    "similarity": ("embedding", "target_embedding"),
    "novelty": ("embedding", "start"),
    "balanced": ("balance",),
}


def _bytes(
    n: float, d: float, k: float, *, neighbours: int = 0, coverage: float | None = None,
    supplied: Sequence[str] = ("embedding",), **_: object,
) -> float:  # fmt: skip
    if coverage == 0 or "embedding" not in supplied:
        return n * max(4 * d, 250) + 2**24
    return bytes_of(n, d, neighbours) + (0 if neighbours else 400 * n)


@method(
    family="coverage",
    cost="O(n² d) with coverage, which is maximised twice: alone, for its unit, and with the others",
    memory=(
        "4 n² + 8 n d + 400 n; with m neighbours n max(20 m + 20, 12 m + 8 d) + 400 n; "
        "without coverage n max(4 d, 250) + 16 MiB"
    ),
    bytes=_bytes,
    streams=False,
    loses="when a term has little to do with the task, whose weight then is taken from those that have",
)
def combine(
    embedding: NDArray[np.float32] | None = None,
    score: NDArray[np.float64] | None = None,
    target_embedding: NDArray[np.float32] | None = None,
    balance: list[Balance] | None = None,
    start: NDArray[np.int64] | None = None,
    mass: NDArray[np.float64] | None = None,
    points: Points | None = None,
    count: int | None = None,
    *,
    quality: float | None = None,
    coverage: float | None = None,
    similarity: float | None = None,
    novelty: float | None = None,
    balanced: float | None = None,
    neighbours: int = 0,
) -> SetFunction:
    """The rows that serve several ends at once, chosen by one greedy for a weighted sum of terms.

        F(S) = Σ_t w_t F_t(S) / F_t(G_t)

    G_t is what the greedy takes for term t alone under the same budget, so that 1 is what caring for t only
    would get, and weights say how much terms matter, whatever they are measured in. s is the cosine, 0 where negative:

    | term | needs | F_t(S) |
    |---|---|---|
    | quality | score | the sum of ranks, 0 for the lowest score and 1 for the highest |
    | coverage | embedding | facility location: `Σ_i m_i max_{j∈S} s_ij` over all rows i |
    | similarity | embedding, target_embedding | `Σ_{j∈S} max_t s_jt` over the target's examples t |
    | novelty | embedding, start | `Σ_{j∈S} (1 − max_{i∈start} s_ij)` |
    | balance, one a column | balance | `Σ_g min(n_g / k, p_g)` over groups, n_g of k rows where p_g is wanted |

    Each is monotone and submodular, so is their sum, and the greedy choice is worth at least `1 − 1/e` of the best.
    Ranks, because one extreme score would make all others look alike. For balance, k counts the rows of start as well
    as the budget. G_t does not see limits such as quotas, which the greedy keeps. The reason of each row says what
    share each term has of its gain.

    Args:
        embedding: `float32 [n, d]`.
        score: `float64 [n]`; high is good.
        target_embedding: `float32 [t, d]`; vectors of zeros are near nothing.
        balance: the shares that groups should have, one entry a column.
        start: places of rows that one has already; terms start from them.
        mass: `float64 [n]`, m, how many examples each row stands for; 1 without it.
        points: what coverage covers, where the rows are what is left of the pool after a first stage.
        count: how many rows the budget keeps; all without it.
        quality, coverage, similarity, novelty, balanced: weights w; without them 1 for each term whose needs are
            given; 0 leaves a term out.
        neighbours: for coverage, how many of its most similar rows each one knows beside itself, others counting as a
            similarity of 0; 0 for all.

    Returns:
        A `SetFunction`; a gain is a sum of weighted terms. Where coverage is one, the weight of a row is the mass of
        the rows that it is the most similar one to. Time and memory as on the card.

    Raises `BadRow` for a vector of zeros; refuses a weight for a term whose needs are not given, and to work without
    any term.

    Loses to random when a term has little to do with the task, whose weight then is taken from those that have.

    Examples:
        >>> vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)
        >>> function = combine(vectors, np.array([0.9, 0.7, 0.2, 0.1]), count=2, quality=0.5)
        >>> function.take(function.best(np.ones(4, bool))[0])
        'coverage 64 %, quality 36 %'
        >>> function.take(2)
        'coverage 83 %, quality 17 %'

    Source: the sum of submodular functions as in Lin and Bilmes 2011, A Class of Submodular Functions for Document
    Summarization; terms and their units are those of this package.
    """
    weights = _weights(
        {"quality": quality, "coverage": coverage, "similarity": similarity, "novelty": novelty, "balanced": balanced},
        {
            "score": score, "embedding": embedding, "target_embedding": target_embedding, "start": start,
            "balance": balance,
        },
    )  # fmt: skip
    had = np.empty(0, np.int64) if start is None else start
    codes = balance[0].codes if balance else None
    n = max(len(column) for column in (embedding, score, codes) if column is not None)
    wanted = n - len(had) if count is None else count
    terms: list[tuple[str, float, SetFunction]] = []
    for name, weight in weights.items():
        if name == "quality" and score is not None:
            terms.append((name, weight, Modular(ranked(score))))
        elif name == "coverage" and embedding is not None:
            terms.append((name, weight, facility_location(embedding, mass, points, neighbours=neighbours)))
        elif name == "similarity" and embedding is not None and target_embedding is not None:
            terms.append((name, weight, Modular(nearness(embedding, target_embedding))))
        elif name == "novelty" and embedding is not None:
            terms.append((name, weight, Modular(1 - nearness(embedding, embedding[had]))))
        for one in (balance or []) if name == "balanced" else []:
            terms.append((f"balance {one.column}", weight, Balanced(one, wanted + len(had))))
    return weighted(terms, wanted, had)


def _weights(asked: dict[str, float | None], given: dict[str, Any]) -> dict[str, float]:
    """The weight of each term that is to be used."""
    found = {}
    for name, weight in asked.items():
        missing = [need for need in NEEDS[name] if given[need] is None or not len(given[need])]
        if weight is not None and not 0 <= weight < np.inf:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"{name}={weight}", accepted="0 or more")
        if weight and missing:
            supply = " and ".join(WORDS[need].supply for need in missing)
            raise refusals.TERM_NOT_SUPPLIED(f"{name}={weight:g}", needs=" and ".join(missing), supply=supply)
        if weight != 0 and not missing:
            found[name] = 1.0 if weight is None else weight
    if not found:
        raise refusals.TERMS_MISSING("combine")
    return found

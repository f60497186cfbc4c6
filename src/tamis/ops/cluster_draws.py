"""Draws without replacement within clusters, with odds made from a score."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.ops.apportion import divide, interleave
from tamis.ops.choosers import gumbel, weighted_draw
from tamis.ops.concepts import softmax
from tamis.ops.shares import proportional

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Sampling = Literal["proportional", "softmax"]


def drawn(score: Floats, key: NDArray[np.uint64], sampling: Sampling, temperature: float) -> Rows:
    """Rows in the order in which they are drawn: the odds of each are its score, or `exp(score / temperature)`.

    Those of a cluster, in this order, are a draw without replacement within the cluster (Gumbel top-k). With odds in
    proportion, scores of 0 come last, at random. A temperature of 0 goes by score alone.

    Raises `BadRow` for a score below 0 where odds are in proportion to it. `O(n log n)` time.

    Examples:
        >>> drawn(np.array([0.0, 5.0]), np.arange(2, dtype=np.uint64), "proportional", 1.0).tolist()
        [1, 0]
    """
    if sampling == "softmax":
        return np.lexsort((key, -weighted_draw(score, key, temperature=temperature)))
    if len(score) and score.min() < 0:
        row = int(np.argmax(score < 0))
        raise BadRow(row, refusals.ODDS_NEGATIVE, value=score[row])
    with np.errstate(divide="ignore"):
        return np.lexsort((key, -(np.log(score) + gumbel(key))))


def drawn_in_rounds(
    label: Rows, score: Floats, key: NDArray[np.uint64], counts: Rows, sampling: Sampling, temperature: float
) -> tuple[Rows, Rows]:
    """Rows as `drawn`, round after round, and the round of each; after the last those that follow by its weights.

    Every cluster starts with the same weight, and a round divides its count in proportion to them, as far as clusters
    reach. Rows of a round are in an order of which every prefix is divided about as the round is.

    Args:
        label: `int64 [n]`, the cluster of each row, of which none is empty.
        score: `float64 [n]`, by which rows are drawn, and what they are worth once drawn.
        key: `uint64 [n]`, the only source of chance.
        counts: `int64 [T]`, rows that each round draws, together at most n.
        sampling: as of `drawn` and `reweighted`.
        temperature: of "softmax", more than 0.

    Returns:
        `int64 [n]` rows, and `int64 [n]` rounds from 0; those of no round are of round T. `O(n log n)` time.
    """
    order = drawn(score, key, sampling, temperature)
    rows = order[np.argsort(label[order], kind="stable")]
    code, sizes = label[rows], np.bincount(label)
    starts = np.cumsum(sizes) - sizes
    place, turn = np.arange(len(rows)) - starts[code], np.zeros(len(rows), np.int64)
    weight, taken = np.full(len(sizes), 1 / len(sizes)), np.zeros(len(sizes), np.int64)
    shares: list[Floats] = []
    for count in counts.tolist():
        now = proportional(count, weight, sizes - taken)
        seen, taken = now > 0, taken + now
        after = place >= taken[code]
        if seen.any():
            mine = np.flatnonzero((turn == len(shares)) & ~after)
            parts = score[rows[mine]] / now[code[mine]]  # of the mean, so that no sum overflows
            means = np.asarray(np.bincount(code[mine], weights=parts, minlength=len(sizes)), np.float64)
            weight[seen] = reweighted(weight[seen], means[seen], sampling, temperature)
        turn += after
        shares.append(now.astype(np.float64))
    found = []
    for number, share in enumerate([*shares, weight]):
        mine = np.flatnonzero(turn == number)
        found.append(mine[interleave(code[mine], place[mine].astype(np.uint64), share)])
    at = np.concatenate(found)
    return rows[at], turn[at]


def reweighted(weight: Floats, means: Floats, sampling: Sampling, temperature: float) -> Floats:
    """Weights of the clusters that a round drew from, once it is known what their rows were worth in the mean.

        w_j ← w_j s_j / Σ w_c s_c,  times what the weights summed to

    with s_j the mean, or `exp(mean / temperature)` with "softmax". If all are 0, weights stay as they are.

    Examples:
        >>> reweighted(np.array([0.25, 0.25]), np.array([2.0, 1.0]), "proportional", 1.0).round(3)
        array([0.333, 0.167])
    """
    if sampling == "softmax":
        after = weight * softmax(means, temperature)
    else:
        after = weight * (means / max(float(means.max()), np.finfo(np.float64).tiny))
    return np.asarray(after * (weight.sum() / after.sum())) if after.any() else weight


def equal_rounds(count: int, rounds: int) -> Rows:
    """`count` rows divided equally among rounds, of which there are fewer where rows do not reach.

    Examples:
        >>> equal_rounds(5, 3).tolist(), equal_rounds(2, 3).tolist()
        ([2, 2, 1], [1, 1])
    """
    return divide(count, np.ones(min(rounds, count)))

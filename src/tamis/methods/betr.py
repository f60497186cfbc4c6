"""BETR: the documents that rank first for some example of a benchmark."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.aggregation import best_ranks
from tamis.ops.matches import Matches
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    paper="Language Models Improve When Pretraining Data Matches Target Tasks",
    no=49,
    year=2025,
    family="target",
    pole="near",
    choose="top",
    cost="O(n t d) for each pass; one pass for few examples, several for many whose rankings agree",
    memory="140 n + min(28 n d, 125 MB); blocks of vectors of d numbers",
    bytes=lambda n, d, k, **_: 140 * n + min(1.25e8, 28 * n * d),
    streams=False,
    loses="when the budget asks for more rows than are like the target, or vectors do not tell what the task needs",
)
def betr(match: Matches, target: NDArray[np.int64]) -> Score:
    """Documents by their best rank for any example of the targets.

    With r_ij the rank of document j for example i, 1 for the nearest, M_i the number of examples of the target of i and
    M their mean over targets, documents are ordered by

        min_i r_ij M_i / M,   ties by the match with the first example of a target that gave it, the larger first

    Ranks have no scale, so an example whose similarities are all large takes no more than any other, and as many
    documents are kept for each. Targets with few examples go deeper into the ranks of each, so that every target has an
    equal share; the paper gives each benchmark as many examples.

    Args:
        match: `[n, t]`, nearness of each document to each example.
        target: `int64 [t]`, which target each example is of.

    Returns:
        `float64 [n]`, 0 for the first in that order, -1 for the next: high is near. `O(n t d)` time for each pass over
        the matches, `140 n` bytes.

    Loses to random when the budget asks for more rows than are like the target. It is most of a method for a sample of
    a web pool, from which `quality-classifier` carries it over to the rest: give it the best tenth as the target.

    Where it departs: the paper ranks a sample of 10 million documents and keeps what its classifier likes best until a
    tenth of the tokens is full; here rows are ranked themselves, and the budget may be in tokens.

    Examples:
        >>> near = np.array([[0.9, 9.1], [0.8, 9.2], [0.1, 9.3]], np.float32)
        >>> betr(Matches(near), np.zeros(2, np.int64)).tolist()  # the second document is first for nobody
        [-1.0, -2.0, 0.0]

    Source: Mizrahi et al. 2025, Language Models Improve When Pretraining Data Matches Target Tasks.
    """
    tasks, sizes = np.unique(target, return_counts=True)
    best, at = np.full(match.shape[0], np.inf), np.zeros(match.shape[0])
    for task, size in zip(tasks, sizes, strict=True):
        ranks, nearness = best_ranks(match.of(np.flatnonzero(target == task)))
        deep = (ranks + 1) * (size / sizes.mean())
        nearer = (deep < best) | ((deep == best) & (nearness > at))
        best[nearer], at[nearer] = deep[nearer], nearness[nearer]
    order = np.lexsort((-at, best))
    worse = (best[order[1:]] > best[order[:-1]]) | (at[order[1:]] < at[order[:-1]])
    places = np.empty(len(order))
    places[order] = np.concatenate([np.zeros(1), np.cumsum(worse)])[: len(order)]
    return np.negative(places) + 0.0

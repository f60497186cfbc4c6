"""RDS+: the examples that are most like some example of a target, its examples taking turns."""

from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis.ops import aggregation
from tamis.ops.matches import Matches
from tamis.registry import method
from tamis.vocabulary import Order


@method(
    paper="Large-Scale Data Selection for Instruction Tuning",
    no=21,
    year=2025,
    family="target",
    cost="O(n t d) for each pass; one pass for few queries, several for many whose rankings agree",
    memory="140 n + min(28 n d, 125 MB); blocks of vectors of d numbers",
    bytes=lambda n, d, k, **_: 140 * n + min(1.25e8, 28 * n * d),
    streams=False,
    loses="when the budget asks for more rows than are like the target, or vectors do not tell what the task needs",
)
def rds_plus(
    match: Matches,
    target: NDArray[np.int64],
    *,
    within: Literal["round-robin", "maximum", "mean"] = "round-robin",
    turns: Literal["new", "strict"] = "new",
) -> Order:
    """Rows in the order in which the examples of a target, its queries, take them by turns, each its nearest row left.

    Several targets, or tasks, take turns as well, and the queries of each within its turns: turn i is that of task
    `i mod T`, and there of query `⌊i / T⌋ mod Q`. So every task, and every query of a task, has its equal share of any
    number of rows. It is a rule to choose by any match; RDS+ itself matches by the cosine of hidden states of the base
    model, pooled with weights that grow with the position of the token (where padding must weigh nothing), and the
    vectors of `--embedding` are taken as they are.

    Args:
        match: `[n, t]`, nearness of each row to each query.
        target: `int64 [t]`, which task each query is of.
        within: how the queries of a task agree on an order: by turns; by the largest match with any, in which one query
            may take all; or by the mean match, each query's brought to 0 … 1 first.
        turns: whether a turn goes on until a new row is found, or is lost where the best row is taken ("strict").

    Returns:
        An `Order` of all rows. A gain is the match with which a row was taken, high is near, and gains need not fall
        from row to row. Any smaller budget is a prefix. `O(n t d)` time for each pass over the matches, `140 n` bytes.

    Loses to random when the budget asks for more rows than are like the target.

    Where the official code departs: a row that was taken before costs its query the turn, which `turns=strict` does
    too; its two ways to take the maximum for one task are different sets (`within` as "round-robin" and "maximum");
    tasks take turns over `within=maximum` alone; and it notes the smallest match of all tasks that came upon a row
    (here: the one with which it was taken).

    Examples:
        >>> near = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.6]], np.float32)
        >>> order = rds_plus(Matches(near), np.zeros(2, np.int64))
        >>> order.rows.tolist(), order.reasons[1]
        ([0, 3, 1, 2], 'nearest left to query 1 of target 0')
        >>> rds_plus(Matches(near), np.zeros(2, np.int64), within="maximum").rows.tolist()
        [0, 1, 2, 3]

    Source: Ivison et al. 2025, Large-Scale Data Selection for Instruction Tuning;
    github.com/hamishivi/automated-instruction-selection.
    """
    task, strict = np.unique(target, return_inverse=True)[1], turns == "strict"
    if within == "round-robin":
        taken = aggregation.round_robin(match, task, strict=strict)
        names = [f"query {np.count_nonzero(target[:column] == j)} of target {j}" for column, j in enumerate(target)]
    else:
        reduce = aggregation.maximum if within == "maximum" else partial(aggregation.mean, normalised=True)
        taken = aggregation.round_robin(Matches(reduce(match, task).astype(np.float32)), strict=strict)
        names = [f"target {j}" for j in np.unique(target)]
    said = [f"nearest left to {name}" for name in names]
    return Order(taken.rows, taken.gains, [said[column] for column in taken.columns])

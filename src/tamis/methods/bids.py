"""BIDS: the example that most lifts the query that is furthest behind, on matches that are comparable."""

from tamis.ops.aggregation import furthest_behind
from tamis.ops.matches import Matches
from tamis.registry import method
from tamis.vocabulary import Order


@method(
    paper=("Improving Influence-based Instruction Tuning Data Selection for Balanced Learning of Diverse Capabilities"),
    no=41,
    year=2025,
    family="target",
    cost="O(n t d) for each pass over the matches, then O(t d) for each row, O(t) where the matches are given",
    memory="140 n + min(28 n d, 125 MB); blocks of vectors of d numbers",
    bytes=lambda n, d, k, **_: 140 * n + min(1.25e8, 28 * n * d),
    streams=False,
    loses="when influences say little: its authors gain less than half a point over their sum, or over random at 15%",
)
def bids(match: Matches) -> Order:
    """Rows by whom they help most: each goes to the query whose best row left is furthest above what it has on average.

    Matches A are standardised for each query j, so that none counts for more because its influences are large:

        Ã_ij = (A_ij − mean_i A_ij) / std_i A_ij
        i* = argmax_{i ∉ T} max_j (Ã_ij − m_j),  m_j = mean_{i ∈ T} Ã_ij, 0 at first

    As m_j is the same for all i, the turn goes to the query for which `best left − m_j` is largest: a round-robin in
    which who has least comes first. Queries of several targets count alike.

    Args:
        match: A, `[n, t]`, influence of each row on each query, or any nearness. A query that all rows match equally
            says nothing and is left out; where all are like that, rows stay in their order.

    Returns:
        An `Order` of all rows. A gain is `Ã_ij − m_j` in standard deviations, high is better. Any smaller budget is a
        prefix. One pass for the moments, then `O(t)` time for each row; `140 n` bytes.

    Loses to random when influences say little about what helps: a device to balance tasks, not a large win.

    Follows the published description; code was not seen. Ties go to the lower query, then to the lower row.

    Examples:
        >>> import numpy as np
        >>> influence = np.array([[5, 0], [4, 0], [0, 40], [0, 30]], np.float32)
        >>> order = bids(Matches(influence))
        >>> order.rows.tolist(), order.reasons[0]
        ([2, 0, 1, 3], 'query 1 was furthest behind')

    Source: Dai et al. 2025, Improving Influence-based Instruction Tuning Data Selection for Balanced Learning of
    Diverse Capabilities.
    """
    taken = furthest_behind(match)
    said = [f"query {column} was furthest behind" for column in range(match.shape[1])]
    return Order(taken.rows, taken.gains, [said[column] for column in taken.columns])

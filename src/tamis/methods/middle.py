"""The values of a column nearest to its median rank first."""

import numpy as np
from numpy.typing import NDArray

from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="column",
    choose="middle",
    cost="O(n)",
    memory="40 n",
    streams=False,
    loses="when the ends of the column carry what the task needs",
)
def middle(score: NDArray[np.float64]) -> Score:
    """The values of a column nearest to its median rank first.

    The scores are the column as it stands; the chooser `middle` makes the order, ties by row.

    Args:
        score: `float64 [n]`, any finite column; what high means is yours to know.

    Returns:
        `float64 [n]`, the column. `O(n)` time.

    Examples:
        >>> middle(np.array([0.5, 2.0]))
        array([0.5, 2. ])
    """
    return score

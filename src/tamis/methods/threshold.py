"""The largest values of a column between `low` and `high`, and never one outside."""

import numpy as np
from numpy.typing import NDArray

from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="column",
    choose="threshold",
    cost="O(n)",
    memory="8 n",
    loses="when the bounds leave fewer kinds of example than the task needs",
)
def threshold(score: NDArray[np.float64]) -> Score:
    """The largest values of a column between `low` and `high`, and never one outside.

    The scores are the column as it stands; the chooser `threshold` makes the order, ties by row.

    Args:
        score: `float64 [n]`, any finite column; what high means is yours to know.

    Returns:
        `float64 [n]`, the column. `O(n)` time.

    Examples:
        >>> threshold(np.array([0.5, 2.0]))
        array([0.5, 2. ])
    """
    return score

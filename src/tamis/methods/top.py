"""The largest values of a column first."""

import numpy as np
from numpy.typing import NDArray

from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="column",
    choose="top",
    cost="O(n)",
    memory="8 n",
    loses="when the column has nothing to do with the task, or prefers one kind of example (the hardest, the longest)",
)
def top(score: NDArray[np.float64]) -> Score:
    """The largest values of a column first.

    The scores are the column as it stands; the chooser `top` makes the order, ties by row.

    Args:
        score: `float64 [n]`, any finite column; what high means is yours to know.

    Returns:
        `float64 [n]`, the column. `O(n)` time.

    Examples:
        >>> top(np.array([0.5, 2.0]))
        array([0.5, 2. ])
    """
    return score

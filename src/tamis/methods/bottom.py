"""The smallest values of a column first."""

import numpy as np
from numpy.typing import NDArray

from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="column",
    choose="bottom",
    cost="O(n)",
    memory="8 n",
    loses="when the column has nothing to do with what the model should learn, or small values mean broken examples",
)
def bottom(score: NDArray[np.float64]) -> Score:
    """The smallest values of a column first.

    The scores are the column as it stands; the chooser `bottom` makes the order, ties by row.

    Args:
        score: `float64 [n]`, any finite column; what high means is yours to know.

    Returns:
        `float64 [n]`, the column. `O(n)` time.

    Examples:
        >>> bottom(np.array([0.5, 2.0]))
        array([0.5, 2. ])
    """
    return score

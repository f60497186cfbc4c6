"""A draw without replacement with odds `exp(column / temperature)`."""

import numpy as np
from numpy.typing import NDArray

from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="column",
    choose="weighted-draw",
    cost="O(n)",
    memory="16 n",
    loses="when the column has nothing to do with the task",
)
def weighted_draw(score: NDArray[np.float64]) -> Score:
    """A draw without replacement with odds `exp(column / temperature)`.

    The scores are the column as it stands; the chooser `weighted-draw` makes the order, ties by row.

    Args:
        score: `float64 [n]`, any finite column; what high means is yours to know.

    Returns:
        `float64 [n]`, the column. `O(n)` time.

    Examples:
        >>> weighted_draw(np.array([0.5, 2.0]))
        array([0.5, 2. ])
    """
    return score

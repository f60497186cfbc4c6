"""Uniformly at random: the baseline that every other method is compared with."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.choosers import uniform
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="baseline",
    cost="O(n)",
    memory="8 n",
    loses="never: it is random",
)
def random(key: NDArray[np.uint64]) -> Score:
    """A uniform number in (0, 1) per example, from the seed and the id (or the row), so that order does not matter.

    Args:
        key: `uint64 [n]`, `hash(seed, id)`.

    Returns:
        `float64 [n]`; high means nothing. `O(n)` time.

    Examples:
        >>> random(np.array([0, 2**63], dtype=np.uint64))
        array([1.11022302e-16, 5.00000000e-01])
    """
    return uniform(key)

"""At random within groups, each group by its share of the pool."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.apportion import interleave
from tamis.registry import method
from tamis.vocabulary import Order


@method(
    family="baseline",
    cost="O(n log n)",
    memory="40 n",
    streams=False,
    loses="ties with random unless groups are few, small, and matter to the task",
)
def stratified_random(key: NDArray[np.uint64], group: NDArray[np.int64]) -> Order:
    """A random order of which every prefix holds each group in proportion to its size, to within one row.

    The i-th row of a group of share p, largest key first, stands at `(i + 1/2) / p`. `random` too keeps the largest
    keys, so that the two have in common what they can, and a comparison of both varies less.

    Args:
        key: `uint64 [n]`, `hash(seed, id)`.
        group: `int64 [n]`, codes from 0.

    Returns:
        An `Order` of all rows. `O(n log n)` time, `40 n` bytes.

    Examples:
        >>> stratified_random(np.arange(6, dtype=np.uint64), np.array([0, 0, 0, 0, 1, 1])).rows[:3]
        array([3, 5, 2])
    """
    return Order(interleave(group, ~key, np.bincount(group) / max(len(group), 1)))

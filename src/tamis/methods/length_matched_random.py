"""At random with the length histogram of the target: the control for every method that selects text."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.apportion import interleave
from tamis.registry import method
from tamis.vocabulary import Order


@method(
    family="baseline",
    cost="O(n log n + t)",
    memory="48 n",
    streams=False,
    loses="whenever the target's lengths say nothing about what is in its texts",
)
def length_matched_random(
    key: NDArray[np.uint64], length: NDArray[np.int64], target_length: NDArray[np.int64], *, bins: int = 20
) -> Order:
    """A random order of which every prefix has the length histogram of the target, as far as the pool's rows reach.

    Bins are the target's length quantiles; the i-th row of bin b, largest key first as in `random`, stands at
    `(i + 1/2) / p_b` with `p_b` the share of the target in b. Rows of bins that the target does not reach come last.

    Args:
        key: `uint64 [n]`, `hash(seed, id)`.
        length: `int64 [n]`, characters.
        target_length: `int64 [t]`, characters.
        bins: how many quantile bins at most.

    Returns:
        An `Order` of all rows. `O(n log n + t)` time, `48 n` bytes.

    Examples:
        >>> keys, lengths = np.arange(4, dtype=np.uint64), np.array([5, 90, 6, 95])
        >>> order = length_matched_random(keys, lengths, np.array([90, 92, 95]))
        >>> sorted(order.rows[:2].tolist())
        [1, 3]
    """
    upper = np.quantile(target_length, np.linspace(0, 1, bins + 1)[1:])
    edges = np.unique(np.concatenate([[target_length.min() - 1], upper]))
    share = np.bincount(np.searchsorted(edges, target_length), minlength=len(edges) + 1) / len(target_length)
    return Order(interleave(np.searchsorted(edges, length), ~key, share))

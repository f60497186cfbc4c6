"""Full data: ordinary training on all rows, cut into epochs of the budget: the control of what draws anew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.ops.permutation import Ids, by_keys, rekeyed
from tamis.ops.rounds import consecutive
from tamis.registry import method
from tamis.vocabulary import Schedule


@method(
    family="schedules",
    cost="O(n log n) an epoch",
    memory="80 n",
    bytes=lambda n, d, k, **parameters: 80 * n,
    streams=False,
    loses="it is random itself: ordinary training on all rows, in as many steps as the others",
)
def full_data() -> Schedule:
    """Ordinary training on all rows: shuffled passes one after the other, cut into epochs as long as the budget.

    With a budget of r n rows, R epochs are r R passes over all rows, in as many steps and with the same learning-rate
    schedule as R epochs of `rs2`. It is the control that says how much of a gain comes from that schedule.

    Returns:
        A `Schedule` of as many rows an epoch as the budget allows. In an epoch that lies in two passes a row may come
        twice, though not within n / 3 visits, or 16,384. `O(n log n)` time an epoch, `80 n` bytes.

    Examples:
        >>> key = np.arange(10, dtype=np.uint64)
        >>> schedule = full_data()
        >>> parts = [schedule.draw(schedule.start(5), epoch, key)[0] for epoch in range(2)]
        >>> sorted(np.concatenate(parts).tolist())
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    return Passes()


@dataclass(frozen=True)
class Passes(Schedule):
    """Shuffled passes, cut."""

    def draw(self, state: int, epoch: int, key: NDArray[np.uint64]) -> tuple[Ids, None]:
        """The next `state` rows."""
        return np.concatenate(list(consecutive(state, epoch, lambda number: by_keys(rekeyed(key, number))))), None

"""InfoBatch: leave out part of what is easy by now, and let the rest of it count more."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.ops.listening import Listening
from tamis.ops.permutation import Sorted
from tamis.ops.pruning import Kept, check_epochs, easy_pruned, is_annealed, keep_ratio
from tamis.registry import method
from tamis.vocabulary import Schedule


@method(
    paper="InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning",
    year=2024,
    family="schedules",
    cost="O(n log n) an epoch",
    memory="80 n",
    bytes=lambda n, d, k, **parameters: 80 * n,
    streams=False,
    loses="where far fewer visits are wanted than the 20 to 40 % that it saves by itself",
)
def infobatch(
    key: NDArray[np.uint64], *, ratio: float = 0.5, epochs: int | None = None, annealing: float = 0.875
) -> Schedule:
    """Every epoch leaves out part of the rows with a loss below the mean, and those of them that stay count more.

        epoch c < δ T:  easy = {i : s_i < mean(s)};  all others with w = 1, ⌊q |easy|⌋ of the easy with w = 1 / q
        epoch c ≥ δ T:  all rows with w = 1

    with s the loss that was told last and q = clip(1 − r, 0.1, 1). So `E Σ_kept w_i g_i = Σ_i g_i`: the sum of
    gradients over an epoch is unbiased. The mean of a step is not: it is larger by n over the visits.

    r is not what is saved, which is r times the part below the mean: with skewed losses that is 60 to 70 % of the rows,
    so that r = 0.5 saves 30 to 35 % of the visits.

    Args:
        key: `uint64 [n]`, `hash(seed, id)`.
        ratio: r, from 0, which is plain training, to less than 1.
        epochs: T; without it there is no last phase in which all rows are visited.
        annealing: δ.

    Returns:
        A `Schedule`, for a budget of 100 %, which must be told the `loss` of every visit; a row whose loss is not
        finite is kept. `O(n log n)` time an epoch, `80 n` bytes.

    Raises `Refused` for a ratio or annealing out of range, a budget below 100 %, and an epoch of which no loss is told.

    Loses to random subsets where far fewer visits are wanted than it saves by itself.

    The published code resets weights only in an epoch that equals δ T + 1, which it never does where δ T is no whole
    number; and it gathers ids in the type of losses. Here the last phase is `c ≥ δ T`, from epoch 0, and where q |easy|
    is no whole number, weights are |easy| over how many stay, so that the sum is unbiased there too.

    Examples:
        >>> key = np.arange(6, dtype=np.uint64)
        >>> schedule = infobatch(key, epochs=8)
        >>> state = schedule.update(schedule.start(6), np.arange(6), {"loss": np.float32([0, 0, 0, 0, 2, 2])})
        >>> rows, weights = schedule.draw(state, 1, key)
        >>> len(rows), float(weights.sum())
        (4, 6.0)

    Source: Qin et al. 2024, InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning.
    """
    check_epochs(epochs, annealing)
    return Easier(len(key), keep_ratio(ratio), epochs, annealing)


@dataclass(frozen=True)
class Easier(Listening):
    """What InfoBatch keeps."""

    keep: float
    epochs: int | None
    annealing: float

    @property
    def name(self) -> str:
        """The method that it belongs to."""
        return "infobatch"

    def is_blind(self, epoch: int) -> bool:
        """Whether all rows are visited."""
        return epoch == 0 or self.keep == 1 or is_annealed(epoch, self.epochs, self.annealing)

    def kept(self, losses: NDArray[np.float32], epoch: int, order: Sorted) -> Kept:
        """All but some of the easy rows."""
        return easy_pruned(losses, 1.0 if is_annealed(epoch, self.epochs, self.annealing) else self.keep, order)

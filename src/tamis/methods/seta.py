"""SeTa: a random part of the rows, and of that a window of groups by loss that slides from easy to hard."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.listening import Listening
from tamis.ops.loss_groups import window as groups_of
from tamis.ops.permutation import Sorted
from tamis.ops.pruning import Kept, check_epochs, is_annealed, keep_ratio, window_kept
from tamis.registry import method
from tamis.vocabulary import Schedule


@method(
    paper="Scale Efficient Training for Large Datasets",
    no=76,
    year=2025,
    family="schedules",
    cost="O(n log n) an epoch",
    memory="110 n",
    bytes=lambda n, d, k, **parameters: 110 * n,
    streams=False,
    loses="where losses say nothing of what is left to learn, as with many wrong labels",
)
def seta(
    key: NDArray[np.uint64],
    *,
    ratio: float = 0.0,
    groups: int = 10,
    window: float = 0.5,
    epochs: int | None = None,
    annealing: float = 0.875,
    order: Literal["paper", "reference"] = "paper",
) -> Schedule:
    """Every epoch visits a random part of the rows, and of that some groups by loss, which move from easy to hard.

        U = a random ⌊q n⌋ of the rows, q = clip(1 − r, 0.1, 1), divided into G groups by the losses told last
        epoch 0: all of U;  epoch c < δ T: groups start … start + W − 1;  epoch c ≥ δ T: all of U

    with W = max(1, ⌊α G + ½⌋) and start = (c − 1) mod (G − W + 1). Groups are those of k-means in one dimension, of
    at most 4,096 runs of losses. Where losses have fewer values than groups, they are G equal parts in the order of
    losses.

    Args:
        key: `uint64 [n]`, `hash(seed, id)`.
        ratio: r, from 0 to less than 1: 0.1 on CIFAR and 0 on ImageNet in the published scripts.
        groups: G, at most ⌊q n⌋; 5 in the scripts.
        window: α; 0.9 on CIFAR and 0.6 on ImageNet in the scripts.
        epochs: T; without it there is no last phase.
        annealing: δ.
        order: `paper` begins at the easiest group; `reference` has start = c mod (G − W + 1), as the published code,
            which begins at the second.

    Returns:
        A `Schedule`, for a budget of 100 %, which must be told the `loss` of every visit. A row whose loss is not
        known is in every window. Few rows are hard, so what is saved is not 1 − q W / G: the bench says what it was.
        `O(n log n)` time an epoch, `110 n` bytes.

    Raises `Refused` for a parameter out of range, a budget below 100 %, and an epoch of which no loss is told. With one
    group, or a window of all, no loss is needed: that is dynamic random pruning.

    Loses to random subsets where losses say nothing of what is left to learn, as with many wrong labels.

    The published code rounds to even, so that G = 1 with α = 0.5 keeps no group; and it has Lloyd's iteration.

    Examples:
        >>> key = np.arange(6, dtype=np.uint64)
        >>> schedule = seta(key, groups=3, window=0.34)
        >>> state = schedule.update(schedule.start(6), np.arange(6), {"loss": np.float32([0, 0, 1, 1, 9, 9])})
        >>> sorted(schedule.draw(state, 1, key)[0].tolist())
        [0, 1]

    Source: Zhou et al. 2025, Scale Efficient Training for Large Datasets.
    """
    check_epochs(epochs, annealing)
    keep = keep_ratio(ratio)
    groups_of(0, groups, window)  # which refuses what cannot be
    if groups > (most := max(1, int(np.floor(keep * len(key) + 1e-9)))):
        raise refusals.PARAMETER_OUT_OF_RANGE(f"groups={groups}", accepted=f"at most {most:,}, as many as are drawn")
    return Sliding(len(key), keep, groups, window, epochs, annealing, order == "paper")


@dataclass(frozen=True)
class Sliding(Listening):
    """What SeTa keeps."""

    keep: float
    groups: int
    window: float
    epochs: int | None
    annealing: float
    from_easiest: bool

    @property
    def name(self) -> str:
        """The method that it belongs to."""
        return "seta"

    def is_blind(self, epoch: int) -> bool:
        """Whether the random part is visited as a whole."""
        whole = groups_of(epoch, self.groups, self.window) == (0, self.groups)
        return whole or is_annealed(epoch, self.epochs, self.annealing)

    def kept(self, losses: NDArray[np.float32], epoch: int, order: Sorted) -> Kept:
        """A window of groups of a random part of the rows."""
        return window_kept(
            losses,
            self.keep,
            order,
            epoch,
            groups=self.groups,
            scale=self.window,
            from_easiest=self.from_easiest,
            annealed=self.is_blind(epoch),
        )

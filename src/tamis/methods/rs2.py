"""RS2: another random subset in every epoch, which is what every other saving has to beat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.permutation import Ids, by_keys, rekeyed
from tamis.ops.rounds import independent, shares_of, without_repeats
from tamis.registry import method
from tamis.vocabulary import Schedule


@method(
    paper="Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning",
    no=48,
    year=2024,
    family="schedules",
    cost="O(n log n) an epoch",
    memory="80 n",
    bytes=lambda n, d, k, **parameters: 80 * n,
    streams=False,
    loses="to nothing random by much: what it gains over full training, a shorter learning-rate schedule gains as well",
)
def rs2(label: NDArray[np.int64] | None = None, *, replacement: bool = False, stratified: bool = False) -> Schedule:
    """Another random subset of the rows in every epoch ("round").

    Without replacement no row comes twice in a round, nor twice before all rows have come; see
    `tamis.ops.rounds.without_repeats`. With replacement rounds know nothing of each other.

    The gain over training on all rows is mostly that the learning rate decays within the fewer steps. Compare with
    `full-data`, which takes the same steps.

    Args:
        label: `int64 [n]`, classes, for `stratified`.
        replacement: whether rows may come again before all have come; within a round none comes twice.
        stratified: whether each round has classes in proportion to their sizes.

    Returns:
        A `Schedule` of as many rows an epoch as the budget allows. `O(n log n)` time an epoch, `80 n` bytes.

    Raises `Refused` for `stratified` without `label`.

    It is a baseline, and loses to full training only where the steps are too few for the data.

    The published code (a) makes the window at the end of a permutation one short, and completes it with rows of the
    same permutation, so that some come twice in it; (b) drops the last batch of one variant only. Here both variants
    have windows of the same size.

    Examples:
        >>> key = np.arange(10, dtype=np.uint64)
        >>> schedule = rs2()
        >>> rounds = [schedule.draw(schedule.start(5), epoch, key)[0] for epoch in range(2)]
        >>> sorted(np.concatenate(rounds).tolist())
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

    Source: Okanovic et al. 2024, Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning.
    """
    if stratified and label is None:
        raise refusals.OPTIONAL_NEED_MISSING("stratified=True", need="label", fix="--label COLUMN")
    return Rounds(replacement, label if stratified else None)


@dataclass(frozen=True)
class Rounds(Schedule):
    """Rounds of random subsets, `labels int64 [n]` in proportion if they are given."""

    replacement: bool
    labels: NDArray[np.int64] | None = None

    def draw(self, state: int, epoch: int, key: NDArray[np.uint64]) -> tuple[Ids, None]:
        """The rows of a round of `state` rows."""
        if self.labels is None:
            return self._round(state, epoch, key), None
        parts = []
        for code, share in enumerate(shares_of(self.labels, state).tolist()):
            if share:
                members = np.flatnonzero(self.labels == code)
                parts.append(members[self._round(share, epoch, key[members])])
        rows = np.concatenate(parts)
        return rows[np.argsort(rekeyed(key, epoch, 1)[rows], kind="stable")], None

    def _round(self, size: int, epoch: int, key: NDArray[np.uint64]) -> Ids:
        drawn = independent if self.replacement else without_repeats
        return np.concatenate(list(drawn(size, epoch, lambda number: by_keys(rekeyed(key, number)))))

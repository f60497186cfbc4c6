"""Temperature: groups of unequal size, drawn more alike than they are, at first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.permutation import Ids, Permutation, by_keys, rekeyed
from tamis.ops.temperature import Cooldown, Mixed
from tamis.registry import method
from tamis.vocabulary import Schedule


@method(
    paper="Upsample or Upweight? Balanced Training on Heavily Imbalanced Datasets",
    no=121,
    year=2024,
    family="schedules",
    cost="O(n log n) an epoch",
    memory="80 n",
    bytes=lambda n, d, k, **parameters: 80 * n,
    streams=False,
    loses="where the test set has groups by size, and where small groups are repeated until they are learnt by heart",
)
def temperature(group: NDArray[np.int64], *, tau: float = 5.0, cooldown: int | None = None) -> Schedule:
    """Every epoch draws groups by `p_i ∝ |D_i|^{1/τ}`, at first with τ above 1, later by size.

    An epoch has exact numbers of each group, rounded at random. A group goes through its rows in passes, each in a
    fresh order, which go on in the next epoch: small groups are repeated, and large ones go on where they stood.

    Args:
        group: `int64 [n]`, codes from 0.
        tau: τ, above 0; 1 draws by size, larger ones nearer to alike.
        cooldown: the draw, counted from 0 over all epochs, from which on τ is 1, as for `tamis.torch`: a step of the
            paper is as many draws as its batch has rows. It has half of all. None for never.

    Returns:
        A `Schedule` of as many draws an epoch as the budget allows; a row may come more than once. `O(n log n)` time an
        epoch, `80 n` bytes.

    Raises `Refused` for τ that is not above 0, and a cooldown before draw 1.

    Loses to random draws where the test set has groups by size, and where small groups are repeated until they are
    learnt by heart.

    Examples:
        >>> group, key = np.repeat([0, 1], [90, 10]), np.arange(100, dtype=np.uint64)
        >>> schedule = temperature(group, tau=2.0, cooldown=100)
        >>> [int(np.count_nonzero(group[schedule.draw(100, epoch, key)[0]])) for epoch in range(2)]
        [25, 10]

    Source: Li et al. 2024, Upsample or Upweight? Balanced Training on Heavily Imbalanced Datasets.
    """
    if cooldown is not None and cooldown < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"cooldown={cooldown}", accepted="1 or more")
    Cooldown(((0, tau),))  # which refuses what is no temperature
    return Tempered(group, tau, cooldown)


@dataclass(frozen=True, eq=False)
class Tempered(Schedule):
    """Groups drawn by temperature; the state is how many rows an epoch draws."""

    group: NDArray[np.int64]
    tau: float
    cooldown: int | None

    def draw(self, state: int, epoch: int, key: NDArray[np.uint64]) -> tuple[Ids, None]:
        """`state` rows."""
        lowest = np.full(int(self.group.max()) + 1, np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(lowest, self.group, key)
        codes = np.unique(self.group)
        codes = codes[np.argsort(lowest[codes], kind="stable")]  # not by the order in which rows stand
        members = [
            rows[np.argsort(key[rows], kind="stable")] for rows in (np.flatnonzero(self.group == c) for c in codes)
        ]
        falls = () if self.cooldown is None else ((self.cooldown, 1.0),)

        def shuffle(domain: int, number: int) -> Permutation:
            return by_keys(rekeyed(key[members[domain]], number))

        sizes = np.array([len(rows) for rows in members])
        chance = int(np.bitwise_xor.reduce(rekeyed(key, 1)))
        mixed = Mixed(sizes, Cooldown(((0, self.tau), *falls)), state, chance, shuffle)
        every, offsets = np.concatenate(members), np.cumsum(sizes) - sizes
        drawn = [every[offsets[domains] + places] for domains, places in mixed.visits(epoch)]
        return np.concatenate(drawn), None

"""What schedules share that are told losses, and visit what they keep by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.permutation import Ids, Sorted, by_keys, rekeyed
from tamis.ops.pruning import Kept
from tamis.vocabulary import Schedule

Keys = NDArray[np.uint64]
Weights = NDArray[np.float32]


class Told(NamedTuple):
    """The last loss of each row, `float32 [n]`, NaN where there is none yet, and of how many epochs it was told."""

    losses: NDArray[np.float32]
    epochs: int = 0


@dataclass(frozen=True)
class Listening(Schedule):
    """A schedule over `n` rows of which each epoch keeps some by the losses told so far; a subclass says which."""

    n: int

    def start(self, count: int) -> Told:
        """No losses yet; refuses a budget below all rows, since how many are visited is its own to say."""
        if count < self.n:
            raise refusals.SCHEDULE_OF_ALL(self.name, count=count, n=self.n)
        return Told(np.full(self.n, np.nan, np.float32))

    def draw(self, state: Told, epoch: int, key: Keys) -> tuple[Ids, Weights]:
        """What is kept, in a fresh order; refuses an epoch that needs losses and was told none of the one before."""
        if state.epochs < epoch and not self.is_blind(epoch):
            raise refusals.SAMPLER_UNTOLD(self.name, epoch=epoch)
        kept = self.kept(state.losses, epoch, by_keys(rekeyed(key, epoch, 1)))
        rows = np.concatenate(list(kept.visits(by_keys(rekeyed(key, epoch)))))
        return rows, kept.weights(rows)

    def update(self, state: Told, rows: Ids, signals: Mapping[str, NDArray[np.float32]]) -> Told:
        """The losses with those of the rows that were visited."""
        if "loss" not in signals:
            raise refusals.SAMPLER_UNTOLD(self.name, epoch=state.epochs + 1)
        losses = state.losses.copy()
        losses[rows] = signals["loss"]
        return Told(losses, state.epochs + 1)

    @property
    def name(self) -> str:
        """The method that it belongs to."""
        raise NotImplementedError

    def is_blind(self, epoch: int) -> bool:
        """Whether an epoch needs no losses."""
        raise NotImplementedError

    def kept(self, losses: NDArray[np.float32], epoch: int, order: Sorted) -> Kept:
        """What an epoch keeps, with `order` for what is random about it."""
        raise NotImplementedError

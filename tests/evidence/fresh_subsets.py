"""A method that draws another random subset in every epoch, and one that goes on with what was hard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.ops.hashing import mix64
from tamis.vocabulary import Schedule


class FreshSubsets(Schedule):
    """Every epoch visits `count` rows, drawn without replacement and independently of the epochs before."""

    def draw(self, state: int, epoch: int, key: NDArray[np.uint64]) -> tuple[NDArray[np.int64], None]:
        """The rows with the smallest `mix64(key + epoch)`."""
        return np.argsort(mix64(key + np.uint64(epoch)), kind="stable")[:state], None


def fresh_subsets() -> Schedule:
    """Another uniform random subset in every epoch."""
    return FreshSubsets()


@dataclass(frozen=True)
class Hardest(Schedule):
    """Every epoch visits the rows with the largest loss when they were last visited, first those never visited."""

    rows: int
    weight: float

    def start(self, count: int) -> tuple[int, NDArray[np.float64]]:
        """How many to visit, and the last loss of each row."""
        return count, np.full(self.rows, np.inf)

    def draw(self, state: Any, epoch: int, key: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The rows with the largest loss, in the order of their keys where it is equal."""
        count, losses = state
        return np.lexsort((key, -losses))[:count], np.full(count, self.weight, np.float32)

    def update(self, state: Any, rows: NDArray[np.int64], signals: Mapping[str, NDArray[np.float32]]) -> Any:
        """The state with the losses of the rows that were visited."""
        count, losses = state[0], state[1].copy()
        losses[rows] = signals["loss"]
        return count, losses


def hardest(score: NDArray[np.float64], *, weight: float = 1.0) -> Schedule:
    """What is hard, again and again."""
    return Hardest(len(score), weight)

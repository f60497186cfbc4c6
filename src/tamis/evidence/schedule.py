"""Training on what a schedule draws: another choice in every epoch, as many visits and steps as any other method."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.guard import guarded
from tamis.engine.schedules import Begun
from tamis.evidence.task import Data, Train


@dataclass(kw_only=True)
class Scheduled(Train):
    """What a model learns from where the choice changes: `rows` are all that may be drawn, each with a weight of 1.

    `visits`, and with it `batches` and `steps`, serves what the schedule draws, in its order and with its weights.

    Args:
        begun: the schedule, and how many rows it may draw in an epoch.
        times: `int64 [n]`, how often each of `rows` has been drawn.
    """

    begun: Begun
    times: NDArray[np.int64] = field(init=False)

    @classmethod
    def of(cls, begun: Begun, pool: Data, seed: int) -> "Scheduled":
        """Training on what `begun` draws of `pool`."""
        return cls(pool, begun.rows, np.ones(len(begun.rows), np.float32), seed, begun=begun)

    def __post_init__(self) -> None:
        self.times = np.zeros(len(self.rows), np.int64)
        self._places = np.zeros(len(self.pool), np.int64)
        self._places[self.rows] = np.arange(len(self.rows))
        self._heard: list[tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]] = []
        with guarded(self.begun.method):
            self._state: Any = self.begun.schedule.start(self.begun.most)

    @property
    def batches_an_epoch(self) -> int:
        """Batches of an epoch that is as long as one can be."""
        return -(-self.begun.most // self.batch)

    def steps(self, count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """`count` batches; or, where epochs are counted, all batches of so many, which may be fewer.

        `place` then goes on by as much in a short epoch as in a long one, so that a learning rate ends where it should.
        """
        if self.epochs is None:
            yield from super().steps(count)
            return
        for epoch in range(self.epochs):
            batches = list(self.batches(epoch))
            for number, (rows, weights) in enumerate(batches):
                yield self.served(rows, (epoch + number / len(batches)) * count / self.epochs), weights

    @property
    def seen(self) -> NDArray[np.int64]:
        """The rows that were drawn up to now, those drawn most often first."""
        order = np.argsort(-self.times, kind="stable")
        return self.rows[order[: np.count_nonzero(self.times)]]

    def visits(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """What the schedule draws for an epoch, knowing what was told of the ones before."""
        schedule = self.begun.schedule
        with guarded(self.begun.method):
            if self._heard:
                self._state = schedule.update(self._state, *self._told())
            drawn, weights = schedule.draw(self._state, epoch, self.begun.key)
        places = np.asarray(drawn)
        found = np.ones(places.shape, np.float32) if weights is None else np.asarray(weights)
        if said := self._wrong(places, found):
            raise refusals.SCHEDULE_DREW(
                self.begun.method.name, epoch=epoch, said=said, count=self.begun.most, last=len(self.rows) - 1
            )
        self.times += np.bincount(places, minlength=len(self.rows))
        return self.rows[places], found.astype(np.float32)

    def tell(self, rows: NDArray[np.int64], **signals: NDArray[np.float32]) -> None:
        """Keep what the model made of a batch until the next epoch."""
        self._heard.append((self._places[rows], {name: np.array(values) for name, values in signals.items()}))

    def _told(self) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]:
        """The places of all visits since the last draw, in their order, and the signals of them."""
        heard, self._heard = self._heard, []
        names = heard[0][1]
        signals = {name: np.concatenate([signals[name] for _, signals in heard]) for name in names}
        return np.concatenate([places for places, _ in heard]), signals

    def _wrong(self, places: NDArray[Any], weights: NDArray[Any]) -> str:
        """What is wrong with a draw; nothing if it can be served."""
        if places.ndim != 1 or not np.issubdtype(places.dtype, np.integer):
            return f"an array of shape {places.shape} and type {places.dtype}"
        if not 0 < len(places) <= self.begun.most:
            return f"{len(places):,} rows"
        if places.min() < 0 or places.max() >= len(self.rows):
            return f"the place {places.min() if places.min() < 0 else places.max():,}"
        if weights.shape != places.shape or not np.issubdtype(weights.dtype, np.number):
            return f"weights of shape {weights.shape} and type {weights.dtype}"
        wrong = weights[~(np.isfinite(weights) & (weights >= 0))]
        return f"a weight of {wrong[0]:g}" if len(wrong) else ""

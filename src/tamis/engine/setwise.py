"""The greedy on a set function under limits: an order that is made while its rows are taken."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tamis.limits import Limits, Taken
from tamis.vocabulary import Order, SetFunction

Rows = NDArray[np.int64]


@dataclass
class Growing:
    """Rows as a greedy takes them, each the best one given those before it.

    Args:
        function: a set function with no row taken.
        rows: the row of the pool of each of its places, ascending.
        had: rows that one has already, which shape gains and are not chosen.
        borrow: whether others may have what a group with a floor is short of.
        progress: shows how far it has come, given what to iterate and how many there will be.
        rival: another choice for a budget in rows, which is kept if it is worth more.
    """

    function: SetFunction
    rows: Rows
    had: Rows
    borrow: bool = False
    progress: Callable[[Iterable[None], int], Iterable[None]] = lambda items, total: items
    rival: Rows | None = None
    taken: list[int] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = self._places(self.had)
        for place in self.before.tolist():
            self.function.take(place)

    def _places(self, rows: Rows) -> Rows:
        return np.searchsorted(self.rows, rows)

    def keep(self, rows: Rows) -> None:
        """Take rows that must be kept, before any other."""
        for place in self._places(rows).tolist():
            self._take(place, float(self.function.gains(np.array([place]))[0]))

    def _take(self, place: int, gain: float) -> None:
        self.reasons.append(self.function.take(place))
        self.taken.append(place)
        self.gains.append(gain)

    def walk(self, limits: Limits, least: Limits | None = None) -> Taken:
        """Take rows until the limits are exhausted, so that what `least` asks of groups can still be had.

        A budget in rows is spent on the largest gains. A budget in a cost is spent on the largest gains per cost where
        the function is submodular, and on the best single row if that alone is worth more; rows that alone are over the
        budget are passed over.
        """
        before = len(self.taken)
        bins, cost = limits.bins(self.rows), limits.costs(self.rows)
        open = limits.open(self.rows)
        if self.function.admitted is not None:
            open &= self.function.admitted
        open[self.before] = False
        open[self.taken] = False
        price = None
        single: tuple[int, float] | None = None
        if limits.cost is not None and self.function.submodular:
            price = np.maximum(cost, cost[cost > 0].min(initial=1.0) * 1e-6)
            if limits.bin is None and open.any():
                single = self.function.best(open.copy())
        room = limits.left.copy()
        wanted = int(_total(limits)) if limits.cost is None else len(self.rows)
        for _ in self.progress(self._spend(limits, least, open, bins, price), wanted):
            pass
        if single is not None and sum(self.gains[before:]) < single[1]:
            self._instead(before, [single[0]])
            limits.left = room - cost[single[0]]
        if self.rival is not None:
            greedy = self.function, self.taken, self.gains, self.reasons
            self._instead(before, self._places(self.rival).tolist())
            if sum(self.gains) <= sum(greedy[2]):
                self.function, self.taken, self.gains, self.reasons = greedy
        places = np.arange(before, len(self.taken))
        return Taken(self.rows[self.taken[before:]], np.zeros(len(places), np.int64), places)

    def _spend(
        self, limits: Limits, least: Limits | None, open: NDArray[np.bool_], bins: Rows,
        price: NDArray[np.float64] | None,
    ) -> Iterator[None]:  # fmt: skip
        """Take the best open row, again and again."""
        due = least.bins(self.rows) if least is not None else bins
        all_open, left = open, int(np.count_nonzero(open))
        held = False
        while True:
            if least is not None and not held and _total(least) > 0 and _total(limits) <= _total(least):
                held, open = True, all_open & (least.left[due] > 0)
                left = int(np.count_nonzero(open))
            if not left and held and self.borrow and all_open.any():
                least, held, open = None, False, all_open.copy()
                left = int(np.count_nonzero(open))
            if not left:
                return
            place, gain = self.function.best(open, price)
            code = int(bins[place])
            open[place] = all_open[place] = False
            left -= 1
            if limits.take(self.rows[place : place + 1])[0]:
                self._take(place, gain)
                yield
                if least is not None and due[place]:
                    least.left[due[place]] -= limits.costs(self.rows[place : place + 1])[0]
                    if held and least.left[due[place]] <= 0:
                        open &= least.left[due] > 0
                        left = int(np.count_nonzero(open))
            if limits.closed[code]:
                closing = bins == code
                open[closing] = all_open[closing] = False
                left = int(np.count_nonzero(open))

    def _instead(self, before: int, places: list[int]) -> None:
        """Take these rows in place of those that were taken since `before`."""
        places = self.taken[:before] + places
        self.function = self.function.fresh()
        for place in self.before.tolist():
            self.function.take(place)
        self.taken, self.gains, self.reasons = [], [], []
        for place in places:
            self._take(place, float(self.function.gains(np.array([place]))[0]))

    def order(self) -> Order:
        """What was taken, in that order, with gains, reasons and weights."""
        places = np.array(self.taken, np.int64)
        reasons = [reason or "" for reason in self.reasons] if any(self.reasons) else None
        weights = self.function.weights(places) if len(places) else None
        return Order(self.rows[places], np.array(self.gains, np.float64), reasons, weights)


def _total(limits: Limits) -> float:
    return float(np.maximum(limits.left, 0.0).sum())

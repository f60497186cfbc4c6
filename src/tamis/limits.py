"""Budget, costs, quotas, floors and must-keep in one object: what may still be taken, and taking it."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heapreplace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Blocks = Callable[[], Iterable[Rows]]
STEP = 4096


@dataclass
class Limits:
    """What may be kept of n rows.

    Each row lies in one bin: bin 0 for everything without a quota, one bin for each group that has one. A bin closes
    at the first row that does not fit, unless `fill` lets smaller ones follow.

    Args:
        left: what each bin may still spend, `float64 [bins]`; they sum to the budget.
        cost: `float64 [n]`, or None when each row costs 1.
        bin: `int64 [n]`, or None when there is only bin 0.
        fill: whether rows after the first one that does not fit may be taken.

    Examples:
        >>> limits = Limits(np.array([3.0]), cost=np.array([1.0, 5.0, 2.0]))
        >>> limits.open(np.array([0, 1, 2])).tolist(), limits.take(np.array([0, 1, 2])).tolist()
        ([True, False, True], [True, False, False])
    """

    left: NDArray[np.float64]
    cost: NDArray[np.float64] | None = None
    bin: NDArray[np.int64] | None = None
    fill: bool = False
    closed: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.left = np.array(self.left, dtype=np.float64)
        self.closed = self.left <= 0

    @property
    def exhausted(self) -> bool:
        """Whether nothing more can be taken."""
        return bool(self.closed.all())

    def costs(self, rows: Rows) -> NDArray[np.float64]:
        """What each of `rows` costs."""
        return np.ones(len(rows)) if self.cost is None else self.cost[rows]

    def bins(self, rows: Rows) -> Rows:
        """The bin of each of `rows`."""
        return np.zeros(len(rows), dtype=np.int64) if self.bin is None else self.bin[rows]

    def open(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of `rows` would fit, each on its own."""
        bins = self.bins(rows)
        return np.asarray(~self.closed[bins] & (self.costs(rows) <= self.left[bins]))

    def take(self, rows: Rows) -> NDArray[np.bool_]:
        """Take of `rows`, in their order, what fits; returns which were taken."""
        bins, costs = self.bins(rows), self.costs(rows)
        taken = np.zeros(len(rows), dtype=bool)
        for code in np.unique(bins):
            at = np.flatnonzero(bins == code)
            while len(at) and not self.closed[code]:
                spent = np.cumsum(costs[at])
                fitting = int(np.searchsorted(spent, self.left[code], side="right"))
                taken[at[:fitting]] = True
                self.left[code] -= spent[fitting - 1] if fitting else 0.0
                if fitting < len(at) and not self.fill:
                    self.closed[code] = True
                at = at[fitting + 1 :]
                at = at[costs[at] <= self.left[code]]
            if self.cost is None and self.left[code] < 1:
                self.closed[code] = True
        return taken

    def charge(self, rows: Rows) -> float:
        """Spend what `rows` cost whether it fits or not; returns by how much the worst bin is then over."""
        np.subtract.at(self.left, self.bins(rows), self.costs(rows))
        self.closed = self.left <= 0
        return float(-self.left.min())

    def pool(self, rest: float) -> None:
        """Let `rest`, which is what the bins have left, be spent on any row."""
        self.left = np.array([rest])
        self.bin, self.closed = None, self.left <= 0


class Taken(NamedTuple):
    """Rows as they were taken, the target each was taken for, and its place in the order it came from."""

    rows: Rows
    target: Rows
    place: Rows


def walk(order: Blocks, limits: Limits, gone: Rows) -> Taken:
    """Take rows in their order, those `gone` left out, until the limits are exhausted."""
    rows, places = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    place = 0
    for block in order() if not limits.exhausted else ():
        at = np.flatnonzero(~np.isin(block, gone)) if len(gone) else np.arange(len(block))
        at = at[limits.take(block[at])]
        rows.append(block[at])
        places.append(place + at)
        place += len(block)
        if limits.exhausted:
            break
    found = np.concatenate(rows)
    return Taken(found, np.zeros(len(found), np.int64), np.concatenate(places))


def walk_targets(orders: Sequence[Blocks], shares: NDArray[np.float64], limits: Limits, gone: Rows) -> Taken:
    """Serve several targets: the one furthest behind its share takes its best free row next.

    Args:
        orders: for each target, its rows best first.
        shares: what each target may spend, `float64 [m]`, in the unit of the budget.
        limits: the limits over all targets.
        gone: rows that may not be taken.

    Returns:
        Rows in the order of being served. `O(s log m)` time for s rows looked at, m targets.

    Examples:
        >>> orders = [lambda: [np.array([0, 1, 2])], lambda: [np.array([0, 2, 1])]]
        >>> walk_targets(orders, np.array([1.0, 1.0]), Limits(np.array([2.0])), np.empty(0, np.int64)).rows.tolist()
        [0, 2]
    """
    taken, left, closed = set(gone.tolist()), limits.left.tolist(), limits.closed.tolist()
    due, spent, open_bins = shares.tolist(), [0.0] * len(orders), closed.count(False)
    behind = [(0.0, target) for target, share in enumerate(due) if share > 0]
    streams = [_one_by_one(order, limits) for order in orders]
    found = array("q")
    while behind and open_bins:
        target = behind[0][1]
        row, place, cost, code = next((item for item in streams[target] if item[0] not in taken), (-1, 0, 0.0, 0))
        over = spent[target] + cost > due[target]
        if row < 0 or (over and not limits.fill):
            heappop(behind)
        if row < 0 or over or closed[code]:
            continue
        fits = cost <= left[code]
        if fits:
            taken.add(row)
            found.extend((row, target, place))
            left[code] -= cost
            spent[target] += cost
            if spent[target] < due[target]:
                heapreplace(behind, (spent[target] / due[target], target))
            else:
                heappop(behind)
        if (limits.cost is None and left[code] < 1) or not (fits or limits.fill):
            closed[code] = True
            open_bins -= 1
    limits.left, limits.closed = np.array(left), np.array(closed)
    columns = np.array(found, np.int64).reshape(-1, 3)
    return Taken(columns[:, 0], columns[:, 1], columns[:, 2])


def _one_by_one(order: Blocks, limits: Limits) -> Iterator[tuple[int, int, float, int]]:
    """Each row of an order with its place, cost and bin."""
    place = 0
    for block in order():
        for start in range(0, len(block), STEP):
            rows = block[start : start + STEP]
            columns = (rows.tolist(), range(place, place + len(rows)), limits.costs(rows).tolist())
            yield from zip(*columns, limits.bins(rows).tolist(), strict=True)
            place += len(rows)

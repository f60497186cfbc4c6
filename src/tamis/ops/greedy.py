"""Greedy maximisation of set functions: naive, lazy and stochastic, with the gain of every row that is taken."""

from heapq import heapify, heappop, heapreplace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Lazy(SetFunction):
    """A set function whose `best` keeps stale gains as bounds (Minoux 1978): exact, because gains only shrink.

    A class that inherits from it says `gains` and `_take`. `O(n)` evaluations for the first row, then few for each.
    """

    rank: Rows | None = None
    """Which of rows with equal gains comes first, `int64 [n]`; the smaller row where there is none."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken: list[int] = []
        self._heap: list[tuple[float, int, int, float, int]] = []
        self._asked: tuple[Any, Any] = (None, None)

    def _take(self, row: int) -> str | None:
        raise NotImplementedError

    def take(self, row: int) -> str | None:
        """Take a row."""
        self.taken.append(row)
        return self._take(row)

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The open row with the largest gain, per price if given; ties by `rank`, else by row."""
        heap, stamp = self._heap, len(self.taken)
        if self._asked[0] is not open or self._asked[1] is not price:
            rows = np.flatnonzero(open)
            gains = self.gains(rows)
            worth = gains if price is None else gains / price[rows]
            ranks = rows if self.rank is None else self.rank[rows]
            found = zip((-worth).tolist(), ranks.tolist(), rows.tolist(), gains.tolist(), strict=True)
            heap = [(*entry, stamp) for entry in found]
            heapify(heap)
            self._heap, self._asked = heap, (open, price)
        while True:
            _, rank, row, gain, fresh = heap[0]
            if not open[row]:
                heappop(heap)
            elif fresh == stamp:
                return row, gain
            else:
                gain = float(self.gains(np.array([row]))[0])
                heapreplace(heap, (-(gain if price is None else gain / price[row]), rank, row, gain, stamp))


def maximise(
    function: SetFunction, k: int, *, open: NDArray[np.bool_] | None = None, naive: bool = False
) -> tuple[Rows, Floats]:
    """Take k rows, each the best of those left: a set within `1 - 1/e` of the best where the function is monotone.

    Args:
        function: a set function; its rows are taken.
        k: how many rows; fewer where fewer are open.
        open: `bool [n]`, rows that may be taken; all without it.
        naive: evaluate every row at every step, whatever the function knows of bounds.

    Returns:
        Rows in the order they were taken, and their gains.
    """
    open = np.ones(function.size, bool) if open is None else open.copy()
    rows, gains = [], []
    for _ in range(min(k, int(np.count_nonzero(open)))):
        row, gain = SetFunction.best(function, open) if naive else function.best(open)
        function.take(row)
        open[row] = False
        rows.append(row)
        gains.append(gain)
    return np.array(rows, np.int64), np.array(gains)


class Stochastic(SetFunction):
    """Another set function of which each step looks at a sample of rows only (Mirzasoleiman et al. 2015).

    Each step draws `ceil(n / k ln(1 / epsilon))` of the open rows and takes the one that the function finds best among
    them, which in the mean is within `1 - 1/e - epsilon` of the best set of k rows. Draws are by `key`, so that they do
    not depend on the order of rows.
    """

    def __init__(self, function: SetFunction, k: int, key: NDArray[np.uint64], epsilon: float = 0.1) -> None:
        self.function, self.size, self.submodular = function, function.size, function.submodular
        self.monotone, self.divided, self.admitted = function.monotone, function.divided, function.admitted
        self.k, self.key, self.epsilon = k, key, epsilon
        self.sample = max(1, int(np.ceil(self.size / k * np.log(1 / epsilon))))
        self.step = 0

    def gains(self, rows: Rows) -> Floats:
        """Those of the function."""
        return self.function.gains(rows)

    def take(self, row: int) -> str | None:
        """Take a row."""
        self.step += 1
        return self.function.take(row)

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The best of a sample of the open rows."""
        from tamis.ops.hashing import mix64

        rows = np.flatnonzero(open)
        if len(rows) <= self.sample:
            return self.function.best(open, price)
        drawn = mix64(self.key[rows] + np.uint64(self.step))
        among = np.zeros(self.size, np.bool_)
        among[rows[np.argpartition(drawn, self.sample)[: self.sample]]] = True
        return self.function.best(among, price)

    def fresh(self) -> "Stochastic":
        """The same with no row taken."""
        return Stochastic(self.function.fresh(), self.k, self.key, self.epsilon)

    def weights(self, rows: Rows) -> NDArray[np.float32] | None:
        """Those of the function."""
        return self.function.weights(rows)

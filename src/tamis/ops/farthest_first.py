"""Farthest-first traversal: always the row that is farthest from all rows taken so far."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tamis.ops.nearest_taken import MATRIX, NearestTaken, Space, from_mean, largest_of, matrix, points
from tamis.ops.similarity import unit_rows
from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Metric = Literal["euclidean", "cosine", "precomputed"]
First = Literal["medoid", "random", "index"]


class FarthestFirst(SetFunction):
    """Gains are distances to the nearest row taken, so that greedy covers the rows with the smallest balls it can.

    The largest distance that is left after k rows is at most twice the smallest possible with any k (Gonzalez 1985).
    With nothing taken all gains are equal: twice the largest distance from the mean, which no two rows exceed, or the
    largest entry of a matrix. Distances are float32 and depend on the two rows alone; the row is found exactly, ties by
    row. That takes `n k` distances at worst, and on most data a tenth of them or less.

    Args:
        x: `float32 [n, d]`, or distances `[n, n]` if precomputed.
        key: `uint64 [n]`, which says what `first="random"` takes.
        metric: "cosine" is `1 - cos`, which refuses rows of zeros; in "precomputed" `[i, j]` says how far j is from i.
        first: which row to take when nothing is taken: the one nearest to the mean of all (of "precomputed" with the
            smallest mean distance), one at random, or the first.

    O(n) memory beside x, and a copy of x under cosine.

    Examples:
        >>> function = FarthestFirst(np.array([[0.0], [1.0], [5.0], [9.0]], np.float32), first="index")
        >>> function.take(0), function.best(np.array([False, True, True, True]))
        (None, (3, 9.0))
        >>> function.take(3), function.gains(np.array([1, 2])).tolist()
        (None, [1.0, 4.0])
    """

    submodular = False

    def __init__(
        self,
        x: Floats32,
        key: NDArray[np.uint64] | None = None,
        *,
        metric: Metric = "euclidean",
        first: First = "medoid",
    ) -> None:
        space = matrix(x) if metric == "precomputed" else points(unit_rows(x) if metric == "cosine" else x)
        self._start(space, key, metric, first, {})

    def _start(
        self, space: Space, key: NDArray[np.uint64] | None, metric: Metric, first: First, shared: dict[str, Any]
    ) -> None:
        self.space, self.key, self.metric, self.first, self._shared = space, key, metric, first, shared
        self.size = len(space.left)
        self._nearest = NearestTaken(space)
        self._price: tuple[Any, Floats | None] = (None, None)

    def fresh(self) -> "FarthestFirst":
        """The same with no row taken."""
        other = FarthestFirst.__new__(FarthestFirst)
        other._start(self.space, self.key, self.metric, self.first, self._shared)
        return other

    def take(self, row: int) -> str | None:
        """Take a row; of many taken in turn, only those that matter are ever compared with others."""
        self._nearest.take(row)
        return None

    def gains(self, rows: NDArray[np.int64]) -> Floats:
        """The distance of each row from the nearest taken."""
        if not self._nearest.count:
            return np.full(len(rows), self._distance(self._reach()))
        return self._distance(self._nearest.refresh(rows))

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The open row with the largest gain, per price if given; ties by row."""
        if self._nearest.count:
            row = self._nearest.farthest(open, self._weights(price))
        else:
            row = self._first(open if price is None else open & (price == price[open].min()))
        return row, float(self.gains(np.array([row]))[0])

    def _first(self, open: NDArray[np.bool_]) -> int:
        rows = np.flatnonzero(open)
        if self.first == "random":
            assert self.key is not None
            return int(rows[np.argmax(self.key[rows])])
        return int(rows[np.argmin(self._from_mean()[rows])]) if self.first == "medoid" else int(rows[0])

    def _from_mean(self) -> Floats32:
        if "from mean" not in self._shared:
            self._shared["from mean"] = from_mean(self.space)
        found: Floats32 = self._shared["from mean"]
        return found

    def _reach(self) -> Floats:
        """What no distance exceeds, as `NearestTaken` has distances."""
        if "reach" not in self._shared:
            matrix = self.space.kind == MATRIX
            self._shared["reach"] = largest_of(self.space.left) if matrix else 4.0 * float(self._from_mean().max())
        return np.array(self._shared["reach"])

    def _distance(self, near: Floats) -> Floats:
        """Distances as the metric has them."""
        if self.metric == "euclidean":
            return np.asarray(np.sqrt(near) * self.space.unit)
        return near / 2 if self.metric == "cosine" else near

    def _weights(self, price: Floats | None) -> Floats | None:
        """What distances, as `NearestTaken` has them, are multiplied with to be in the order of gain per price."""
        if self._price[0] is not price:
            squared = self.metric == "euclidean" and price is not None
            self._price = (price, None if price is None else 1 / (price * price if squared else price))
        return self._price[1]

"""D² sampling: each next row at random, with odds of its squared distance to the nearest row taken."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tamis.ops.hashing import mix64
from tamis.ops.nearest_taken import FACTORS, NearestTaken, Space, from_mean
from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]


class D2Sampling(SetFunction):
    """Rows as k-means++ draws its seeds: `P(i) ∝ min_j ‖x_i − x_j‖²` over the rows j taken.

    A gain is that squared distance. Each step is a race of exponential clocks, `-ln(u_i) / gain_i`, whose u_i are of
    the row's key and the step: an exact draw, which does not depend on the order of rows. Where all that is left lies
    where a row was taken, rows are drawn evenly.

    Args:
        space: `points` or `factors` of `tamis.ops.nearest_taken`.
        key: `uint64 [n]`, the only source of chance.
        first: what to take when nothing is taken: any row evenly, whose gains are the square of what no distance
            exceeds; or, as if the origin had been taken, the row with the largest norm, whose square is its gain.

    O(n) memory; a draw takes n hashes and few distances.

    Examples:
        >>> from tamis.ops.nearest_taken import points
        >>> function = D2Sampling(points(np.array([[0.0], [3.0], [0.0]], np.float32)), np.arange(3, dtype=np.uint64))
        >>> function.take(0), function.best(np.array([False, True, True]))
        (None, (1, 9.0))

    Source: Arthur and Vassilvitskii 2007, k-means++: The Advantages of Careful Seeding.
    """

    submodular = False

    def __init__(
        self, space: Space, key: NDArray[np.uint64], *, first: Literal["uniform", "largest"] = "uniform"
    ) -> None:
        self.space, self.key, self.first, self.size = space, key, first, len(space.left)
        self._nearest = NearestTaken(space)
        self._before: Floats | None = None
        self._price: tuple[Any, Floats | None] = (None, None)

    def fresh(self) -> "D2Sampling":
        """The same with no row taken."""
        return D2Sampling(self.space, self.key, first=self.first)

    def take(self, row: int) -> str | None:
        """Take a row."""
        self._nearest.take(row)
        return None

    def gains(self, rows: NDArray[np.int64]) -> Floats:
        """The squared distance of each row from the nearest taken."""
        near = self._nearest.refresh(rows) if self._nearest.count else self._at_first()[rows]
        return np.asarray(near * self.space.unit**2)

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """One open row, drawn with odds of its gain, per price if given."""
        if self._nearest.count:
            row = self._nearest.race(open, self.key, self._nearest.count, self._weights(price))
        else:
            row = self._largest(open) if self.first == "largest" else -1
        row = row if row >= 0 else self._evenly(open)
        return row, float(self.gains(np.array([row]))[0])

    def _largest(self, open: NDArray[np.bool_]) -> int:
        return int(np.argmax(np.where(open, self._at_first(), -1.0)))

    def _evenly(self, open: NDArray[np.bool_]) -> int:
        rows = np.flatnonzero(open)
        return int(rows[np.argmax(mix64(self.key[rows] + np.uint64(self._nearest.count)))])

    def _at_first(self) -> Floats:
        """Gains with nothing taken."""
        if self.space.kind == FACTORS:
            return self.space.norms
        if self._before is None:
            self._before = np.full(self.size, 4.0 * float(from_mean(self.space).max()))
        return self._before

    def _weights(self, price: Floats | None) -> Floats | None:
        if self._price[0] is not price:
            self._price = (price, None if price is None else 1 / price)
        return self._price[1]

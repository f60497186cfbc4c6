"""A set function for each stratum, and a greedy in which the stratum that is furthest behind its share goes next."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Stratified(SetFunction):
    """The sum of set functions of disjoint strata, of which `best` divides the rows in proportion.

    A stratum of which t rows are taken stands at `(t + 1/2) / share`, as in Webster's apportionment, or at 0 while it
    has none, so that no stratum stays empty longer than need be; the one that stands lowest goes next. Of equal ones
    that with the larger share goes first, then the one with the larger gain, then that of the smaller row. Hence every
    prefix is divided, and a stratum without open rows leaves its turn to the others.

    Args:
        stratum: `int64 [n]`, codes from 0.
        functions: the function of each stratum, on its rows in ascending order.
        share: `float64 [strata]`, at least 0, need not sum to 1.

    Examples:
        >>> from tamis.ops.facility_location import FacilityLocation
        >>> from tamis.ops.greedy import maximise
        >>> functions = [FacilityLocation(np.eye(size, dtype=np.float32)) for size in (4, 2)]
        >>> function = Stratified(np.array([1, 0, 0, 1, 0, 0]), functions, np.array([4.0, 2.0]))
        >>> maximise(function, 6)[0]
        array([1, 0, 2, 4, 3, 5])
    """

    divided = True

    def __init__(self, stratum: NDArray[np.int64], functions: Sequence[SetFunction], share: Floats) -> None:
        self.size, self.stratum, self.functions, self.share = len(stratum), stratum, list(functions), share
        self.submodular = all(function.submodular for function in functions)
        by_stratum = np.argsort(stratum, kind="stable")
        self.members = np.split(by_stratum, np.cumsum(np.bincount(stratum, minlength=len(functions)))[:-1])
        self.place = np.empty(self.size, np.int64)
        for rows in self.members:
            self.place[rows] = np.arange(len(rows))
        self.counts = np.zeros(len(functions), np.int64)
        self._asked: tuple[Any, Any] = (None, None)
        self._reset()

    def _reset(self) -> None:
        """Forget which rows were open."""
        self.closed = np.zeros(len(self.functions), bool)
        self.open = [np.zeros(len(rows), bool) for rows in self.members]
        self.found: dict[int, tuple[int, float]] = {}

    def gains(self, rows: Rows) -> Floats:
        """Those of each row in its own stratum."""
        out = np.empty(len(rows))
        for code in np.unique(self.stratum[rows]).tolist():
            mine = self.stratum[rows] == code
            out[mine] = self.functions[code].gains(self.place[rows[mine]])
        return out

    def take(self, row: int) -> str | None:
        """Take a row."""
        code = int(self.stratum[row])
        self.counts[code] += 1
        self.found.pop(code, None)
        return self.functions[code].take(int(self.place[row]))

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The best open row, per price if given, of the stratum that is furthest behind."""
        if self._asked[0] is not open or self._asked[1] is not price:
            self._reset()
            self._prices = [None if price is None else price[rows] for rows in self.members]
            self._asked = (open, price)
        with np.errstate(divide="ignore"):
            stands = np.where(self.counts == 0, 0.0, (self.counts + 0.5) / self.share)
        while True:
            left = np.flatnonzero(~self.closed)
            lowest = left[stands[left] == stands[left].min()]
            lowest = lowest[self.share[lowest] == self.share[lowest].max()]
            found = [self._best_of(code, open) for code in lowest.tolist()]
            known = [each for each in found if each is not None]
            if known:
                return min(known, key=lambda each: (-each[1] / (1.0 if price is None else price[each[0]]), each[0]))

    def _best_of(self, code: int, open: NDArray[np.bool_]) -> tuple[int, float] | None:
        """The best open row of a stratum, which stays the best until a row is taken there or it is closed."""
        if code not in self.found or not open[self.found[code][0]]:
            mine, rows = self.open[code], self.members[code]
            np.take(open, rows, out=mine)
            if not mine.any():
                self.closed[code] = True
                return None
            place, gain = self.functions[code].best(mine, self._prices[code])
            self.found[code] = int(rows[place]), gain
        return self.found[code]

    def fresh(self) -> "Stratified":
        """The same with no row taken."""
        return Stratified(self.stratum, [function.fresh() for function in self.functions], self.share)

    def weights(self, rows: Rows) -> NDArray[np.float32]:
        """Those of each row in its own stratum."""
        out = np.ones(len(rows), np.float32)
        for code in np.unique(self.stratum[rows]).tolist():
            mine = self.stratum[rows] == code
            weights = self.functions[code].weights(self.place[rows[mine]])
            out[mine] = 1 if weights is None else weights
        return out

"""Facility location: how similar each point is to the nearest of the rows taken, summed over points."""

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.greedy import Lazy
from tamis.ops.listed import listed
from tamis.ops.products import COMPILED_FROM, Products
from tamis.ops.similarity import Metric, Sparse, most_similar, similarities, unit_rows
from tamis.ops.threads import in_threads
from tamis.vocabulary import Points

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]

_NONE = np.empty(0)
_ROWS = 256  # whose gains a thread makes at once


class FacilityLocation(Lazy):
    """`F(S) = Σ_i m_i max(0, max_{j ∈ S} s_ij)`, monotone and submodular, with a lazy greedy that is compiled.

    A gain is `Σ_i m_i max(0, s_ij − c_i)`, with c_i the similarity of point i to the nearest row taken, summed in
    float64. `best` looks again only at rows whose earlier gain may still be the largest (Minoux 1978): for similarities
    of real vectors five to eight times n rows in all, each `O(n)`.

    Args:
        similar: `float32 [n, p]`, at least 0: entry `[j, i]` says how similar candidate j is to point i. Where it is
            square, candidates are the points.
        mass: `float64 [p]`, m, what each point counts; 1 without it.

    Examples:
        >>> function = FacilityLocation(np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]], np.float32))
        >>> function.best(np.ones(3, bool))
        (0, 1.5)
        >>> _ = function.take(0)
        >>> function.gains(np.array([1, 2])), function.weights(np.array([0]))
        (array([0.5, 1. ]), array([3.], dtype=float32))

    Source: Mirchandani and Francis 1990, Discrete Location Theory; Lin and Bilmes 2011 for data subsets.
    """

    def __init__(self, similar: Floats32, mass: Floats | None = None) -> None:
        super().__init__(len(similar))
        self.similar = np.ascontiguousarray(similar, np.float32)
        self.points = self.similar.shape[1]
        self.compiled = max(self.similar.shape) > COMPILED_FROM
        self._begin(mass)

    def _begin(self, mass: Floats | None) -> None:
        """The state in which no row is taken."""
        self.mass = None if mass is None or bool((mass == 1).all()) else mass
        self.covered: NDArray[Any] = np.zeros(self.points, np.float32 if self.compiled else np.float64)
        self.state = np.zeros(3, np.int64)  # rows in the heap, rows taken, gains computed
        self.first: list[Floats] = []  # of all rows when none is taken, once that is known; shared with what is fresh
        self._arrays: tuple[Any, ...] = ()

    def gains(self, rows: Rows) -> Floats:
        """What each row would add."""
        if self.compiled and len(rows) <= _ROWS:
            return self._gains_of(rows)
        if self.compiled:
            return np.concatenate(in_threads(self._gains_of, np.split(rows, range(_ROWS, len(rows), _ROWS))))
        similar = self.similar[rows] if len(rows) != 1 else self.similar[rows[0] : rows[0] + 1]
        more = similar - self.covered
        np.maximum(more, 0, out=more)
        if self.mass is not None:
            more *= self.mass
        return np.asarray(np.add.reduce(more, axis=1))

    def _take(self, row: int) -> None:
        self.state[1] += 1
        np.maximum(self.covered, self.similar[row], out=self.covered)

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The open row with the largest gain, per price if given; ties by row."""
        if not self.compiled:
            return super().best(open, price)
        if self._asked[0] is not open or self._asked[1] is not price:
            self._gather(open, price)
        row = self._best_of(open, *self._arrays)
        return row, float(self._arrays[2][row])

    def _gather(self, open: NDArray[np.bool_], price: Floats | None) -> None:
        """Make the heap of the open rows; gains known from earlier steps stay as bounds."""
        from tamis.ops._facility_kernels import heapify

        if not self._arrays:
            if not self.first and not self.taken:
                self.first.append(self.gains(np.arange(self.size)))
            gain = self.first[0].copy() if self.first else self.gains(np.arange(self.size))
            stamp = np.full(self.size, 0 if self.first else self.state[1])
        else:
            _, _, gain, stamp, _, _ = self._arrays
        worth = gain if price is None else gain / price
        heap = np.flatnonzero(open)
        self.state[0] = len(heap)
        heapify(worth, heap, len(heap))
        self._arrays = (_NONE if price is None else price, worth, gain, stamp, heap, self.state)
        self._asked = (open, price)

    def _gains_of(self, rows: Rows) -> Floats:
        from tamis.ops._facility_kernels import gains

        out = np.empty(len(rows))
        gains(self.similar, self.covered, _NONE if self.mass is None else self.mass, rows, out)
        return out

    def _best_of(self, *heap: Any) -> int:
        from tamis.ops._facility_kernels import best

        return int(best(self.similar, self.covered, _NONE if self.mass is None else self.mass, *heap))

    def fresh(self) -> "FacilityLocation":
        """The same with no row taken, on the same similarities."""
        other = FacilityLocation(self.similar, self.mass)
        other.first = self.first
        return other

    def weights(self, rows: Rows) -> NDArray[np.float32]:
        """The mass of the points that each row is the most similar one to; together they are that of all points.

        Of rows that are as similar the earlier one counts. Where candidates are the points, a row stands for itself, so
        that its weight is at least its own mass.
        """
        most, owner = self.similar[rows[0]].copy(), np.zeros(self.points, np.int64)
        for at, row in enumerate(rows.tolist()):
            nearer = self.similar[row] > most
            most[nearer], owner[nearer] = self.similar[row, nearer], at
        return self._weighed(rows, owner)

    def _weighed(self, rows: Rows, owner: NDArray[np.int64]) -> NDArray[np.float32]:
        if self.size == self.points:
            owner[rows] = np.arange(len(rows))
        return np.bincount(owner, self.mass, len(rows)).astype(np.float32)


class SparseFacilityLocation(FacilityLocation):
    """Facility location of which each point knows only some candidates; what is missing is a similarity of 0.

    Gains are lower bounds of those with all similarities. A row has as much memory and time as there are points that
    list it: `8 m n` bytes in all for m candidates a point, `O(m)` for a gain in the mean.

    Args:
        near: the candidates of each of n points, itself among them where they are the points, and how similar they are.
        mass: `float64 [n]`; 1 without it.
        size: how many candidates there are, where these are not the points.

    Examples:
        >>> near = most_similar(np.array([[1, 0], [2, 0.1], [0, 1]], np.float32), 1, own=True)
        >>> SparseFacilityLocation(near).gains(np.arange(3)).round(3)
        array([1.999, 2.049, 1.   ])
    """

    def __init__(self, near: Sparse, mass: Floats | None = None, size: int | None = None) -> None:
        from tamis.ops._facility_kernels import by_candidate

        Lazy.__init__(self, len(near.starts) - 1 if size is None else size)
        starts = np.concatenate([[0], np.cumsum(np.bincount(near.columns, minlength=self.size))])
        self.near = (starts, np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32))
        by_candidate(*near, starts[:-1].copy(), *self.near[1:])
        self.points, self.compiled = len(near.starts) - 1, True
        self._begin(mass)

    def _of(self, row: int) -> tuple[NDArray[np.int32], Floats32]:
        """The points that list a row, and how similar it is to them."""
        starts, points, values = self.near
        return points[starts[row] : starts[row + 1]], values[starts[row] : starts[row + 1]]

    def _take(self, row: int) -> None:
        self.state[1] += 1
        points, values = self._of(row)
        self.covered[points] = np.maximum(self.covered[points], values)

    def _gains_of(self, rows: Rows) -> Floats:
        from tamis.ops._facility_kernels import sparse_gains

        out = np.empty(len(rows))
        sparse_gains(*self.near, self.covered, _NONE if self.mass is None else self.mass, rows, out)
        return out

    def _best_of(self, *heap: Any) -> int:
        from tamis.ops._facility_kernels import sparse_best

        return int(sparse_best(*self.near, self.covered, _NONE if self.mass is None else self.mass, *heap))

    def fresh(self) -> "SparseFacilityLocation":
        """The same with no row taken, on the same similarities."""
        other = copy(self)
        Lazy.__init__(other, self.size)
        other._begin(self.mass)
        other.first = self.first
        return other

    def weights(self, rows: Rows) -> NDArray[np.float32]:
        """As with all similarities; a point that lists none of the rows counts for the first one."""
        most, owner = np.zeros(self.points, np.float32), np.zeros(self.points, np.int64)
        for at, row in enumerate(rows.tolist()):
            points, values = self._of(row)
            nearer = values > most[points]
            most[points[nearer]], owner[points[nearer]] = values[nearer], at
        return self._weighed(rows, owner)


class Covering(SparseFacilityLocation):
    """Facility location of rows that cover points which are more than these rows, each with a list of some rows.

    Args:
        points: p points.
        x: `float32 [n, d]`, the candidates.
        mass: `float64 [p]`; 1 without it.
        metric: as in `tamis.ops.listed`.

    Examples:
        >>> pool = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)
        >>> function = Covering(Points(pool, np.arange(4), 2), pool[[0, 3]])
        >>> function.gains(np.arange(2)).round(3), function.weights(np.arange(2))
        (array([2.095, 2.293]), array([2., 2.], dtype=float32))
    """

    def __init__(self, points: Points, x: Floats32, mass: Floats | None = None, *, metric: Metric = "cosine") -> None:
        super().__init__(listed(points, x, points.listed, metric=metric), mass, len(x))
        self.sources = points, x, metric

    def weights(self, rows: Rows) -> NDArray[np.float32]:
        """The mass of the points that each row is the most similar one to, also of points that list none of them."""
        points, x, metric = self.sources
        owner = listed(points, x[rows], 1, metric=metric).columns
        return np.bincount(owner, self.mass, len(rows)).astype(np.float32)


def facility_location(
    x: Floats32, mass: Floats | None = None, points: Points | None = None, *, metric: Metric = "cosine",
    neighbours: int = 0,
) -> FacilityLocation:  # fmt: skip
    """Facility location of rows that are both candidates and points, or that cover other points.

    Args:
        x: `float32 [n, d]`, or the similarities `[n, n]` if precomputed, where `[i, j]` says how similar j is to i.
        mass: `float64 [n]`, what each point counts; 1 without it.
        points: what is covered instead of the rows; mass is theirs, and `precomputed` is not for them.
        metric: as in `tamis.ops.similarity`.
        neighbours: how many candidates a point knows beside itself; 0 for all.

    Returns:
        The function, after `O(n² d)` time. `4 n² + 8 n d` bytes, or `n max(20 m + 20, 12 m + 8 d) + 400 n` with m
        neighbours, of which `8 n (m + 1)` stay; `20 p m` for p points that list m rows each.
    """
    if neighbours < 0:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"neighbours={neighbours}", accepted="0 for all, or a positive number")
    if points is not None:
        return Covering(points, x, mass, metric=metric)
    if neighbours:
        near = most_similar(x, neighbours, metric=metric, own=True)
        return SparseFacilityLocation(near, mass) if len(x) > COMPILED_FROM else FacilityLocation(_dense(near), mass)
    if metric == "cosine":
        return _of_units(unit_rows(x), mass)
    similar = similarities(x, metric=metric)
    return FacilityLocation(similar if metric != "precomputed" or _is_symmetric(x) else similar.T, mass)


def _is_symmetric(x: Floats32) -> bool:
    """Whether a square matrix is, told block by block, since a column is slow to read."""
    parts = [slice(start, start + _ROWS) for start in range(0, len(x), _ROWS)]
    return all(np.array_equal(x[i, j], x[j, i].T) for at, i in enumerate(parts) for j in parts[at:])


def bytes_of(n: float, d: float, neighbours: int = 0) -> float:
    """Bytes that `facility_location` takes of n vectors of d numbers, beside these."""
    if not neighbours:
        return 4 * n * n + 8 * n * d
    return n * (max(20 * neighbours + 20, 12 * neighbours + 8 * d) + 400)


def _of_units(units: Floats32, mass: Floats | None) -> FacilityLocation:
    """The function of cosines, with the gains of the first step made while similarities are in the cache."""
    n = len(units)
    first, rows = np.empty(n), np.arange(n)
    if n <= COMPILED_FROM:
        return FacilityLocation(Products(units).of(units, floor=0), mass)
    from tamis.ops._facility_kernels import gains

    none, weight = np.zeros(n, np.float32), _NONE if mass is None else mass

    def begin(part: slice, made: Floats32) -> None:
        gains(made, none, weight, rows[: len(made)], first[part])

    function = FacilityLocation(Products(units).of(units, floor=0, then=begin), mass)
    function.first.append(first)
    return function


def _dense(near: Sparse) -> Floats32:
    """A row for each candidate, 0 where a point does not list it."""
    n = len(near.starts) - 1
    similar = np.zeros((n, n), np.float32)
    similar[near.columns, np.repeat(np.arange(n), np.diff(near.starts))] = near.values
    return similar

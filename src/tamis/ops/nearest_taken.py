"""How far each row is from the nearest row taken so far, worked out only where it can matter.

Farthest-first and D² sampling look for one row at a time, and distances to the nearest taken row only shrink. So what
was found earlier is a bound, and few rows have to be compared with the rows taken since. Results are those of a loop
that compares every row with every row taken, to the bit.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]
Open = NDArray[np.bool_]

COMPILED_FROM = 1000  # rows; NumPy does below that, so that nothing is compiled or loaded
BLOCK_BYTES = 1 << 20
ROWS = 256  # a bound is kept for each block of so many rows
POINTS, FACTORS, MATRIX = 0, 1, 2
FREE, MOST = 512, 2048  # rows taken whose distances to each other are kept: as a trial, and at most
_SMALL, _LARGE = 2.0**-30, 2.0**50


class Space(NamedTuple):
    """Where rows lie, with `unit` times the distance of what the arrays hold.

    `kind` POINTS: rows of `left`, and distances are squared. FACTORS: outer products of the rows of `right` and `left`,
    whose squared lengths are `norms`, and distances are squared. MATRIX: `left[i, j]` is how far j is from i.
    """

    kind: int
    left: Floats32
    right: Floats32
    norms: Floats
    unit: float = 1.0


_NO_MATRIX, _NO_NUMBERS = np.empty((0, 0), np.float32), np.empty(0)


def points(x: Floats32) -> Space:
    """Rows `float32 [n, d]` as points. Numbers whose squares float32 cannot hold are scaled by a power of 2, in a copy.

    Examples:
        >>> points(np.array([[2.0**100], [-(2.0**99)]], np.float32)).left.tolist()
        [[0.5], [-0.25]]
    """
    x = np.ascontiguousarray(x, np.float32)
    largest, unit = largest_of(x), 1.0
    if largest and not _SMALL < largest < _LARGE:
        unit = 2.0 ** int(np.frexp(largest)[1])
        x = (x * np.float64(1 / unit)).astype(np.float32)
    return Space(POINTS, x, _NO_MATRIX, _NO_NUMBERS, unit)


def factors(right: Floats32, left: Floats32) -> Space:
    """Outer products `right[i] ⊗ left[i]`, which are never made: `float32 [n, k]` and `[n, d]`.

    `‖g_i − g_j‖² = ‖a_i‖²‖h_i‖² + ‖a_j‖²‖h_j‖² − 2 (a_i·a_j)(h_i·h_j)` in float64, where rounding goes below 0 it is 0.
    """
    left, right = np.ascontiguousarray(left, np.float32), np.ascontiguousarray(right, np.float32)
    norms = np.empty(len(left))
    if len(left) <= COMPILED_FROM:
        norms[:] = _products(left, left) * _products(right, right)
    else:
        from tamis.ops._distance_kernels import factored_norms

        factored_norms(left, right, norms)
    return Space(FACTORS, left, right, norms)


def matrix(x: Floats32) -> Space:
    """A square matrix of distances, none of them negative: `x[i, j]` is how far j is from i."""
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise refusals.DISTANCES_NOT_SQUARE("metric=precomputed", rows=x.shape[0], columns=x.shape[-1])
    x = np.ascontiguousarray(x, np.float32)
    for start, block in blocks(x):
        if block.min() < 0:
            row, other = divmod(int(np.argmax(block < 0)), len(x))
            raise BadRow(start + row, refusals.DISTANCE_NEGATIVE, other=other, value=block[row, other])
    return Space(MATRIX, x, _NO_MATRIX, _NO_NUMBERS)


def blocks(x: Floats32) -> Any:
    """The first row of each block of rows, and the block."""
    size = max(1, BLOCK_BYTES // (8 * max(x.shape[1], 1)))
    return ((start, x[start : start + size]) for start in range(0, len(x), size))


def largest_of(x: Floats32) -> float:
    """The largest absolute value."""
    return max((max(float(block.max(initial=0)), -float(block.min(initial=0))) for _, block in blocks(x)), default=0.0)


def mean_of(x: Floats32, axis: int = 0) -> Floats:
    """Means that do not depend on the order of what is added: numbers are put on a grid on which sums are exact."""
    count, largest = x.shape[axis], largest_of(x)
    steps = 2.0 ** (52 - int(np.frexp(largest)[1]) - int(np.ceil(np.log2(max(count, 2)))))
    sums = [np.rint(block * np.float64(steps)).sum(axis=axis) for _, block in blocks(x)]
    return np.asarray((np.sum(sums, axis=0) if axis == 0 else np.concatenate(sums)) / (steps * count))


def from_mean(space: Space) -> Floats32:
    """The squared distance of each point from the mean; of a matrix each row's mean distance: `float32 [n]`."""
    if space.kind == MATRIX:
        return mean_of(space.left, axis=1).astype(np.float32)
    mean = mean_of(space.left).astype(np.float32)[None]
    if len(space.left) <= COMPILED_FROM:
        return squares(space.left, mean)
    from tamis.ops._distance_kernels import squared_to

    found = np.empty(len(space.left), np.float32)
    squared_to(space.left, mean, found)
    return found


def squares(x: Floats32, one: Floats32) -> Floats32:
    """Squared distances of rows `float32 [n, d]` to one row `[1, d]`, added in the order of the compiled kernel."""
    apart = x - one
    apart *= apart
    full = x.shape[1] & -16
    lanes = apart[:, :full].reshape(len(x), full // 16, 16).sum(axis=1, dtype=np.float32)
    for half in (8, 4, 2, 1):
        lanes = lanes[:, :half] + lanes[:, half:]
        if x.shape[1] & half:
            lanes += apart[:, full : full + half]
            full += half
    return np.asarray(lanes[:, 0], np.float32)


def _products(x: Floats32, y: Floats32) -> Floats:
    return np.asarray((x.astype(np.float64) * y).sum(axis=1))


def bytes_of(n: float, k: float) -> float:
    """Bytes of what is kept beside the rows themselves when k of n are taken farthest-first."""
    wide = 2.0 ** np.ceil(np.log2(min(max(k, FREE), MOST)))
    return float(20 * n + 8 * k + (4 * wide**2 if n > COMPILED_FROM else 0))


class NearestTaken:
    """The rows taken, and `near`, at least the distance of each row from the nearest of them: infinite with none.

    16 n bytes, and above 1,000 rows up to 4 · 2048² for the distances of the rows taken to each other. By those many
    are spared: what is at least twice as far from a row's nearest as that is from the row cannot be nearer. They are
    given up where they spare less than they cost.
    """

    def __init__(self, space: Space) -> None:
        n = len(space.left)
        self.space, self.count = space, 0
        self.near = np.full(n, np.inf)
        self.compiled = n > COMPILED_FROM
        if self.compiled:
            self._taken = np.empty(64, np.int64)
            self._stamp, self._centre = np.zeros(n, np.int32), np.zeros(n, np.int32)
            self._bounds = np.empty(-(-n // ROWS))
            self._apart, self._known, self._full = np.empty((0, 0), np.float32), 0, space.kind != POINTS
            self.tally = np.zeros(2, np.int64)  # distances worked out, and those that what is apart spared
            self._asked: tuple[Any, Any] = (None, None)

    def take(self, row: int) -> None:
        """Take a row, which is never found again."""
        if self.compiled:
            if self.count == len(self._taken):
                self._taken = np.concatenate([self._taken, np.empty_like(self._taken)])
            self._taken[self.count] = row
        else:
            np.minimum(self.near, self._distances(row), out=self.near)
        self.near[row] = -1.0
        self.count += 1

    def refresh(self, rows: Rows) -> Floats:
        """The distance of each of these rows from the nearest row taken; 0 of a taken one."""
        if self.compiled:
            from tamis.ops._distance_kernels import refresh_rows

            self._run(refresh_rows, np.ascontiguousarray(rows, np.int64))
        return np.asarray(np.maximum(self.near[rows], 0.0))

    def farthest(self, open: Open, weights: Floats | None = None) -> int:
        """The open row with the largest distance, times its weight if given; ties by row."""
        if not self.compiled:
            worth = self.near if weights is None else self.near * weights
            return int(np.argmax(np.where(open, worth, -np.inf)))
        from tamis.ops._distance_kernels import farthest

        if self._asked[0] is not open or self._asked[1] is not weights:
            self._bounds[:], self._asked = np.inf, (open, weights)
        self._compare()
        return int(self._run(farthest, open, _NO_NUMBERS if weights is None else weights, self._bounds))

    def race(self, open: Open, key: NDArray[np.uint64], step: int, weights: Floats | None = None) -> int:
        """An open row with odds of its distance, times its weight if given; -1 if all odds are 0.

        Row i finishes after `-ln(u_i) / odds_i`, with u_i of its key and the step, and the first wins.
        """
        if self.compiled:
            from tamis.ops._distance_kernels import race

            self._compare()
            weights = _NO_NUMBERS if weights is None else weights
            return int(self._run(race, open, weights, key, np.uint64(step)))
        from tamis.ops.choosers import uniform
        from tamis.ops.hashing import mix64

        rows = np.flatnonzero(open)
        odds = self.near[rows] if weights is None else self.near[rows] * weights[rows]
        speed = odds / -np.log(uniform(mix64(key[rows] + np.uint64(step))))
        return int(rows[np.argmax(speed)]) if speed.max(initial=0) > 0 else -1

    def _run(self, kernel: Any, *more: Any) -> Any:
        """Call a kernel on all that is known so far."""
        state = (self._taken, self.count, self.near, self._stamp, self._centre, self._apart, self._known, self.tally)
        return kernel(*self.space[:4], *state, *more)

    def _compare(self) -> None:
        """Work out how far the rows taken are from each other, until that has cost more than it spared."""
        from tamis.ops._distance_kernels import compare

        x = self.space.left
        rounding = 1 - 8 * (x.shape[1] / 16 + 24) * 2.0**-24
        while self._known < self.count and not self._full:
            if self._known >= FREE and self.tally[1] < self._known**2 / 2:
                if self.tally.sum() < self._known**2:
                    return  # not tried yet, as after many rows in turn
                self._apart, self._known, self._full = np.empty((0, 0), np.float32), 0, True
                return
            if self._known == len(self._apart):
                wider = np.empty((max(FREE, 2 * self._known),) * 2, np.float32)
                wider[: self._known, : self._known] = self._apart
                self._apart = wider
            compare(x, self._taken, self._known, np.float32(rounding / 4), self._apart)
            self._known += 1
            self._full = self._known == MOST

    def _distances(self, row: int) -> Floats:
        """The distance of every row from one."""
        kind, left, right, norms, _ = self.space
        if kind == POINTS:
            return squares(left, left[row : row + 1]).astype(np.float64)
        if kind == MATRIX:
            return np.asarray(left[row], np.float64)
        same = _products(right, right[row : row + 1]) * _products(left, left[row : row + 1])
        return np.asarray(np.maximum(norms + norms[row] - 2 * same, 0))

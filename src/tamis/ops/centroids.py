"""Which centroid each row is nearest to: matrix products find candidates, float64 decides close calls."""

import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.ops.blas import one_blas_thread
from tamis.ops.threads import in_threads

Floats32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

BLOCK_BYTES = 1 << 21  # of one block of rows and its products, which then stay in the cache
COMPILED_FROM = 1 << 21  # operations
_PAIRS = 1 << 14  # of a row and a centroid, compared at once in float64
_ROUNDING, _LEAST = 2.0**-24, 2.0**-149  # of float32: half a step above 1, and the smallest number


class Assigned(NamedTuple):
    """The nearest centroids of each row, nearest first: `label int64 [n, m]` and `distance float64 [n, m]`."""

    label: Rows
    distance: Floats


@one_blas_thread()
def assign(x: Floats32, centroids: Floats32, *, spherical: bool = False, nearest: int = 1) -> Assigned:
    """The nearest centroids of each row, in one pass over the rows in blocks, which may be memory-mapped.

    Distances are `‖x − c‖²`, or `1 − cos(x, c)` if spherical, in float64. They do not depend on which rows are in a
    block, nor on how many threads work. Ties go to the centroid that comes first; equal centroids count once.

    Args:
        x: `float32 [n, d]`, of any length if spherical.
        centroids: `float32 [k, d]`.
        spherical: cosine instead of Euclidean distance.
        nearest: m, how many centroids of each row; all different ones where there are fewer.

    Raises `BadRow` for a row of zeros if spherical. `O(n k d)` time, about 4 MB beside the result.

    Examples:
        >>> found = assign(np.array([[0.0], [9.0]], np.float32), np.array([[1.0], [8.0], [2.0]], np.float32))
        >>> found.label.tolist(), found.distance.tolist()
        ([[0], [1]], [[1.0], [1.0]])
    """
    finder = Nearest(centroids, spherical=spherical)
    m = min(nearest, finder.size)
    label, distance = np.empty((len(x), m), np.int64), np.empty((len(x), m))

    def work(blocks: Iterable[tuple[int, int]]) -> None:
        search = finder.search()
        for start, stop in blocks:
            rows = np.asarray(x[start:stop], np.float32)
            label[start:stop] = search(rows, m)
            for column in range(m):
                distance[start:stop, column] = _distances(rows, centroids[label[start:stop, column]], spherical, start)

    in_blocks(work, len(x), finder.block)
    return Assigned(label, distance)


def in_blocks(work: Callable[[Iterable[tuple[int, int]]], None], rows: int, size: int) -> None:
    """Call `work` with the bounds of every other block of rows, and once more with those of the others."""
    bounds = [(start, min(start + size, rows)) for start in range(0, rows, size)]
    if len(bounds) < 4:
        work(bounds)
    else:
        in_threads(work, (bounds[::2], bounds[1::2]))


class Nearest:
    """Finds the nearest of k centroids for blocks of rows.

    The largest `z·c − ‖c‖²/2` is wanted, for z and c moved so that the centroids' mean is 0 (not moved if spherical,
    and without the second term). Its error in float32 is at most `(d + 4) 2⁻²⁴ (‖z‖ R + R²/2)`, R the largest `‖c‖`;
    where the best two are nearer than twice that, all that could be best are compared in float64, in one fixed way.
    Rows that are `centred` already are not moved.
    """

    def __init__(self, centroids: Floats32, *, spherical: bool = False, centred: bool = False) -> None:
        _, first = np.unique(centroids, axis=0, return_index=True)
        self.places = np.sort(first)
        self.centroids = centroids[self.places]
        self.spherical, (self.size, self.d) = spherical, self.centroids.shape
        exact = self.centroids.astype(np.float64)
        self.centre = exact.mean(axis=0).astype(np.float32) * np.float32(not spherical and not centred)
        exact -= self.centre
        squares = np.einsum("kd,kd->k", exact, exact)
        self.largest = max(float(squares.max()), 1e-74)  # by which all is divided, so that nothing overflows
        self.slope = 2.002 * (self.d + 4) * _ROUNDING / np.sqrt(self.largest)
        self.offset = 1.001 * (self.d + 4) * (_LEAST if spherical else _ROUNDING)
        self.table = np.empty((self.d + 1, self.size), np.float32)
        self.table[:-1] = exact.T / self.largest
        self.table[-1] = squares / (-2 * self.largest) * (not spherical)
        self.block = max(64, BLOCK_BYTES // (4 * (self.size + self.d))) // 64 * 64

    def search(self) -> Callable[[Floats32, int], Rows]:
        """`find(rows, m)` for blocks of rows: their m nearest centroids, `int64 [b, m]`; it keeps two buffers."""
        moved, products = np.ones((self.block, self.d + 1), np.float32), self.products()

        def find(rows: Floats32, m: int) -> Rows:
            shifted = moved[: len(rows)]
            np.subtract(rows, self.centre, out=shifted[:, :-1])
            squares = np.einsum("bd,bd->b", shifted[:, :-1], shifted[:, :-1], dtype=np.float64)
            return self.of(shifted, squares, products, m, rows)

        return find

    def products(self) -> Floats32:
        """A buffer for the products of one block."""
        return np.empty((self.block, self.size), np.float32)

    def of(
        self, moved: Floats32, squares: Floats32 | Floats, buffer: Floats32, m: int = 1, rows: Floats32 | None = None,
        upper: Floats | None = None, lower: Floats | None = None,
    ) -> Rows:  # fmt: skip
        """The m nearest centroids of each row of a block, `int64 [b, m]`.

        Args:
            moved: `float32 [b, d + 1]`, rows less the centre, and 1.
            squares: `[b]`, of their lengths, float32 as `squares_of` has it or float64, which cannot overflow.
            buffer: what `products` makes.
            m: how many.
            rows: the rows themselves; `moved` without its last column if not given.
            upper, lower: `float64 [b]`, filled with bounds: the nearest is at most, all others at least that far.
        """
        rows = moved[:, :-1] if rows is None else rows
        products = np.matmul(moved, self.table, out=buffer[: len(moved)])
        found, best = _largest(products, m)
        margin = self.slope * np.sqrt(squares) + self.offset
        close = np.flatnonzero((best[:, :-1] - best[:, 1:]).min(axis=1) <= margin)
        if len(close):
            enough = best[close, m - 1] - margin[close]
            step = max(1, _PAIRS // self.size)
            for start in range(0, len(close), step):
                part = close[start : start + step]
                found[part] = self._decide(rows, part, products[part] >= enough[start : start + step, None], m)
        if upper is not None and lower is not None:
            sizes = squares.astype(np.float64) * (1 + 2 * (self.d + 4) * _ROUNDING)
            upper[:] = np.sqrt(np.maximum(sizes - 2 * self.largest * (best[:, 0] - margin), 0))
            sizes *= 1 - 4 * (self.d + 4) * _ROUNDING
            lower[:] = np.sqrt(np.maximum(sizes - 2 * self.largest * (best[:, 1] + margin), 0))
        return self.places[found]

    def _decide(self, rows: Floats32, part: Rows, candidate: NDArray[np.bool_], m: int) -> Rows:
        """The m nearest of the candidates `bool [p, k]` of some of the rows, ties to the first."""
        row, column = np.nonzero(candidate)
        left, right = rows[part[row]].astype(np.float64), self.centroids[column].astype(np.float64)
        if self.spherical:
            far = -np.einsum("pd,pd->p", left, right)
        else:
            left -= right
            far = np.einsum("pd,pd->p", left, left)
        order = np.lexsort((column, far, row))
        counts = np.count_nonzero(candidate, axis=1)
        starts = np.cumsum(counts) - counts
        return np.asarray(column[order][starts[:, None] + np.arange(m)])


def squares_of(moved: Floats32) -> Floats32:
    """`‖x‖²` of rows `[x, 1]`, `float32 [b]`."""
    return np.asarray(np.einsum("bd,bd->b", moved[:, :-1], moved[:, :-1]))


def _largest(products: Floats32, m: int) -> tuple[Rows, Floats32]:
    """The places `int64 [b, m]` of the m largest products of each row, and the m + 1 largest, `float32 [b, m + 1]`."""
    found, best = np.empty((len(products), m), np.int64), np.empty((len(products), m + 1), np.float32)
    if m == 1 and (compiled := kernels(0)) is not None:
        compiled.best_two(products.view(np.int32), len(products), found[:, 0], best.view(np.int32))
        return found, best
    every = np.arange(len(products))
    for column in range(m + 1):
        at = products.argmax(axis=1)
        best[:, column] = products[every, at]
        if column < m:
            found[:, column] = at
            products[every, at] = -np.inf
    products[every[:, None], found] = best[:, :m]
    return found, best


def kernels(work: int) -> ModuleType | None:
    """The compiled loops, where so much work is worth loading them or Numba is loaded anyway; else NumPy does it."""
    if work < COMPILED_FROM and "numba" not in sys.modules:
        return None
    from tamis.ops import _kmeans_kernels

    return _kmeans_kernels


def _distances(rows: Floats32, centroids: Floats32, spherical: bool, start: int) -> Floats:
    """`‖x − c‖²`, or `1 − cos(x, c)`, of each row and the centroid beside it; `start` is the first row's place."""
    left, right = rows.astype(np.float64), centroids.astype(np.float64)
    if not spherical:
        left -= right
        return np.asarray(np.einsum("nd,nd->n", left, left))
    sizes = np.einsum("nd,nd->n", left, left)
    if not sizes.min() > 0:
        raise BadRow(start + int(np.argmin(sizes)), refusals.VECTOR_OF_ZEROS)
    sizes *= np.einsum("nd,nd->n", right, right)
    return np.asarray(np.maximum(1 - np.einsum("nd,nd->n", left, right) / np.sqrt(sizes), 0))

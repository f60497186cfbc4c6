"""Near copies within clusters: of each row, the largest cosine to one that comes before it."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.blas import one_blas_thread
from tamis.ops.similarity import unit_rows
from tamis.ops.threads import in_threads

Floats32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_ROWS, _COLUMNS = 512, 8192


@one_blas_thread()
def largest_before(x: Floats32, label: Rows, order: Rows, *, kept_at: float | None = None) -> Floats:
    """The largest cosine of each row to a row of one of its clusters that comes before it; -1 where there is none.

    Rows of a cluster are compared in blocks, all with all, however many they are.

    Args:
        x: `float32 [n, d]`, perhaps memory-mapped, no row all zeros.
        label: `int64 [n, m]`, the m clusters of each row.
        order: `int64 [n]`, the rows in the order in which they come.
        kept_at: compare only with rows that are kept, which are those whose own cosine is at most this; in each
            cluster by itself. Products are then of float64, and take about twice as long.

    Returns:
        `float64 [n]`, from -1 to 1. `O(Σ n_c² d)` time over the sizes of clusters, `12 n m` bytes and those of the
        vectors of the two largest clusters.

    Examples:
        >>> x = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]], np.float32)
        >>> largest_before(x, np.zeros((3, 1), np.int64), np.array([2, 1, 0]))
        array([ 1.,  0., -1.])
    """
    code, row = label[order].ravel(), np.repeat(order, label.shape[1])
    members = np.split(row[np.argsort(code, kind="stable")], np.cumsum(np.bincount(code))[:-1])

    def of(rows: Rows) -> Floats:
        return _largest_before(np.asarray(x[rows], np.float32), kept_at) if len(rows) > 1 else np.full(len(rows), -1.0)

    found = np.full(len(x), -1.0)
    for rows, cosines in zip(members, in_threads(of, members), strict=True):
        found[rows] = np.maximum(found[rows], cosines)
    return found


def _largest_before(x: Floats32, kept_at: float | None) -> Floats:
    """The same for rows of one cluster in their order."""
    n, exact = len(x), x.astype(np.float64)
    squares = np.einsum("nd,nd->n", exact, exact)
    units = unit_rows(x) if kept_at is None else exact
    best, other, kept = np.full(n, -np.inf), np.zeros(n, np.int64), np.ones(n, bool)

    def between(some: slice, others: slice) -> Floats32 | Floats:
        found = units[some] @ units[others].T
        if kept_at is not None:  # what is kept is what the result says, so that both have to be the same number
            sizes = squares[some, None] * squares[others]
            found /= np.sqrt(sizes, out=sizes)
            np.minimum(found, 1, out=found)
        return found

    wide = _COLUMNS if kept_at is None else max(1, _COLUMNS // 8)  # so that memory is no larger
    for start in range(0, n, _ROWS):
        mine = slice(start, min(start + _ROWS, n))
        for column in range(0, start, wide):
            others = slice(column, min(column + wide, start))
            _improve(between(mine, others), kept[others], column, best[mine], other[mine])
        products = between(mine, mine)
        products[np.triu_indices(len(products))] = -np.inf
        if kept_at is not None:
            kept[mine] = _keep(best[mine] <= kept_at, products > kept_at)
        _improve(products, kept[mine], start, best[mine], other[mine])
    cosines = np.einsum("nd,nd->n", exact, x[other], dtype=np.float64) / np.sqrt(squares * squares[other])
    return np.where(np.isneginf(best), -1.0, np.clip(cosines, -1, 1))


def _improve(products: Floats32 | Floats, kept: NDArray[np.bool_], start: int, best: Floats, other: Rows) -> None:
    """Take the largest of `products [b, c]` with rows `start …` that are kept into `best` and `other`, in place."""
    products[:, ~kept] = -np.inf
    at = products.argmax(axis=1)
    largest = products[np.arange(len(at)), at]
    better = largest > best
    best[better], other[better] = largest[better], at[better] + start


def _keep(kept: NDArray[np.bool_], near: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows of a block stay, one after the other: those not near one before it in the block that stayed."""
    for row in np.flatnonzero(near.any(axis=1)).tolist():
        kept[row] &= not (near[row] & kept).any()
    return kept

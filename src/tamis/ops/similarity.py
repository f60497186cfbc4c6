"""How similar rows are to each other: all of them, in row blocks, or only the m most similar to each row.

| `metric` | similarity of a and b | negative |
|---|---|---|
| "cosine" | `a·b / ‖a‖‖b‖`; a row of zeros is refused | 0, unless `signed` |
| "dot" | `a·b` | refused, unless `signed` |
| "euclidean" | `D − ‖a − b‖` with the largest distance D, as in CRAIG | never |
| "precomputed" | `x[a, b]`, where x itself is the square matrix | refused, unless `signed` |

Packages differ under the same names: apricot's "euclidean" is `max d² − d²`, submodlib's `exp(−d / width)`, DeepCore's
cosine `1/2 + cos / 2`.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.ops.products import COMPILED_FROM, Products
from tamis.ops.threads import in_threads

Floats32 = NDArray[np.float32]
Metric = Literal["cosine", "dot", "euclidean", "precomputed"]

_PART = 48  # rows that a thread compares with all others at once
_FINE_BYTES = 1 << 22  # of a block of float32, whose float64 takes several times as much
_SPARE = 8  # candidates beyond m, whose similarities are computed again in float64


class Sparse(NamedTuple):
    """Of each of n rows the most similar ones, best first: `columns[starts[i]:starts[i + 1]]` and their `values`."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Floats32


def unit_rows(x: Floats32) -> Floats32:
    """Rows divided by their lengths, which are summed in float64: `float32 [n, d]`.

    Raises `BadRow` for a row of zeros, which has no direction. `O(n d)` time, no memory beside the result.

    Examples:
        >>> unit_rows(np.array([[3.0, 4.0], [0.0, 2.0]], np.float32)).round(3).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 1.0]]
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", x, x, dtype=np.float64))
    if len(x) and not lengths.min() > 0:
        raise BadRow(int(np.argmin(lengths > 0)), refusals.VECTOR_OF_ZEROS)
    units = np.empty(x.shape, np.float32)
    np.divide(x, lengths[:, None], out=units, casting="same_kind")
    return units


def similarities(
    x: Floats32,
    y: Floats32 | None = None,
    *,
    metric: Metric = "cosine",
    signed: bool = False,
) -> Floats32:
    """The similarity of each row of x to each row of y, or of x itself: `float32 [n, m]`, made in row blocks.

    Args:
        x: `float32 [n, d]`, or the matrix itself if precomputed, which is returned.
        y: `float32 [m, d]`; x without it.
        metric: see the table above.
        signed: keep negative similarities.

    Raises `BadRow` for a row of zeros under cosine, and for a negative similarity where those are refused. `O(n m d)`
    time.

    Examples:
        >>> similarities(np.array([[0.0], [3.0], [4.0]], np.float32), metric="euclidean").tolist()
        [[4.0, 1.0, 0.0], [1.0, 4.0, 3.0], [0.0, 3.0, 4.0]]
    """
    if metric == "precomputed":
        return square(x, signed=signed)
    if metric == "euclidean":
        return _closeness(x, x if y is None else y)
    if metric == "cosine":
        x, y = unit_rows(x), None if y is None else unit_rows(y)
    found = Products(x if y is None else y).of(x, floor=0 if metric == "cosine" and not signed else -np.inf)
    return found if metric == "cosine" else finite(found) if signed else not_negative(found)


def square(x: Floats32, *, signed: bool = False) -> Floats32:
    """x itself, once it is known to be a square matrix of similarities, none of them negative unless `signed`."""
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise refusals.SIMILARITIES_NOT_SQUARE("metric=precomputed", rows=x.shape[0], columns=x.shape[-1])
    return x if signed else not_negative(x)


def not_negative(similar: Floats32) -> Floats32:
    """`similar` itself, `[n, m]`; raises `BadRow` for the first row that has a negative entry, or none of float32."""
    finite(similar)
    if similar.size and similar.min() < 0:
        row = next(row for row, found in enumerate(similar) if found.min() < 0)
        raise BadRow(row, refusals.SIMILARITY_NEGATIVE, value=similar[row].min())
    return similar


def finite(similar: Floats32) -> Floats32:
    """`similar` itself; raises `BadRow` for the first row with an infinity or NaN, which float32 has for large sums."""
    with np.errstate(over="ignore", invalid="ignore"):
        if similar.size and not np.isfinite(similar.max() - similar.min()):
            row = next(row for row, found in enumerate(similar) if not np.isfinite(found).all())
            raise BadRow(row, refusals.SIMILARITY_TOO_LARGE)
    return similar


def row_blocks(rows: int, columns: int, block_bytes: int) -> Iterator[tuple[int, int]]:
    """Bounds of blocks of rows of a float32 matrix, which follow from its shape alone."""
    size = max(1, block_bytes // (4 * max(columns, 1)))
    for start in range(0, rows, size):
        yield start, min(start + size, rows)


def distances(x: Floats32, y: Floats32) -> NDArray[np.float64]:
    """Euclidean distances `float64 [n, m]`, in float64; those below its rounding error are 0.

    Examples:
        >>> distances(np.array([[0.0, 0.0]], np.float32), np.array([[3.0, 4.0]], np.float32)).tolist()
        [[5.0]]
    """
    left, right = x.astype(np.float64), y.astype(np.float64)
    return apart(_squares(left)[:, None], _squares(right), left @ right.T, x.shape[1])


def outer_distances(a: Floats32, b: Floats32, c: Floats32, d: Floats32) -> NDArray[np.float64]:
    """Distances `float64 [n, m]` between the outer products of rows of a and b, and of rows of c and d.

    None of them is made, since `⟨a ⊗ b, c ⊗ d⟩ = (a·c)(b·d)`. Such a product of the error `p − e_y` of class
    probabilities and the inputs h of the last layer is an example's gradient in that layer.

    Examples:
        >>> one, two = np.array([[1.0, 2.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
        >>> outer_distances(one, two, one, -two).round(6).tolist()
        [[4.472136]]
    """
    p, q, r, s = (each.astype(np.float64) for each in (a, b, c, d))
    products = (p @ r.T) * (q @ s.T)
    return apart((_squares(p) * _squares(q))[:, None], _squares(r) * _squares(s), products, p.shape[1] + q.shape[1])


def _squares(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("nd,nd->n", x, x))


def apart(
    left: NDArray[np.float64], right: NDArray[np.float64], products: NDArray[np.float64], terms: int
) -> NDArray[np.float64]:
    """`√(left + right − 2 products)`, or 0 below the rounding error of products that are sums of so many terms."""
    sizes = left + right
    products *= -2
    products += sizes
    sizes *= 4 * (terms + 4) * np.finfo(np.float64).eps
    products[products < sizes] = 0
    return np.asarray(np.sqrt(products, out=products))


def closeness(rows: int, columns: int, between: Callable[[slice], NDArray[np.float64]]) -> Floats32:
    """`D − d` for distances d, which are asked for in blocks of rows, and the largest of them D: `float32`.

    Examples:
        >>> closeness(2, 2, lambda part: np.array([[0.0, 3.0], [3.0, 0.0]])[part]).tolist()
        [[3.0, 0.0], [0.0, 3.0]]
    """
    found = np.empty((rows, columns), np.float32)

    def fill(bounds: tuple[int, int]) -> np.float32:
        part = slice(*bounds)
        with np.errstate(over="ignore"):
            found[part] = between(part)
        return np.float32(found[part].max(initial=0))

    largest = max(in_threads(fill, row_blocks(rows, columns, _FINE_BYTES)), default=np.float32(0))
    return np.subtract(largest, found if np.isfinite(largest) else finite(found), out=found)


def _closeness(x: Floats32, y: Floats32) -> Floats32:
    centre = y.mean(axis=0, dtype=np.float64).astype(np.float32)
    x, y = x - centre, y - centre
    return closeness(len(x), len(y), lambda part: distances(x[part], y))


def most_similar(x: Floats32, m: int, *, metric: Metric = "cosine", signed: bool = False, own: bool = False) -> Sparse:
    """The m rows that are most similar to each row, itself left out; all others where there are fewer than m.

    A matrix product in float32 finds m + 8 candidates of each row, whose similarities are then computed in float64.
    Ties go to the smaller row. Entry `[a, b]` of a precomputed matrix says how similar b is to a.

    Args:
        x: `float32 [n, d]`, or the matrix `[n, n]` if precomputed.
        m: how many, at least 1.
        metric: see the table above; the D of "euclidean" is the largest distance of all.
        signed: keep negative similarities; without it cosines below 0 are 0, and stay listed.
        own: list each row itself too, before the others.

    Returns:
        `Sparse`, each row with `min(m, n - 1)` others. `O(n² d)` time, `12 n m + 8 n d + 384 n` bytes.

    Examples:
        >>> found = most_similar(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]], np.float32), 1)
        >>> found.columns.tolist(), found.values.round(3).tolist()
        ([1, 0, 1], [0.9950000047683716, 0.9950000047683716, 0.10000000149011612])
    """
    n, given = len(x), metric == "precomputed"
    kept = min(m, n - 1)
    wanted, width = kept if given else min(n - 1, m + _SPARE), kept + own
    x, less, power = _prepared(x, metric, signed)
    others = None if given else Products(x)
    columns, values = np.empty((n, width), np.int64), np.empty((n, width), np.float32)

    def search(start: int) -> float:
        part = slice(start, start + _PART)
        block = np.ascontiguousarray(x[part]) if others is None else others.of(x[part])
        places, lowest = top_columns(block, less, start, wanted)
        exact = _exactly(x, x[part], places, metric)
        order = np.argsort(-exact, axis=1, kind="stable")[:, :kept]
        columns[part, own:] = np.take_along_axis(places, order, axis=1)
        values[part, own:] = np.take_along_axis(exact, order, axis=1)
        return float((less[part] - lowest).max())

    farthest = max(in_threads(search, range(0, n, _PART)))
    if own:
        columns[:, 0] = np.arange(n)
        values[:, 0] = {"cosine": 1, "euclidean": 0}[metric] if metric in ("cosine", "euclidean") else _own(x, given)
    if metric == "euclidean":
        values += max(np.float32(np.sqrt(2 * max(farthest, 0.0))), -values.min(initial=0))
        np.ldexp(values, power, out=values)
    elif metric == "cosine" and not signed:
        np.maximum(values, 0, out=values)
    elif not signed:
        not_negative(values)
    return Sparse(np.arange(n + 1) * width, columns.ravel(), values.ravel())


def _exactly(x: Floats32, rows: Floats32, places: NDArray[np.int64], metric: Metric) -> NDArray[np.float64]:
    """Similarities in float64 of each of some rows to the places listed for it; of distances their negative."""
    if metric == "precomputed":
        return np.take_along_axis(rows, places, axis=1).astype(np.float64)
    found = np.empty(places.shape)
    for start, stop in row_blocks(len(rows), places.shape[1] * x.shape[1], _FINE_BYTES // 2):
        others, these = x[places[start:stop]].astype(np.float64), rows[start:stop, None].astype(np.float64)
        if metric == "euclidean":
            found[start:stop] = -np.linalg.norm(others - these, axis=2)
        else:
            found[start:stop] = np.einsum("tkd,tkd->tk", others, these)
    return found


def _own(x: Floats32, given: bool) -> NDArray[np.float32]:
    """How similar each row is to itself, by its dot product or as it is given."""
    return np.diagonal(x) if given else np.asarray(np.einsum("nd,nd->n", x, x))


def _prepared(x: Floats32, metric: Metric, signed: bool) -> tuple[Floats32, Floats32, int]:
    """Rows, and what to take off their products, so that what is largest is most similar.

    Of distances both are of rows times `2^-power`, the third, so that no square overflows.
    """
    if metric == "precomputed":
        x = square(x, signed=signed)
    elif metric == "cosine":
        x = unit_rows(x)
    elif metric == "euclidean":
        power = int(np.frexp(max(float(x.max()), -float(x.min())))[1])
        x = np.ldexp(x, -power)
        x -= x.mean(axis=0, dtype=np.float64).astype(np.float32)
        return x, np.asarray(np.einsum("nd,nd->n", x, x) / 2), power
    return x, np.zeros(len(x), np.float32), 0


def top_columns(block: Floats32, less: Floats32, start: int | None, wanted: int) -> tuple[NDArray[np.int64], Floats32]:
    """For each row the columns of the largest `block - less`, ascending, and the smallest value of all.

    A row is not among its own columns where the first row is number `start`; equal entries go to the smaller column.
    """
    rows, n = block.shape
    if n <= max(COMPILED_FROM, 1):  # of equal entries argsort keeps the smaller column, as the kernel does
        block = block - less
        lowest = block.min(axis=1)
        if start is not None:
            block[np.arange(rows), np.arange(start, start + rows)] = -np.inf
        return np.sort(np.argsort(-block, axis=1, kind="stable")[:, :wanted], axis=1), lowest
    from tamis.ops import _similarity_kernels as kernels

    found, smallest = np.empty((rows, wanted), np.int64), np.empty(rows, np.float32)
    kernels.top_columns(block, less, -rows if start is None else start, found, smallest)
    found.sort(axis=1)
    return found, smallest

"""k-means: Lloyd or mini-batches, Euclidean or spherical, the same for the same rows in any order."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.errors import BadRow
from tamis.ops.blas import one_blas_thread
from tamis.ops.centroids import Nearest, assign, in_blocks, kernels, squares_of
from tamis.ops.choosers import uniform
from tamis.ops.hashing import mix64
from tamis.ops.similarity import unit_rows

Floats32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Keys = NDArray[np.uint64]

ROWS_PER_SEED = 64
_BLOCK = 1 << 19  # numbers of rows that are copied at once
_ORDER = np.uint64(0x6B6D65616E73)  # so that rows to fit to are not those that methods draw first


class Clusters(NamedTuple):
    """Clusters of n rows, none of them empty.

    `centroids float32 [k, d]`, `label int64 [n]`, and `distance float64 [n]` of each row to its centroid: `‖x − c‖²`,
    or `1 − cos(x, c)` of spherical clusters, whose centroids have length 1.
    """

    centroids: Floats32
    label: Rows
    distance: Floats


@one_blas_thread()
def kmeans(
    x: Floats32,
    k: int,
    key: Keys,
    *,
    spherical: bool = False,
    fit_rows: int | None = None,
    batch: int | None = None,
    iterations: int = 25,
    tolerance: float = 1e-4,
    runs: int = 1,
    start: Floats32 | None = None,
) -> Clusters:
    """Centroids that make `Σ ‖x_i − c_label(i)‖²` small, and the nearest of them for every row.

    The rows with the first keys are the ones that centroids are fitted to, in the order of their keys: rows in another
    order, with their keys, give the same clusters to the bit. First centroids are drawn by `seeds`; Lloyd's algorithm
    or mini-batches move them; an empty cluster gets the row that is farthest from its centroid. There are fewer
    clusters where fewer rows differ.

    Args:
        x: `float32 [n, d]`, perhaps memory-mapped.
        k: how many clusters, at least 1.
        key: `uint64 [n]`, the only source of chance.
        spherical: rows and centroids of length 1, so that `cos` decides.
        fit_rows: fit to so many rows at most; all of them without it.
        batch: rows of a mini-batch (Sculley 2010); Lloyd's algorithm without it.
        iterations: at most, of Lloyd's algorithm; how often mini-batches pass over the rows.
        tolerance: Lloyd's algorithm ends when `Σ ‖Δc‖²` of its centroids is at most that times the mean variance of
            columns, as in scikit-learn.
        runs: how many times, of which the best is kept.
        start: the first centroids `float32 [k, d]`.

    Raises `BadRow` for a row of zeros if spherical. `O(m k d)` time an iteration for the m rows of the fit, and
    `O(n k d)` for all rows; `4 m d` bytes, `256 k d` for seeds and about 13 MB beside the result.

    Examples:
        >>> x = np.array([[0.0], [9.0], [1.0], [9.0]], np.float32)
        >>> found = kmeans(x, 2, np.arange(4, dtype=np.uint64))
        >>> sorted(found.centroids.tolist()), np.bincount(found.label).tolist()
        ([[0.5], [9.0]], [2, 2])

    Source: Lloyd 1982; Arthur and Vassilvitskii 2007; Dhillon and Modha 2001 for the spherical; Sculley 2010.
    """
    order = np.argsort(mix64(key ^ _ORDER), kind="stable")[:fit_rows].copy()
    extended, keys = _gathered(x, order, spherical), key[order]
    rows = extended[:, :-1]
    centre, power = np.zeros(x.shape[1], np.float32), 0
    if not spherical:
        power = int(np.frexp(max(float(rows.max()), -float(rows.min())))[1])
        np.ldexp(rows, -power, out=rows)  # so that no square overflows
        centre = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        rows -= centre
    del order
    found: tuple[float, Floats32] | None = None
    for run in range(runs):
        keys_of_run = _others(keys, run)
        if start is not None:
            first = np.ldexp(start, -power).astype(np.float32) - centre
        else:
            first = rows[seeds(rows, k, keys_of_run)]
        if batch is None:
            centroids = _lloyd(extended, first, spherical, iterations, tolerance)
        else:
            centroids = _minibatch(extended, first, keys_of_run, batch, spherical, iterations)
        inertia = float(assign(rows, centroids, spherical=spherical).distance.sum()) if runs > 1 else 0.0
        if found is None or inertia < found[0]:
            found = inertia, centroids
    assert found is not None
    del rows, extended
    centroids = np.ldexp(found[1] + centre, power)
    nearest = assign(x, centroids, spherical=spherical)
    label, used = nearest.label[:, 0], np.bincount(nearest.label[:, 0], minlength=len(centroids)) > 0
    renamed = label if used.all() else (np.cumsum(used, dtype=np.int64) - 1)[label]
    return Clusters(centroids[used], renamed, nearest.distance[:, 0])


def seeds(rows: Floats32, k: int, key: Keys) -> Rows:
    """k-means++: each next row is drawn with chances in proportion to D², its squared distance to those drawn.

    Each row waits for an exponential time made from its key, which runs as fast as its D²; the first whose time is up
    is drawn, and what is left of the others' times goes on at the new speeds. As waiting times have no memory, every
    draw is exact, and one number a row is enough. Draws are from the first `64 k` rows (4,096 at least); there are
    fewer than k where fewer rows differ.

    Args:
        rows: `float32 [n, d]` in the order of their keys.
        k: how many.
        key: `uint64 [n]`.

    Returns:
        `int64 [k]`, places of rows. `O(64 k² d)` time, `256 k d` bytes.

    Examples:
        >>> drawn = seeds(np.array([[0.0], [5.0], [0.0]], np.float32), 3, np.arange(3, dtype=np.uint64))
        >>> len(drawn), 1 in drawn
        (2, True)
    """
    columns = np.ascontiguousarray(rows[: max(ROWS_PER_SEED * k, 4096)].T)
    rest = -np.log(uniform(mix64(key[: columns.shape[1]])))
    weight = np.full(len(rest), np.finfo(np.float32).max)
    compiled = kernels(columns.size * k)
    step = compiled.race if compiled else _race
    drawn, elapsed = [int(np.argmin(rest))], 0.0
    rest -= rest[drawn[0]]
    while len(drawn) < k:
        place, elapsed = step(columns, np.ascontiguousarray(columns[:, drawn[-1]]), weight, rest, elapsed)
        if place < 0:
            break
        drawn.append(int(place))
    return np.array(drawn, np.int64)


@one_blas_thread()
def lloyd(
    rows: Floats32, centroids: Floats32, *, spherical: bool = False, iterations: int = 25, tolerance: float = 1e-4
) -> Floats32:
    """Lloyd's algorithm from given centroids `float32 [k, d]`: where they are in the end. Arguments as of `kmeans`.

    Rows whose nearest centroid cannot have changed, as centroids moved by less than it is nearer than all others, are
    passed over (Hamerly 2010).
    """
    return _lloyd(_extended(rows), centroids, spherical, iterations, tolerance)


def _lloyd(extended: Floats32, centroids: Floats32, spherical: bool, iterations: int, tolerance: float) -> Floats32:
    """The same for rows `[x, 1]`."""
    squares, mean = squares_of(extended), extended[:, :-1].mean(axis=0, dtype=np.float64)
    enough = tolerance * (float(squares.mean(dtype=np.float64)) - float(mean @ mean)) / len(mean)
    label = np.full(len(extended), -1)
    bounds = np.full((2, len(extended)), np.inf)
    for _ in range(iterations):
        found = label.copy()
        _relabel(extended, squares, centroids, found, bounds)
        if np.array_equal(found, label):
            break
        sums, counts = _sums(extended, found, len(centroids))
        refilled, label = _refill(extended, centroids, found, sums, counts), found
        moved = _means(sums, counts, centroids, spherical)
        steps = np.sqrt(((moved.astype(np.float64) - centroids) ** 2).sum(axis=1))
        centroids = moved
        if float((steps**2).sum()) <= enough:
            break
        _loosen(bounds, label, steps)
        if refilled:
            bounds.fill(np.inf)
    return centroids


def _relabel(extended: Floats32, squares: Floats32, centroids: Floats32, label: Rows, bounds: Floats) -> None:
    """Label rows anew, with new bounds, unless the upper bound of their distance is below the lower of all others."""
    open = np.flatnonzero(bounds[0] >= bounds[1])
    every = len(open) > 0.9 * len(label)
    finder = Nearest(centroids, centred=True)

    def work(blocks: Iterable[tuple[int, int]]) -> None:
        products, upper, lower = finder.products(), np.empty(finder.block), np.empty(finder.block)
        for start, stop in blocks:
            at = slice(start, stop) if every else open[start:stop]
            above, below = upper[: stop - start], lower[: stop - start]
            label[at] = finder.of(extended[at], squares[at], products, upper=above, lower=below)[:, 0]
            bounds[0, at], bounds[1, at] = above, below

    in_blocks(work, len(label) if every else len(open), finder.block)


def _loosen(bounds: Floats, label: Rows, steps: Floats) -> None:
    """What is still known of distances once each centroid made a step of this length."""
    steps = steps * (1 + 1e-9)
    widest = int(np.argmax(steps))
    others = float(np.delete(steps, widest).max(initial=0))
    bounds[0] += steps[label]
    bounds[1] -= np.where(label == widest, others, steps[widest])


def minibatch(
    rows: Floats32, centroids: Floats32, key: Keys, batch: int, *, spherical: bool = False, passes: int = 1
) -> Floats32:
    """Mini-batch k-means: each centroid is the mean of all rows that were ever given to it, pass after pass.

    Examples:
        >>> x, start = np.array([[0.0], [2.0], [8.0]], np.float32), np.array([[0.0], [8.0]], np.float32)
        >>> minibatch(x, start, np.arange(3, dtype=np.uint64), 2).tolist()
        [[1.0], [8.0]]
    """
    return _minibatch(_extended(rows), centroids, key, batch, spherical, passes)


def _minibatch(
    extended: Floats32, centroids: Floats32, key: Keys, batch: int, spherical: bool, passes: int
) -> Floats32:
    """The same for rows `[x, 1]`."""
    sums, counts = np.zeros(centroids.shape), np.zeros(len(centroids), np.int64)
    for number in range(passes):
        order = np.argsort(_others(key, number + 1), kind="stable")
        for start in range(0, len(order), batch):
            part = extended[order[start : start + batch]]
            label = np.empty(len(part), np.int64)
            _relabel(part, squares_of(part), centroids, label, np.full((2, len(part)), np.inf))
            more, found = _sums(part, label, len(centroids))
            sums += more
            counts += found
            centroids = _means(sums, counts, centroids, spherical)
        _refill(part, centroids, label, sums, counts)
        centroids = _means(sums, counts, centroids, spherical)
    return centroids


def _others(key: Keys, number: int) -> Keys:
    """Other keys for each number."""
    return mix64(key + mix64(np.array([number], np.uint64)))


def _gathered(x: Floats32, order: Rows, units: bool) -> Floats32:
    """`[x[order], 1]`, of length 1 if asked, read in ascending order, in which a memory-mapped file is faster."""
    extended, by_row = np.ones((len(order), x.shape[1] + 1), np.float32), np.argsort(order)
    size = max(1, _BLOCK // max(x.shape[1], 1))
    for start in range(0, len(order), size):
        part = by_row[start : start + size]
        found = np.asarray(x[order[part]], np.float32)
        try:
            extended[part, :-1] = unit_rows(found) if units else found
        except BadRow as bad:
            raise BadRow(int(order[part[bad.row]]), bad.refusal, **bad.values) from None
    return extended


def _extended(rows: Floats32) -> Floats32:
    """Rows `[x, 1]`."""
    extended = np.ones((len(rows), rows.shape[1] + 1), np.float32)
    extended[:, :-1] = rows
    return extended


def _sums(extended: Floats32, label: Rows, k: int) -> tuple[Floats, Rows]:
    """Sums of the rows of each cluster, added in the order of the rows, and how many there are."""
    counts, d = np.bincount(label, minlength=k), extended.shape[1] - 1
    compiled = kernels(extended.size)
    if compiled is None:
        sums = [np.bincount(label, weights=extended[:, column], minlength=k) for column in range(d)]
        return np.stack(sums, axis=1), counts
    found = np.zeros((k, d))
    compiled.add_rows(extended, label, found)
    return found, counts


def _refill(extended: Floats32, centroids: Floats32, label: Rows, sums: Floats, counts: Rows) -> bool:
    """Give each empty cluster the row that is farthest from its centroid, of clusters with other rows; in place."""
    empty = np.flatnonzero(counts == 0)
    if not len(empty):
        return False
    rows, distance = extended[:, :-1], np.empty(len(extended))
    size = max(1, _BLOCK // extended.shape[1])
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        far = rows[part].astype(np.float64) - centroids[label[part]]
        np.einsum("nd,nd->n", far, far, out=distance[part])
    candidates = iter(np.argsort(-distance, kind="stable").tolist())
    for cluster in empty.tolist():
        row = next((row for row in candidates if counts[label[row]] > 1), None)
        if row is None or distance[row] == 0:
            break
        counts[label[row]] -= 1
        sums[label[row]] -= rows[row]
        counts[cluster], sums[cluster], label[row] = 1, rows[row], cluster
    return True


def _means(sums: Floats, counts: Rows, centroids: Floats32, spherical: bool) -> Floats32:
    """The mean of each cluster, of length 1 if spherical; what was before where there is none."""
    sizes = np.sqrt(np.einsum("kd,kd->k", sums, sums)) if spherical else counts.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (sums / sizes[:, None]).astype(np.float32)
    return np.where((sizes > 0)[:, None], means, centroids)


def _race(columns: Floats32, point: Floats32, weight: Floats32, rest: Floats, elapsed: float) -> tuple[int, float]:
    """What the kernel `race` does, to the bit."""
    rest -= weight.astype(np.float64) * elapsed
    np.maximum(rest, 0, out=rest)
    steps = columns - point[:, None]
    np.minimum(weight, (steps * steps).sum(axis=0), out=weight)
    open = np.flatnonzero(weight > 0)
    if not len(open):
        return -1, np.inf
    due = rest[open] / weight[open]
    soonest = int(np.argmin(due))
    return int(open[soonest]), float(due[soonest])

"""Layers of nearest neighbours of a target, cut and sized by optimal transport."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tamis.ops.aggregation import Taken, round_robin
from tamis.ops.blas import one_blas_thread
from tamis.ops.hashing import mix64
from tamis.ops.matches import Matches
from tamis.ops.transport import SALT, duals_of

Floats32 = NDArray[np.float32]
Longs = NDArray[np.int64]

FOLDS = 10
ROUGH = 0.01  # how far off margins may be: by f as `duals_of` has it, the cost is off by about the square of that


def cut(
    x: Floats32, y: Floats32, near: Taken, count: int, key: NDArray[np.uint64], *, epsilon: float, solve_rows: int
) -> Longs:
    """The places of a strict round-robin in the order in which `count` rows are kept: whole layers, then what fits.

    The layer that does not fit is sorted by the f of transport of it and all before it onto the target, smallest first.

    Args:
        x: `float32 [n, d]`, rows of length 1.
        y: `float32 [t, d]`, those of the target.
        near: the round-robin of their matches, whose turns i are of layer `i // t`.
        count: how many rows are kept, at least 1.
        key: `uint64 [n]`.
        epsilon: ε.
        solve_rows: as of `transport.duals_of`, which says what it costs.

    Returns:
        `int64 [n]`, places in `near`.
    """
    places, layer = np.arange(len(near.rows)), near.turns // len(y)
    first, last = (np.searchsorted(layer, layer[min(count, len(x)) - 1], side=side) for side in ("left", "right"))
    if last > count:
        rows = near.rows[:last]
        f = duals_of(x, y, rows, key, wanted=rows[first:], epsilon=epsilon, solve_rows=solve_rows)
        places[first:last] = first + np.argsort(f, kind="stable")
    return places


@one_blas_thread()
def estimated(
    x: Floats32, y: Floats32, key: NDArray[np.uint64], *, epsilon: float, solve_rows: int, folds: int = FOLDS
) -> Longs:
    """The rows that a target asks for by itself: more of them would not bring its other examples nearer.

    The target is divided at random into `folds`. For each, with S_r the r nearest rows of each of its examples, those
    of a positive cosine, r is doubled while `OT(S_r, the rest of the target)` falls, and then halved in. The result is
    the union of the S_r with the least cost of each fold.

    Args:
        x: `float32 [n, d]`, rows of length 1.
        y: `float32 [t, d]`, those of the target.
        key: `uint64 [n]`.
        epsilon: ε.
        solve_rows: as of `duals_of`.
        folds: how many; no more than the target has examples.

    Returns:
        `int64`, ascending, at least one row. For each fold `O(n t (d + log n) / folds)` time for its neighbours, and
        about 2 log₂ n problems of transport, whose margins may be off by 0.01. BLAS has one thread, because these
        problems are small and many.

    Source: Feng et al. 2025, TAROT: Targeted Data Selection via Optimal Transport, section 4.
    """
    wanted = np.zeros(len(x), np.bool_)
    order = np.argsort(mix64(np.arange(len(y), dtype=np.uint64) ^ SALT), kind="stable")
    folds = min(folds, len(y))
    for fold in range(folds):
        held = np.sort(order[fold::folds])
        rest = np.delete(y, held, axis=0) if folds > 1 else y
        near = round_robin(Matches(x, y[held]), strict=True, above=0.0)
        if not len(near.rows):
            continue
        layer = near.turns // len(held)
        sizes = np.searchsorted(layer, np.arange(int(layer[-1]) + 1), side="right")

        def moved(size: int, near: Taken = near, rest: Floats32 = rest) -> float:
            rows, how_far = near.rows[:size], partial(duals_of, epsilon=epsilon, solve_rows=solve_rows, tolerance=ROUGH)
            return float(how_far(x, rest, rows, key, wanted=rows).mean())

        wanted[near.rows[: least(moved, np.unique(sizes))]] = True
    if not wanted.any():
        wanted[round_robin(Matches(x, y)).rows[0]] = True
    return np.flatnonzero(wanted)


def least(cost: Callable[[int], float], sizes: Longs) -> int:
    """Of ascending sizes the one with the least cost, where that first falls and then rises.

    Doubles the place until the cost stops falling, then looks between the last three to an eighth of the place. Where
    costs fall and rise more than once, it is the first valley that is as wide as a doubling.

    Examples:
        >>> least(lambda size: abs(size - 60), np.arange(10, 1000, 10))
        60
    """
    known: dict[int, float] = {}

    def at(place: int) -> float:
        if place not in known:
            known[place] = cost(int(sizes[place]))
        return known[place]

    last, middle = len(sizes) - 1, 0
    low, high = 0, min(1, last)
    while high > middle and at(high) < at(middle):
        low, middle, high = middle, high, min(2 * high + 1, last)
    while high - low > max(2, middle // 8):
        probe = (low + middle) // 2 if middle - low > high - middle else (middle + high + 1) // 2
        if at(probe) < at(middle):
            low, middle, high = (low, probe, middle) if probe < middle else (middle, probe, high)
        elif probe < middle:
            low = probe
        else:
            high = probe
    return int(sizes[min(known, key=lambda place: (known[place], place), default=0)])

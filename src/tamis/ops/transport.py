"""Entropic optimal transport through POT, in float32: the cost of moving one sample onto another, and its duals."""

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.hashing import mix64
from tamis.ops.similarity import distances, row_blocks
from tamis.ops.threads import in_threads

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Longs = NDArray[np.int64]
Keys = NDArray[np.uint64]

BLOCK_BYTES = 1 << 25
SALT = np.uint64(0x6A09E667F3BCC909)
MARGIN = 1e-3  # of the mass; a plan whose margins are off by more is refused
_LOGS = 87.0  # exp(-87) is the smallest normal float32
_NEAR = 20.0  # in ε: mass goes to points that are so much further than the nearest
_NOTHING = 1e-6  # of the mass
_ANNEAL = (64, 32, 16, 8, 4, 2, 1)


class Potentials(NamedTuple):
    """Duals `f float64 [n]` and `g float64 [m]` of a plan P, in the units of the cost C; g has mean 0 under b.

    `cost` is ⟨P, C⟩, `value` what the entropic problem minimises, `error` by how much the margins of P are off in all.
    """

    f: Floats
    g: Floats
    cost: float
    value: float
    error: float


def costs(x: Floats32, y: Floats32, *, block_bytes: int = BLOCK_BYTES) -> Floats32:
    """Euclidean distances `float32 [n, m]`, computed in float64; `√(2 − 2 cos)` where rows have length 1.

    `O(n m d)` time.

    Examples:
        >>> costs(np.array([[0.0, 0.0]], np.float32), np.array([[3.0, 4.0], [6.0, 8.0]], np.float32)).tolist()
        [[5.0, 10.0]]
    """
    found = np.empty((len(x), len(y)), np.float32)
    for start, stop in row_blocks(len(x), 8 * len(y), block_bytes):
        found[start:stop] = distances(x[start:stop], y)
    return found


def potentials(
    cost: Floats32,
    epsilon: float,
    *,
    a: Floats | None = None,
    b: Floats | None = None,
    iterations: int = 1000,
    tolerance: float = 1e-5,
) -> Potentials:
    """The duals of entropic transport between n points of masses a and m of masses b, by Sinkhorn's iteration.

        min ⟨P, C⟩ + ε Σ P log(P / a bᵀ)  over plans P of margins a and b;  P = a bᵀ exp((f + g − C) / ε)

    POT iterates on `exp(−C / ε)`; where float32 does not hold what matters of that, it starts again with numbers that
    absorb the duals, at 64 ε, then at half of it, and so on to ε. The derivative of `value` by the mass of a point is
    its f, up to a constant.

    Args:
        cost: C, `float32 [n, m]`, finite.
        epsilon: ε, above 0, in the units of C.
        a: masses above 0 that sum to 1, `[n]`; equal ones without it.
        b: likewise, `[m]`.
        iterations: how many at most, at each ε.
        tolerance: how far off in all the margins may be when the iteration ends before that.

    Returns:
        `Potentials`. `O(n m)` time an iteration; `16 n m` bytes beside C, and `20 n m` where it starts again.

    Raises `Refused` where POT is missing, and where the margins are off by more than 0.001 of the mass at the end.

    Examples:
        >>> found = potentials(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32), 0.05)
        >>> round(found.cost, 6), found.error < 1e-4
        (0.0, True)

    Source: Cuturi 2013, Sinkhorn Distances; Schmitzer 2019, Stabilized Sparse Scaling Algorithms for Entropy
    Regularized Transport Problems.
    """
    n, m = cost.shape
    a32 = np.full(n, 1 / n, np.float32) if a is None else a.astype(np.float32)
    b32 = np.full(m, 1 / m, np.float32) if b is None else b.astype(np.float32)
    stop = tolerance / np.sqrt(m)  # POT stops by the length of the error, which is at least its sum / √m
    found = None if _hopeless(cost, epsilon) else _plain(a32, b32, cost, epsilon, iterations, stop)
    if found is None or found.error > max(tolerance, MARGIN):
        found = _absorbing(a32, b32, cost, epsilon, iterations, stop)
    if found is None or found.error > max(tolerance, MARGIN):
        error = "100%" if found is None else f"{min(found.error / 2, 1):.2%}"  # what is too much here is missing there
        raise refusals.TRANSPORT_UNCONVERGED(f"epsilon of {epsilon:.3g}", error=error, iterations=iterations)
    return found


def _plain(a: Floats32, b: Floats32, cost: Floats32, epsilon: float, iterations: int, stop: float) -> Potentials | None:
    """By iterating on `exp(−C / ε)`; None where that is not faithful in float32."""
    plan, log = _pot("sinkhorn_knopp", a, b, cost, epsilon, iterations, stop)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = (np.log(log[name].astype(np.float64)) for name in "uv")
    if not (np.isfinite(u).all() and np.isfinite(v).all()):
        return None
    if _lost(cost, epsilon, u, v) > _NOTHING:
        return None
    f, g = epsilon * (u - np.log(a, dtype=np.float64)), epsilon * (v - np.log(b, dtype=np.float64))
    return _judged(plan, cost, a, b, f, g)


def _hopeless(cost: Floats32, epsilon: float) -> bool:
    """Whether some points are so far from all others that `exp(−C / ε)` loses those that are hardly further."""
    some = cost[:: max(1, len(cost) // 256)]  # of those that are missed here, the plan will tell
    return bool(some.min(axis=1).max() / epsilon > _LOGS - _NEAR)


def _lost(cost: Floats32, epsilon: float, u: Floats, v: Floats) -> float:
    """The mass of a plan where `exp(−C / ε)` underflows, which the iteration did not see; for duals `ε u` and `ε v`."""
    if float(cost.max()) / epsilon < _LOGS or cost.size * np.exp(u.max() + v.max() - _LOGS) < _NOTHING:
        return 0.0
    lost = 0.0
    for start, stop in row_blocks(len(cost), cost.shape[1], 1 << 22):
        logs = cost[start:stop] / -epsilon
        logs = np.where(logs < -_LOGS, logs + u[start:stop, None] + v, -np.inf)
        lost += float(np.exp(np.minimum(logs, 0)).sum())
    return lost


def _absorbing(
    a: Floats32, b: Floats32, cost: Floats32, epsilon: float, iterations: int, stop: float
) -> Potentials | None:
    """By iterating on `exp((α + β − C) / ε)`, where α and β take up what grows; larger ε first."""
    rows = cost.min(axis=1)
    f, g = rows, (cost - rows[:, None]).min(axis=0)
    for factor in _ANNEAL:
        at = epsilon * factor
        plan, log = _pot("sinkhorn_stabilized", a, b, cost, at, iterations, stop, warmstart=(f, g))
        f, g = (log[name] - np.float32(at) * np.log(mass) for name, mass in (("alpha", a), ("beta", b)))
        if not (np.isfinite(f).all() and np.isfinite(g).all()):
            return None
    return _judged(plan, cost, a, b, f.astype(np.float64), g.astype(np.float64))


def _pot(
    name: str, a: Floats32, b: Floats32, cost: Floats32, epsilon: float, iterations: int, stop: float, **given: Any
) -> tuple[Floats32, dict[str, Any]]:
    """POT's own function, without its warnings."""
    try:
        import ot
    except ImportError:
        raise refusals.PACKAGE_MISSING("optimal transport", package="POT", extra="transport") from None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        solve = getattr(ot.bregman, name)
        plan, log = solve(a, b, cost, epsilon, numItermax=iterations, stopThr=stop, log=True, warn=False, **given)
    return plan, log


def _judged(plan: Floats32, cost: Floats32, a: Floats32, b: Floats32, f: Floats, g: Floats) -> Potentials:
    """Cost and error of a plan, read once, with its duals."""
    total, down, across = 0.0, np.zeros(plan.shape[1]), np.empty(len(plan))
    ones = np.ones(max(plan.shape), np.float32)
    for start, stop in row_blocks(len(plan), plan.shape[1], 1 << 20):
        part = plan[start:stop]
        total += float(np.einsum("nm,nm->n", part, cost[start:stop]).sum(dtype=np.float64))
        down += ones[: stop - start] @ part
        across[start:stop] = part @ ones[: plan.shape[1]]
    error = float(np.abs(down - b).sum() + np.abs(across - a).sum())
    shift = float(np.average(g, weights=b.astype(np.float64)))
    f, g = f + shift, g - shift
    value = float(np.average(f, weights=a.astype(np.float64)))
    return Potentials(f, g, total, value, error if np.isfinite(error) else np.inf)


def extend(
    x: Floats32,
    y: Floats32,
    g: Floats,
    epsilon: float,
    *,
    rows: Longs | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Floats:
    """The dual f at any points, given g at m points of equal mass: half a Sinkhorn step, in blocks of rows.

        f(x) = −ε log Σ_y exp((g(y) − ‖x − y‖) / ε) / m

    At the points that g was found with it is their f, as far as that converged. Copies of a point have the same f.

    Args:
        x: `float32 [n, d]`, may be memory-mapped.
        y: `float32 [m, d]`.
        g: `float64 [m]`.
        epsilon: ε, that g was found with.
        rows: `int64 [r]`, the rows of x that are wanted; all without it.
        block_bytes: bound of the memory of a block of distances; blocks follow from the shape alone.

    Returns:
        `float64 [r]`. `O(r m d)` time, on two threads.

    Examples:
        >>> points = np.array([[0.0], [1.0]], np.float32)
        >>> extend(points, points, np.zeros(2), 1e-3).round(3).tolist()
        [0.001, 0.001]
    """
    rows = np.arange(len(x)) if rows is None else rows
    found, scaled = np.empty(len(rows)), (g / epsilon).astype(np.float32)

    def half_step(bounds: tuple[int, int]) -> None:
        part = slice(*bounds)
        block = costs(np.asarray(x[rows[part]], np.float32), y, block_bytes=block_bytes)
        block *= np.float32(-1 / epsilon)
        block += scaled
        largest = block.max(axis=1, keepdims=True)
        block -= largest
        sums = np.exp(block, out=block).sum(axis=1, dtype=np.float64)
        found[part] = -epsilon * (largest[:, 0] + np.log(sums / len(y)))

    in_threads(half_step, row_blocks(len(rows), len(y), block_bytes))
    return found


def duals_of(
    x: Floats32, y: Floats32, rows: Longs, key: Keys, *, wanted: Longs, epsilon: float, solve_rows: int,
    tolerance: float = 1e-5,
) -> Floats:  # fmt: skip
    """How far out each of the `wanted` rows is when `rows` are moved onto the target: the dual f of transport.

    Args:
        x: `float32 [n, d]`.
        y: `float32 [t, d]`, the target.
        rows: `int64`, the rows of x that are moved, all with the same mass.
        key: `uint64 [n]`; by it, of more than `solve_rows` rows a sample is taken to find the duals of the target.
        wanted: `int64`, rows of x whose f is wanted; they need not be among `rows`.
        epsilon: ε; where it is 0, as the mean distance may be, so are all f.
        solve_rows: the most rows, and examples of the target, that transport is solved for.
        tolerance: as of `potentials`.

    Returns:
        f, in the units of the distance. Its mean over all `rows` is what the transport costs.
    """
    if not epsilon > 0:
        return np.zeros(len(wanted))
    sample = rows[np.argsort(key[rows], kind="stable")[:solve_rows]]
    points = y[sampled(len(y), solve_rows)]
    g = potentials(costs(x[sample], points), epsilon, tolerance=tolerance).g
    return extend(x, points, g, epsilon, rows=wanted)


def sampled(t: int, most: int) -> Longs:
    """At most so many of t places, at random, but the same each time."""
    return np.sort(np.argsort(mix64(np.arange(t, dtype=np.uint64) + SALT), kind="stable")[:most])


def mean_distance(x: Floats32, y: Floats32, key: Keys) -> float:
    """The mean distance of two samples, from at most 1000 of each."""
    some = np.argsort(key, kind="stable")[:1000]
    return float(costs(x[some], y[sampled(len(y), 1000)]).mean(dtype=np.float64))

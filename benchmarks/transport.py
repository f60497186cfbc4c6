"""Entropic transport through Tamis against POT called directly, in float32 and as a caller finds it, in float64.

Run `python benchmarks/transport.py [POINTS…]`; it prints a table and writes it to `benchmarks/results/transport.md`.
Times are of one core, and so of processor time: BLAS has one thread.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import ot
from common import SEED, write_page

from tamis.ops.transport import costs, potentials

SIZES = (1000, 2000, 5000)
WIDTH, ITERATIONS, TIMES = 32, 60, 11
SMALL, MANY = 0.002, 2000  # a smaller epsilon, for which it takes more iterations
HEAD = ["points", "ε / largest cost", "ours / POT float32", "POT float64 / ours", "costs differ by", "margins off by"]
NOTE = (
    "Two samples of as many points with 32 normal numbers, a tenth of a standard deviation apart; costs are squared "
    "distances over the largest of them. The first lines are 60 iterations at ε = 0.01 on the same float32 costs: "
    "`ot.sinkhorn` with them and with float32 masses, `ot.sinkhorn` as a caller finds it, with everything in float64, "
    "and ours, which also tells the cost of the plan, by how much its margins are off, and both duals. The three take "
    "turns in one process, on one core; ratios are of processor time, the least of eleven turns each. Costs are "
    f"compared with those in float64. The last line is at ε = {SMALL}, with up to {MANY:,} iterations: float32 "
    "underflows, POT stops at once with a plan that moves next to nothing, and ours goes on with numbers that absorb "
    "the duals."
)


def seconds(what: Callable[..., object], *given: object) -> tuple[float, object]:
    """How much processor time it takes, and what it gives."""
    start = time.process_time()
    found = what(*given)
    return time.process_time() - start, found


def pot(cost: np.ndarray, epsilon: float, iterations: int) -> np.ndarray:
    """The plan of POT, in the precision of the costs."""
    masses = [np.full(n, 1 / n, cost.dtype) for n in cost.shape]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return ot.sinkhorn(*masses, cost, epsilon, numItermax=iterations, stopThr=1e-7, warn=False)


def ours(cost: np.ndarray, epsilon: float, iterations: int) -> object:
    """Duals and cost by Tamis."""
    return potentials(cost, epsilon, iterations=iterations, tolerance=1e-7 * np.sqrt(len(cost)))


def line(n: int, epsilon: float, iterations: int, times: int) -> list[str]:
    """A row of the table."""
    rng = np.random.default_rng(SEED)
    x, y = (rng.normal(size=(2, n, WIDTH)) + np.array([0, 0.1])[:, None, None]).astype(np.float32)
    cost = costs(x, y) ** 2
    cost /= cost.max()
    exact = cost.astype(np.float64)
    own, single, double = [], [], []
    for _ in range(times):
        single.append(seconds(pot, cost, epsilon, iterations))
        own.append(seconds(ours, cost, epsilon, iterations))
        double.append(seconds(pot, exact, epsilon, iterations))
    found, plan, reference = own[0][1], single[0][1], float((double[0][1] * exact).sum())
    off = float(np.abs(plan.sum(axis=0, dtype=np.float64) - 1 / n).sum())
    least = [min(turn[0] for turn in turns) for turns in (own, single, double)]
    return [
        f"{n:,}",
        str(epsilon),
        f"{least[0] / least[1]:.2f}" if off < 0.01 else f"(POT is off by {off:.0%})",
        f"{least[2] / least[0]:.1f}",
        f"{abs(found.cost - reference):.0e}",
        f"{found.error:.0e}",
    ]


def main(sizes: list[int]) -> None:
    """Measure every size, and one smaller epsilon."""
    ours(np.random.default_rng(0).random((50, 50)).astype(np.float32), 0.1, 5000)
    rows = [line(n, 0.01, ITERATIONS, TIMES) for n in sizes]
    write_page(
        "transport", "Entropic transport", NOTE, [HEAD, *rows, line(sizes[0], SMALL, MANY, 3)], "numpy scipy pot"
    )


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

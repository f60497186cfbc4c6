"""BIDS over a decade of rows, and against brute force.

Run `python benchmarks/bids.py [ROWS…]`; it prints a table and writes it to `benchmarks/results/bids.md`.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
from common import SEED, write_page

from tamis.methods.bids import bids
from tamis.ops.matches import Matches

QUERIES, TASKS = 200, 5
SIZES = (10_000, 31_623, 100_000, 316_228, 1_000_000)
BRUTE, KEPT, TIMES = 10_000, 1_000, 3  # rows, and rows kept of them, that brute force is run with
HEAD = ["rows", "all in order, µs a row", "of a tenth of the rows", "brute force / ours", "same rows"]
NOTE = (
    f"Influences on {QUERIES} queries of {TASKS} tasks: what a row is worth to a task and to a query, and noise, of "
    "scales from 1 to 100 by task. Ours puts all rows in order and is given the matrix; a method that is linear has "
    "the same microseconds a row in each line, and 1.00 against a tenth of the rows; one core, the least of three "
    f"runs. Brute force computes every gain anew for each of {KEPT:,} rows kept, in NumPy, and was run in turn with "
    "ours in one process; ours still puts all rows in order."
)


def influences(n: int) -> np.ndarray:
    """A matrix `float32 [n, QUERIES]`."""
    rng = np.random.default_rng(SEED)
    task = np.arange(QUERIES) % TASKS
    found = rng.normal(size=(n, QUERIES)).astype(np.float32)
    found += rng.normal(size=(n, TASKS)).astype(np.float32)[:, task]
    return found * (10.0 ** np.linspace(0, 2, TASKS)).astype(np.float32)[task]


def brute(values: np.ndarray, k: int) -> np.ndarray:
    """The definition."""
    standard = values.astype(np.float64)
    standard = (standard - standard.mean(axis=0)) / standard.std(axis=0)
    taken, left, rows = np.zeros(values.shape[1]), np.ones(len(values), bool), []
    for step in range(k):
        gain = np.where(left, (standard - taken / max(step, 1)).max(axis=1), -np.inf)
        rows.append(int(np.argmax(gain)))
        left[rows[-1]] = False
        taken += standard[rows[-1]]
    return np.array(rows)


def ours(values: np.ndarray) -> np.ndarray:
    """The rows by Tamis."""
    return bids(Matches(values)).rows


def seconds(what: Callable[..., object], *given: object) -> float:
    """How much processor time it takes."""
    start = time.process_time()
    what(*given)
    return time.process_time() - start


def main(sizes: list[int]) -> None:
    """Measure every size."""
    ours(influences(100))
    rows, each = [HEAD], {}
    for n in sizes:
        values, times, slow = influences(n), [], []
        for _ in range(TIMES):
            times.append(seconds(ours, values))
            slow += [seconds(brute, values, KEPT)] if n <= BRUTE else []
        each[n] = min(times) / n * 1e6
        tenth = next((one for one in each if abs(one * 10 / n - 1) < 0.01), None)
        rows.append(
            [
                f"{n:,}",
                f"{each[n]:.2f}",
                f"{each[n] / each[tenth]:.2f}" if tenth else "–",
                f"{min(slow) / min(times):.0f}" if slow else "–",
                f"{(ours(values)[:KEPT] == brute(values, KEPT)).mean():.0%}" if slow else "–",
            ]
        )
    write_page("bids", "BIDS on a matrix of influences", NOTE, rows)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

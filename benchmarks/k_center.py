"""k-center against loops in NumPy and torch that compare every row with every row taken, and the memory's limit.

Run `python benchmarks/k_center.py [--quick]`; it writes `benchmarks/results/k_center.md`. Data are whole multiples of
1/32, so small that float32 adds their squares and products exactly in any order: the picks of all have to be identical.
"""

import os
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from common import SEED, write_page
from threadpoolctl import threadpool_limits

from tamis.ops.farthest_first import FarthestFirst
from tamis.ops.greedy import maximise

REPEATS, WITH_TORCH = 3, 2
CORES = len(os.sched_getaffinity(0))
CASES = [  # data, rows, numbers a row, rows taken
    ("noise", 50_000, 128, 500),
    ("noise", 200_000, 128, 200),
    ("clusters, spread 0.1", 200_000, 128, 1000),
    ("clusters, spread 0.3", 200_000, 128, 1000),
    *(("noise", n, 128, 200) for n in (12_500, 25_000, 50_000, 100_000)),
    *(("noise", 50_000, 128, k) for k in (100, 2000, 5000)),
    *(("noise", 50_000, d, 500) for d in (8, 32, 512)),
    ("clusters, spread 0.3", 50_000, 128, 5000),
    ("more clusters than rows taken", 200_000, 128, 1000),
]
HEAD = [
    "data", "rows × numbers", "rows taken", "NumPy / Tamis", "the same on one core", "torch / Tamis",
    "limit / Tamis", "limit, GB/s", "distances worked out",
]  # fmt: skip
NOTE = (
    "Farthest-first from the same first row, in one process, in turn, the fastest of {repeats} runs each; above 1 "
    "Tamis is the faster. The picks of all are compared, and are identical in every line. NumPy: `‖x‖² + ‖c‖² − 2 "
    "x·c` by one matrix-vector product a step, with norms kept, into arrays that are made once, on one core or on "
    "all, whichever is faster. torch: the same with `addmv`. Tamis runs on one core, from the vectors, the choice of "
    "the first row included. *limit* is the time that reading all rows once for each row taken would need, `4 n d k` "
    "bytes at the speed of the fastest matrix-vector product over these rows, of sixty in this run. *distances worked"
    " out* is their share of n · k. Noise is normal; clusters are 200 normal centres and normal noise around them, in"
    " the last line 2,000 centres and spread 0.1. The machine's load was {load:.0f} when this began: where other work"
    " keeps the cores busy, the loops lose more, since they wait for both."
)


def make(kind: str, n: int, d: int) -> np.ndarray:
    """`float32 [n, d]`, multiples of 1/32 as whole numbers."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(n, d)).astype(np.float32)
    if kind != "noise":
        spread = float(kind.split()[-1]) if "spread" in kind else 0.1
        count = 200 if "spread" in kind else 2000
        x *= spread
        x += rng.normal(size=(count, d)).astype(np.float32)[rng.integers(0, count, n)]
    np.rint(32 * x, out=x)
    scale = 1 if d <= 128 else 4
    x = np.rint(x / scale) if scale > 1 else x
    assert 4 * np.einsum("nd,nd->n", x, x, dtype=np.float64).max() < 2**24
    return x


def ours(x: np.ndarray, first: int, k: int) -> list[int]:
    """What `k-center` does."""
    rows, _ = maximise(FarthestFirst(x), k)
    return rows.tolist()


def with_numpy(x: np.ndarray, first: int, k: int) -> list[int]:
    """A loop of one matrix-vector product a step."""
    norms = np.einsum("nd,nd->n", x, x)
    near, found, rows = np.full(len(x), np.inf, np.float32), np.empty(len(x), np.float32), [first]
    for _ in range(k - 1):
        last = rows[-1]
        np.dot(x, -2 * x[last], out=found)
        found += norms
        found += norms[last]
        np.minimum(near, found, out=near)
        near[last] = -1
        rows.append(int(near.argmax()))
    return rows


def with_torch(x: np.ndarray, first: int, k: int) -> list[int]:
    """The same loop in torch."""
    points = torch.from_numpy(x)
    norms = (points * points).sum(1)
    near, found, rows = torch.full((len(x),), torch.inf), torch.empty(len(x)), [first]
    for _ in range(k - 1):
        last = rows[-1]
        torch.addmv(norms, points, points[last], alpha=-2, out=found)
        found += norms[last]
        torch.minimum(near, found, out=near)
        near[last] = -1
        rows.append(int(near.argmax()))
    return rows


def bandwidth(x: np.ndarray, cores: int) -> float:
    """Bytes a second at which matrix-vector products read these rows, at best."""
    seconds = []
    with threadpool_limits(cores, "blas"):
        for _ in range(10):
            start = time.perf_counter()
            x @ x[0]
            seconds.append(time.perf_counter() - start)
    return x.nbytes / min(seconds)


def timed(run: Callable[..., list[int]], *given: object) -> tuple[float, list[int]]:
    """Seconds, and the picks."""
    start = time.perf_counter()
    rows = run(*given)
    return time.perf_counter() - start, rows


def share(x: np.ndarray, k: int) -> float:
    """The share of all distances between rows and rows taken that Tamis works out."""
    function = FarthestFirst(x)
    maximise(function, k)
    return float(function._nearest.tally[0]) / len(x) / k


def line(kind: str, n: int, d: int, k: int, repeats: int, torches: bool) -> list[str]:
    """A row of the table."""
    x = make(kind, n, d)
    first = FarthestFirst(x).best(np.ones(n, bool))[0]
    runs = (ours, with_numpy, with_torch)[: 3 if torches else 2]
    best = {(run, cores): np.inf for run in runs for cores in ((1,) if run is ours else (1, CORES))}
    speed, picks = 0.0, set()
    for _ in range(repeats):
        speed = max(speed, bandwidth(x, 1), bandwidth(x, CORES))
        for run, cores in best:
            if best[run, cores] < np.inf and best[run, cores] > 2 * best[run, 1]:
                continue  # other work keeps the cores busy
            torch.set_num_threads(cores)
            with threadpool_limits(cores, "blas"):
                seconds, rows = timed(run, x, first, k)
            best[run, cores] = min(best[run, cores], seconds)
            picks.add(tuple(rows))
    assert len(picks) == 1, f"other picks: {kind}, {n} rows"
    own, usual = best[ours, 1], [min(best[run, 1], best[run, CORES]) for run in runs[1:]]
    print(
        kind, n, d, k, {f"{run.__name__} {cores}": round(found, 3) for (run, cores), found in best.items()}, flush=True
    )
    return [
        kind,
        f"{n:,} × {d}",
        f"{k:,}",
        f"{usual[0] / own:.1f}",
        f"{best[with_numpy, 1] / own:.1f}",
        f"{usual[1] / own:.1f}" if torches else "",
        f"{4 * n * d * k / speed / own:.1f}",
        f"{speed / 1e9:.0f}",
        f"{100 * share(x, k):.1f} %",
    ]


def main(quick: bool) -> None:
    """Measure every case."""
    load = os.getloadavg()[0]
    ours(make("noise", 2000, 16), 0, 10)  # what has to be compiled is
    cases, repeats = (CASES[:4], 1) if quick else (CASES, REPEATS)
    rows = [HEAD, *(line(*case, repeats, at < WITH_TORCH) for at, case in enumerate(cases))]
    write_page("k_center", "k-center", NOTE.format(repeats=repeats, load=load), rows, "numpy numba torch")


if __name__ == "__main__":
    main("--quick" in sys.argv)

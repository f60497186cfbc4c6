"""Random projections of gradients: Tamis's three kinds, TRAK's basic projector, and a product with a stored matrix.

Run `python benchmarks/projections.py [rounds]`; it prints a table and writes it to `benchmarks/results/projections.md`.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from common import SEED, run, write_page

from tamis.ops.projection import KINDS, Projection

SIZES = [(512, 65_536, 1024), (512, 16_384, 1024), (512, 131_072, 1024), (512, 65_536, 256), (64, 65_536, 1024),
         (8, 65_536, 1024)]  # fmt: skip
BLOCK = 4096
HEAD = ["", "n", "p", "d", "seconds", "TRAK / this", "processor", "noise of pairs", "of norms", "peak above"]
NOTE = (
    "n rows of p independent normal float32 numbers are projected to d. `BasicProjector` is that of traker, with "
    "Rademacher signs, which it makes anew for 100 of the d numbers at a time; the stored matrix is p × d normal "
    "numbers that are in memory before, multiplied by torch. All run in one process on the same rows, with two "
    "threads each, in turn; seconds are medians of {rounds} rounds after a first call on 8 rows, and ratios, of "
    "seconds and of processor time, are medians over rounds. Noise is the standard deviation of ⟨Px, Px'⟩ − ⟨x, x'⟩ "
    "as a share of the norms, times √d, over all pairs of rows (theory: 1) and over each row with itself (theory: "
    "√2 = 1.41); TRAK's numbers were divided by √d, which it does not do. Peak is the most memory that a process of "
    "its own held above what it held with rows and code loaded: the result, n × d × 4 bytes, is in it, and P would "
    "be p × d × 4 bytes."
)


def trak(p: int, d: int) -> Callable[[np.ndarray], np.ndarray]:
    """TRAK's projector, scaled as ours."""
    import torch
    from trak.projectors import BasicProjector

    projector = BasicProjector(p, d, SEED, "rademacher", "cpu")
    return lambda x: projector.project(torch.from_numpy(x), 0).numpy() / np.float32(np.sqrt(d))


def stored(p: int, d: int) -> Callable[[np.ndarray], np.ndarray]:
    """A product with a matrix that is there."""
    import torch

    matrix = torch.randn(p, d, generator=torch.Generator().manual_seed(SEED)).div_(d**0.5)
    return lambda x: (torch.from_numpy(x) @ matrix).numpy()


WAYS = {f"Tamis, {kind}": partial(Projection, kind=kind, seed=SEED) for kind in KINDS}
WAYS |= {"TRAK BasicProjector": trak, "stored matrix": stored}


def rows(n: int, p: int) -> np.ndarray:
    """What is projected."""
    return np.random.default_rng(SEED).standard_normal((n, p), dtype=np.float32)


def noise(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Standard deviations of inner products of pairs and of squared norms, times √d."""
    exact, found = (sum(part @ part.T for part in blocks(z)) for z in (x, y))
    norms = np.sqrt(exact.diagonal())
    away = (found - exact) / np.outer(norms, norms) * np.sqrt(y.shape[1])
    return float(np.sqrt((away[np.triu_indices(len(x), 1)] ** 2).mean())), float(np.sqrt((away.diagonal() ** 2).mean()))


def blocks(z: np.ndarray) -> list[np.ndarray]:
    """Columns in float64, some at a time."""
    return [z[:, start : start + BLOCK].astype(np.float64) for start in range(0, z.shape[1], BLOCK)]


def one(way: str, n: int, p: int, d: int) -> float:
    """MB at most during one projection, above what was there before."""

    def memory(name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

    x, small = rows(n, p), rows(8, 1024)
    WAYS[way](1024, d)(small)  # which loads code
    start = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    WAYS[way](p, d)(x)
    return (memory("VmHWM") - start) * 1.024e-3


def measure(n: int, p: int, d: int, rounds: int) -> list[list[str]]:
    """Rows of the table for one size."""
    x = rows(n, p)
    calls = {way: make(p, d) for way, make in WAYS.items()}
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in calls}
    for call in calls.values():
        call(x[:8])
    found = {}
    for _ in range(rounds):
        for way, call in calls.items():
            wall, cpu = time.perf_counter(), time.process_time()
            found[way] = call(x)
            times[way].append((time.perf_counter() - wall, time.process_time() - cpu))
    table = []
    for way in calls:
        ratio = np.median(np.array(times["TRAK BasicProjector"]) / np.array(times[way]), axis=0)
        pairs, own = noise(x, found[way])
        peak = json.loads(run([sys.executable, __file__, "--one", way, *map(str, (n, p, d))]).output)
        size = [f"{n:,}", f"{p:,}", f"{d:,}", f"{np.median(times[way], axis=0)[0]:.4f}"]
        table.append([way, *size, *(f"{one:.1f}" for one in ratio), f"{pairs:.3f}", f"{own:.2f}", f"{peak:.1f} MB"])
    return table


def main(rounds: int) -> None:
    """Measure every size."""
    table = [row for size in SIZES for row in measure(*size, rounds)]
    packages = "numpy numba torch traker"
    write_page("projections", "Random projections", NOTE.format(rounds=rounds), [HEAD, *table], packages)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(sys.argv[2], *map(int, sys.argv[3:]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)

"""Facility location against apricot and submodlib: the same similarities, the same rows, in one process.

Run `python benchmarks/facility_location.py [--large]`; it prints a table and writes it to
`benchmarks/results/facility_location.md`. `--large` adds 50,000 rows, which take 10 GB of memory.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from common import SEED, run, write_page

from tamis.ops.facility_location import facility_location
from tamis.ops.greedy import maximise
from tamis.ops.similarity import unit_rows

PEERS = (1_000, 2_000, 5_000)
SWEEP = ((5_000, 50), (10_000, 100), (20_000, 200), (20_000, 2_000))
LARGE = (50_000, 500)
WIDTH, ROUNDS, NEIGHBOURS = 128, 3, 64
HEAD = [
    "rows", "kept", "similarities s", "greedy s", "gains / n", "of the limit", "peak MB", "greedy: apricot",
    "greedy: submodlib", "from X: apricot", "from X: submodlib", "peak: apricot",
]  # fmt: skip
NOTE = (
    "Vectors of 128 numbers in n / 50 clusters; similarities are cosines with negative ones as 0. The columns of "
    "apricot 0.6.1 (lazy, precomputed) and submodlib 0.0.3 (LazyGreedy, dense) say how many times our time or memory "
    "they take: the greedy alone on the same float32 matrix, where all three must take the same rows, and all from the "
    "vectors, where they are given `max(0, U @ U.T)` of NumPy. Rounds are interleaved, and ratios are medians of "
    "three. The limit is what the machine needs for the product at NumPy's speed, for writing the matrix once, without "
    "what new memory costs, and for reading one of its rows for each gain. Memory is the peak of a process of its own, "
    "less what it held before. `neighbours` knows 64 for each row. Up to 1,000 rows NumPy does it, so that nothing is "
    "compiled or loaded. Other work ran on the machine, so that seconds and the share of the limit, which is measured "
    "just before, are rough."
)


def vectors(rows: int) -> np.ndarray:
    """Clusters of about 50 rows each."""
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(max(20, rows // 50), WIDTH))
    return (centres[rng.integers(len(centres), size=rows)] + 0.7 * rng.normal(size=(rows, WIDTH))).astype(np.float32)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def apricot(similar: np.ndarray, kept: int) -> np.ndarray:
    """The rows that apricot takes."""
    from apricot import FacilityLocationSelection

    return FacilityLocationSelection(kept, metric="precomputed", optimizer="lazy").fit(similar).ranking


def submodlib(similar: np.ndarray) -> Any:
    """Its function, into which it copies the similarities."""
    from submodlib import FacilityLocationFunction

    return FacilityLocationFunction(n=len(similar), mode="dense", sijs=similar, separate_rep=False)


def submodlib_rows(function: Any, kept: int) -> np.ndarray:
    """The rows that submodlib takes."""
    return np.array([row for row, _ in function.maximize(budget=kept, optimizer="LazyGreedy", show_progress=False)])


def product(x: np.ndarray) -> np.ndarray:
    """What peers are given."""
    units = unit_rows(x)
    return np.maximum(units @ units.copy().T, 0)


def against_peers(rows: int) -> list[float]:
    """How many times our time each peer takes: the greedy alone, then all from the vectors."""
    x, kept, ratios = vectors(rows), rows // 10, []
    for _ in range(ROUNDS):
        made, function = timed(lambda: facility_location(x))
        greedy, (chosen, _) = timed(lambda function=function: maximise(function, kept))
        matrix, similar = timed(lambda: product(x))
        theirs, same = timed(lambda function=function: apricot(function.similar, kept))
        copied, other = timed(lambda function=function: submodlib(function.similar))
        others, also = timed(lambda other=other: submodlib_rows(other, kept))
        assert (same == chosen).all(), f"apricot takes other rows at n = {rows:,}"
        assert (also == chosen).all(), f"submodlib takes other rows at n = {rows:,}"
        both = made + greedy
        ratios.append([theirs / greedy, others / greedy, (matrix + theirs) / both, (matrix + copied + others) / both])
        del similar, other
    return [median(column) for column in zip(*ratios, strict=True)]


def alone(rows: int, kept: int, neighbours: int = 0) -> dict[str, float]:
    """Ours in this process: seconds, gains per row, what the set is worth, and memory."""
    maximise(facility_location(vectors(1_100), neighbours=neighbours), 5)
    x, before = vectors(rows), peak()
    made, function = timed(lambda: facility_location(x, neighbours=neighbours))
    greedy, (_, gains) = timed(lambda: maximise(function, kept))
    counted = 1 + int(function.state[2]) / rows if function.compiled else np.nan
    return {"made": made, "greedy": greedy, "counted": counted, "worth": gains.sum(), "peak": peak() - before}


def apricot_alone(rows: int) -> dict[str, float]:
    """The memory that apricot takes beside the vectors."""
    apricot(product(vectors(300)), 5)
    x, before = vectors(rows), peak()
    apricot(product(x), rows // 10)
    return {"peak": peak() - before}


def peak() -> int:
    """Bytes that this process held at most, `VmHWM`."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024


def limits() -> dict[str, float]:
    """Products per second of NumPy, and bytes per second that two threads can write and one can read."""
    x = vectors(4_000)
    out = np.empty((4_000, 4_000), np.float32)
    gemm = min(timed(lambda: np.matmul(x, x.copy().T, out=out))[0] for _ in range(5))
    long = np.ones(100_000_000, np.float32)
    write = min(timed(lambda: long.fill(2))[0] for _ in range(3))
    read = min(timed(lambda: long.max())[0] for _ in range(3))
    return {"products": 4_000**2 * WIDTH / gemm, "write": long.nbytes / write, "read": long.nbytes / read}


def child(*words: object) -> dict[str, float]:
    """The same script in a process of its own."""
    return json.loads(run([sys.executable, __file__, *map(str, words)]).output.splitlines()[-1])


def line(rows: int, kept: int, ratios: list[float] | None = None) -> list[str]:
    """A row of the table."""
    speed = limits()
    found = child("--alone", rows, kept)
    limit = rows**2 * WIDTH / speed["products"] + 4 * rows**2 / speed["write"]
    limit += found["counted"] * 4 * rows**2 / speed["read"]
    share = limit / (found["made"] + found["greedy"])
    more = [] if ratios is None else [*ratios, child("--apricot", rows)["peak"] / found["peak"]]
    return [
        f"{rows:,}",
        f"{kept:,}",
        *(f"{found[name]:.3f}" for name in ("made", "greedy")),
        *(["", ""] if np.isnan(share) else [f"{found['counted']:.1f}", f"{share:.2f}"]),
        f"{found['peak'] / 1e6:,.0f}",
        *([f"{ratio:.1f}×" for ratio in more] or [""] * 5),
    ]


def sparse_line(rows: int, kept: int) -> list[str]:
    """A row for similarities to the nearest only, and its worth by all similarities where those are known."""
    found = child("--alone", rows, kept, NEIGHBOURS)
    times = [f"{found[name]:.3f}" for name in ("made", "greedy")]
    head = [f"{rows:,} neighbours", f"{kept:,}", *times, f"{found['counted']:.1f}"]
    return [*head, "", f"{found['peak'] / 1e6:,.0f}", *[""] * 5]


def main(large: bool) -> None:
    """Compare, then sweep sizes."""
    apricot(product(vectors(300)), 5)  # which compiles
    rows = [line(size, size // 10, against_peers(size)) for size in PEERS]
    rows += [line(size, kept) for size, kept in (*SWEEP, *([LARGE] if large else []))]
    rows += [sparse_line(size, kept) for size, kept in ((20_000, 2_000), *([LARGE] if large else []))]
    packages = "numpy numba apricot-select submodlib-py"
    write_page("facility_location", "Facility location", NOTE, [HEAD, *rows], packages)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        print(json.dumps(alone(*map(int, sys.argv[2:]))))
    elif sys.argv[1:2] == ["--apricot"]:
        print(json.dumps(apricot_alone(int(sys.argv[2]))))
    else:
        main("--large" in sys.argv)

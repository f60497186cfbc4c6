"""MIG from 10,000 to 1,000,000 rows, and against the published loop over dense matrices.

Run `python benchmarks/mig.py [ROWS…]`; it prints a table and writes it to `benchmarks/results/mig.md`.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
from common import SEED, write_page

from tamis.methods.mig import mig
from tamis.ops.greedy import maximise
from tamis.ops.label_graph import propagation
from tamis.vocabulary import Tags

TAGS, WIDTH = 4_000, 64
SIZES = (10_000, 31_623, 100_000, 316_228, 1_000_000)
DENSE = 10_000  # rows up to which the dense matrix is made
TIMES = 3
HEAD = [
    "rows",
    "kept",
    "graph, s",
    "rest, µs a row",
    "time / a tenth of the rows",
    "gains a row",
    "the loop / ours",
    "same rows",
]
NOTE = (
    "Rows have 1 to 9 of 4,000 tags, drawn by Zipf's law; tags have 64 numbers and come in families of a few near "
    "ones; quality is uniform; 1 % of the rows are kept. The graph of tags takes the same time whatever the rows. "
    "Microseconds are those of processor time for all else, the gains of all rows and the greedy, on one core, the "
    "least of three runs. The time for everything is compared with that for a tenth of the rows and of those kept: "
    "10 is linear, and at first it is less, since the graph takes its share. Gains a row says how often the gain of "
    "a row was computed: the naive greedy computes it once for each row kept. The loop is the published one, which "
    "computes all gains anew for each row kept, as one product of the dense matrix of rows and tags with the slopes, "
    "in float32; it was run in turn with ours in one process, and both times are of everything."
)


def drawn(n: int) -> tuple[Tags, np.ndarray, np.ndarray]:
    """Tags, quality, and vectors of tags."""
    rng = np.random.default_rng(SEED)
    counts = rng.integers(1, 10, n)
    chance = 1 / np.arange(1, TAGS + 1)
    codes = rng.choice(TAGS, counts.sum(), p=chance / chance.sum())
    row, codes = np.divmod(np.unique(np.repeat(np.arange(n), counts) * TAGS + codes), TAGS)
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
    family = rng.normal(size=(TAGS // 2, WIDTH))[rng.integers(0, TAGS // 2, TAGS)]
    vectors = (family + rng.normal(size=(TAGS, WIDTH)) * 0.25).astype(np.float32)
    return Tags(starts, codes.astype(np.int32), [f"tag {code}" for code in range(TAGS)]), rng.random(n), vectors


def loop(tags: Tags, score: np.ndarray, vectors: np.ndarray, k: int) -> np.ndarray:
    """The published loop."""
    v = np.zeros((len(score), TAGS), np.float32)
    v[np.repeat(np.arange(len(score)), np.diff(tags.starts)), tags.codes] = 1
    v *= score[:, None].astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    w = units @ units.T
    w[w < 0.9] = 0
    np.fill_diagonal(w, 1)
    u = v @ (w / w.sum(axis=0))
    x, left, rows = np.zeros(TAGS, np.float32), np.ones(len(score), bool), []
    for _ in range(k):
        gain = np.where(left, u @ (0.8 * (x + np.float32(1e-6)) ** np.float32(-0.2)), -1)
        rows.append(int(np.argmax(gain)))
        left[rows[-1]] = False
        x += u[rows[-1]]
    return np.array(rows)


def seconds(what: Callable[..., object], *given: object) -> float:
    """How much processor time it takes."""
    start = time.process_time()
    what(*given)
    return time.process_time() - start


def ours(tags: Tags, score: np.ndarray, vectors: np.ndarray, k: int) -> np.ndarray:
    """The same rows by Tamis."""
    return maximise(mig(tags, score, vectors), k)[0]


def main(sizes: list[int]) -> None:
    """Measure every size."""
    ours(*drawn(100), 1)
    rows, all_of = [HEAD], {}
    for n in sizes:
        given, k = drawn(n), n // 100
        graphs, times, loops = [], [], []
        for _ in range(TIMES):
            graphs.append(seconds(propagation, given[0].names, given[2]))
            times.append(seconds(ours, *given, k))
            loops += [seconds(loop, *given, k)] if n <= DENSE else []
        function = mig(*given)
        picked = maximise(function, k)[0]
        all_of[n] = min(times)
        tenth = next((one for one in all_of if abs(one * 10 / n - 1) < 0.01), None)
        rows.append(
            [
                f"{n:,}",
                f"{k:,}",
                f"{min(graphs):.2f}",
                f"{(min(times) - min(graphs)) / n * 1e6:.2f}",
                f"{all_of[n] / all_of[tenth]:.1f}" if tenth else "–",
                f"{function.evaluations / n:.1f}",
                f"{min(loops) / min(times):.0f}" if loops else "–",
                f"{(picked == loop(*given, k)).mean():.0%}" if loops else "–",
            ]
        )
    write_page("mig", "MIG on a graph of tags", NOTE, rows)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

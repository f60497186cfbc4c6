"""k-means against scikit-learn's: a pass of Lloyd's algorithm, first centroids, and a whole fit at equal inertia.

Run `python benchmarks/kmeans.py [ROWS…]`; it prints a table and writes it to `benchmarks/results/kmeans.md`. All
contenders run in turn in one process, each several times, and the fastest of its runs counts.
"""

import gzip
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import SEED, data, write_page
from sklearn.cluster import KMeans, MiniBatchKMeans, kmeans_plusplus
from threadpoolctl import threadpool_limits

from tamis.ops import _kmeans_kernels  # noqa: F401  (compiled before anything is timed)
from tamis.ops.centroids import assign
from tamis.ops.concepts import FIT_ROWS, FIT_ROWS_PER_CLUSTER
from tamis.ops.kmeans import kmeans, lloyd, seeds

COLUMNS, CLUSTERS, PASSES, REPEATS = 64, 500, 10, 3
SIZES = (50_000, 100_000, 200_000)
SEEDED = 60_000  # of more rows, scikit-learn's first centroids take minutes
HEAD = [
    "rows × 64, 500 clusters", "a pass: scikit-learn / ours", "processor time", "10 passes", "processor time",
    "first centroids", "whole fit: mini-batches / ours", "inertia of it",
]  # fmt: skip
NOTE = (
    "How many times longer scikit-learn takes than Tamis, on the same rows in one process. *A pass*: one pass of "
    "Lloyd's algorithm from the same centroids and the labels after it, in wall-clock time with two threads each, and "
    "in processor time, for which scikit-learn has one thread, as several wait by spinning. *10 passes*: the same with "
    "ten, in which Tamis leaves out rows whose cluster cannot have changed; inertias agree to 1e-4. *First "
    "centroids*: k-means++, which scikit-learn draws from all rows with several trials each, and Tamis from 64 rows a "
    "cluster with one. *Whole fit*: `MiniBatchKMeans` with batches of 10,240 and its other defaults, "
    "against Tamis as its methods call it (the first 256 rows a cluster by key, at most 25 passes, then all rows "
    "assigned); its inertia divided by ours. Noise is normal and has no clusters; the images are Fashion-MNIST, "
    "60,000 with 64 principal components."
)


def noise(rows: int) -> np.ndarray:
    """Rows without any structure, on which no pass can be shortened."""
    return np.random.default_rng(SEED).normal(size=(rows, COLUMNS)).astype(np.float32)


def images() -> np.ndarray:
    """Fashion-MNIST in its first principal components."""
    raw = gzip.decompress(data("images/fashion_mnist/train-images-idx3-ubyte.gz").read_bytes())
    x = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 784).astype(np.float32)
    x -= x.mean(axis=0)
    return np.ascontiguousarray(x @ np.linalg.eigh(x.T @ x)[1][:, -COLUMNS:], np.float32)


def timed(contenders: dict[str, Callable[[], Any]]) -> dict[str, tuple[float, float, Any]]:
    """Least seconds, least processor seconds and the last result of each, after runs in turn."""
    found: dict[str, tuple[float, float, Any]] = {}
    for _ in range(REPEATS):
        for name, run in contenders.items():
            start, busy = time.perf_counter(), time.process_time()
            result = run()
            took, busy = time.perf_counter() - start, time.process_time() - busy
            before = found.get(name, (np.inf, np.inf, None))
            found[name] = min(took, before[0]), min(busy, before[1]), result
    return found


def line(name: str, x: np.ndarray) -> list[str]:
    """A row of the table."""
    print(name, len(x), flush=True)
    key = np.random.default_rng(SEED).integers(0, 2**63, len(x), np.uint64)
    start = x[seeds(x, CLUSTERS, key)]

    def peer(passes: int) -> float:
        return float(KMeans(CLUSTERS, init=start, n_init=1, max_iter=passes, tol=0).fit(x).inertia_)

    def alone(passes: int) -> float:
        with threadpool_limits(1):
            return peer(passes)

    def ours(passes: int) -> float:
        return float(assign(x, lloyd(x, start, iterations=passes, tolerance=0)).distance.sum())

    fit_rows = max(FIT_ROWS, FIT_ROWS_PER_CLUSTER * CLUSTERS)
    found = timed(
        {
            **{f"peer {n}": lambda n=n: peer(n) for n in (1, PASSES)},
            **{f"alone {n}": lambda n=n: alone(n) for n in (1, PASSES)},
            **{f"ours {n}": lambda n=n: ours(n) for n in (1, PASSES)},
            "ours ++": lambda: seeds(x, CLUSTERS, key),
            "peer fit": lambda: MiniBatchKMeans(CLUSTERS, batch_size=10_240, n_init=1, random_state=0).fit(x),
            "ours fit": lambda: kmeans(x, CLUSTERS, key, fit_rows=fit_rows),
        }
    )
    plusplus = "–"
    if len(x) <= SEEDED:
        begun = time.perf_counter()
        kmeans_plusplus(x, CLUSTERS, random_state=0)
        plusplus = f"{(time.perf_counter() - begun) / found['ours ++'][0]:.0f}"
    for passes in (1, PASSES):
        np.testing.assert_allclose(found[f"ours {passes}"][2], found[f"peer {passes}"][2], rtol=1e-4)
    ratios = []
    for passes in (1, PASSES):
        ratios.append(found[f"peer {passes}"][0] / found[f"ours {passes}"][0])
        ratios.append(found[f"alone {passes}"][1] / found[f"ours {passes}"][1])
    fit = found["peer fit"][0] / found["ours fit"][0]
    inertia = found["peer fit"][2].inertia_ / found["ours fit"][2].distance.sum()
    return [
        f"{name}, {len(x):,}", *(f"{ratio:.2f}" for ratio in ratios), plusplus, f"{fit:.1f}", f"{inertia:.4f}",
    ]  # fmt: skip


def main(sizes: list[int]) -> None:
    """Measure every size, and the images."""
    rows = [HEAD, *(line("noise", noise(size)) for size in sizes), line("images", images())]
    write_page("kmeans", "k-means against scikit-learn", NOTE, rows, "numpy numba scikit-learn")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

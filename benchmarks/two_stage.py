"""Facility location beyond memory: 1,000,000 × 64 under a limit of 2 GB, and what is lost where one stage fits.

    TAMIS_DATA=… python studies/prepare_fashion_sets.py
    python benchmarks/two_stage.py [ROWS]

The limit is `RLIMIT_DATA`, which the operating system sets on all private writable memory of the process, its libraries
included; it starts no others.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from common import SEED, run, write_page

LIMIT = 2_000_000_000
ROWS, WIDTH, KEPT = 1_000_000, 64, 1_000
BOTH, MEMORIES = 20_000, ("200MB", "50MB", "20MB")
FASHION = Path(__file__).parents[1] / "studies/out/data/fashion_sets/pool_20000.parquet"
NOTE = """`tamis select vectors.npy --method facility-location --budget 1000`. *normal* vectors lie around 1,000 centres
of uneven sizes, with half the deviation of the centres; *images* are Fashion-MNIST in 64 principal components. *kept*
is (F − F_random) / (F_one-stage − F_random), with the F of cosines clipped at 0 over all rows where one stage fits, and
F_random the mean of five random choices. Beyond that, F is that of the manifest, on a sample of the pool. The memory is
the peak of the process's private memory; of the first line the operating system allowed 2,000 MB (`RLIMIT_DATA`).
Seconds include all."""
HEAD = ["vectors", "rows", "--memory", "parts", "seconds", "peak MB", "F", "F random", "kept"]


def make(path: Path, rows: int) -> None:
    """Vectors in a file, made in blocks."""
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(1_000, WIDTH)).astype(np.float32)
    weight = rng.gamma(1.0, size=len(centres))
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, WIDTH))
    for start in range(0, rows, 100_000):
        stop = min(start + 100_000, rows)
        of = rng.choice(len(centres), stop - start, p=weight / weight.sum())
        out[start:stop] = centres[of] + 0.5 * rng.normal(size=(stop - start, WIDTH)).astype(np.float32)
    out.flush()


def select(path: Path, out: Path, memory: str, limit: int | None = None) -> tuple[float, float, dict[str, Any]]:
    """Seconds, peak of private memory in MB, and the manifest of one command."""
    limits = f"resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit}));" if limit else ""
    start = (
        f"import os, resource, sys; {limits} os.execv(sys.executable, [sys.executable, '-m', 'tamis', *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", start, "select", str(path), "--embedding", "embedding", "-o", str(out)]
    command += ["--method", "facility-location", "--budget", str(KEPT), "--memory", memory, "--workers", "1"]
    cost = run([*command, "--no-subset", "--no-examples"])
    return cost.seconds, cost.peak_mb, json.loads((out / "manifest.json").read_text())


def value(vectors: np.ndarray, rows: np.ndarray) -> float:
    """Facility location of all rows by those chosen, in blocks."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    blocks = (units[start : start + 4096] @ units[rows].T for start in range(0, len(units), 4096))
    return float(sum(np.maximum(block.max(axis=1), 0).sum(dtype=np.float64) for block in blocks))


def where_both_fit(folder: Path, name: str) -> list[list[str]]:
    """One stage and two, on fewer rows."""
    path = folder / f"{name}.npy"
    if name == "normal":
        make(path, BOTH)
    else:
        column = pq.read_table(FASHION, columns=["embedding"])["embedding"].combine_chunks()
        np.save(path, column.flatten().to_numpy().reshape(len(column), -1).astype(np.float32))
    vectors = np.load(path)
    rng = np.random.default_rng(SEED)
    random = np.mean([value(vectors, rng.choice(BOTH, KEPT, replace=False)) for _ in range(5)])
    lines, whole = [], 0.0
    for memory in ("8GB", *MEMORIES):
        seconds, peak, manifest = select(path, folder / f"{name}-{memory}", memory)
        reached = value(vectors, pq.read_table(folder / f"{name}-{memory}" / "selection.parquet")["row"].to_numpy())
        whole = whole or reached
        kept = (reached - random) / (whole - random)
        lines.append(line(name, BOTH, memory, manifest, seconds, peak, reached, random, f"{kept:.3f}"))
    return lines


def line(
    name: str, rows: int, memory: str, manifest: dict[str, Any], seconds: float, peak: float, reached: float,
    random: float, kept: str,
) -> list[str]:  # fmt: skip
    """A row of the table."""
    stages = manifest["objective"]["stages"]
    parts = f"{stages['parts']:,}" if stages else "1"
    return [
        name, f"{rows:,}", memory, parts, f"{seconds:.0f}", f"{peak:,.0f}", f"{reached:,.1f}", f"{random:,.1f}", kept
    ]  # fmt: skip


def main(rows: int) -> None:
    """Both tables in one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "large.npy", rows)
        seconds, peak, manifest = select(folder / "large.npy", folder / "large", "1GB", LIMIT)
        sample = manifest["objective"]["on_sample"]
        large = line("normal", rows, "1GB", manifest, seconds, peak, sample["chosen"], sample["random"], "–")
        both = [row for name in ("normal", "images") for row in where_both_fit(folder, name)]
        write_page("two_stage", "Facility location beyond memory", NOTE, [HEAD, large, *both])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)

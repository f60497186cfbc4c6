"""DSIR against `data-selection` 1.0.3: documents a second of fit, score and choose, two processes each.

Run `python benchmarks/dsir_speed.py [--pool POOL.parquet] [--docs 6000] [--turns 5]`; it writes
`results/dsir_speed.md`. Tamis takes the whole pool, as Parquet and as JSON Lines; the peer takes a random slice of it.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import SEED, data, family_cpu_seconds, run, select, write_jsonl, write_page, write_target

STEPS = ["scan", "filter", "fit", "score", "choose"]
NOTE = """A pool of {docs:,} documents ({name}), 500 target documents of law, budget 5,000, two processes each, kernels
compiled before, files in the page cache; {turns} turns, each of Tamis and then the peer. The peer took a random slice
of {slice:,} documents from JSON Lines, its processes started before; its seconds without the fit of the target are
scaled by bytes to the whole pool, and the fit of the target is added once.

*Fit, score and choose* are Tamis' steps scan, filter, fit, score and choose against all three calls of the peer; *the
whole command* also starts Python, gathers and writes the subset, the selection and the report, and is held against the
same calls. *x peer* is the median of the pairs, then the lowest and the highest pair. *CPU* is processor time of all
processes, for *x peer* too: it does not depend on what else the machine does."""


def peer(folder: Path) -> None:
    """In a process of its own: print wall and processor seconds for the slice, and those that the target took of it."""
    from data_selection import HashedNgramDSIR

    def make(pool: str) -> HashedNgramDSIR:
        cache = tempfile.mkdtemp(dir=folder)
        return HashedNgramDSIR([str(folder / pool)], [str(folder / "target.jsonl")], cache, num_proc=2)

    make("few.jsonl").fit_importance_estimator()  # starts its processes
    dsir = make("slice.jsonl")
    marks = [(time.perf_counter(), family_cpu_seconds())]
    dsir.fit_importance_estimator(num_tokens_to_fit="all")
    dsir.compute_importance_weights()
    dsir.resample(str(dsir.cache_dir / "chosen"), 80, cache_dir=str(dsir.cache_dir / "staged"))
    marks.append((time.perf_counter(), family_cpu_seconds()))
    dsir._fit_bow(dsir.target_datasets)
    marks.append((time.perf_counter(), family_cpu_seconds()))
    print(json.dumps(np.diff(marks, axis=0).tolist()))


def prepare(pool: Path, docs: int, folder: Path) -> float:
    """Write the pool as JSON Lines, a slice for the peer, and the target; the slice's share of the pool's bytes."""
    table = pq.read_table(pool)
    part = table.take(pa.array(np.sort(np.random.default_rng(SEED).choice(len(table), docs, replace=False))))
    for name, rows in (("slice", part), ("few", part.slice(0, 20)), ("pool", table)):
        write_jsonl(rows, folder / f"{name}.jsonl")
    write_target(folder / "target.jsonl")
    size, whole = (pc.sum(pc.binary_length(found["text"])).as_py() for found in (part, table))
    return float(size / whole)


def measure(pool: Path, folder: Path, share: float, turns: int) -> dict[str, list[tuple[float, ...]]]:
    """By reader and for the peer: (seconds, CPU seconds, seconds of the command, its CPU seconds) of each turn."""
    times: dict[str, list[tuple[float, ...]]] = {"Parquet": [], "JSON Lines": [], "peer": []}
    for _ in range(turns + 1):  # the first compiles kernels and fills caches
        for kind, path in (("Parquet", pool), ("JSON Lines", folder / "pool.jsonl")):
            cost, steps = select(path, folder / "target.jsonl", folder / "out")
            shutil.rmtree(folder / "out")
            mine = [sum(steps[step][what] for step in STEPS) for what in ("seconds", "cpu_seconds")]
            times[kind].append((*mine, cost.seconds, cost.cpu_seconds))
        everything, target = json.loads(run([sys.executable, __file__, "--peer", str(folder)]).output)
        times["peer"].append(
            tuple((all_ - fit) / share + fit for all_, fit in zip(everything, target, strict=True)) * 2
        )
        print({kind: [round(value, 2) for value in found[-1]] for kind, found in times.items()}, flush=True)
    return {kind: found[1:] for kind, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--docs", type=int, default=6000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peer:
        return peer(asked.peer)
    pool = asked.pool or data("text/pool.parquet")
    docs = pq.read_metadata(pool).num_rows
    with tempfile.TemporaryDirectory(prefix="tamis-bench-") as name:
        times = measure(pool, Path(name), prepare(pool, asked.docs, Path(name)), asked.turns)
    table = [["", "s", "documents/s", "x peer", "", "CPU s", "x peer by CPU"]]
    for kind, found in times.items():
        for at, what in ((0, "fit, score and choose"), (2, "the whole command")):
            if kind == "peer" and at:
                continue
            wall, cpu = ([turn[at + i] for turn in found] for i in range(2))
            pairs, cpu_pairs = (
                [other[at + i] / mine[at + i] for mine, other in zip(found, times["peer"], strict=True)]
                for i in range(2)
            )
            row = [f"{kind}: {what}", f"{median(wall):.2f}", f"{docs / median(wall):,.0f}", f"{median(pairs):.0f}"]
            table.append([*row, f"{min(pairs):.0f}–{max(pairs):.0f}", f"{median(cpu):.2f}", f"{median(cpu_pairs):.0f}"])
    note = NOTE.format(docs=docs, name=pool.name, turns=asked.turns, slice=asked.docs)
    write_page("dsir_speed", "DSIR against data-selection", note, table, "numpy pyarrow numba data-selection")


if __name__ == "__main__":
    main()

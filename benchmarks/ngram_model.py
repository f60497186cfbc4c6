"""The compiled n-gram model on the pool of 17 domains: speed, memory, and held-out bits per byte by order and size.

Run `python benchmarks/ngram_model.py [MEGABYTES…]`; it prints a table and writes it to
`benchmarks/results/ngram_model.md`. Speeds are per second of processor time, on one core.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import SEED, data, run, write_page

from tamis.ops import ngram_model
from tamis.ops.ngram_blocks import text_buffers

ORDERS = (5, 6, 7)
SIZES = (2.0, 10.0, 40.0, 200.0)
HEAD = ["text", "order", "n-grams", "train, MB/s", "score, MB/s", "bytes/n-gram", "peak/n-gram", "bits/byte"]
NOTE = (
    "Texts of the pool are drawn at random up to a size; the held-out texts are the 14,523 of `pool_targets` (8 MB), "
    "from all domains, judged one by one with their ends. Speeds are megabytes per second of processor time. Bytes for "
    "each different n-gram are those of the finished model, and the most that the process held on top of its texts."
)


def texts(name: str, megabytes: float) -> pa.Array:
    """Texts drawn at random from a file, up to so many megabytes, in one array."""
    column = pq.read_table(data(name), columns=["text"])["text"]
    order = np.random.default_rng(SEED).permutation(len(column))
    sizes = np.cumsum(pc.binary_length(column).to_numpy()[order], dtype=float)
    return column.take(order[: np.searchsorted(sizes, megabytes * 1e6) + 1]).combine_chunks()


def memory(name: str) -> int:
    """Bytes that the process holds now (`VmRSS`), or held at most (`VmHWM`) since that was last reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def one(megabytes: float, order: int) -> dict[str, float]:
    """Train and score once, in this process."""
    train = text_buffers(texts("text/pool.parquet", megabytes))
    held_out = text_buffers(texts("text/pool_targets.parquet", 1000))
    ngram_model.bits(ngram_model.fit(train[0][:8], np.array([0, 8]), 2), *held_out)
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    start = time.process_time()
    model = ngram_model.fit(*train, order)
    trained = time.process_time()
    peak = memory("VmHWM") - before
    bits = ngram_model.bits(model, *held_out).sum()
    scored = time.process_time()
    read, judged = (float(starts[-1] - starts[0]) for _, starts in (train, held_out))
    speeds = {"train": read / 1e6 / (trained - start), "score": judged / 1e6 / (scored - trained)}
    return {
        "read": read,
        "grams": int(model.grams.sum()),
        "held": model.nodes.nbytes,
        "peak": peak,
        "bits": bits / judged,
    } | speeds


def line(megabytes: float, order: int) -> list[str]:
    """A row of the table, measured in a process of its own."""
    found = json.loads(run([sys.executable, __file__, "--one", str(megabytes), str(order)]).output)
    return [
        f"{found['read'] / 1e6:.1f} MB",
        str(order),
        f"{found['grams'] / 1e6:.2f} M",
        *(f"{found[name]:.1f}" for name in ("train", "score")),
        *(f"{found[name] / found['grams']:.0f}" for name in ("held", "peak")),
        f"{found['bits']:.4f}",
    ]


def main(sizes: list[float]) -> None:
    """Measure every order at every size."""
    rows = [HEAD, *(line(megabytes, order) for megabytes in sizes for order in ORDERS)]
    write_page("ngram_model", "The n-gram model of bytes", NOTE, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(float(sys.argv[2]), int(sys.argv[3]))))
    else:
        main([float(size) for size in sys.argv[1:]] or list(SIZES))

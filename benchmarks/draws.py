"""Samplers against those of torch: weighted draws, shuffled numbers, and a hundred million of them in bounded memory.

Run `python benchmarks/draws.py`; it prints a table and writes it to `benchmarks/results/draws.md`. Contenders take
turns in one process, and ratios are medians over rounds.
"""

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from common import SEED, write_page
from torch.utils.data import BatchSampler, RandomSampler, WeightedRandomSampler

from tamis.torch import RS2, FullData, WeightedDraw

ROUNDS, LARGE = 5, 100_000_000
HEAD = ["what", "n", "served", "ours, ns a number", "torch / ours", "memory grew by, MB"]
NOTE = (
    "*weighted* draws a tenth of the examples in proportion to random weights, against `WeightedRandomSampler`, which "
    "refuses more than 2²⁴ examples; making the sampler counts. *arrays* are batches of 256 that our samplers serve "
    "as arrays, against `BatchSampler` over `RandomSampler`; *numbers* are single ones against `RandomSampler`. "
    "Memory is by how much the peak of the process grew in an epoch of our sampler."
)


def turns(contenders: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Seconds of each contender in each round."""
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            took[name].append(time.perf_counter() - start)
    return took


def exhaust(found: Any) -> int:
    """How many numbers it serves."""
    return sum(len(one) if hasattr(one, "__len__") else 1 for one in found)


def peak() -> float:
    """The most memory this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def line(what: str, n: int, served: int, ours: Callable[[], Any], theirs: Callable[[], Any] | None) -> list[str]:
    """A row of the table."""
    print(what, n, flush=True)
    before = peak()
    assert exhaust(ours()) == served
    grew = peak() - before
    took = turns({"ours": lambda: exhaust(ours()), **({"theirs": lambda: exhaust(theirs())} if theirs else {})})
    mine = np.array(took["ours"])
    ratio = f"{np.median(np.array(took['theirs']) / mine):.1f}" if theirs else "–"
    return [what, f"{n:,}", f"{served:,}", f"{np.median(mine) / served * 1e9:.0f}", ratio, f"{grew:.0f}"]


def weighted(n: int, replacement: bool) -> list[str]:
    """Draws of a tenth by random weights."""
    weights = np.random.default_rng(SEED).random(n)
    as_tensor, k = torch.from_numpy(weights), n // 10
    theirs = (lambda: WeightedRandomSampler(as_tensor, k, replacement)) if n <= 1 << 24 else None
    says = f"weighted, with{'' if replacement else 'out'} replacement"
    return line(says, n, k, lambda: WeightedDraw(weights, k, replacement), theirs)


def main() -> None:
    """All lines."""
    rows = [HEAD]
    rows += [weighted(n, replacement) for replacement in (True, False) for n in (1_000_000, 10_000_000)]
    rows.append(weighted(50_000_000, False))
    for n in (1_000_000, 10_000_000):
        theirs = RandomSampler(range(n))
        rows.append(
            line(
                "shuffled arrays",
                n,
                n,
                lambda n=n: FullData(n).batches(256),
                lambda t=theirs: BatchSampler(t, 256, False),
            )
        )
        rows.append(line("shuffled numbers", n, n, lambda n=n: FullData(n), lambda t=theirs: t))
    rows.append(line("RS2, a tenth, arrays", 10_000_000, 1_000_000, lambda: RS2(10_000_000, 0.1).batches(256), None))
    global ROUNDS
    ROUNDS = 1
    rows.append(line("shuffled arrays", LARGE, LARGE, lambda: FullData(LARGE).batches(4096), None))
    write_page("draws", "Samplers against those of torch", NOTE, rows, "torch numpy")


if __name__ == "__main__":
    main()

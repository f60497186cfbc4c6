"""What recording costs: a training step of a small CNN with and without `Recorder.update`.

Run `python benchmarks/recorder.py`; it prints a table and writes it to `benchmarks/results/recorder.md`. Each step is
timed in its two parts, and ratios are medians over steps.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from common import SEED, write_page
from torch import nn

from tamis.torch import Recorder

BATCH, STEPS, ROWS, CLASSES = 256, 60, 60_000, 10
HEAD = ["threads", "recorded", "step, ms", "update, ms", "update / step"]
NOTE = (
    "A step is forward, backward and SGD of a CNN with two convolutions (16 and 32 channels) and two linear layers on "
    "256 images of 28 × 28 pixels; the update records ten classes for 60,000 examples, and `history` in files too. "
    "Pixels are random numbers, on which the cost does not depend."
)


def network() -> nn.Module:
    """The small CNN."""
    torch.manual_seed(SEED)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1568, 128), nn.ReLU(), nn.Linear(128, CLASSES),
    )  # fmt: skip


def line(threads: int, history: Path | None) -> list[str]:
    """A row of the table."""
    torch.set_num_threads(threads)
    rng, model = np.random.default_rng(SEED), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, labels = torch.randn(BATCH, 1, 28, 28), torch.from_numpy(rng.integers(0, CLASSES, BATCH))
    recorder = Recorder(ROWS, classes=CLASSES, history=history)
    took = []
    for _ in range(STEPS):
        ids = torch.from_numpy(rng.choice(ROWS, BATCH, replace=False))
        start = time.perf_counter()
        logits = model(images)
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        middle = time.perf_counter()
        recorder.update(ids, logits, labels)
        took.append((middle - start, time.perf_counter() - middle))
    step, update = np.array(took[10:]).T
    what = "scores and history" if history else "scores"
    ratio = f"{np.median(update / step):.1%}"
    return [str(threads), what, f"{np.median(step) * 1e3:.1f}", f"{np.median(update) * 1e3:.2f}", ratio]


def main() -> None:
    """One and two threads, with history and without."""
    rows = [HEAD]
    for threads in (1, 2):
        rows.append(line(threads, None))
        with tempfile.TemporaryDirectory() as folder:
            rows.append(line(threads, Path(folder) / "history"))
    write_page("recorder", "What recording costs", NOTE, rows, "torch numpy")


if __name__ == "__main__":
    main()

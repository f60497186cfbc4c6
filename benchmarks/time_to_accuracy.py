"""How soon training reaches an accuracy with each sampler, against plain training, what choosing costs included.

Run `TAMIS_DATA=… python benchmarks/time_to_accuracy.py`; it prints a table and writes it to
`benchmarks/results/time_to_accuracy.md`. Fashion-MNIST, a small CNN, one thread; about twenty minutes.
"""

import gzip
import itertools
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from common import data, write_page
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import tamis
from tamis.torch import JEST, RHO, RS2, FromSelection, FullData, InfoBatch, SeTa, WeightedDraw, measure

POOL, OUTSIDE, EPOCHS, BATCH, LARGE, RATE, SEEDS, LOOKS = 30_000, 5_000, 10, 64, 320, 4e-3, 5, 20
BELOW = (0.05, 0.02, 0.005)
"""Levels to reach, by how much they are below what plain training ends with."""


class Images(NamedTuple):
    """Images `float32 [n, 1, 28, 28]`, in [0, 1], and classes `int64 [n]`."""

    pixels: Tensor
    labels: Tensor


class Trained(NamedTuple):
    """What a run left: the processor seconds until each look, accuracy there, and examples trained on."""

    seconds: list[float]
    accuracies: list[float]
    visits: int


def read(part: str) -> Images:
    """A part of Fashion-MNIST."""
    with gzip.open(data(f"images/fashion_mnist/{part}-images-idx3-ubyte.gz")) as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(data(f"images/fashion_mnist/{part}-labels-idx1-ubyte.gz")) as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
    return Images(torch.from_numpy(pixels / np.float32(255)), torch.from_numpy(labels))


def network(seed: int) -> nn.Sequential:
    """Two layers of filters and two linear ones."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


class Choice:
    """Plain training with a sampler: batches of an epoch, and the loss of each."""

    def __init__(self, sampler, epochs: int = EPOCHS) -> None:
        self.sampler, self.epochs = sampler, epochs

    def batches(self, epoch: int) -> list[Tensor]:
        self.sampler.set_epoch(epoch)
        return [torch.from_numpy(ids) for ids in self.sampler.batches(BATCH)]

    def loss(self, model: nn.Module, ids: Tensor, pool: Images, step: int) -> tuple[Tensor, int]:
        losses = cross_entropy(model(pool.pixels[ids]), pool.labels[ids], reduction="none")
        return (self.sampler.loss(ids, losses) if hasattr(self.sampler, "loss") else losses.mean()), len(ids)


class InStep(Choice):
    """Of every large batch a fifth, by the losses of the model and those of a reference."""

    def __init__(self, chooser, reference: np.ndarray, share: float) -> None:
        super().__init__(FullData(POOL, share))
        self.chooser, self.reference = chooser, torch.from_numpy(reference)

    def batches(self, epoch: int) -> Iterator[Tensor]:
        self.sampler.set_epoch(epoch)
        return [torch.from_numpy(ids) for ids in self.sampler.batches(LARGE, drop_last=True)]

    def loss(self, model: nn.Module, ids: Tensor, pool: Images, step: int) -> tuple[Tensor, int]:
        with torch.no_grad():
            losses = cross_entropy(model(pool.pixels[ids]), pool.labels[ids], reduction="none")
        if isinstance(self.chooser, RHO):
            places = self.chooser.choose(ids, losses)
        else:
            places = self.chooser.choose(losses, self.reference[ids].to(losses.dtype), step)
        kept = ids[places]
        return cross_entropy(model(pool.pixels[kept]), pool.labels[kept]), len(kept)


def train(
    choice: Choice, pool: Images, test: Images | None, seed: int, spent: float = 0.0
) -> tuple[Trained, nn.Module]:
    """Train as long as the choice has it, and look at the test set now and then, which is not counted as time."""
    model = network(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.01)
    found, start, step = Trained([], [], 0), time.process_time() - spent, itertools.count()
    looked, visits = 0, 0
    for epoch in range(choice.epochs):
        batches = choice.batches(epoch)
        for number, ids in enumerate(batches):
            place = (epoch + number / len(batches)) / choice.epochs
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, 20 * place + 0.01) * (1 + np.cos(np.pi * place)) / 2
            optimizer.zero_grad()
            loss, count = choice.loss(model, ids, pool, next(step))
            loss.backward()
            optimizer.step()
            visits += count
            done = (epoch + (number + 1) / len(batches)) / choice.epochs
            if test is not None and done * LOOKS >= looked + 1 - 1e-9:
                looked = int(done * LOOKS + 1e-9)
                before = time.process_time()
                found.seconds.append(before - start)
                found.accuracies.append(accuracy(model, test))
                start += time.process_time() - before
    return found._replace(visits=visits), model


def accuracy(model: nn.Module, test: Images) -> float:
    """The share of the test set that the model gets right."""
    with torch.no_grad():
        right = [(model(p).argmax(1) == y).sum() for p, y in zip(*(x.split(1000) for x in test), strict=True)]
    return float(sum(right)) / len(test.labels)


def early(pool: Images, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Probabilities and EL2N after an epoch on all, and the processor seconds of it."""
    start = time.process_time()
    _, model = train(Choice(FullData(POOL, seed=seed), epochs=1), pool, None, seed)
    found = measure(model, torch.utils.data.TensorDataset(*pool), what="el2n", batch=1024, progress=False)["el2n"]
    with torch.no_grad():
        probs = torch.cat([torch.softmax(model(part), 1) for part in pool.pixels.split(1024)]).numpy()
    return probs, found, time.process_time() - start


def reference(pool: Images, outside: Images, seed: int) -> tuple[np.ndarray, float]:
    """Losses on the pool of a model that learned from other images, and the processor seconds of it."""
    start = time.process_time()
    _, model = train(Choice(FullData(OUTSIDE, seed=seed)), outside, None, seed + 100)
    dataset = torch.utils.data.TensorDataset(*pool)
    found = measure(model, dataset, what="loss", batch=1024, progress=False)["loss"]
    return np.asarray(found), time.process_time() - start


def choices(pool: Images, outside: Images, seed: int) -> Iterator[tuple[str, Choice, float]]:
    """Name, what is chosen, and the processor seconds that were spent before."""
    yield "plain", Choice(FullData(POOL, seed=seed)), 0.0
    for ratio in (0.3, 0.1):
        yield f"FullData, {ratio}", Choice(FullData(POOL, ratio, seed)), 0.0
        yield f"RS2, {ratio}", Choice(RS2(POOL, ratio, seed)), 0.0
    start = time.process_time()
    fixed = tamis.select({"id": np.arange(POOL)}, "random", budget="10%", id="id", seed=seed)
    yield "FromSelection, random 0.1", Choice(FromSelection(fixed, seed=seed)), time.process_time() - start
    probs, el2n, before = early(pool, seed)
    start = time.process_time()
    table = {"id": np.arange(POOL), "label": pool.labels.numpy()} | {f"p{k}": probs[:, k] for k in range(10)}
    kept = tamis.select(table, "el2n-ccs", budget="10%", id="id", label="label", use={"probs": "p*"}, seed=seed)
    spent = before + time.process_time() - start
    yield "FromSelection, el2n-ccs 0.1", Choice(FromSelection(kept, seed=seed)), spent
    yield "WeightedDraw by EL2N, 0.3", Choice(WeightedDraw(el2n, round(0.3 * POOL), seed=seed)), before
    yield "InfoBatch", Choice(InfoBatch(POOL, epochs=EPOCHS, seed=seed)), 0.0
    for window in (0.9, 0.5):
        sampler = SeTa(POOL, 0.1, groups=5, window=window, epochs=EPOCHS, seed=seed)
        yield f"SeTa, window {window}", Choice(sampler), 0.0
    losses, before = reference(pool, outside, seed)
    yield "RHO, a fifth of 320", InStep(RHO(losses, BATCH), losses, 1.0), before
    yield "JEST, a fifth of 320", InStep(JEST(BATCH, seed=seed), losses, 1.0), before


def reached(run: Trained, level: float) -> float:
    """Processor seconds until the best accuracy so far was at the level; infinite if it never was."""
    return next((s for s, a in zip(run.seconds, run.accuracies, strict=True) if a >= level), np.inf)


def main() -> None:
    """All samplers, over seeds."""
    torch.set_num_threads(1)
    whole, test = read("train"), read("t10k")
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(whole.labels)))
    pool, outside = (Images(*(x[rows] for x in whole)) for rows in (order[:POOL], order[POOL : POOL + OUTSIDE]))
    runs: dict[str, list[Trained]] = {}
    for seed in range(SEEDS):
        for name, choice, spent in choices(pool, outside, seed):
            runs.setdefault(name, []).append(train(choice, pool, test, seed, spent)[0])
            print(seed, name, f"{runs[name][-1].accuracies[-1]:.4f}", flush=True)
    ends = np.mean([run.accuracies[-1] for run in runs["plain"]])
    levels = [round(ends - below, 3) for below in BELOW]
    rows = [["sampler", "visits", "accuracy at the end", *(f"time to {level:.3f}" for level in levels)]]
    for name, found in runs.items():
        last = [run.accuracies[-1] for run in found]
        visits = np.mean([run.visits for run in found]) / (EPOCHS * POOL)
        cells = [shown(found, runs["plain"], level) for level in levels]
        rows.append([name, f"{visits:.2f}", f"{np.mean(last):.4f} ± {np.std(last, ddof=1):.4f}", *cells])
    note = (
        f"A small CNN on {POOL:,} images of Fashion-MNIST, batches of {BATCH}, one thread, AdamW with a cosine "
        f"over the whole of a run; plain training takes {EPOCHS} epochs, and visits are of it. Times are "
        "processor seconds until the best test accuracy so far was there, looked at twenty times in a run and "
        "not counting the looks, with all that was spent before on scores, references and selecting: the median "
        f"over {SEEDS} seeds of the ratio to plain training with the same seed, and how many seeds got there. "
        "The levels are 5, 2 and 0.5 points below what plain training ends with."
    )
    write_page("time_to_accuracy", "Time to accuracy of samplers", note, rows, "torch numpy")


def shown(found: list[Trained], plain: list[Trained], level: float) -> str:
    """The median ratio to plain training, and how many seeds reached the level."""
    ratios = [reached(run, level) / reached(other, level) for run, other in zip(found, plain, strict=True)]
    count = int(np.isfinite(ratios).sum())
    return f"{np.median(ratios):.2f} ({count} of {len(ratios)})" if count > len(ratios) / 2 else f"– ({count})"


if __name__ == "__main__":
    main()

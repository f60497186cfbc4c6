"""What one training run shows of every example, as the studies of training dynamics have it.

A network with twice 3 × 3 filters learns from the whole pool for `EPOCHS` epochs; a `Recorder` sees every visit. That
is the run before the run that scores like EL2N, AUM and forgetting cost, and its processor seconds are what the studies
charge for them.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from common import auroc, vectors
from numpy.typing import NDArray
from torch import nn

from tamis.evidence.task import BATCH
from tamis.evidence.tasks.torch_steps import descend, one_thread
from tamis.torch import Recorder, measure, vog

EPOCHS, EARLY, RATE, SEEDS = 10, 1, 4e-3, 5


class Run(NamedTuple):
    """What a run on n examples of k classes left.

    Args:
        probs: `float32 [n, k]`, of the model at rest after epoch `EARLY`.
        margins, correct: `float32 [n, EPOCHS]`, of every visit while it trained.
        early, whole: processor seconds until `probs` were there, and of the whole run.
        checkpoints: the parameters after each epoch.
        scores: those of the recorder, high is hard.
    """

    probs: NDArray[np.float32]
    margins: NDArray[np.float32]
    correct: NDArray[np.float32]
    early: float
    whole: float
    checkpoints: list[dict[str, torch.Tensor]]
    scores: dict[str, NDArray[np.float64]]


def network(shape: tuple[int, int, int], filters: int, classes: int, seed: int) -> nn.Sequential:
    """A network for images `[channels, height, width]`."""
    torch.manual_seed(seed)
    channels, height, width = shape
    left = 2 * filters * (height // 4) * (width // 4)
    return nn.Sequential(
        *(nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(filters, 2 * filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(left, 64), nn.ReLU(), nn.Linear(64, classes)),
    )


def recorded(images: NDArray[np.float32], labels: NDArray[np.int64], classes: int, filters: int, seed: int) -> Run:
    """Train on all `images float32 [n, channels, height, width]` and keep what was seen of them."""
    inputs, truth = torch.from_numpy(images), torch.from_numpy(labels)
    model = network(images.shape[1:], filters, classes, seed)
    rng, steps = np.random.default_rng(seed), EPOCHS * -(-len(labels) // BATCH)
    checkpoints: list[dict[str, torch.Tensor]] = []
    found: dict[str, NDArray[np.float32]] = {}
    start, early = time.process_time(), 0.0

    def batches() -> Iterator[torch.Tensor]:
        nonlocal early
        for epoch in range(EPOCHS):
            yield from torch.from_numpy(rng.permutation(len(labels))).split(BATCH)
            checkpoints.append({name: value.detach().clone() for name, value in model.named_parameters()})
            if epoch + 1 == EARLY:
                found["probs"] = probabilities(model, inputs)
                early = time.process_time() - start

    with tempfile.TemporaryDirectory() as folder, one_thread():
        recorder = Recorder(len(labels), classes, history=folder)

        def loss(rows: torch.Tensor) -> torch.Tensor:
            logits = model(inputs[rows])
            recorder.update(rows, logits, truth[rows])
            return nn.functional.cross_entropy(logits, truth[rows])

        descend(dict(model.named_parameters()), batches(), loss, steps + 1, RATE)
        recorder.state_dict()
        for name in ("margins", "correct"):
            found[name] = np.array(np.load(Path(folder, f"{name}.npy")))
        whole = time.process_time() - start
        scores = dict(recorder.scores())
    return Run(**found, early=early, whole=whole, checkpoints=checkpoints, scores=scores)


def probabilities(model: nn.Module, inputs: torch.Tensor) -> NDArray[np.float32]:
    """`float32 [n, k]`."""
    with torch.no_grad():
        return torch.cat([torch.softmax(model(part), 1) for part in inputs.split(1024)]).numpy()


def labelled(pixels: NDArray[np.float32], names: NDArray[np.str_], right: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """Columns of a pool that are no matter of training: pixels, the class given, and whether that is right, 1 or 0."""
    return {"pixels": vectors(pixels), "label": pa.array(names), "right": pa.array(right.astype(np.int64))}


def columns(runs: list[Run]) -> dict[str, pa.Array]:
    """Columns of a pool, for each seed s: `probs_s`, `margins_s` and `correct_s`."""
    return {
        f"{name}_{seed}": vectors(np.ascontiguousarray(getattr(run, name)))
        for seed, run in enumerate(runs)
        for name in ("probs", "margins", "correct")
    }


def charges(runs: list[Run]) -> dict[str, float]:
    """What the columns cost, medians over seeds."""
    return {
        "early": round(float(np.median([run.early for run in runs])), 2),
        "whole": round(float(np.median([run.whole for run in runs])), 2),
    }


def suspicions(run: Run, images: NDArray[np.float32], labels: NDArray[np.int64], filters: int) -> dict[str, NDArray]:
    """Scores that may tell wrong labels, each `[n]`, high is suspicious."""
    classes = run.probs.shape[1]
    data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
    model = network(images.shape[1:], filters, classes, 0)
    shared = dict(batch=1024, progress=False)
    with one_thread():
        model.load_state_dict(run.checkpoints[EARLY - 1])
        early = measure(model, data, what=("el2n", "grand", "loss"), **shared)
        model.load_state_dict(run.checkpoints[-1])
        last = measure(model, data, what=("el2n", "loss"), **shared)
        changes = vog(run.checkpoints[:3], model, data, normalise="z", **shared)
    prior = np.bincount(labels, minlength=classes) / len(labels)
    return {
        "el2n": early["el2n"],
        "el2n, mean of visits": run.scores["el2n"],
        "el2n, at the end": last["el2n"],
        "grand": early["grand"],
        "forgetting": run.scores["forgetting"],
        "aum": -run.scores["aum"],
        "vog": changes,
        "pvi": early["loss"] / np.log(2) + np.log2(prior[labels]),
    }


def detection(found: list[dict[str, NDArray]], wrong: NDArray[np.bool_]) -> list[str]:
    """How well each score tells wrong labels: the mean over seeds and the standard deviation."""
    lines = []
    for name in found[0]:
        values = [auroc(scores[name], wrong) for scores in found]
        lines.append(f"{name} {np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}")
    return lines

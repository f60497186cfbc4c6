"""Images and texts with a planted structure, and small models for them that train with torch."""

import numpy as np
import pyarrow as pa

from tamis.evidence.task import Data, Test, Train
from tamis.evidence.tasks import make_task

SMALL = {"layers": 1, "width": 32, "heads": 2, "context": 32, "windows": 4}
LAW = [f"section {n}. the court shall hear case {n % 7} and no other case." for n in range(60)]
NOISE = ["".join(map(chr, np.random.default_rng(n).integers(97, 123, 60))) for n in range(60)]


class Counted(Train):
    """Training that counts the batches it was asked for."""

    asked = 0

    def steps(self, count):
        for batch in super().steps(count):
            self.asked += 1
            yield batch


def shapes(n, seed, side=8):
    """Images of a bar or a cross at a random place, with noise; their labels and two groups."""
    rng = np.random.default_rng(seed)
    images, labels = rng.normal(0, 0.3, (n, side, side)).astype(np.float32), rng.integers(0, 2, n)
    for image, label, (row, column) in zip(images, labels, rng.integers(1, side - 1, (n, 2)), strict=True):
        image[row - 1 : row + 2, column] += 2
        if label:
            image[row, column - 1 : column + 2] += 2
    data = Data(pa.table({"row": range(n)}), images.reshape(n, -1), labels, ["bar", "cross"])
    data.groups, data.group_names = np.arange(n) % 2, ["even", "odd"]
    return data


def texts(lines):
    return Data(pa.table({"row": range(len(lines))}), texts=pa.array(lines, pa.large_string()))


def chosen(pool, rows=None, weights=None, seed=0):
    rows = np.arange(len(pool)) if rows is None else np.asarray(rows)
    return Counted(pool, rows, np.ones(len(rows), np.float32) if weights is None else weights, seed=seed)


def fits(model):
    """A task, a pool, and a test of one kind."""
    if model == "cnn":
        task = make_task("classify", "cnn", {"filters": 2, "hidden": 8})
        return task, shapes(100, 0), Test({"test": shapes(60, 1)})
    task = make_task("language-model", "transformer", SMALL)
    return task, texts(LAW), Test({"target": texts(LAW[:5])})

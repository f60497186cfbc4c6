"""Examples of classes, choices of them, and what models make of these."""

import functools

import numpy as np
import pyarrow as pa
from sklearn.datasets import load_digits

from tamis.evidence.task import Data, Test, Train
from tamis.evidence.tasks import make_task


def examples(features, labels, classes=None, groups=None):
    count = int(max(labels)) + 1 if classes is None else classes
    names = [f"g{code}" for code in range(int(max(groups)) + 1)] if groups is not None else []
    return Data(
        pa.table({"row": np.arange(len(labels))}),
        np.asarray(features, np.float32),
        np.asarray(labels, np.int64),
        [f"c{code}" for code in range(count)],
        groups,
        names,
    )


def chosen(pool, rows=None, weights=None, seed=0):
    rows = np.arange(len(pool)) if rows is None else np.asarray(rows, np.int64)
    weights = np.ones(len(rows)) if weights is None else np.asarray(weights)
    return Train(pool, rows, weights.astype(np.float32), seed=seed)


@functools.cache
def digits():
    """Images of digits: a pool and a test set."""
    features, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(5).permutation(len(labels))
    features, labels = features[order], labels[order]
    scale = np.where((s := features[:1297].std(axis=0)) > 0, s, 1)
    features = (features - features[:1297].mean(axis=0)) / scale
    return examples(features[:1297], labels[:1297]), Test({"test": examples(features[1297:], labels[1297:])})


def blobs(rows=60, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    return examples(rng.normal(size=(rows, 4)) + 1.5 * np.eye(4)[labels], labels, classes)


def learn(model, train, test, seed=0, steps=60, **parameters):
    task = make_task("classify", model, parameters)
    return task.evaluate(task.fit(train, seed=seed, steps=steps if model == "mlp" else None), test)

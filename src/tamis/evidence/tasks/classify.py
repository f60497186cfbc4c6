"""The task `classify`: how often a model that learned from the chosen examples names the class of a held-out one."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.evidence.task import Data, Found, Metric, Task, Test, Train

FLOOR = 1e-6
ACCURACY = Metric("accuracy", True, "share of the test examples whose class is named")
BALANCED = Metric("balanced_accuracy", True, "mean over the classes of the share that is named")
LOG_LOSS = Metric("log_loss", False, "mean of -ln p of the true class, in nats, with p of at least 0.000001")


class Examples(NamedTuple):
    """Chosen examples of positive weight: `features float32 [k, d]`, `labels int64 [k]`, `weights float32 [k]`."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    weights: NDArray[np.float32]


class Classify(Task):
    """Common to all models that name a class; a subclass fits one and says what it predicts.

    A class that no chosen example has is never named, so that its test examples count as errors. Where all chosen
    examples have one class, that class is named always.
    """

    name = "classify"
    metrics: tuple[Metric, ...] = (ACCURACY, BALANCED, LOG_LOSS)
    headline = ("accuracy",)
    needs = frozenset({"features", "labels"})

    def predict(self, model: Any, data: Data) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """The class that is named for each example and, where the model has probabilities, that of its true class."""
        raise NotImplementedError

    def evaluate(self, model: Any, test: Test) -> Found:
        """Accuracy, balanced accuracy and log loss; recall by class and accuracy by group."""
        return judge(test.main, *self.predict(model, test.main))


def weighted(train: Train) -> NDArray[np.bool_]:
    """Which of the chosen examples have a weight above 0; `ValueError` where none has."""
    used = train.weights > 0
    if not used.any():
        raise ValueError("no chosen example has a weight above 0")
    return used


def mean_one(weights: NDArray[np.float32]) -> np.float32:
    """What brings weights to a mean of 1, so that only their ratios matter.

    Twenty weights of 5 then hold a model back as twenty weights of 1 do, and it takes steps of the same size.
    """
    return np.float32(1 / weights.mean(dtype=np.float64))


def learnable(train: Train) -> Examples:
    """What a weighted model learns from: examples of positive weight, their weights scaled to a mean of 1."""
    used = weighted(train)
    weights = train.weights[used]
    return Examples(train.features[used], train.labels[used], weights * mean_one(weights))


def most_likely(
    probabilities: NDArray[np.floating[Any]], present: NDArray[np.int64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The most likely class of each example, the first of several, and the probability of its true class.

    Args:
        probabilities: `[t, c]` of the classes that were learnt.
        present: `int64 [c]`, their codes, ascending; any other class has the probability 0.
        labels: `int64 [t]`, the true classes.

    Examples:
        >>> most_likely(np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([1, 4]), np.array([1, 3]))
        (array([4, 1]), array([0.2, 0. ]))
    """
    place = np.minimum(np.searchsorted(present, labels), len(present) - 1)
    of_truth = np.asarray(probabilities, np.float64)[np.arange(len(labels)), place]
    return present[np.argmax(probabilities, axis=1)], np.where(present[place] == labels, of_truth, 0.0)


def judge(data: Data, named: NDArray[np.int64], of_truth: NDArray[np.float64] | None = None) -> Found:
    """The metrics of `classify` for the classes `named [t]`, and the probabilities `of_truth [t]` of the true ones.

    `balanced_accuracy` is the mean of the recalls of the classes that the test set has; `log_loss` is the mean of
    `−ln max(p, 1e-6)`.
    """
    assert data.labels is not None
    right = named == data.labels
    recalls = _shares(right, data.labels, data.classes)
    metrics = {"accuracy": float(right.mean()), "balanced_accuracy": float(np.mean(list(recalls.values())))}
    if of_truth is not None:
        metrics["log_loss"] = float(-np.log(np.maximum(of_truth, FLOOR)).mean())
    effects = {"class": recalls}
    if data.groups is not None:
        effects["group"] = _shares(right, data.groups, data.group_names)
    return Found(metrics, effects)


def _shares(right: NDArray[np.bool_], codes: NDArray[np.int64], names: list[str]) -> dict[str, float]:
    """The share of right answers within each part that has examples."""
    counts = np.bincount(codes, minlength=len(names))
    hits = np.bincount(codes, weights=right, minlength=len(names))
    return {names[code]: float(hits[code] / counts[code]) for code in np.flatnonzero(counts)}

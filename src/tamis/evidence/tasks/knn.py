"""Nearest neighbours: the class that the chosen examples around a test example have."""

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from tamis.evidence.task import Data, Train
from tamis.evidence.tasks.classify import ACCURACY, BALANCED, Classify, Examples, learnable
from tamis.ops.neighbours import nearest


class Knn(Classify):
    """The class with most weight among the `k` nearest chosen examples, exactly. It has no probabilities.

    Equally near examples are taken in the order of the selection; of classes with equal weight, the one whose example
    is nearest is named.

    Args:
        k: how many neighbours vote.
    """

    metrics = (ACCURACY, BALANCED)

    def __init__(self, *, k: PositiveInt = 5) -> None:
        self.k = k

    def describe(self) -> str:
        """What is trained."""
        return f"a vote of the {self.k} nearest neighbours" if self.k > 1 else "the nearest neighbour"

    def fit(self, train: Train, *, seed: int, steps: int | None) -> Examples:
        """The examples themselves; `seed` and `steps` change nothing."""
        return learnable(train)

    def predict(self, model: Examples, data: Data) -> tuple[NDArray[np.int64], None]:
        """The class that is named. `O(t k d)` for t test and k chosen examples."""
        assert data.features is not None
        places = nearest(data.features, model.features, self.k).places
        return vote(model.labels[places], model.weights[places].astype(np.float64)), None


def vote(labels: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """The label with most weight in each row, `int64 [t]`; of several, the one that comes first.

    Examples:
        >>> vote(np.array([[7, 2, 2], [7, 2, 5]]), np.ones((2, 3))).tolist()
        [2, 7]
    """
    totals = np.zeros(labels.shape)
    for one in range(labels.shape[1]):
        totals += np.where(labels == labels[:, one : one + 1], weights[:, one : one + 1], 0.0)
    return np.asarray(labels[np.arange(len(labels)), np.argmax(totals, axis=1)])

"""A task in a file of your own: train what you like on the chosen examples, and say how good it is.

tamis bench pool.csv --label y --task examples/my_task.py:nearest_centroid --methods random,top:score --budgets 5%
"""

import numpy as np


def nearest_centroid(train, test, *, shrink: float = 0.0):
    """Name the class whose mean is nearest.

    The mean of a class is that of its chosen examples, by their weights, moved by the share `shrink` towards the mean
    of all. A class that no chosen example has is never named.

    Args:
        train: what was chosen: `train.features`, `train.labels`, `train.weights`, `train.texts`, `train.table`; and
            `train.steps(count)` gives batches of rows for a model that is trained step by step.
        test: the held-out examples: `test.features`, `test.labels`, `test.table`.
        shrink: from 0 to 1; set it with `--set shrink=0.2`.

    Returns:
        What was measured. The first metric gets the verdicts; those in `lower` are better when they are lower.
    """
    overall = np.average(train.features, axis=0, weights=train.weights)
    classes = np.unique(train.labels)
    means = np.stack([class_mean(train, code) for code in classes])
    means += shrink * (overall - means)
    distances = np.linalg.norm(test.features[:, None] - means, axis=2)
    named = classes[np.argmin(distances, axis=1)]
    return {"accuracy": np.mean(named == test.labels), "distance": distances.min(axis=1).mean()}


nearest_centroid.needs = ("features", "labels")  # so that a pool without them is refused before work starts
nearest_centroid.lower = ("distance",)


def class_mean(train, code):
    """The weighted mean of the chosen examples of one class."""
    of_class = train.labels == code
    return np.average(train.features[of_class], axis=0, weights=train.weights[of_class])

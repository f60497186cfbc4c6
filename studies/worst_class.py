"""A task: the recall of the class that comes off worst."""

import numpy as np

from tamis.evidence.task import Test, Train


def worst_class(train: Train, test: Test, *, seed: int) -> dict[str, float]:
    """Recall of the worst class of the test set, and accuracy, of a linear probe."""
    from sklearn.linear_model import LogisticRegression

    truth = test.main.labels
    classes = np.unique(train.labels)
    if len(classes) == 1:
        named = np.full(len(truth), classes[0])
    else:
        probe = LogisticRegression(C=1.0, max_iter=300)
        named = probe.fit(train.features, train.labels, sample_weight=train.weights).predict(test.main.features)
    recalls = [float(np.mean(named[truth == code] == code)) for code in np.unique(truth)]
    return {"worst_recall": min(recalls), "accuracy": float(np.mean(named == truth))}


worst_class.needs = ("features", "labels")

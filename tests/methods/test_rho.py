"""RHO: what is left to learn; it avoids noise, where the loss by itself seeks it."""

import numpy as np
import pytest

import tamis
from tamis.errors import Refused
from tamis.methods.rho import rho


def test_the_difference_of_two_columns():
    pool = {"now": [2.0, 2.0, 0.125, 0.5], "other": [0.5, 1.875, 0.125, 1.0]}
    found = tamis.select(pool, "rho", budget=3, use={"loss": "now", "reference_loss": "other"})
    assert found.rows.tolist() == [0, 1, 2] and found.scores.tolist() == [1.5, 0.125, 0.0]
    swapped = tamis.select(pool, "rho", budget=1, use={"loss": "other", "reference_loss": "now"})
    assert swapped.rows.tolist() == [3]


def test_what_is_not_there_is_refused():
    with pytest.raises(Refused, match="reference_loss"):
        tamis.select({"now": [1.0]}, "rho", budget=1, use={"loss": "now"})


def test_it_passes_over_wrong_labels_of_digits():
    """A fifth of labels wrong: among the tenth with the highest RHO are few of them, in that of the loss most."""
    linear = pytest.importorskip("sklearn.linear_model")
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    mixed = rng.permutation(len(y))
    held, few, pool = np.split(mixed, [600, 640])
    wrong = rng.random(len(pool)) < 0.2
    label = np.where(wrong, (y[pool] + rng.integers(1, 10, len(pool))) % 10, y[pool])

    def loss(rows):
        model = linear.LogisticRegression(max_iter=2000).fit(x[rows] / 16, y[rows])
        probs = model.predict_proba(x[pool] / 16)[np.arange(len(pool)), np.searchsorted(model.classes_, label)]
        return -np.log(np.maximum(probs, 1e-9))

    now, reference = loss(few), loss(held)
    most = len(pool) // 10
    by_rho, by_loss = np.argsort(-rho(now, reference))[:most], np.argsort(-now)[:most]
    assert wrong[by_rho].mean() < 0.1 and wrong[by_loss].mean() > 0.5

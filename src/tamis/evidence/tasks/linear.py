"""A linear probe: logistic regression on the features."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt

from tamis import refusals
from tamis.evidence.task import Data, Train
from tamis.evidence.tasks.classify import Classify, learnable, most_likely


class Linear(Classify):
    """Multinomial logistic regression: `min_W −Σ_i w_i ln p(y_i | x_i) + ‖W‖² / (2 c)`, weights of mean 1.

    Two classes have one vector of coefficients. scikit-learn's L-BFGS in float32 runs until no component of the mean
    gradient exceeds `tolerance`. Its own default of 1e-4 is not reached in 1,000 rounds on 60,000 images of 784
    pixels, costs seven times as much there, and names no more of them.

    Args:
        c: the larger, the less the coefficients are held back.
        tolerance: where the search ends.
        rounds: the most rounds of L-BFGS.
    """

    def __init__(self, *, c: PositiveFloat = 1.0, tolerance: PositiveFloat = 1e-3, rounds: PositiveInt = 1000) -> None:
        try:
            import sklearn.linear_model  # noqa: F401  (now, so that no fit is charged for the import)
        except ImportError:
            raise refusals.PACKAGE_MISSING("--model linear", package="scikit-learn", extra="bench") from None
        self.c, self.tolerance, self.rounds = c, tolerance, rounds

    def describe(self) -> str:
        """What is trained."""
        return f"a linear probe (multinomial logistic regression, C = {self.c:g})"

    def fit(self, train: Train, *, seed: int, steps: int | None) -> Any:
        """The regression, or the code of the only class. `O(k d c)` a round; `seed` and `steps` change nothing."""
        from sklearn.linear_model import LogisticRegression

        found = learnable(train)
        if (found.labels == found.labels[0]).all():
            return int(found.labels[0])
        model = LogisticRegression(C=self.c, tol=self.tolerance, max_iter=self.rounds)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(found.features, found.labels, sample_weight=found.weights)

    def predict(self, model: Any, data: Data) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The most likely class and the probability of the true one."""
        assert data.features is not None and data.labels is not None
        if isinstance(model, int):
            return most_likely(np.ones((len(data), 1)), np.array([model]), data.labels)
        return most_likely(model.predict_proba(data.features), model.classes_, data.labels)

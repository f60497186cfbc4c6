"""Digits of which a tenth have a wrong label, any of the others."""

import numpy as np
import pytest


def noisy_digits():
    """Pixels in [0, 1], labels as given, which are wrong, and the generator that drew them."""
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    wrong = rng.random(len(y)) < 0.1
    return x / 16, np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y), wrong, rng

"""AUM: the checks of its specification, as a detector of wrong labels too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import tamis
from tamis.methods.aum import aum

from .noisy_digits import noisy_digits


def margin(logits, label):
    rows = np.arange(len(label))
    others = logits.copy()
    others[rows, label] = -np.inf
    return logits[rows, label] - others.max(axis=1)


def test_the_mean_of_visits():
    seen = np.array([[1.26, 1.04]], np.float32)
    assert aum(seen[:, :1])[0] == pytest.approx(1.26, abs=1e-6)
    assert aum(seen)[0] == pytest.approx(1.15, abs=1e-6)
    assert aum(seen).dtype == np.float64


@given(st.integers(0, 10_000), st.floats(-50, 50), st.floats(0.1, 20))
def test_logits_may_be_moved_and_are_scaled(seed, by, factor):
    rng = np.random.default_rng(seed)
    logits, label = rng.normal(size=(6, 20, 4)), rng.integers(0, 4, 20)

    def of(logits):
        return aum(np.stack([margin(one, label) for one in logits], axis=1).astype(np.float32))

    np.testing.assert_allclose(of(logits + by), of(logits), atol=1e-5)
    np.testing.assert_allclose(of(factor * logits), factor * of(logits), rtol=1e-5, atol=1e-5)


def test_sums_are_exact_enough():
    """A sum in float32 would lose the last of these visits."""
    assert aum(np.array([[2**25, 1.0, 1.0, -(2**25)]], np.float32)).tolist() == [0.5]


def test_wrong_labels_of_digits_are_low():
    """A tenth of labels wrong, an MLP of 64 with logits of its own: an area under the curve of at least 0.98."""
    torch = pytest.importorskip("torch")
    x, label, wrong, rng = noisy_digits()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    train = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    inputs, labels, visits = torch.tensor(x, dtype=torch.float32), torch.tensor(label), []
    for _ in range(15):
        for rows in torch.tensor(rng.permutation(len(label))).split(64):
            train.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[rows]), labels[rows]).backward()
            train.step()
        visits.append(margin(model(inputs).detach().numpy().astype(np.float64), label))
    assert roc_auc_score(~wrong, aum(np.stack(visits, axis=1).astype(np.float32))) >= 0.98


def test_the_cleanest_are_kept():
    pool = {"m0": [1.0, -2.0, 3.0], "m1": [0.0, -1.0, 1.0]}
    found = tamis.select(pool, "aum", budget=2, use={"margins": "m*"})
    assert found.rows.tolist() == [2, 0] and found.scores.tolist() == [2.0, 0.5]
    assert tamis.select(pool, "aum", budget=1, choose="bottom", use={"margins": "m*"}).rows.tolist() == [1]

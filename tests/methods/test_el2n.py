"""EL2N: the checks of its specification, columns in any order, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import tamis
from tamis.errors import BadRow, Refused
from tamis.methods.el2n import el2n
from tamis.ops import hardness

from .noisy_digits import noisy_digits


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def learned(n, k, seed, sharp=3.0):
    """Probabilities of a model that has begun to learn, in float32, and labels of which each class has some."""
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.arange(n) % k)
    return softmax(rng.normal(size=(n, k)) + sharp * np.eye(k)[label]).astype(np.float32), label


@pytest.mark.parametrize("k", [2, 3, 10, 1000])
def test_a_model_that_knows_nothing(k):
    """Zero logits: `sqrt(1 - 1/K)` for every example, 0.948683 of ten classes."""
    n = 30
    found = el2n(np.full((n, k), 1 / k, np.float32), np.arange(n) % min(k, n))
    np.testing.assert_allclose(found, np.sqrt(1 - 1 / k), rtol=1e-6)
    assert k != 10 or found[0] == pytest.approx(0.948683, abs=5e-7)


@given(st.integers(0, 10_000), st.integers(2, 8), st.integers(40, 90))
def test_as_the_formula_says(seed, k, n):
    probs, label = learned(n, k, seed)
    for norm in (1, 2):
        slow = []
        for p, y in zip(probs.astype(np.float64), label, strict=True):
            error = p / p.sum() - np.eye(k)[y]
            slow.append(np.abs(error).sum() if norm == 1 else np.sqrt((error**2).sum()))
        found = el2n(probs, label, norm=norm)
        np.testing.assert_allclose(found, slow, rtol=1e-10, atol=1e-12)
        assert found.dtype == np.float64 and (found <= (2 if norm == 1 else np.sqrt(2)) + 1e-12).all()


@given(st.integers(0, 10_000))
def test_columns_and_codes_in_any_order(seed):
    rng = np.random.default_rng(seed)
    probs, label = learned(60, 5, seed)
    found = el2n(probs, label)
    np.testing.assert_allclose(el2n(probs[:, rng.permutation(5)], rng.permutation(5)[label]), found, rtol=1e-12)
    rows = rng.permutation(60)
    np.testing.assert_allclose(el2n(probs[rows], label[rows]), found[rows], rtol=1e-12)


def test_a_rare_class_counts_as_much_as_a_frequent_one():
    """A model that leans to the column of the rare class still has a column for each."""
    label = np.repeat([0, 1], [100, 10])
    probs = np.where(label[:, None] == 0, [0.45, 0.55], [0.2, 0.8]).astype(np.float32)
    np.testing.assert_allclose(el2n(probs, label, norm=1), 2 * (1 - probs[np.arange(110), label]), rtol=1e-6)


def test_a_class_that_no_row_has():
    probs, label = learned(40, 4, 0)
    rows = label != 2
    exact = probs[rows] / probs[rows].sum(axis=1, keepdims=True, dtype=np.float64)
    wanted = np.linalg.norm(exact - np.eye(4)[label[rows]], axis=1)
    np.testing.assert_allclose(el2n(probs[rows], np.unique(label[rows], return_inverse=True)[1]), wanted, rtol=1e-10)


def test_certain_rows_are_told_apart():
    """1 - p of a p that is 1 in float32 would be 0 for all of them."""
    small = np.array([1e-9, 1e-12, 1e-20, 0.0], np.float32)
    found = el2n(np.stack([1 - small, small], axis=1), np.zeros(4, int))
    np.testing.assert_allclose(found, np.sqrt(2) * small, rtol=1e-6)


def test_blocks(monkeypatch):
    probs, label = learned(500, 3, 4)
    whole = el2n(probs, label)
    monkeypatch.setattr(hardness, "BLOCK_BYTES", 7 * 8 * 3)
    monkeypatch.setattr("tamis.ops.gradients.BLOCK_BYTES", 7 * 8 * 3)
    np.testing.assert_array_equal(el2n(probs, label), whole)


def test_wrong_labels_of_digits_are_the_hardest():
    """A tenth of labels wrong, an MLP of 64 over ten epochs: an area under the curve of at least 0.98."""
    neural = pytest.importorskip("sklearn.neural_network")
    x, label, wrong, _ = noisy_digits()
    options = {"solver": "sgd", "learning_rate_init": 0.1, "batch_size": 64}
    model, found = neural.MLPClassifier(64, random_state=0, **options), np.zeros(len(label))
    for _ in range(10):
        probs = model.partial_fit(x, label, classes=np.arange(10)).predict_proba(x).astype(np.float32)
        found += el2n(probs, label)
    assert roc_auc_score(wrong, found) >= 0.98


def test_through_the_engine_as_by_hand(tmp_path):
    """Labels are names, codes come up in another order than columns, and the matrix lies in a file or in columns."""
    probs, label = learned(80, 4, 7)
    columns = {"kind": [("d", "b", "a", "c")[code] for code in label], "n": np.arange(80)}
    np.save(tmp_path / "p.npy", probs)
    side = columns | {f"p{c}": probs[:, c] for c in range(4)}
    one = tamis.select(columns, "el2n", budget=80, label="kind", use={"probs": str(tmp_path / "p.npy")})
    two = tamis.select(side, "el2n", budget=80, label="kind", use={"probs": "p*"})
    wanted = el2n(probs, label)
    np.testing.assert_allclose(one.scores, wanted[one.rows], rtol=1e-12)
    assert one.rows.tolist() == two.rows.tolist() == np.argsort(-wanted, kind="stable").tolist()


@pytest.mark.parametrize(
    ("probs", "label", "options", "said"),
    [
        (np.ones((3, 1)), [0, 0, 0], {}, "one class"),
        (np.full((3, 2), 0.5), [0, 1, 2], {}, "3 classes and 2 probabilities"),
        (np.full((3, 2), 0.5), [0, 1, 1], {"norm": 0}, "norm=0"),
    ],
)
def test_what_is_refused(probs, label, options, said):
    with pytest.raises(Refused, match=said):
        el2n(probs.astype(np.float32), np.array(label), **options)


@pytest.mark.parametrize("row", [[0.5, 0.6], [np.nan, 0.5], [1.5, -0.5], [2.0, -3.0]])
def test_rows_that_are_no_probabilities(row):
    with pytest.raises(BadRow) as error:
        el2n(np.array([[0.5, 0.5], [1, 0], row, [2, 2]], np.float32), np.array([0, 1, 0, 1]))
    assert error.value.row == 2

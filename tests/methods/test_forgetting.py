"""Forgetting events: the cases of the specification, a slow count, and what becomes of rows that were never right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import tamis
from tamis.errors import BadRow, Refused
from tamis.methods.forgetting import forgetting
from tamis.ops import hardness

from .noisy_digits import noisy_digits

CASES = ["0110", "1010", "0000", "1111"]


def visits(*words):
    return np.array([[int(letter) for letter in word] for word in words], np.float32)


def test_the_cases_of_the_specification():
    found = forgetting(visits(*CASES))
    assert found.scores.tolist() == [1, 2, 4, 0] and found.admitted.all()


def test_rows_that_were_never_right():
    correct = visits(*CASES)
    largest = forgetting(correct, never="inf")
    assert largest.scores.tolist() == [1, 2, np.finfo(float).max, 0] and largest.admitted.all()
    dropped = forgetting(correct, never="drop")
    assert dropped.admitted.tolist() == [True, True, False, True] and np.isfinite(dropped.scores).all()


@given(st.lists(st.text("01", min_size=7, max_size=7), min_size=1, max_size=30))
def test_as_counted_slowly(words):
    found = forgetting(visits(*words), never="drop")
    assert found.scores.tolist() == [word.count("10") if "1" in word else 7 for word in words]
    assert found.admitted.tolist() == ["1" in word for word in words]


def test_blocks(monkeypatch):
    correct = np.random.default_rng(0).integers(0, 2, (200, 5)).astype(np.float32)
    whole = forgetting(correct)
    monkeypatch.setattr(hardness, "BLOCK_BYTES", 3 * 8 * 5)
    np.testing.assert_array_equal(forgetting(correct).scores, whole.scores)
    correct[151, 2] = 2
    with pytest.raises(BadRow, match="2") as error:
        forgetting(correct)
    assert error.value.row == 151


@pytest.mark.parametrize("block", [1 << 20, 3])
def test_dropped_rows_are_not_kept(block, monkeypatch):
    """A large pool is scored in blocks of rows."""
    monkeypatch.setattr("tamis.engine.scores.BLOCK", block)
    pool = {"n": list(range(8)), "correct": list(visits(*CASES, "0000", "0101", "1110", "0010"))}
    found = tamis.select(pool, "forgetting", budget=8, use={"correct": "correct"}, never="drop")
    assert found.rows.tolist() == [1, 0, 5, 6, 7, 3]
    assert found.scores.tolist() == [2, 1, 1, 1, 1, 0]
    assert any("6 of 8 rows could be kept" in said for said in found.manifest["warnings"])
    assert tamis.select(pool, "forgetting", budget=2, use={"correct": "correct"}).rows.tolist() == [2, 4]


def test_wrong_labels_of_digits_are_forgotten():
    """A tenth of labels wrong, an MLP over 40 epochs, right or wrong when a batch comes: an area of at least 0.95."""
    torch = pytest.importorskip("torch")
    x, label, wrong, rng = noisy_digits()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    train = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(label)
    correct = np.zeros((len(label), 40), np.float32)
    for epoch in range(40):
        for rows in torch.tensor(rng.permutation(len(label))).split(64):
            logits = model(inputs[rows])
            correct[rows.numpy(), epoch] = logits.argmax(dim=1) == labels[rows]
            train.zero_grad()
            torch.nn.functional.cross_entropy(logits, labels[rows]).backward()
            train.step()
    assert roc_auc_score(wrong, forgetting(correct).scores) >= 0.95


def test_what_is_refused():
    with pytest.raises(Refused, match="1 visit"):
        forgetting(np.ones((3, 1), np.float32))
    for value in (0.5, -1.0, np.nan):
        with pytest.raises(BadRow) as error:
            forgetting(np.array([[0, 1], [1, value]], np.float32))
        assert error.value.row == 1

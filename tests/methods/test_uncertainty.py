"""Entropy, margin and least confidence: formulas, agreement on two classes, and what is no probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from tamis.errors import BadRow, Refused
from tamis.methods.entropy import entropy
from tamis.methods.least_confidence import least_confidence
from tamis.methods.margin import margin
from tamis.ops import probabilities

METHODS = [entropy, margin, least_confidence]


def softmax(n, k, seed, sharp=3.0):
    logits = sharp * np.random.default_rng(seed).normal(size=(n, k))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 10_000), st.integers(2, 9), st.floats(0.1, 80))
def test_formulas(seed, k, sharp):
    p = softmax(40, k, seed, sharp)
    exact = p.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(entropy(p), scipy_entropy(exact, axis=1), rtol=1e-9, atol=1e-12)
    first, second = np.sort(exact, axis=1)[:, [-1, -2]].T
    np.testing.assert_allclose(margin(p), 1 - (first - second), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(least_confidence(p), 1 - first, rtol=1e-12, atol=1e-15)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_two_classes_rank_alike(first):
    """`1 - p` of a float32 p of at least 1/2 is exact, so that rows sum to 1 and equal rows stay equal."""
    likely = np.maximum(first, np.float32(1) - np.array(first, np.float32)).astype(np.float32)
    turned = np.arange(len(likely)) % 2 == 1
    p = np.stack([likely, 1 - likely], axis=1)
    p[turned] = p[turned, ::-1]
    orders = [np.argsort(-found(p), kind="stable").tolist() for found in METHODS]
    assert orders[0] == orders[1] == orders[2] == np.argsort(likely, kind="stable").tolist()


@pytest.mark.parametrize("sharp", [0.001, 1, 20, 60])
def test_two_classes_rank_alike_also_where_the_likelier_is_1_in_float32(sharp):
    p = softmax(5_000, 2, 0, sharp)
    orders = [np.argsort(-found(p), kind="stable").tolist() for found in METHODS]
    assert orders[0] == orders[1] == orders[2]


@pytest.mark.parametrize("found", METHODS)
def test_certain_and_undecided(found):
    scores = found(np.array([[0, 1, 0, 0], [0.25] * 4, [0.7, 0.1, 0.1, 0.1]], np.float32))
    assert scores[0] == 0 and scores.argmax() == 1 and scores.dtype == np.float64
    assert scores[1] == pytest.approx({entropy: np.log(4), margin: 1, least_confidence: 0.75}[found])


@pytest.mark.parametrize("found", METHODS)
def test_blocks_of_rows_score_as_the_whole(found):
    p = softmax(100, 7, 0)
    assert (np.concatenate([found(p[:33]), found(p[33:])]) == found(p)).all()


@pytest.mark.parametrize("found", METHODS)
@pytest.mark.parametrize(
    ("row", "said"),
    [([0.5, 0.4, 0.0], r"sum to 0\.9"), ([1.0, 0.5, 0.5], r"sum to 2"), ([1.2, -0.2, 0.0], r"hold -0\.2")],
)
def test_rows_that_are_no_probabilities(found, row, said, monkeypatch):
    p = softmax(30, 3, 0)
    p[[11, 20]] = row
    monkeypatch.setattr(probabilities, "BLOCK_BYTES", 8 * 3 * 5)
    with pytest.raises(BadRow, match=f"its 3 probabilities {said}") as caught:
        found(p)
    assert caught.value.row == 11


@pytest.mark.parametrize("found", METHODS)
@pytest.mark.parametrize("total", [0.9992, 1.0008])
def test_rows_that_nearly_sum_to_one_are_made_to(found, total):
    p = softmax(30, 3, 0)
    np.testing.assert_allclose(found(p * np.float32(total)), found(p), rtol=1e-5, atol=1e-6)


def test_one_class():
    one = np.ones((3, 1), np.float32)
    assert entropy(one).tolist() == least_confidence(one).tolist() == [0, 0, 0]
    with pytest.raises(Refused, match="one class, and a margin is between two"):
        margin(one)

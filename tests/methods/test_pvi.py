"""PVI: bits that the input gives for the label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tamis
from tamis.errors import BadRow, Refused
from tamis.methods.pvi import pvi
from tamis.ops import hardness


def material(seed, n=50, k=4):
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.arange(n) % k)
    logits = rng.normal(size=(n, k)) + 3 * np.eye(k)[label]
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probs.astype(np.float32), rng.dirichlet(np.full(k, 3.0), n).astype(np.float32), label


@given(st.integers(0, 10_000), st.integers(2, 7))
def test_as_the_formula_says(seed, k):
    probs, null, label = material(seed, k=k)
    slow = []
    for p, q, y in zip(probs.astype(np.float64), null.astype(np.float64), label, strict=True):
        slow.append(np.log2(p[y] / p.sum()) - np.log2(q[y] / q.sum()))
    np.testing.assert_allclose(pvi(probs, null, label), slow, rtol=1e-9, atol=1e-9)


def test_of_frequent_classes():
    """A model that always answers with how frequent classes are has no bits; one that is certain has those of a class.

    The column of each class is that of `probs`, whatever the other model says.
    """
    frequent = np.tile(np.array([0.125, 0.875], np.float32), (16, 1))
    label = (np.arange(16) >= 2).astype(int)
    assert not pvi(frequent, frequent, np.ones(16, int)).any()
    found = pvi(np.eye(2, dtype=np.float32)[label], frequent, label)
    np.testing.assert_allclose(found, np.where(label == 0, 3, np.log2(8 / 7)), rtol=1e-12)


@given(st.integers(0, 10_000))
def test_columns_and_codes_in_any_order(seed):
    rng = np.random.default_rng(seed)
    probs, null, label = material(seed)
    columns = rng.permutation(4)
    found = pvi(probs[:, columns], null[:, columns], rng.permutation(4)[label])
    np.testing.assert_array_equal(found, pvi(probs, null, label))


def test_what_cannot_be_is_finite():
    probs = np.array([[0, 1], [1, 0], [1, 0], [1e-45, 1]], np.float32)
    found = pvi(probs, np.full((4, 2), 0.5, np.float32), np.array([0, 0, 0, 0]))
    assert found.tolist() == [-125, 1, 1, -125]


def test_blocks(monkeypatch):
    probs, null, label = material(3)
    whole = pvi(probs, null, label)
    monkeypatch.setattr(hardness, "BLOCK_BYTES", 3 * 8 * 4)
    np.testing.assert_array_equal(pvi(probs, null, label), whole)


def test_the_fewest_bits_are_kept():
    probs, null, label = material(0)
    pool = {"label": label} | {f"p{c}": probs[:, c] for c in range(4)} | {f"q{c}": null[:, c] for c in range(4)}
    found = tamis.select(pool, "pvi", budget=7, use={"probs": "p*", "null_probs": "q*"})
    assert found.rows.tolist() == np.argsort(pvi(probs, null, label), kind="stable")[:7].tolist()


def test_what_is_refused():
    probs, null, label = material(0)
    with pytest.raises(Refused, match="3 probabilities a row, and 4"):
        pvi(probs, null[:, :3], label)
    with pytest.raises(Refused, match="one class"):
        pvi(probs[:, :1], null[:, :1], label)
    for row in ([0.5, 0.5, 0.5, 0.5], [np.nan, 0, 0, 1], [2, -1, 0, 0]):
        with pytest.raises(BadRow, match=r"its 4 probabilities (sum|hold)") as error:
            pvi(np.concatenate([probs, [row]]).astype(np.float32), np.tile(null[:1], (51, 1)), np.append(label, 0))
        assert error.value.row == 50
    null[9] *= 1.5
    with pytest.raises(BadRow, match="without the input") as error:
        pvi(probs, null, label)
    assert error.value.row == 9

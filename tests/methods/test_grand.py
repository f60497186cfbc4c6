"""GraNd of the last layer: the gradients of autograd, made one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import BadRow, Refused
from tamis.methods.el2n import el2n
from tamis.methods.grand import grand


def material(n, k, d, seed):
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.arange(n) % k)
    logits = rng.normal(size=(n, k)) + 3 * np.eye(k)[label]
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probs.astype(np.float32), label, rng.normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("bias", [True, False])
def test_of_digits_as_autograd_has_it(bias):
    """An MLP on 50 digits: the norm of each example's gradient in the last layer, to 1e-6."""
    torch = pytest.importorskip("torch")
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    torch.manual_seed(0)
    body = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU()).double()
    last = torch.nn.Linear(32, 10, bias=bias).double()
    inputs, labels = torch.tensor(x / 16), torch.tensor(y)
    train = torch.optim.SGD([*body.parameters(), *last.parameters()], lr=0.5)
    for _ in range(60):
        train.zero_grad()
        torch.nn.functional.cross_entropy(last(body(inputs)), labels).backward()
        train.step()
    inputs, labels, slow = inputs[:50], labels[:50], []
    for one, label in zip(inputs, labels, strict=True):
        loss = torch.nn.functional.cross_entropy(last(body(one[None])), label[None])
        found = torch.autograd.grad(loss, list(last.parameters()))
        slow.append(torch.sqrt(sum((part**2).sum() for part in found)).item())
    probs = torch.softmax(last(body(inputs)), dim=1).detach().numpy().astype(np.float32)
    features = body(inputs).detach().numpy().astype(np.float32)
    np.testing.assert_allclose(grand(probs, y[:50], features, bias=bias), slow, rtol=2e-6, atol=1e-6)


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 9), st.booleans())
def test_as_the_outer_product_has_it(seed, k, d, bias):
    probs, label, h = material(40, k, d, seed)
    slow = []
    for p, y, features in zip(probs.astype(np.float64), label, h.astype(np.float64), strict=True):
        error = p / p.sum() - np.eye(k)[y]
        slow.append(np.linalg.norm(np.outer(error, [*features, 1.0] if bias else features)))
    np.testing.assert_allclose(grand(probs, label, h, bias=bias), slow, rtol=1e-9, atol=1e-12)


def test_of_features_that_are_nothing():
    probs, label, h = material(20, 3, 4, 0)
    np.testing.assert_array_equal(grand(probs, label, 0 * h), el2n(probs, label))
    assert not grand(probs, label, 0 * h, bias=False).any()
    assert np.isfinite(grand(probs, label, np.full_like(h, 3e38))).all()


def test_what_is_refused():
    probs, label, h = material(6, 3, 2, 0)
    with pytest.raises(Refused, match="one class"):
        grand(probs[:, :1] * 0 + 1, label, h)
    probs[4] *= 2
    with pytest.raises(BadRow):
        grand(probs, label, h)

"""A small multi-layer perceptron in NumPy: one hidden layer, Adam, the same number of steps at every budget."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt

from tamis.evidence.task import Data, Train
from tamis.evidence.tasks.classify import Classify, mean_one, most_likely, weighted

STEPS = 2000
_MEAN, _SQUARE, _TINY = 0.9, 0.999, 1e-8  # of Adam
_BLOCK = 4096
Array = NDArray[np.floating]


class Network(NamedTuple):
    """Parameters `into [d, h]`, `bias [h]`, `out [h, c]`, `bias_out [c]`, all of them views of `values`."""

    values: Array
    into: Array
    bias: Array
    out: Array
    bias_out: Array


class Trained(NamedTuple):
    """A network and the codes of the classes that it tells apart, `int64 [c]`, ascending."""

    network: Network
    present: NDArray[np.int64]


class Mlp(Classify):
    """`softmax(relu(x A + a) B + b)`, trained by Adam on mini-batches, with a step size that falls along a cosine.

    Every step minimises `−Σ_i w_i ln p(y_i | x_i) / |batch|` with weights of mean 1, in float32. A fit takes the same
    2,000 steps whatever was chosen, so that few examples are seen more often. Nothing else holds it back: it can learn
    wrong labels by heart.

    Args:
        hidden: units of the hidden layer.
        rate: the first step size of Adam.
    """

    default_steps = STEPS

    def __init__(self, *, hidden: PositiveInt = 128, rate: PositiveFloat = 1e-3) -> None:
        self.hidden, self.rate = hidden, rate

    def describe(self) -> str:
        """What is trained."""
        return f"a multi-layer perceptron with one hidden layer of {self.hidden} units"

    def fit(self, train: Train, *, seed: int, steps: int | None) -> Trained:
        """A network after `steps` batches; `seed` decides where it starts. `O(d h)` a step and example."""
        features, labels, total = train.pool.features, train.pool.labels, steps or STEPS
        assert features is not None and labels is not None
        used = weighted(train)
        present, scale = np.unique(train.labels[used]), mean_one(train.weights[used])
        sizes = features.shape[1], self.hidden, len(present)
        network = start(*sizes, np.random.default_rng(seed))
        gradient, adam = shaped(np.zeros_like(network.values), *sizes), Adam(network.values)
        for rows, weights in train.steps(total):
            codes = np.minimum(np.searchsorted(present, labels[rows]), len(present) - 1)
            train.tell(rows, loss=differentiate(network, gradient, features[rows], codes, weights * scale))
            adam.step(gradient.values, self.rate * (1 + np.cos(np.pi * train.place / total)) / 2)
        return Trained(network, present)

    def predict(self, model: Trained, data: Data) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The most likely class and the probability of the true one."""
        assert data.features is not None and data.labels is not None
        blocks = [data.features[place : place + _BLOCK] for place in range(0, len(data), _BLOCK)]
        probabilities = np.concatenate([forward(model.network, block)[1] for block in blocks])
        return most_likely(probabilities, model.present, data.labels)


def shaped(values: Array, d: int, hidden: int, classes: int) -> Network:
    """The parameters of a network as views of one array of `(d + 1) h + (h + 1) c` numbers."""
    ends = np.cumsum([d * hidden, hidden, hidden * classes])
    into, bias, out, bias_out = np.split(values, ends)
    return Network(values, into.reshape(d, hidden), bias, out.reshape(hidden, classes), bias_out)


def start(d: int, hidden: int, classes: int, rng: np.random.Generator) -> Network:
    """A network of float32 with He's normal weights, of variance 2 / d and 1 / h, and no biases."""
    network = shaped(np.zeros((d + 1) * hidden + (hidden + 1) * classes, np.float32), d, hidden, classes)
    network.into[:] = rng.standard_normal((d, hidden), np.float32) * np.sqrt(2 / max(d, 1))
    network.out[:] = rng.standard_normal((hidden, classes), np.float32) * np.sqrt(1 / hidden)
    return network


def forward(network: Network, features: Array) -> tuple[Array, Array]:
    """The activities of the hidden layer `[b, h]` and the probabilities of the classes `[b, c]`."""
    active = np.maximum(features @ network.into + network.bias, 0)
    logits = active @ network.out + network.bias_out
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return active, odds / odds.sum(axis=1, keepdims=True)


def differentiate(
    network: Network, gradient: Network, features: Array, codes: NDArray[np.int64], weights: Array
) -> Array:
    """Write the gradient of `−Σ_i w_i ln p(y_i | x_i) / b` over a batch of b examples to `gradient`.

    Returns `−ln p(y_i | x_i)`, `[b]`.
    """
    active, error = forward(network, features)
    losses = -np.log(np.maximum(error[np.arange(len(codes)), codes], np.finfo(error.dtype).tiny))
    error[np.arange(len(codes)), codes] -= 1
    error *= (weights / len(codes))[:, None]
    np.matmul(active.T, error, out=gradient.out)
    np.sum(error, axis=0, out=gradient.bias_out)
    back = error @ network.out.T
    back *= active > 0
    np.matmul(features.T, back, out=gradient.into)
    np.sum(back, axis=0, out=gradient.bias)
    return np.asarray(losses)


class Adam:
    """Kingma and Ba's optimiser on one array, which it changes in place.

    Source: Kingma & Ba 2015, Adam: A Method for Stochastic Optimization, algorithm 1.
    """

    def __init__(self, values: Array) -> None:
        self.values, self.taken = values, 0
        self.mean, self.square, self.work = np.zeros_like(values), np.zeros_like(values), np.empty_like(values)

    def step(self, gradient: Array, rate: float) -> None:
        """`m ← β₁ m + (1−β₁) g`, `v ← β₂ v + (1−β₂) g²`, `θ ← θ − rate · m̂ / (√v̂ + 1e-8)`; changes `gradient`."""
        self.taken += 1
        self.mean += (1 - _MEAN) * (gradient - self.mean)
        np.square(gradient, out=gradient)
        self.square += (1 - _SQUARE) * (gradient - self.square)
        np.sqrt(self.square / (1 - _SQUARE**self.taken), out=self.work)
        self.work += _TINY
        np.divide(self.mean, self.work, out=self.work)
        self.work *= rate / (1 - _MEAN**self.taken)
        self.values -= self.work

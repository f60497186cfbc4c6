"""The multi-layer perceptron: its gradient, its optimiser, and a peer."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from tamis.evidence.task import Test
from tamis.evidence.tasks import make_task
from tamis.evidence.tasks.mlp import Adam, differentiate, forward, shaped, start

from .classes import blobs, chosen, digits, learn


def test_gradient_is_that_of_finite_differences():
    """The gradient of `Σ w ln p / b`, written out without matrix products."""
    rng = np.random.default_rng(0)
    sizes = 3, 5, 4
    network = shaped(start(*sizes, rng).values.astype(np.float64), *sizes)
    network.values[:] += 0.1 * rng.normal(size=len(network.values))
    features, codes, weights = rng.normal(size=(7, 3)), rng.integers(0, 4, 7), rng.random(7)

    def loss(values):
        one = shaped(values, *sizes)
        total = 0.0
        for x, code, weight in zip(features, codes, weights, strict=True):
            logits = np.maximum(x @ one.into + one.bias, 0) @ one.out + one.bias_out
            total -= weight * (logits[code] - np.log(np.exp(logits).sum()))
        return total / 7

    gradient = shaped(np.zeros_like(network.values), *sizes)
    losses = differentiate(network, gradient, features, codes, weights)
    np.testing.assert_allclose(losses, -np.log(forward(network, features)[1][np.arange(7), codes]))
    assert weights @ losses / 7 == pytest.approx(loss(network.values))
    for place in range(len(network.values)):
        step = np.zeros_like(network.values)
        step[place] = 1e-6
        slope = (loss(network.values + step) - loss(network.values - step)) / 2e-6
        assert gradient.values[place] == pytest.approx(slope, abs=1e-7)
    twice = shaped(np.zeros_like(network.values), *sizes)
    whole = np.array([2, 1, 3, 1, 1, 2, 1])
    differentiate(network, gradient, features, codes, whole.astype(float))
    again = np.repeat(np.arange(7), whole)
    differentiate(network, twice, features[again], codes[again], np.ones(11))
    np.testing.assert_allclose(7 * gradient.values, 11 * twice.values, rtol=1e-12, atol=1e-15)


def test_adam_is_algorithm_1():
    rng = np.random.default_rng(0)
    values = rng.normal(size=6)
    adam, expected, mean, square = Adam(values), values.copy(), np.zeros(6), np.zeros(6)
    for taken in range(1, 5):
        gradient = rng.normal(size=6)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        expected -= 0.01 * (mean / (1 - 0.9**taken)) / (np.sqrt(square / (1 - 0.999**taken)) + 1e-8)
        adam.step(gradient.copy(), 0.01)
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_perceptron_is_as_good_as_scikit_learns():
    pool, test = digits()
    found = [learn("mlp", chosen(pool, seed=seed), test, seed=seed, steps=None) for seed in range(2)]
    peers = [
        MLPClassifier((128,), batch_size=64, max_iter=100, random_state=seed).fit(pool.features, pool.labels)
        for seed in range(2)
    ]
    mine = np.mean([one.metrics["accuracy"] for one in found])
    theirs = np.mean([peer.score(test.features, test.labels) for peer in peers])
    assert abs(mine - theirs) < 0.015 and found[0] != found[1]


def test_seed_decides_where_a_perceptron_starts():
    train, test = chosen(blobs(), seed=1), Test({"test": blobs(200, seed=9)})
    assert learn("mlp", train, test, seed=1) != learn("mlp", train, test, seed=2)


def test_perceptron_takes_its_steps_at_every_budget(monkeypatch):
    taken = []
    monkeypatch.setattr(Adam, "step", lambda self, gradient, rate: taken.append(rate))
    pool, task = blobs(200), make_task("classify", "mlp", {"hidden": "8", "rate": "0.01"})
    for rows in (3, 200):
        task.fit(chosen(pool, np.arange(rows)), seed=0, steps=None)
        assert len(taken) == task.default_steps == 2000 and taken[0] == 0.01 and 0 < taken[-1] < 1e-6
        taken.clear()


def test_forward_gives_probabilities_for_large_logits():
    network = start(2, 3, 4, np.random.default_rng(0))
    odds = forward(network, np.full((5, 2), 1e6, np.float32))[1]
    np.testing.assert_allclose(odds.sum(axis=1), 1, rtol=1e-6)

"""BADGE: which row comes first, and that nothing is made which has the size of gradients."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import chisquare

from tamis.errors import BadRow
from tamis.methods.badge import badge
from tamis.ops.greedy import maximise
from tamis.ops.hashing import mix64


def keys(n, seed=0):
    return mix64(mix64(np.arange(1, n + 1, dtype=np.uint64)) + np.uint64(seed))


def made(n, k, d, seed=0):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(k, 0.5), n).astype(np.float32)
    return probs, rng.normal(size=(n, d)).astype(np.float32)


def gradients(probs, embedding):
    """`[n, k · d]`, which the method never makes."""
    error = probs.astype(np.float64) - np.eye(probs.shape[1])[probs.argmax(axis=1)]
    return (error[:, :, None] * embedding[:, None]).reshape(len(probs), -1)


@pytest.mark.parametrize("n", [50, 1200])
def test_gains_are_those_of_gradients(n):
    probs, embedding = made(n, 5, 7)
    g, function = gradients(probs, embedding), badge(probs, embedding, keys(n))
    row, gain = function.best(np.ones(n, bool))
    norms = (g**2).sum(axis=1)
    assert row == np.argmax(norms) and gain == pytest.approx(norms.max(), rel=1e-6)
    for taken in (row, 3):
        function.take(taken)
    near = np.minimum(((g - g[row]) ** 2).sum(axis=1), ((g - g[3]) ** 2).sum(axis=1))
    np.testing.assert_allclose(function.gains(np.arange(n)), near, rtol=1e-5, atol=1e-6)


def test_the_only_uncertain_row_is_first():
    probs = np.eye(4, dtype=np.float32)[np.arange(40) % 4]
    probs[23] = [0.4, 0.3, 0.2, 0.1]
    embedding = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    embedding[5] *= 100
    rows, gains = maximise(badge(probs, embedding, keys(40)), 40)
    assert rows[0] == 23 and sorted(rows.tolist()) == list(range(40))
    assert gains[1] == pytest.approx(gains[0], rel=1e-6) and gains[2:].tolist() == [0] * 38


def test_second_draw_has_its_odds():
    """Chi-square over 2,000 seeds, at 1 in 10,000."""
    probs, embedding = made(12, 3, 4)
    g = gradients(probs, embedding)
    first = int(np.argmax((g**2).sum(axis=1)))
    odds = ((g - g[first]) ** 2).sum(axis=1)
    drawn = [maximise(badge(probs, embedding, keys(12, seed)), 2)[0] for seed in range(2000)]
    assert {int(rows[0]) for rows in drawn} == {first}
    found = np.bincount([rows[1] for rows in drawn], minlength=12)
    assert chisquare(np.delete(found, first), np.delete(odds / odds.sum() * 2000, first)).pvalue > 1e-4


def test_length_of_gradients_matters():
    """Gradients of length 1, as in the repository of PCoreSet, would draw confident rows as often as others."""
    probs, embedding = made(400, 5, 8)
    sure = np.arange(400) % 2 == 0
    probs[sure] = 0.001
    probs[sure, np.arange(400)[sure] % 5] = 0.996
    rows = [maximise(badge(probs, embedding, keys(400, seed)), 40)[0] for seed in range(5)]
    assert np.mean(sure[np.concatenate(rows)]) < 0.05


def test_memory_is_that_of_the_factors():
    probs, embedding = made(3000, 50, 200)
    maximise(badge(probs[:1100], embedding[:1100], keys(1100)), 2)
    tracemalloc.start()
    maximise(badge(probs, embedding, keys(3000)), 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * probs.nbytes + 60 * 3000 < 3000 * 50 * 200


def test_what_is_no_probabilities():
    probs, embedding = made(20, 3, 4)
    probs[6] = [0.5, 0.6, 0.5]
    with pytest.raises(BadRow, match=r"sum to 1\.6") as caught:
        badge(probs, embedding, keys(20))
    assert caught.value.row == 6

"""Choices within a batch: the largest reducible losses, and joint draws against the specification's own steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops.choosers import gumbel
from tamis.ops.joint_draws import joint, reducible
from tamis.ops.permutation import rekeyed


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20), st.data())
def test_the_largest_reducible_losses(pairs, data):
    loss, reference = np.array(pairs, float).T
    keep = data.draw(st.integers(1, len(pairs)))
    expected = sorted(range(len(pairs)), key=lambda at: (reference[at] - loss[at], at))[:keep]
    assert reducible(loss, reference, keep).tolist() == expected


def slow_joint(loss, reference, keep, key, chunks):
    learnable, taken = loss - reference, np.zeros(len(key))
    found = []
    for chunk in range(chunks):
        many = (chunk + 1) * keep // chunks - len(found)
        logits = np.diag(learnable) + taken @ learnable + learnable @ taken - 1e8 * taken
        best = sorted(range(len(key)), key=lambda at: -(logits[at] + gumbel(rekeyed(key, chunk))[at]))[:many]
        found += best
        taken[best] = 1
    return found


@given(st.integers(2, 12), st.data(), st.integers(0, 99))
def test_chunks_are_drawn_given_those_before(size, data, seed):
    loss, reference = np.random.default_rng(seed).normal(size=(2, size, size))
    keep = data.draw(st.integers(1, size))
    chunks = data.draw(st.integers(1, keep))
    found = joint(loss, reference, keep, keys(size, seed), chunks=chunks)
    assert found.tolist() == slow_joint(loss, reference, keep, keys(size, seed), chunks)
    assert len(set(found.tolist())) == keep


@pytest.mark.parametrize("shape", [(8,), (8, 8)])
def test_equal_models_draw_uniformly(shape):
    """[spec] χ² with L_ref = L_learner."""
    loss = np.random.default_rng(0).normal(size=shape) * 9
    counts = np.zeros(8)
    for seed in range(4000):
        counts[joint(loss, loss, 2, keys(8, seed), chunks=2)] += 1
    assert ((counts - 1000) ** 2 / 1000).sum() < 24.3  # 0.1 % of 7 degrees of freedom
    other = [joint(loss, loss * 0, 2, keys(8, seed), chunks=2).tolist() for seed in range(50)]
    swapped = [joint(loss * 0, loss, 2, keys(8, seed), chunks=2).tolist() for seed in range(50)]
    assert other != swapped


def test_without_pairs_it_is_a_draw_with_odds_of_the_learnable():
    loss = np.log([1.0, 2.0, 5.0])
    first = [joint(loss, np.zeros(3), 1, keys(3, seed), chunks=1)[0] for seed in range(8000)]
    np.testing.assert_allclose(np.bincount(first) / 8000, [1 / 8, 2 / 8, 5 / 8], atol=0.02)


def test_pairs_matter():
    """After 0, its partner 3 is drawn, which alone would not be."""
    loss = np.zeros((4, 4))
    loss[0, 0], loss[0, 3], loss[1, 1] = 100, 90, 40
    assert {tuple(joint(loss, loss * 0, 2, keys(4, seed), chunks=2).tolist()) for seed in range(20)} == {(0, 3)}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: reducible(np.ones(3), np.ones(2), 1), "its shape is"),
        (lambda: reducible(np.ones(3), np.ones(3), 0), "keep=0"),
        (lambda: reducible(np.ones(3), np.ones(3), 4), "keep=4"),
        (lambda: reducible(np.array([1.0, np.nan]), np.ones(2), 1), "loss: number 1 is nan"),
        (lambda: joint(np.ones(3), np.array([1, np.inf, 1]), 1, keys(3), chunks=1), "reference: number 1 is inf"),
        (lambda: joint(np.ones((3, 2)), np.ones((3, 2)), 1, keys(3), chunks=1), "its shape is"),
        (lambda: joint(np.ones(3), np.ones(3), 2, keys(3), chunks=3), "chunks=3"),
        (lambda: joint(np.ones(3), np.ones(3), 2, keys(3), chunks=0), "chunks=0"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(Refused, match=said):
        call()

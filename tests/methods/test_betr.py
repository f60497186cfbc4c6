"""BETR against ranks sorted one by one, and what ranks promise."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.methods.betr import betr
from tamis.ops.matches import Matches


def slow(near, target):
    """Documents from the first to the last: sort every column, take the best depth, ties by nearness, then by row."""
    n, t = near.shape
    sizes = {task: np.count_nonzero(target == task) for task in target}
    mean = np.mean(list(sizes.values()))
    keys = []
    for j in range(n):
        found = []
        for i in range(t):
            rank = 1 + sum((near[k, i], -k) > (near[j, i], -j) for k in range(n))
            found.append((rank * sizes[target[i]] / mean, target[i], i))
        first = [min(one for one in found if one[1] == task) for task in sizes]
        keys.append(min((depth, -near[j, i]) for depth, _, i in first))
    return sorted(range(n), key=lambda j: (keys[j], j)), keys


@given(st.integers(1, 14), st.integers(1, 5), st.integers(0, 10**6), st.integers(1, 3))
def test_equals_the_slow_way(n, t, seed, tasks):
    rng = np.random.default_rng(seed)
    near = rng.integers(0, 9, (n, t)).astype(np.float32) / 9
    target = rng.integers(0, tasks, t)
    found = betr(Matches(near), target)
    order, keys = slow(near, target)
    ours = np.argsort(-found, kind="stable").tolist()
    for one, other in zip(ours, order, strict=True):
        assert np.allclose(keys[one], keys[other])
    assert found.max() == 0 and (found == np.round(found)).all()


def test_scale_and_any_rising_function_of_one_example_change_nothing():
    rng = np.random.default_rng(0)
    near = rng.random((60, 4)).astype(np.float32)
    before = betr(Matches(near), np.zeros(4, np.int64)) > -20
    near[:, 1] *= 10
    near[:, 2] = np.exp(5 * near[:, 2])
    after = betr(Matches(near), np.zeros(4, np.int64)) > -20
    assert (before == after).mean() > 0.95  # but for ties of the same rank, which go by the match
    largest = near.max(axis=1)
    assert set(np.argsort(-largest)[:10]) <= set(np.argsort(-near[:, 2])[:10])  # the largest match would see one alone


def test_two_targets_of_different_size_share_what_is_kept():
    """Nine examples of one kind and three of another, whose matches are smaller: half and half."""
    rng = np.random.default_rng(3)
    near = np.zeros((200, 12), np.float32)
    near[:100, :9] = 0.5 + rng.random((100, 9)) / 2
    near[100:, 9:] = rng.random((100, 3)) / 4
    target = np.repeat([0, 1], [9, 3])
    kept = np.argsort(-betr(Matches(near), target), kind="stable")[:60]
    assert 0.4 < (kept < 100).mean() < 0.6


def test_with_vectors_as_with_matches():
    rng = np.random.default_rng(1)
    rows, examples = rng.normal(size=(50, 6)).astype(np.float32), rng.normal(size=(5, 6)).astype(np.float32)
    target = np.array([0, 1, 0, 1, 1])
    lazy = Matches(rows, examples, cosine=True)
    whole = Matches(np.concatenate([block for _, block in lazy.blocks()]))
    assert betr(lazy, target).tolist() == betr(whole, target).tolist()

"""BIDS: balance between queries whose influences are of unequal scale."""

import numpy as np
import pytest

from tamis.methods.bids import bids
from tamis.ops.matches import Matches


def influences(n, t, seed=0):
    return np.random.default_rng(seed).normal(size=(n, t)).astype(np.float32)


def test_scale_and_shift_of_a_query_change_nothing_here_and_much_elsewhere():
    found = influences(400, 13)
    moved = found.copy()
    moved[:, 4] = moved[:, 4] * 100 + 7
    assert bids(Matches(moved)).rows.tolist() == bids(Matches(found)).rows.tolist()
    for reduce in (np.max, np.sum):
        tops = [set(np.argsort(-reduce(values, axis=1))[:60].tolist()) for values in (found, moved)]
        assert len(tops[0] & tops[1]) < 40


@pytest.mark.parametrize("seed", range(5))
def test_tasks_of_unequal_influence_have_equal_shares(seed):
    """Rows 0 … 299 help task 0, at scale 1, the others task 1, at scale 10, 5 queries each."""
    rng = np.random.default_rng(seed)
    values = 0.1 * rng.normal(size=(600, 10)) + np.kron(np.eye(2), rng.random((300, 5)))
    values = (values * np.repeat([1, 10], 5)).astype(np.float32)
    chosen = bids(Matches(values)).rows[:100]
    assert 45 <= np.count_nonzero(chosen < 300) <= 55
    by_sum = np.argsort(-values.sum(axis=1))[:100]
    assert np.count_nonzero(by_sum >= 300) > 90


def test_gains_are_in_standard_deviations_and_name_the_query():
    values = influences(50, 3)
    order = bids(Matches(values))
    standard = (values - values.mean(axis=0, dtype=np.float64)) / values.std(axis=0, dtype=np.float64)
    assert order.gains[0] == pytest.approx(standard.max(), rel=1e-6)
    query = int(order.reasons[0].split()[1])
    assert standard[order.rows[0], query] == standard.max()
    assert sorted(order.rows.tolist()) == list(range(50))


def test_one_row_one_query_and_rows_alike():
    assert bids(Matches(influences(1, 3))).rows.tolist() == [0]
    one = influences(30, 1)
    assert bids(Matches(one)).rows.tolist() == np.argsort(-one[:, 0]).tolist()
    same = bids(Matches(np.repeat(influences(1, 4), 6, axis=0)))
    assert same.rows.tolist() == [0, 1, 2, 3, 4, 5] and same.gains.tolist() == [0] * 6


def test_copies_stand_beside_each_other_and_rows_may_be_permuted():
    values = influences(60, 4)
    order = bids(Matches(values)).rows
    mixed = np.random.default_rng(1).permutation(60)
    assert mixed[bids(Matches(values[mixed])).rows].tolist() == order.tolist()
    copied = bids(Matches(np.concatenate([values, values[:5]]))).rows.tolist()
    assert all(copied.index(row) < copied.index(60 + row) for row in range(5))

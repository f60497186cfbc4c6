"""The greedy under limits: bounds against the best set of small instances, and the rules for what one has already."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine.setwise import Growing
from tamis.limits import Limits
from tamis.ops.greedy import Lazy

GREEDY = 1 - 1 / np.e


class Cover(Lazy):
    """Facility location on a matrix: the sum over columns of the largest entry of the rows taken."""

    def __init__(self, near):
        super().__init__(len(near))
        self.near, self.best_of = near, np.zeros(near.shape[1])

    def gains(self, rows):
        return np.maximum(self.near[rows] - self.best_of, 0).sum(axis=1)

    def _take(self, row):
        self.best_of = np.maximum(self.best_of, self.near[row])
        return f"row {row}"

    def fresh(self):
        return Cover(self.near)


def value(near, rows):
    return near[list(rows)].max(axis=0).sum() if len(rows) else 0.0


def walked(near, limits, had=(), must=(), least=None, borrow=False):
    growing = Growing(Cover(near), np.arange(len(near)), np.array(had, np.int64), borrow)
    limits.charge(np.array(must, np.int64))
    growing.keep(np.array(must, np.int64))
    growing.walk(limits, least)
    return growing


def best_set(near, fits):
    every = itertools.chain.from_iterable(itertools.combinations(range(len(near)), k) for k in range(len(near) + 1))
    return max(value(near, rows) for rows in every if fits(list(rows)))


@st.composite
def instances(draw, most=9):
    n = draw(st.integers(2, most))
    numbers = draw(st.lists(st.integers(0, 9), min_size=n * 4, max_size=n * 4))
    return np.array(numbers, float).reshape(n, 4)


@settings(deadline=None, max_examples=60)
@given(instances(12), st.integers(1, 4))
def test_count_is_within_one_minus_one_over_e(near, k):
    k = min(k, len(near))
    growing = walked(near, Limits(np.array([float(k)])))
    assert len(growing.taken) == k
    assert value(near, growing.taken) == pytest.approx(sum(growing.gains))
    assert value(near, growing.taken) >= GREEDY * best_set(near, lambda rows: len(rows) <= k) - 1e-9


@settings(deadline=None, max_examples=60)
@given(instances(12), st.data())
def test_quotas_are_within_a_half(near, data):
    bins = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(near), max_size=len(near))))
    left = np.array(data.draw(st.lists(st.integers(0, 3), min_size=3, max_size=3)), float)
    growing = walked(near, Limits(left, bin=bins))
    for code in range(3):
        assert sum(bins[growing.taken] == code) == min(left[code], sum(bins == code))
    best = best_set(near, lambda rows: (np.bincount(bins[rows], minlength=3) <= left).all())
    assert value(near, growing.taken) >= best / 2 - 1e-9


@settings(deadline=None, max_examples=80)
@given(instances(), st.data())
def test_costs_are_within_half_of_that(near, data):
    cost = np.array(data.draw(st.lists(st.integers(1, 9), min_size=len(near), max_size=len(near))), float)
    budget = data.draw(st.integers(1, 20))
    growing = walked(near, Limits(np.array([float(budget)]), cost))
    assert cost[growing.taken].sum() <= budget
    best = best_set(near, lambda rows: cost[rows].sum() <= budget)
    assert value(near, growing.taken) >= GREEDY / 2 * best - 1e-9


def test_one_row_that_is_worth_more_than_the_rest_of_the_budget():
    near = np.array([[2.0, 0, 0], [0, 9, 9]])
    limits = Limits(np.array([10.0]), np.array([1.0, 10.0]))
    growing = walked(near, limits)
    assert growing.taken == [1] and growing.gains == [18.0] and limits.left == [0]
    assert walked(near, Limits(np.array([9.0]), np.array([1.0, 10.0]))).taken == [0]


def test_rows_that_cost_nothing_come_first_if_they_add_something():
    near = np.array([[0.0, 0, 0], [5, 0, 0], [5, 6, 0], [0, 0, 9]])
    growing = walked(near, Limits(np.array([2.0]), np.array([0.0, 0, 0, 1])))
    assert growing.taken[:2] == [2, 3] and growing.gains[:2] == [11.0, 9.0]


@settings(deadline=None, max_examples=60)
@given(instances(), st.data())
def test_floors_are_met_and_within_a_half(near, data):
    bins = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(near), max_size=len(near))))
    k = data.draw(st.integers(1, len(near)))
    due = np.zeros(3)
    for code in (1, 2):
        due[code] = data.draw(st.integers(0, int(min(k - due.sum(), sum(bins == code)))))
    growing = walked(near, Limits(np.array([float(k)])), least=Limits(due, bin=bins))
    assert len(growing.taken) == k
    assert (np.bincount(bins[growing.taken], minlength=3) >= due).all()
    best = best_set(near, lambda rows: len(rows) <= k and _extendable(rows, bins, due, k))
    assert value(near, growing.taken) >= best / 2 - 1e-9


def _extendable(rows, bins, due, k):
    found = np.bincount(bins[rows], minlength=3) if rows else np.zeros(3)
    return len(rows) + np.maximum(due - found, 0)[1:].sum() <= k


def test_floor_of_a_group_that_runs_out():
    near, bins = np.eye(5), np.array([0, 0, 0, 0, 1])
    for borrow, kept in ((False, 2), (True, 4)):
        growing = walked(near, Limits(np.array([4.0])), least=Limits(np.array([0.0, 3.0]), bin=bins), borrow=borrow)
        assert len(growing.taken) == kept and 4 in growing.taken


def test_what_one_has_shapes_gains_and_is_not_taken():
    near = np.array([[5.0, 5, 0], [5, 4, 0], [0, 0, 3], [0, 1, 2]])
    growing = walked(near, Limits(np.array([2.0])), had=[0])
    assert growing.taken == [2, 1] and growing.gains == [3.0, 0.0]
    kept = walked(near, Limits(np.array([2.0])), must=[1])
    assert kept.taken == [1, 2] and kept.gains == [9.0, 3.0]
    assert kept.order().reasons == ["row 1", "row 2"]


def test_rows_that_the_function_does_not_admit():
    function = Cover(np.eye(4))
    function.admitted = np.array([False, True, False, True])
    growing = Growing(function, np.arange(4), np.empty(0, np.int64))
    growing.walk(Limits(np.array([3.0])))
    assert growing.taken == [1, 3]


def test_a_rival_that_is_worth_more_is_kept():
    """The greedy takes row 0, and cannot have both of the others, which are worth more together."""
    near = np.array([[3.0, 3, 0], [4, 0, 1], [0, 4, 0]])
    for rival, kept in (([1, 2], [1, 2]), ([2, 0], [0, 1])):
        growing = Growing(Cover(near), np.arange(3), np.empty(0, np.int64), rival=np.array(rival))
        limits = Limits(np.array([2.0]))
        found = growing.walk(limits)
        assert found.rows.tolist() == growing.taken == kept and limits.exhausted
        assert sum(growing.gains) == value(near, kept) == growing.function.best_of.sum()
        assert growing.order().reasons == [f"row {row}" for row in kept]


def test_a_rival_does_not_put_out_what_must_be_kept():
    near = np.array([[3.0, 3, 0], [4, 0, 1], [0, 4, 0], [0, 0, 1]])
    growing = Growing(Cover(near), np.arange(4), np.empty(0, np.int64), rival=np.array([1, 2]))
    growing.keep(np.array([3]))
    assert growing.walk(Limits(np.array([2.0]))).rows.tolist() == [1, 2] and growing.taken == [3, 1, 2]

"""Limits against an obvious loop over rows."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tamis.limits import Limits, walk, walk_targets

NOTHING = np.empty(0, np.int64)


@st.composite
def situations(draw):
    """Bins with what they may spend, costs and bins of rows (or none), an order, rows that are gone, and `fill`."""
    n = draw(st.integers(1, 25))
    bins = draw(st.integers(1, 3))
    left = draw(st.lists(st.integers(0, 12), min_size=bins, max_size=bins))
    cost = draw(st.none() | st.lists(st.sampled_from([0, 1, 2, 3, 7]), min_size=n, max_size=n))
    of = draw(st.lists(st.integers(0, bins - 1), min_size=n, max_size=n))
    order = draw(st.permutations(range(n)))[: draw(st.integers(0, n))]
    gone = draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3))
    return left, cost, of, order, gone, draw(st.booleans())


def obvious(left, cost, of, order, gone, fill):
    """Row by row: a bin takes what fits and closes at the first row that does not, unless `fill`."""
    left, closed, taken = list(left), [amount <= 0 for amount in left], []
    for row in order:
        bin, price = of[row], 1 if cost is None else cost[row]
        if row in gone or closed[bin]:
            continue
        if price <= left[bin]:
            taken.append(row)
            left[bin] -= price
        elif not fill:
            closed[bin] = True
    return taken


def made(left, cost, of, fill):
    return Limits(np.array(left), None if cost is None else np.array(cost, float), np.array(of), fill)


@given(situations(), st.integers(1, 6))
def test_walk_takes_what_the_obvious_loop_takes(situation, size):
    left, cost, of, order, gone, fill = situation
    blocks = [np.array(order[at : at + size], np.int64) for at in range(0, len(order), size)]
    found = walk(lambda: iter(blocks), made(left, cost, of, fill), np.array(gone, np.int64))
    expected = obvious(*situation)
    assert found.rows.tolist() == expected
    assert [order[place] for place in found.place.tolist()] == expected


@given(situations())
def test_one_target_equals_the_walk(situation):
    """Where nothing is free: a target that has its share takes no more, not even a row that costs 0."""
    left, cost, of, order, gone, fill = situation
    assume(cost is None or min(cost) > 0)
    shares = np.array([float(sum(left))])
    gone = np.array(gone, np.int64)
    found = walk_targets([lambda: [np.array(order, np.int64)]], shares, made(left, cost, of, fill), gone)
    assert found.rows.tolist() == obvious(*situation)


@given(situations())
def test_open_rows_can_be_taken_one_by_one(situation):
    left, cost, of, order, _, fill = situation
    limits = made(left, cost, of, fill)
    for row in order:
        one = np.array([row])
        assert limits.open(one)[0] == limits.take(one)[0]


def test_zero_costs_are_taken_while_something_is_left():
    limits = Limits(np.array([2.0]), np.array([0.0, 2.0, 0.0]))
    assert limits.take(np.array([0, 1, 2])).tolist() == [True, True, True]
    assert not limits.exhausted or limits.left[0] == 0


def test_charge_spends_in_each_bin_and_tells_what_is_over():
    limits = Limits(np.array([5.0, 2.0]), None, np.array([0, 1, 1, 1]))
    assert limits.charge(np.array([0, 1, 2])) == 0
    assert limits.left.tolist() == [4, 0] and limits.closed.tolist() == [False, True]
    assert limits.charge(np.array([3])) == 1


def test_pooled_rest_may_be_spent_on_any_row():
    limits = Limits(np.array([0.0, 2.0]), None, np.array([0, 0, 1]))
    limits.pool(2.0)
    assert limits.take(np.array([0, 1, 2])).tolist() == [True, True, False]


def streams(orders):
    return [lambda order=order: [np.array(order, np.int64)] for order in orders]


@pytest.mark.parametrize(
    ("orders", "shares", "left", "cost", "fill", "rows", "targets"),
    [
        ([[0, 1, 2, 3], [3, 2, 1, 0]], [2, 2], 4, None, False, [0, 3, 1, 2], [0, 1, 0, 1]),
        ([[0, 1, 2, 3], [0, 1, 2, 3]], [2, 2], 4, None, False, [0, 1, 2, 3], [0, 1, 0, 1]),
        ([[0, 1, 2, 3], [0, 3, 2, 1]], [3, 1], 4, None, False, [0, 3, 1, 2], [0, 1, 0, 0]),
        ([[0, 1, 2, 3], [9, 8]], [4, 2], 6, None, False, [0, 9, 1, 2, 8, 3], [0, 1, 0, 0, 1, 0]),
        ([[0], [1, 2, 3]], [2, 2], 4, None, False, [0, 1, 2], [0, 1, 1]),
        ([[0, 1], [2, 3]], [4, 4], 8, [3, 9, 2, 2], False, [0, 2, 3], [0, 1, 1]),
        ([[1, 0], [2, 3]], [4, 4], 8, [3, 9, 2, 2], True, [0, 2, 3], [0, 1, 1]),
        ([[1, 0], [2, 3]], [4, 4], 8, [3, 9, 2, 2], False, [2, 3], [1, 1]),
        ([[0, 1], [2, 3]], [1, 0], 1, None, False, [0], [0]),
    ],
)
def test_the_target_furthest_behind_is_served(orders, shares, left, cost, fill, rows, targets):
    limits = Limits(np.array([float(left)]), None if cost is None else np.array(cost, float), fill=fill)
    found = walk_targets(streams(orders), np.array(shares, float), limits, NOTHING)
    assert sorted(found.rows.tolist()) == sorted(rows)
    assert found.rows.tolist() == rows and found.target.tolist() == targets
    assert [orders[t][place] for t, place in zip(found.target, found.place, strict=True)] == rows


@given(st.integers(1, 4), st.integers(1, 20), st.integers(0, 50))
def test_no_row_twice_and_no_target_over_its_share(targets, budget, seed):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(24).tolist() for _ in range(targets)]
    cost = rng.integers(1, 5, 24).astype(float)
    shares = np.full(targets, budget / targets)
    found = walk_targets(streams(orders), shares, Limits(np.array([float(budget)]), cost), NOTHING)
    assert len(set(found.rows.tolist())) == len(found.rows)
    for target in range(targets):
        assert cost[found.rows[found.target == target]].sum() <= shares[target]


def plainly(orders, shares, limits, gone):
    """Row by row with `Limits.take`: the target furthest behind its share, the first one of several."""
    taken, spent, found = set(gone), [0.0] * len(orders), []
    live = {target for target, share in enumerate(shares) if share > 0}
    left = [list(enumerate(order)) for order in orders]
    while live and not limits.exhausted:
        target = min(sorted(live), key=lambda each: spent[each] / shares[each])
        left[target] = [item for item in left[target] if item[1] not in taken]
        if not left[target]:
            live.remove(target)
            continue
        place, row = left[target].pop(0)
        cost = float(limits.costs(np.array([row]))[0])
        if spent[target] + cost > shares[target]:
            live -= set() if limits.fill else {target}
        elif limits.take(np.array([row]))[0]:
            taken.add(row)
            spent[target] += cost
            live -= {target} if spent[target] >= shares[target] else set()
            found.append([row, target, place])
    return found


@given(situations(), st.lists(st.integers(0, 9), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_several_targets_equal_the_plain_loop(situation, shares, random):
    left, cost, of, _, gone, fill = situation
    orders = [random.sample(range(len(of)), random.randint(0, len(of))) for _ in shares]
    fast, slow = made(left, cost, of, fill), made(left, cost, of, fill)
    found = walk_targets(streams(orders), np.array(shares, float), fast, np.array(gone, np.int64))
    assert np.column_stack(found).tolist() == plainly(orders, shares, slow, gone)
    assert fast.left.tolist() == slow.left.tolist() and fast.closed.tolist() == slow.closed.tolist()

"""Rounds: as often as promised, never twice in a round, and what a slow stream of permutations serves."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops.permutation import BLOCK, permutation
from tamis.ops.rounds import consecutive, independent, round_size, shares_of, without_repeats


def shuffles(n, seed=0):
    return lambda number: permutation(n, seed, number)


def served(kind, size, number, orders, start=0):
    return np.concatenate([np.empty(0, np.int64), *kind(size, number, orders, start)]).tolist()


def slow_rounds(n, size, orders, rounds):
    """A queue: what is left of a permutation, then the next one, whose ids that a round has already wait."""
    queue, number, found = [], 0, []
    for _ in range(rounds):
        taken = []
        while len(taken) < size:
            if not queue:
                queue, number = orders(number).at(np.arange(n)).tolist(), number + 1
            at = next(place for place, one in enumerate(queue) if one not in taken)
            taken.append(queue.pop(at))
        found.append(taken)
    return found


@given(st.integers(2, 40), st.data(), st.integers(0, 3))
def test_up_to_half_is_what_a_queue_serves(n, data, seed):
    """The queue keeps deferred ids at its front, so they come first in the round after."""
    size, orders = data.draw(st.integers(1, n // 2)), shuffles(n, seed)
    found = [served(without_repeats, size, number, orders) for number in range(12)]
    assert found == slow_rounds(n, size, orders, 12)


@given(st.integers(1, 30), st.data(), st.integers(0, 99))
def test_visits_differ_by_one_at_most_and_the_fewer_come_first(n, data, seed):
    size = data.draw(st.integers(1, n))
    counts = np.zeros(n, np.int64)
    for number in range(data.draw(st.integers(1, 25))):
        ids = served(without_repeats, size, number, shuffles(n, seed))
        assert len(set(ids)) == size == len(ids)
        behind = counts[ids] == counts.min()
        assert counts.min() == counts.max() or not (np.diff(behind.astype(int)) > 0).any()
        counts[ids] += 1
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("seed", range(20))
def test_the_published_case(seed):
    """Ten, three a round: the first nine are distinct, and after seven rounds each came two or three times."""
    rounds = [served(without_repeats, 3, number, shuffles(10, seed)) for number in range(7)]
    assert len(set([*chain.from_iterable(rounds[:3])])) == 9
    assert [len(ids) for ids in rounds] == [3] * 7  # the published code gives 3, 3, 3, 2, 3, 3, 3
    assert set(np.bincount([*chain.from_iterable(rounds)], minlength=10)) == {2, 3}
    assert len(set(rounds[3])) == 3


@given(st.integers(1, 40), st.data(), st.sampled_from([consecutive, independent, without_repeats]))
def test_any_place_of_any_round(n, data, kind):
    size, number = data.draw(st.integers(1, n)), data.draw(st.integers(0, 2000))
    whole = served(kind, size, number, shuffles(n))
    start = data.draw(st.integers(0, size))
    assert served(kind, size, number, shuffles(n), start) == whole[start:] and len(whole) == size


@given(st.integers(3, 60), st.data(), st.integers(0, 99))
def test_consecutive_rounds_have_none_twice_in_a_batch(n, data, seed):
    """Of visits of a round that follow each other, also where one pass ends and the next begins."""
    size = data.draw(st.integers(1, n))
    for number in range(12):
        ids = served(consecutive, size, number, shuffles(n, seed))
        for start in range(max(1, size - n // 3)):
            batch = ids[start : start + n // 3 + 1]
            assert len(set(batch)) == len(batch)


@given(st.integers(1, 40), st.data(), st.integers(0, 99))
def test_consecutive_rounds_as_found_slowly(n, data, seed):
    """A pass that begins within a round has what the round had just before behind others; else it is as it stands."""
    size, orders, found = data.draw(st.integers(1, n)), shuffles(n, seed), []
    for number in range(12):
        order, had = orders(number).at(np.arange(n)).tolist(), min(len(found) % size, n // 3)
        late = found[len(found) - had :]
        head = sorted(order[: had + n // 3 if had else 0], key=late.__contains__)
        found += head + order[len(head) :]
    rounds = [served(consecutive, size, number, orders) for number in range(len(found) // size)]
    assert [*chain.from_iterable(rounds)] == found[: size * len(rounds)]


def test_passes_of_many_keep_their_distance_too():
    """Beyond 65,536 orders are computed; a pass is then changed in its first 32,768 places at most."""
    n, size = 100_000, 70_000
    orders = shuffles(n)
    ids = np.array([served(consecutive, size, number, orders) for number in range(3)]).ravel()
    assert (np.bincount(ids[:n], minlength=n) == 1).all() and (np.bincount(ids[n : 2 * n], minlength=n) == 1).all()
    assert len(set(ids[n - BLOCK // 2 : n + BLOCK // 2].tolist())) == BLOCK
    assert (ids[n + 2 * BLOCK : 2 * n] == orders(1).at(np.arange(2 * BLOCK, n))).all()
    assert (ids[n : n + 2 * BLOCK] != orders(1).at(np.arange(2 * BLOCK))).any()


@given(st.integers(1, 30), st.data())
def test_consecutive_rounds_are_passes(n, data):
    size = data.draw(st.integers(1, n))
    stream = [*chain.from_iterable(served(consecutive, size, number, shuffles(n)) for number in range(3 * n))]
    for start in range(0, len(stream) - n + 1, n):
        assert sorted(stream[start : start + n]) == list(range(n))


def test_with_replacement_an_example_is_as_likely_in_every_round():
    counts = np.zeros((2, 10))
    both = 0
    for seed in range(4000):
        one, two = (served(independent, 3, number, shuffles(10, seed)) for number in (0, 1))
        counts[0, one] += 1
        counts[1, two] += 1
        both += len({*one} & {*two})
    np.testing.assert_allclose(counts / 4000, 0.3, atol=0.03)
    np.testing.assert_allclose(both / 4000, 0.9, atol=0.06)


@pytest.mark.parametrize("size", [30_000, 70_000])
def test_more_than_a_block(size):
    n = 100_000
    assert size > BLOCK
    counts = np.zeros(n, np.int64)
    for number in range(5):
        ids = served(without_repeats, size, number, shuffles(n))
        assert len(ids) == len(set(ids)) == size
        assert served(without_repeats, size, number, shuffles(n), size - 9) == ids[-9:]
        counts[ids] += 1
        assert counts.max() - counts.min() <= 1


def test_sizes():
    assert round_size(10, 0.3) == 3 and round_size(100, 0.29) == 29 and round_size(7, 1.0) == 7
    assert shares_of(np.array([0] * 50 + [1] * 30 + [2] * 20), 10).tolist() == [5, 3, 2]
    for ratio in (0.0, -0.1, 1.1, float("nan"), 0.05):
        with pytest.raises(Refused, match="ratio"):
            round_size(10, ratio)

"""Weighted draws: in proportion, as the slow way, any number of them, and refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import weighted
from tamis.ops.weighted import checked_weights, cumulated, with_replacement, without_replacement


def drawn(weights, draws, seed, start=0):
    return np.concatenate([np.empty(0, np.int64), *with_replacement(cumulated(weights), draws, (seed,), start)])


@given(st.lists(st.sampled_from([0.0, 1e-9, 0.5, 1.0, 7.0]), min_size=1, max_size=9).filter(any), st.integers(0, 99))
def test_with_replacement_is_in_proportion(weights, seed):
    weights = checked_weights(np.array(weights))
    ids = drawn(weights, 4000, seed)
    expected = weights / weights.sum() * 4000
    counts = np.bincount(ids, minlength=len(weights))
    assert len(ids) == 4000 and not counts[weights == 0].any()
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected) + 1).all()


def test_draws_are_independent_of_their_place():
    """In ascending order they are searched for, but not served."""
    ids = drawn(np.ones(100), 20_000, 0)
    assert abs(np.corrcoef(ids[:-1], ids[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(np.arange(20_000), ids)[0, 1]) < 0.03
    assert drawn(np.ones(100), 20_000, 1).tolist() != ids.tolist()


def test_any_place_of_many_blocks(monkeypatch):
    monkeypatch.setattr(weighted, "DRAWS", 100)
    weights = np.random.default_rng(0).random(50)
    whole = drawn(weights, 1234, 3)
    for start in (0, 1, 99, 100, 101, 1200, 1233, 1234):
        assert drawn(weights, 1234, 3, start).tolist() == whole[start:].tolist()


@given(st.lists(st.sampled_from([0.0, 1e-30, 0.5, 1.0, 7.0]), min_size=1, max_size=60).filter(any), st.data())
def test_without_replacement_each_once(weights, data):
    weights = np.array(weights)
    draws = data.draw(st.integers(1, np.count_nonzero(weights)))
    ids = without_replacement(weights, draws, (data.draw(st.integers(0, 9)),))
    assert len(ids) == draws == len(set(ids.tolist())) and (weights[ids] > 0).all()


def test_without_replacement_is_the_urn():
    """Of the weights 1, 2 and 5: the chances of every order, as drawn one after the other."""
    weights = np.array([1.0, 2.0, 5.0])
    found = [tuple(without_replacement(weights, 2, (seed,)).tolist()) for seed in range(20_000)]
    for order in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]:
        first, second = weights[list(order)]
        chance = first / 8 * second / (8 - first)
        assert abs(found.count(order) / 20_000 - chance) < 0.012


def test_blocks_keep_what_all_at_once_would(monkeypatch):
    """Also where the first block has the small weights, from which no bar can be guessed."""
    monkeypatch.setattr(weighted, "ROWS", 64)
    weights = np.concatenate([np.full(64, 1e-6), np.random.default_rng(0).random(5000), np.full(64, 1e6)])
    for order in (weights, weights[::-1]):
        keys = np.concatenate(
            [weighted._below(order, (5,), number, np.inf)[0] for number in range(-(-len(order) // 64))]
        )
        for draws in (1, 30, 700, 5000):
            assert without_replacement(order, draws, (5,)).tolist() == np.argsort(keys, kind="stable")[:draws].tolist()


def test_keys_are_exponential():
    """Also where the first 18 bits of u are all 0, and no two are the same."""
    keys = np.sort(weighted._below(np.ones(1 << 20), (1,), 0, np.inf)[0])
    np.testing.assert_allclose(np.quantile(keys, [0.1, 0.5, 0.9]), -np.log1p(-np.array([0.1, 0.5, 0.9])), rtol=0.01)
    bar = 2.0**-18
    low = np.concatenate([weighted._below(np.ones(1 << 20), (seed,), 0, bar)[0] for seed in range(300)])
    assert len(set(low.tolist())) == len(low) and abs(len(low) / (300 * 4) - 1) < 0.1 and low.max() < bar
    assert abs((low < bar / 2).mean() - 0.5) < 0.06


def test_keys_below_a_bar_are_those_of_all():
    """And of u the first 24 bits are those drawn, while the others differ from block to block and seed to seed."""
    weights = np.random.default_rng(0).random(3 << 20).astype(np.float32)
    rests = []
    for seed, number in ((4, 0), (4, 1), (9, 0)):
        keys, rows = weighted._below(weights, (seed,), number, np.inf)
        for bar in (1e-4, 0.3, 5.0):
            low = weighted._below(weights, (seed,), number, bar)
            assert [part.tolist() for part in low] == [keys[keys < bar].tolist(), rows[keys < bar].tolist()]
        chances = -np.expm1(-keys * weights[rows]) * 2.0**24
        first = np.random.Generator(np.random.SFC64((seed, number))).random(1 << 20, dtype=np.float32)
        assert (np.abs(chances - first[rows - (number << 20)] * 2.0**24 - 0.5) < 0.5 + 1e-6).all()
        rests.append(chances % 1)
    for other in rests[1:]:
        assert len(rests[0]) == len(other) and (np.abs(rests[0] - other) > 1e-6).mean() > 0.99
    assert abs(rests[0].mean() - 0.5) < 0.01 and rests[0].max() > 0.99, "the others are as uniform"


def test_a_few_of_many_are_in_proportion():
    """Of eight million, half of a weight of nine: with keys of 24 bits, some are 0 whatever the weight."""
    weights = np.ones(1 << 23, np.float32)
    weights[: 1 << 22] = 9
    first = [without_replacement(weights, 3, (seed,)) < 1 << 22 for seed in range(60)]
    assert abs(np.mean(first) - 0.9) < 0.06


@pytest.mark.filterwarnings("error")
def test_bars_beyond_float32():
    weights = np.append(np.full(4000, 1e-44, np.float32), np.float32(1))
    assert len(set(without_replacement(weights, 2000, (0,)).tolist())) == 2000


def test_weights_beyond_float32():
    weights = np.array([1.0, 1e-60, 1e-300, 0.0])
    assert sorted(without_replacement(weights, 3, (0,)).tolist()) == [0, 1, 2]
    assert without_replacement(weights, 3, (0,))[0] == 0


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1.0, np.nan], "weight 1: it is nan"),
        ([-1.0, 1.0], "weight 0: it is -1"),
        ([1.0, np.inf], "weight 1: it is inf"),
        ([0.0, 0.0], "all of them are 0"),
        ([], "its shape is"),
        ([[1.0]], "its shape is"),
    ],
)
def test_what_is_refused(weights, said):
    with pytest.raises(Refused, match=said):
        checked_weights(np.array(weights))

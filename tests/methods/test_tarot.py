"""TAROT: whitening, layers, the layer that is cut, and the size that a target asks for."""

import numpy as np
import pytest

from tamis.errors import Refused
from tamis.methods.tarot import tarot

pytest.importorskip("ot")


def keys(n, seed=0):
    return np.random.default_rng(seed).permutation(n).astype(np.uint64)


def pool_and_target(seed=0, d=8, n=600, wanted=(20, 20)):
    """Rows of two kinds, 0 … 99 and 100 … 199, about unequal features, among others; and a target of both kinds."""
    rng = np.random.default_rng(seed)
    means = np.zeros((3, d))
    means[0, 0], means[1, 1] = 12, 9
    kinds = np.repeat([0, 1, 2], [100, 100, n - 200]), np.repeat([0, 1], wanted)
    return [(rng.normal(size=(len(kind), d)) + means[kind]).astype(np.float32) for kind in kinds]


@pytest.mark.parametrize("seed", range(4))
def test_both_modes_of_a_target_have_half_each(seed):
    pool, target = pool_and_target(seed)
    rows = tarot(pool, target, 80, keys(600)).rows[:80]
    kinds = [np.count_nonzero((rows >= low) & (rows < low + 100)) for low in (0, 100)]
    assert 0.45 <= kinds[0] / sum(kinds) <= 0.55 and sum(kinds) > 70


def test_the_mean_match_drops_the_smaller_mode():
    pool, target = pool_and_target(wanted=(32, 8))
    units = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (pool, target)]
    rows = np.argsort(-(units[0] @ units[1].T).mean(axis=1))[:80]
    assert np.count_nonzero((rows >= 100) & (rows < 200)) < 16
    chosen = tarot(pool, target, 80, keys(600)).rows[:80]
    assert np.count_nonzero((chosen >= 100) & (chosen < 200)) >= 12


def test_a_large_constant_feature_changes_nothing():
    pool, target = pool_and_target()
    wide = [np.column_stack([part, np.full(len(part), 100, np.float32)]) for part in (pool, target)]
    for count in (40, 130, 300):
        plain = tarot(pool, target, count, keys(600)).rows[:count]
        assert set(tarot(*wide, count, keys(600)).rows[:count].tolist()) == set(plain.tolist())
    units = [[part / np.linalg.norm(part, axis=1, keepdims=True) for part in pair] for pair in ((pool, target), wide)]
    tops = [set(np.argsort(-(x @ y.T).max(axis=1))[:130].tolist()) for x, y in units]
    assert tops[0] != tops[1]


def test_an_order_of_all_rows_whose_whole_layers_stay():
    pool, target = pool_and_target(n=300, wanted=(3, 2))
    orders = {count: tarot(pool, target, count, keys(300)) for count in (1, 4, 57, 300)}
    for count, order in orders.items():
        assert sorted(order.rows.tolist()) == list(range(300)) and order.size is None
        layers = [int(reason.split()[1]) for reason in order.reasons]
        assert layers == sorted(layers) and layers[0] == 1
        assert (np.abs(order.gains) <= 1 + 1e-6).all()
        whole = np.flatnonzero(np.array(layers) < layers[count - 1])
        np.testing.assert_array_equal(order.rows[whole], orders[300].rows[whole])


def test_the_size_that_a_target_asks_for():
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(300, 6)).astype(np.float32)
    assert tarot(pool, pool.copy(), 0, keys(300)).size > 0.8 * 300
    single = tarot(pool, np.repeat(pool[:1] + np.float32(0.1), 30, axis=0), 0, keys(300))
    assert 1 <= single.size < 0.1 * 300 and sorted(single.rows.tolist()) == list(range(300))


def test_the_estimate_comes_first_and_goes_with_keys():
    pool, target = pool_and_target(n=400, wanted=(12, 9))
    found = tarot(pool, target, 0, keys(400))
    layers = [int(reason.split()[1]) for reason in found.reasons]
    for part in (layers[: found.size], layers[found.size :]):
        assert part == sorted(part)
    mixed = np.random.default_rng(3).permutation(400)
    moved = tarot(pool[mixed], target, 0, keys(400)[mixed])
    assert moved.size == found.size and mixed[moved.rows].tolist() == found.rows.tolist()


def test_one_row_rows_alike_and_one_example():
    pool, target = pool_and_target()
    assert tarot(pool[:1], target, 1, keys(1)).rows.tolist() == [0]
    assert tarot(np.repeat(pool[:1], 5, axis=0), target, 3, keys(5)).rows.tolist() == [0, 1, 2, 3, 4]
    same = np.ones((4, 2), np.float32)
    assert tarot(same, same[:1], 2, keys(4)).rows.tolist() == [0, 1, 2, 3]
    assert tarot(same, same[:1], 0, keys(4)).size == 1
    assert tarot(pool, target[:1], 0, keys(600)).size >= 1


def test_rows_to_start_from_do_not_count():
    pool, target = pool_and_target(n=300, wanted=(3, 2))
    first = tarot(pool, target, 7, keys(300)).rows[:7]
    order = tarot(pool, target, 20, keys(300), first)
    others = order.rows[~np.isin(order.rows, first)]
    place = order.rows.tolist().index(others[19]) + 1
    assert place == 27 and order.rows.tolist() == tarot(pool, target, place, keys(300)).rows.tolist()


@pytest.mark.parametrize("name", ["ridge", "epsilon", "solve_rows"])
def test_parameters_out_of_range(name):
    pool, target = pool_and_target()
    with pytest.raises(Refused, match=f"{name}=0"):
        tarot(pool, target, 3, keys(600), **{name: 0})
    with pytest.raises(Refused, match="target_share=1"):
        tarot(pool, target, 3, keys(600), target_share=1.0)

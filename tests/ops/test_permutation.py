"""Orders that are computed: they are permutations, both ways, anywhere, and as random as sorted ones."""

import hashlib
import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops.permutation import BLOCK, SORTED_TO, Network, blocks, by_keys, hashed, permutation, rekeyed


def slow_network(position, size, keys):
    """The Feistel network on Python's integers, walked until it is below `size`."""
    bits = (size - 1).bit_length()
    low, word = bits - bits // 2, (1 << 64) - 1
    widths = [low, bits // 2]
    while True:
        halves = [position & ((1 << low) - 1), position >> low]
        for number, key in enumerate(keys):
            mixed = (halves[1 - number % 2] + key) * 0xBF58476D1CE4E5B9 & word
            mixed = (mixed ^ mixed >> 32) * 0x94D049BB133111EB & word
            halves[number % 2] ^= mixed >> (64 - widths[number % 2])
        position = halves[1] << low | halves[0]
        if position < size:
            return position


@given(st.integers(2, 3000), st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_a_network_is_the_slow_one_and_goes_both_ways(size, key):
    network = Network(size, key)
    ids = network.at(np.arange(size))
    assert sorted(ids.tolist()) == list(range(size))
    assert network.places(ids).tolist() == list(range(size))
    some = range(0, size, max(1, size // 20))
    keys = network._keys.tolist()
    assert ids[some].tolist() == [slow_network(position, size, keys) for position in some]


@pytest.mark.parametrize("n", [1, 2, SORTED_TO, SORTED_TO + 1, 131_072, 131_073, 200_001])
def test_every_size_is_a_permutation(n):
    order = permutation(n, 3, 1)
    ids = np.concatenate(list(blocks(order, 0, n)))
    assert (np.bincount(ids, minlength=n) == 1).all() and len(ids) == n
    assert (order.places(ids) == np.arange(n)).all()
    assert ids.dtype == np.int64 and (n <= 2 or (ids != np.arange(n)).any())


@given(st.integers(SORTED_TO + 1, 2**50), st.data())
@settings(deadline=None)
def test_any_part_of_a_large_order(n, data):
    start = data.draw(st.integers(0, n - 1))
    order = permutation(n, data.draw(st.integers(0, 9)))
    ids = order.at(np.arange(start, min(start + 50, n)))
    assert len(set(ids.tolist())) == len(ids) and ids.min() >= 0 and ids.max() < n
    assert order.places(ids).tolist() == list(range(start, start + len(ids)))


def test_the_same_on_every_machine():
    """Integers alone decide, so these are the same everywhere and for ever: resumed runs depend on them."""
    ids = permutation(10**8, 1, 2).at(np.arange(1000))
    assert hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest()[:16] == "03448bc33f8124b0"
    assert permutation(10, 1, 2).at(np.arange(10)).tolist() == [6, 5, 4, 9, 2, 3, 7, 0, 1, 8]
    assert hashed(1, 2) != hashed(2, 1) and hashed(-1) == hashed(2**64 - 1)


def test_small_orders_are_all_as_likely():
    found = [tuple(permutation(4, seed).at(np.arange(4)).tolist()) for seed in range(12_000)]
    counts = np.array([found.count(order) for order in itertools.permutations(range(4))])
    assert ((counts - 500) ** 2 / 500).sum() < 49.7  # 0.1 % of chi-square with 23 degrees of freedom


def test_large_orders_are_as_random_as_sorted_ones():
    """Positions in sixteenths against ids in sixteenths, their neighbours, and fixed points."""
    n = 1 << 17
    for key in range(4):
        ids = permutation(n - 5 * key, key).at(np.arange(n - 5 * key))
        table = np.histogram2d(np.arange(len(ids)), ids, 16)[0]
        mean = len(ids) / 256
        assert ((table - mean) ** 2 / mean).sum() < 306  # 0.1 % of 225 degrees of freedom
        steps = np.histogram2d(ids[:-1], ids[1:], 16)[0]
        assert ((steps - mean) ** 2 / mean).sum() < 340
        assert np.count_nonzero(ids == np.arange(len(ids))) < 9
        assert abs(np.corrcoef(ids[:-1] & 1, ids[1:] & 1)[0, 1]) < 0.015
    one, two = (permutation(n, seed).at(np.arange(n)) for seed in (1, 2))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.015


def test_a_hundred_million_in_the_memory_of_a_block():
    order = permutation(100_000_000, 0)
    tracemalloc.start()
    total = sum(int(ids.sum()) for ids in blocks(order, 99_000_000, 100_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * BLOCK and abs(total / 1e6 - 5e7) < 2e5


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30), st.integers(0, 9))
def test_orders_by_keys_do_not_hang_on_rows(keys, number):
    keys = np.unique(np.array(keys, np.uint64))
    mixed = np.random.default_rng(0).permutation(len(keys))
    one, two = (found[by_keys(rekeyed(found, number)).order] for found in (keys, keys[mixed]))
    assert one.tolist() == two.tolist()

"""Set functions of strata: every prefix is divided as the strata are, whatever is closed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.ops.facility_location import FacilityLocation
from tamis.ops.greedy import maximise
from tamis.ops.stratified import Stratified

sizes = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def made(sizes, seed, levels=0):
    """Facility locations of random similarities within strata, in a random order of rows."""
    rng = np.random.default_rng(seed)
    stratum = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    similar = [rng.integers(0, levels, (n, n)) if levels else rng.random((n, n)) for n in sizes]
    functions = [FacilityLocation(each.astype(np.float32)) for each in similar]
    return Stratified(stratum, functions, np.array(sizes, float))


@given(sizes, st.integers(0, 99))
def test_every_prefix_is_divided_in_proportion(sizes, seed):
    """Once no stratum is empty, none is ahead of its share by a row while another is behind by one."""
    function = made(sizes, seed)
    rows, _ = maximise(function, sum(sizes))
    assert sorted(rows.tolist()) == list(range(sum(sizes)))
    assert len(set(function.stratum[rows[: len(sizes)]].tolist())) == len(sizes)
    first = np.array(sizes)[function.stratum[rows[: len(sizes)]]]
    assert (np.diff(first) <= 0).all()
    for length in range(len(sizes), len(rows)):
        counts = np.bincount(function.stratum[rows[:length]], minlength=len(sizes))
        stands, due = (counts + 0.5) / sizes, np.array(counts < sizes)
        assert stands[function.stratum[rows[length]]] <= stands[due].min() + 1e-9


@given(sizes, st.integers(0, 99))
def test_within_a_stratum_it_is_its_own_greedy(sizes, seed):
    function = made(sizes, seed, levels=3)
    rows, gains = maximise(function.fresh(), sum(sizes))
    for code, own in enumerate(function.functions):
        mine = function.stratum[rows] == code
        places, expected = maximise(own.fresh(), len(own.similar))
        np.testing.assert_array_equal(rows[mine], np.flatnonzero(function.stratum == code)[places])
        np.testing.assert_array_equal(gains[mine], expected)
    taken = function.fresh()
    for row, gain in zip(rows.tolist(), gains.tolist(), strict=True):
        assert taken.gains(np.array([row])).tolist() == [gain]
        taken.take(row)
    weights = function.weights(rows[: len(sizes)])
    assert weights.tolist() == np.array(sizes, float)[function.stratum[rows[: len(sizes)]]].tolist()


@given(sizes, st.integers(0, 99), st.booleans())
def test_only_open_rows_are_best(sizes, seed, priced):
    """Also where rows close between steps, other ones open with another array, and strata have none."""
    function, rng, n = made(sizes, seed, levels=4), np.random.default_rng(seed), sum(sizes)
    price = rng.integers(1, 4, n).astype(float) if priced else None
    for _ in range(3):
        open = rng.random(n) < 0.6
        while open.any():
            row, gain = function.best(open, price)
            gains = function.gains(np.arange(n))
            worths = gains if price is None else gains / price
            same = open & (function.stratum == function.stratum[row])
            assert open[row] and gain == gains[row]
            assert row == np.flatnonzero(same)[np.argmax(worths[same])]
            open[row] = False
            if rng.random() < 0.7:
                function.take(row)
            if open.any() and rng.random() < 0.5:
                other = int(rng.choice(np.flatnonzero(open)))
                function.take(other)
                open[other] = False
            open &= rng.random(n) < 0.9


def test_equal_strata_go_by_their_gain():
    """Not by their code, which follows from the order of rows."""
    similar = [np.eye(2, dtype=np.float32) * scale for scale in (1, 3, 2)]
    function = Stratified(np.array([0, 1, 2, 0, 1, 2]), [FacilityLocation(each) for each in similar], np.full(3, 2.0))
    assert maximise(function, 6)[0].tolist() == [1, 2, 0, 4, 5, 3]


def test_strata_without_a_share_come_last():
    functions = [FacilityLocation(np.eye(2, dtype=np.float32), np.full(2, mass)) for mass in (0.0, 3.0, 0.0)]
    function = Stratified(np.array([0, 1, 2, 0, 1, 2]), functions, np.array([0.0, 6.0, 0.0]))
    assert maximise(function, 6)[0].tolist() == [1, 0, 2, 4, 3, 5]

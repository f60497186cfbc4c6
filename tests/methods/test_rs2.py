"""RS2 and its control as schedules: rounds of the specification, and the same whatever the order of rows."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.methods.full_data import full_data
from tamis.methods.rs2 import rs2


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def rounds(schedule, count, epochs, key):
    return [schedule.draw(schedule.start(count), epoch, key)[0].tolist() for epoch in range(epochs)]


@pytest.mark.parametrize("seed", range(5))
def test_the_published_case(seed):
    found = rounds(rs2(), 3, 7, keys(10, seed))
    assert len(set([*chain.from_iterable(found[:3])])) == 9 and all(len(set(ids)) == 3 for ids in found)
    assert set(np.bincount([*chain.from_iterable(found)], minlength=10)) == {2, 3}


@given(st.integers(1, 25), st.data(), st.booleans())
def test_as_often_as_promised(n, data, stratified):
    count = data.draw(st.integers(1, n))
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    found = rounds(rs2(labels, stratified=stratified), count, 12, keys(n))
    assert all(len(ids) == count == len(set(ids)) for ids in found)
    times = np.bincount([*chain.from_iterable(found)], minlength=n)
    for code in range(3) if stratified else [None]:
        own = times[labels == code] if stratified else times
        assert not len(own) or own.max() - own.min() <= 1


def test_classes_in_proportion():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    for ids in rounds(rs2(labels, stratified=True), 20, 9, keys(100)):
        assert np.bincount(labels[ids]).tolist() == [12, 6, 2]
        assert (np.diff(labels[ids]) != 0).sum() > 5  # mixed


def test_with_replacement_rounds_know_nothing_of_each_other():
    found = rounds(rs2(replacement=True), 10, 200, keys(20))
    again = [len({*one} & {*two}) for one, two in pairwise(found)]
    assert abs(np.mean(again) - 5) < 0.5 and min(again) < 4 < 6 < max(again)


def test_the_control_takes_full_passes():
    found = [*chain.from_iterable(rounds(full_data(), 7, 20, keys(20)))]
    assert all(sorted(found[start : start + 20]) == list(range(20)) for start in range(0, 140, 20))
    whole = rounds(full_data(), 20, 3, keys(20))
    assert whole == rounds(rs2(), 20, 3, keys(20)) and whole[0] != whole[1]


@given(st.integers(2, 20), st.integers(0, 9), st.booleans())
def test_rows_in_another_order(n, epoch, stratified):
    key, mixed = keys(n), np.random.default_rng(1).permutation(n)
    labels = np.arange(n) % 2
    for made in (lambda label: rs2(label, stratified=stratified), lambda label: full_data()):
        one = made(labels).draw(n // 2, epoch, key)[0]
        two = made(labels[mixed]).draw(n // 2, epoch, key[mixed])[0]
        assert mixed[two].tolist() == one.tolist()


def test_labels_are_needed_to_stratify():
    with pytest.raises(Refused, match=r"stratified=True: it needs label"):
        rs2(stratified=True)

"""Rows by priority in blocks, against a plain sort."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.ops import ranking
from tamis.ops.ranking import descending

numbers = st.one_of(st.sampled_from([0.0, -0.0, 1.0, 2.0, math.nan]), st.floats(-1e300, 1e300))


def obvious(priority, eligible=None):
    """Sorted by falling priority, then by row; NaN and rows that may not be given out are left out."""
    rows = [row for row, value in enumerate(priority) if value == value and (eligible is None or eligible[row])]
    return sorted(rows, key=lambda row: (-priority[row], row))


@given(st.lists(numbers, max_size=60), st.integers(0, 70), st.randoms(use_true_random=False))
def test_equals_a_sort(values, first, random):
    eligible = [random.random() < 0.8 for _ in values]
    for mask in (None, eligible):
        blocks = descending(np.array(values), None if mask is None else np.array(mask, bool), first=first)
        assert [row for block in blocks for row in block.tolist()] == obvious(values, mask)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_larger_than_a_block(monkeypatch, block, tmp_path):
    monkeypatch.setattr(ranking, "BLOCK", block)
    values = np.random.default_rng(2).integers(0, 40, 300) / 4.0
    values[::17] = np.nan
    mapped = np.lib.format.open_memmap(tmp_path / "values.npy", "w+", values.dtype, values.shape)
    mapped[:] = values
    found = [row.tolist() for row in descending(mapped, first=10)]
    assert [row for block in found for row in block] == obvious(values)
    assert len(found) > 3


def test_the_first_block_holds_what_is_wanted_and_all_its_ties():
    blocks = list(descending(np.array([1.0, 5.0, 5.0, 5.0, 2.0]), first=2))
    assert [block.tolist() for block in blocks] == [[1, 2, 3], [4, 0]]


def test_nothing_to_give():
    assert list(descending(np.empty(0))) == []
    assert list(descending(np.full(3, np.nan))) == []
    assert list(descending(np.ones(3), np.zeros(3, bool))) == []


def test_minus_infinity_comes_last():
    """A chooser that makes -inf of a score (odds of nothing) still gives every row out."""
    assert [r for block in descending(np.array([-np.inf, 1.0, -np.inf])) for r in block] == [1, 0, 2]

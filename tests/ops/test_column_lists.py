"""The largest matches of each column against full sorts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.ops.column_lists import column_lists, encode, rows_of, usual_length, values_of
from tamis.ops.matches import Matches

finite = st.floats(-(2.0**100), 2.0**100, width=32)


@given(st.lists(finite, min_size=1, max_size=30))
def test_entries_sort_by_value_then_row_and_come_back(values):
    found = np.array(values, np.float32)
    rows = np.random.default_rng(0).permutation(len(found)) + (1 << 32) - len(found)
    entries = encode(found, rows)
    np.testing.assert_array_equal(values_of(entries), found.astype(np.float64))
    np.testing.assert_array_equal(rows_of(entries), rows)
    np.testing.assert_array_equal(np.argsort(entries), np.lexsort((rows, -found.astype(np.float64))))


def test_both_zeros_are_one_value():
    assert rows_of(np.sort(encode(np.array([0.0, -0.0], np.float32), np.array([5, 4])))).tolist() == [4, 5]


@given(
    st.integers(0, 10_000), st.integers(1, 50), st.integers(1, 5), st.integers(1, 20), st.sampled_from([4, 60, 4000])
)
def test_lists_are_the_heads_of_full_sorts(seed, n, t, length, block_bytes):
    rng = np.random.default_rng(seed)
    values = rng.integers(-2, 3, (n, t)).astype(np.float32)
    open, columns = rng.random(n) < 0.7, rng.permutation(t)[: t // 2 + 1]
    found = column_lists(Matches(values), length, columns, open=open, block_bytes=block_bytes)
    for c, column in enumerate(columns):
        order = [row for row in np.argsort(-values[:, column], kind="stable") if open[row]][:length]
        assert rows_of(found.entries[c, : found.held[c]]).tolist() == order


@pytest.mark.parametrize(("n", "t"), [(1, 1), (1, 9), (1000, 3), (1000, 16), (1000, 17), (1000, 5000)])
def test_the_usual_length_is_of_eight_entries_a_row(n, t):
    length = usual_length(Matches(np.empty((n, t), np.float32)))
    assert min(n, 64) <= length <= n
    assert min(n, 2 * length) * t <= max(16 * n, 128 * t)

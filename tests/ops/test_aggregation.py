"""Aggregation in blocks against loops over the whole matrix."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops.aggregation import best_rank, furthest_behind, maximum, mean, moments, round_robin
from tamis.ops.matches import Matches

seeds, sizes = st.integers(0, 10_000), st.integers(1, 30)
pieces = st.sampled_from([(None, 1 << 25), (1, 40), (2, 8), (5, 200)])  # lengths of lists, bytes of blocks


def made(seed, n, t, tied):
    rng = np.random.default_rng(seed)
    found = rng.integers(-3, 3, (n, t)) if tied else rng.normal(size=(n, t))
    return found.astype(np.float32)


def turns_slowly(values, task, strict):
    """Rows, columns and turns of a round-robin over full lists."""
    lists = [np.argsort(-column, kind="stable").tolist() for column in values.T]
    members = [np.flatnonzero(task == code) for code in np.unique(task)]
    rows, columns, turns, turn = [], [], [], 0
    while len(rows) < len(values):
        queries = members[turn % len(members)]
        column = int(queries[turn // len(members) % len(queries)])
        while not strict and lists[column][0] in rows:
            lists[column].pop(0)
        if (row := lists[column].pop(0)) not in rows:
            rows.append(row), columns.append(column), turns.append(turn)
        turn += 1
    return rows, columns, turns


@given(seeds, sizes, st.integers(1, 20), st.integers(1, 3), st.booleans(), st.booleans(), pieces)
def test_round_robin_is_what_full_lists_give(seed, n, t, tasks, tied, strict, piece):
    values = made(seed, n, t, tied)
    task = np.random.default_rng(seed).integers(0, tasks, t) * 7
    found = round_robin(Matches(values), task, strict=strict, length=piece[0], block_bytes=piece[1])
    assert [part.tolist() for part in found[:2]] + [found.turns.tolist()] == list(turns_slowly(values, task, strict))
    np.testing.assert_array_equal(found.matches, values[found.rows, found.columns])


@given(seeds, sizes, st.integers(1, 20), st.integers(1, 3), st.sampled_from([-9.0, 0.0, 1.0, 9.0]), pieces)
def test_a_strict_order_of_matches_above_a_bound(seed, n, t, tasks, above, piece):
    """Each row at the first turn of those that columns which match it better have for it, by their full ranks."""
    values, task = made(seed, n, t, True), np.random.default_rng(seed).integers(0, tasks, t)
    ranks = np.argsort(np.argsort(-values, axis=0, kind="stable"), axis=0, kind="stable")
    codes = np.unique(task, return_inverse=True)[1]
    place = np.array([np.count_nonzero(codes[:column] == code) for column, code in enumerate(codes)])
    turns = (ranks * np.bincount(codes)[codes] + place) * (codes.max() + 1) + codes
    first = np.where(values > above, turns, 10**9).min(axis=1)
    found = round_robin(Matches(values), task, strict=True, above=above, block_bytes=piece[1])
    assert found.rows.tolist() == [row for row in np.argsort(first).tolist() if first[row] < 10**9]
    assert found.turns.tolist() == sorted(first[first < 10**9].tolist())
    np.testing.assert_array_equal(found.matches, values[found.rows, found.columns])


@given(seeds, sizes, st.integers(1, 20), st.booleans(), pieces)
def test_best_rank_is_the_smallest_place_in_any_column(seed, n, t, tied, piece):
    values = made(seed, n, t, tied)
    ranks = np.argsort(np.argsort(-values, axis=0, kind="stable"), axis=0, kind="stable")
    found = best_rank(Matches(values), block_bytes=piece[1])
    np.testing.assert_array_equal(found, ranks.min(axis=1))


def test_queries_that_agree_take_the_best_rows_either_way():
    values = np.repeat(made(0, 50, 1, False), 2, axis=1)
    for strict in (False, True):
        rows = round_robin(Matches(values), strict=strict).rows
        assert rows.tolist() == np.argsort(-values[:, 0], kind="stable").tolist()


def bids_slowly(values, k):
    """Every row and column at every step: rows, columns and gains; ties by column, then by row."""
    exact = values.astype(np.float64)
    standard = (exact - exact.mean(axis=0)) / exact.std(axis=0)
    left, taken, found = np.ones(len(values), bool), np.zeros(values.shape[1]), []
    for step in range(k):
        gains = np.where(left[:, None], standard - taken / max(step, 1), -np.inf)
        column, row = np.unravel_index(np.argmax(gains.T), gains.T.shape)
        found.append((row, column, gains[row, column]))
        left[row], taken = False, taken + standard[row]
    return [np.array(part) for part in zip(*found, strict=True)]


@pytest.mark.parametrize("length", [None, 3])
def test_bids_equals_brute_force(length):
    values = made(1, 400, 13, False)
    rows, columns, gains = bids_slowly(values, 60)
    found = furthest_behind(Matches(values), length=length)
    np.testing.assert_array_equal(found.rows[:60], rows)
    np.testing.assert_array_equal(found.columns[:60], columns)
    np.testing.assert_allclose(found.gains[:60], gains, atol=1e-12)


@given(seeds, st.integers(2, 25), st.integers(1, 5), pieces)
def test_bids_in_any_pieces_and_from_vectors_to_the_last_row(seed, n, t, piece):
    values = made(seed, n, t, False)
    for matches in (Matches(values), Matches(values, np.eye(t, dtype=np.float32))):
        found = furthest_behind(matches, length=piece[0])
        assert found.rows.tolist() == bids_slowly(values, n)[0].tolist()


def bids_exactly(values):
    """Rows and columns by gains as fractions, which are compared by their squares, since the variance has no root."""
    n, columns = len(values), np.flatnonzero(values.max(axis=0) > values.min(axis=0)).tolist()
    exact = {c: [Fraction(int(value)) for value in values[:, c]] for c in columns}
    mean = {c: sum(exact[c]) / n for c in columns}
    variance = {c: sum((value - mean[c]) ** 2 for value in exact[c]) / n for c in columns}
    left, found = list(range(n)), []
    for _ in range(n):
        gains = {}
        for c in columns:
            rows = [row for row, _ in found]
            row = max(left, key=lambda i, c=c: (exact[c][i], -i))
            apart = exact[c][row] - (sum(exact[c][i] for i in rows) / len(rows) if rows else mean[c])
            gains[c] = (apart * abs(apart) / variance[c], -c, row)
        _, column, row = max(gains.values())
        found.append((row, -column))
        left.remove(row)
    return found


@given(seeds, st.integers(2, 30), st.integers(1, 5), pieces)
@settings(max_examples=60, deadline=None)
def test_bids_ties_between_columns_of_the_same_numbers_go_to_the_lower_one(seed, n, t, piece):
    """Means, deviations and sums of columns that differ by the order of rows alone are equal to the bit."""
    rng = np.random.default_rng(seed)
    column = np.concatenate([[0, 1], rng.integers(-2, 3, n - 2)])
    values = np.stack([rng.permutation(column) for _ in range(t)], axis=1).astype(np.float32)
    for matches in (Matches(values), Matches(values, np.eye(t, dtype=np.float32))):
        found = furthest_behind(matches, length=piece[0], block_bytes=piece[1])
        assert list(zip(found.rows.tolist(), found.columns.tolist(), strict=True)) == bids_exactly(values)


def test_bids_ties_by_column_then_row_and_leaves_constant_columns_out():
    values = np.array([[0, 9, 1], [1, 9, 0], [0, 9, 1], [1, 9, 0]], np.float32)
    found = furthest_behind(Matches(values))
    assert (found.rows[0], found.columns[0]) == (1, 0) and 1 not in found.columns
    same = furthest_behind(Matches(np.full((5, 2), 0.3, np.float32)))
    assert same.rows.tolist() == [0, 1, 2, 3, 4] and same.gains.tolist() == [0] * 5


@given(seeds, sizes, st.integers(1, 5), st.sampled_from([4, 100, 1 << 20]))
def test_moments_in_any_blocks(seed, n, t, block_bytes):
    values = made(seed, n, t, False) * 100 + 1000
    values[:, 0] = 0.1
    found, exact = moments(Matches(values), block_bytes=block_bytes), values.astype(np.float64)
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.std, exact.std(axis=0), rtol=1e-9, atol=1e-9)
    assert found.std[0] == 0
    np.testing.assert_array_equal([found.low, found.high], [exact.min(axis=0), exact.max(axis=0)])


def test_means_and_maxima_by_task():
    values, task = made(3, 40, 5, False), np.array([4, 2, 4, 2, 4])
    exact = values.astype(np.float64)
    np.testing.assert_array_equal(maximum(Matches(values)), exact.max(axis=1, keepdims=True))
    np.testing.assert_allclose(mean(Matches(values)), exact.mean(axis=1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(mean(Matches(values), task)[:, 1], exact[:, [0, 2, 4]].mean(axis=1), rtol=1e-12)
    brought = (exact - exact.min(axis=0)) / (exact.max(axis=0) - exact.min(axis=0))
    found = mean(Matches(values), task, normalised=True)
    np.testing.assert_allclose(found[:, 0], brought[:, [1, 3]].mean(axis=1), rtol=1e-12)


@given(seeds, st.integers(2, 25), st.integers(1, 5), pieces)
def test_some_rows_of_a_matrix_match_as_a_matrix_of_their_own(seed, n, t, piece):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 3)).astype(np.float16), rng.normal(size=(t, 3)).astype(np.float32)
    among = np.flatnonzero(rng.random(n) < 0.6)
    few, own = Matches(x, y, cosine=True, among=among), Matches(x[among].astype(np.float32), y, cosine=True)
    assert few.shape == own.shape == (len(among), t)
    for one, other in ((few, own), (few.of(np.array([0])), own.of(np.array([0])))):
        for (start, block), (same, expected) in zip(one.blocks(piece[1]), other.blocks(piece[1]), strict=True):
            assert start == same
            np.testing.assert_array_equal(block, expected)
    if len(among):
        assert round_robin(few).rows.tolist() == round_robin(own).rows.tolist()


def test_copies_of_a_row_match_alike_wherever_they_stand():
    """A float32 product gives copies different last bits, by the place of a row in its block."""
    rng = np.random.default_rng(0)
    x, y = np.repeat(rng.normal(size=(1, 765)), 955, axis=0).astype(np.float32), rng.normal(size=(20, 765))
    found = Matches(x, y.astype(np.float32), cosine=True)
    assert round_robin(found).rows.tolist() == list(range(955))
    assert furthest_behind(found).rows.tolist() == list(range(955))

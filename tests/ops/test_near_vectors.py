"""Near copies by vectors: what is dropped is near, what is kept is not (but for what bands miss), and rows stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops.near_vectors import bands_for, near_vectors


def planted(rng, n, d, copies, noise):
    """n directions at random, and copies of the first ones with noise, of which the cosine is known."""
    own = rng.normal(size=(n, d))
    more = own[:copies] + noise * rng.normal(size=(copies, d))
    return np.concatenate([own, 3 * more]).astype(np.float32)


def cosines(a, b):
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a.astype(np.float64), b.astype(np.float64)))
    return a @ b.T


def test_planted_copies_are_found_and_nothing_else():
    rng = np.random.default_rng(0)
    vectors = planted(rng, 400, 64, 120, 0.15)
    found = near_vectors(vectors, cosine=0.95)
    near = np.tril(cosines(vectors, vectors) >= 0.95, -1)
    dropped = found.kept_row != np.arange(len(vectors))
    assert not dropped[~near.any(axis=1)].any()
    assert dropped[near.any(axis=1)].mean() > 0.95
    assert (found.kept_row[dropped] == np.argmax(near, axis=1)[dropped]).mean() > 0.99


@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 10**6), st.sampled_from([0.8, 0.95, 1.0]))
def test_rows_that_are_added_change_nothing(n, more, seed, cosine):
    rng = np.random.default_rng(seed)
    whole = rng.integers(-1, 2, (n + more, 3)).astype(np.float32)
    part, all_rows = (near_vectors(one, cosine=cosine).kept_row for one in (whole[:n], whole))
    assert part.tolist() == all_rows[:n].tolist()
    near = cosines(np.where(whole.any(axis=1, keepdims=True), whole, np.nan), whole) >= cosine - 1e-5
    for row, kept in enumerate(all_rows):
        assert kept <= row and (kept == row or near[row, :row].any())


@given(st.integers(0, 10**6))
def test_equal_directions_are_copies_whatever_their_length(seed):
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(20, 8))
    both = np.concatenate([own, own * rng.uniform(0.1, 10, (20, 1)), np.zeros((2, 8))])
    assert near_vectors(both, cosine=0.999).kept_row.tolist() == [*range(20), *range(20), 40, 41]
    assert near_vectors(own, cosine=0.999, against=[own[::-1]]).earlier.tolist() == [[i, 0, 19 - i] for i in range(20)]


def test_rows_that_are_left_out_lead_nobody():
    vectors = np.ones((4, 3), np.float32)
    among = np.array([False, True, True, True])
    assert near_vectors(vectors, cosine=0.9, among=among).kept_row.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("cosine", [0.8, 0.9, 0.95])
def test_bands_find_as_many_as_they_promise(cosine):
    """Pairs of one angle in a plane of 32 dimensions."""
    rng = np.random.default_rng(1)
    pairs, d = 600, 32
    one = rng.normal(size=(pairs, d))
    other = rng.normal(size=(pairs, d))
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    other -= one * (one * other).sum(axis=1, keepdims=True)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    second = cosine * one + np.sqrt(1 - cosine**2) * other
    found = near_vectors(second, cosine=cosine - 1e-4, against=[one]).earlier
    hits = sum(row == place for row, _, place in found.tolist())
    bands, bits = bands_for(cosine - 1e-4)
    expected = 1 - (1 - (1 - np.arccos(cosine) / np.pi) ** bits) ** bands
    assert abs(hits / pairs - expected) < 4 * np.sqrt(expected * (1 - expected) / pairs) + 0.01


def test_refusals():
    for cosine in (0, -1, 1.1):
        with pytest.raises(Refused, match="more than 0"):
            near_vectors(np.ones((2, 2)), cosine=cosine)

"""Near copies within clusters against loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops import copies
from tamis.ops.copies import largest_before


def slowly(x, label, order, kept_at):
    """One pair after the other, in float64."""
    units = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1)[:, None]
    found = np.full(len(x), -1.0)
    for cluster in np.unique(label):
        kept = []
        for row in [row for row in order if cluster in label[row]]:
            cosine = max([float(units[row] @ units[other]) for other in kept], default=-1.0)
            found[row] = max(found[row], cosine)
            if kept_at is None or cosine <= kept_at:
                kept.append(row)
    return np.minimum(found, 1)


@pytest.mark.parametrize("kept_at", [None, 0.9, 0.5])
@pytest.mark.parametrize("m", [1, 2])
@given(seed=st.integers(0, 9999), n=st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_what_loops_find(kept_at, m, seed, n):
    """Also where a cluster takes several blocks of rows and columns."""
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(n, 3)) + 0.5).astype(np.float32)
    label = np.stack([rng.permutation(4)[:m] for _ in range(n)])
    order = rng.permutation(n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "_ROWS", 1 + seed % 9)
        patch.setattr(copies, "_COLUMNS", 1 + seed % 7)
        found = largest_before(x, label, order, kept_at=kept_at)
    np.testing.assert_allclose(found, slowly(x, label, order, kept_at), atol=1e-6)


def test_lengths_do_not_matter():
    x = np.array([[3e-20, 4e-20], [3e15, 4e15], [4.0, -3.0]], np.float32)
    found = largest_before(x, np.zeros((3, 1), np.int64), np.arange(3))
    np.testing.assert_allclose(found, [-1, 1, 0], atol=1e-6)
    x = np.random.default_rng(0).normal(size=(500, 5)).astype(np.float32)
    both = largest_before(np.concatenate([x, 3 * x]), np.zeros((1000, 1), np.int64), np.arange(1000))
    assert both[500:].max() == 1 and both[500:].min() > 1 - 1e-12


@pytest.mark.parametrize("rows", [1, 512])
def test_a_cosine_at_the_threshold_is_no_copy(rows):
    """The second row is kept beside the first, and so the third is compared with it."""
    x = np.array([[1, 1, 1, 1], [1, 1, 1, -1], [1, 1, 1, -2]], np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "_ROWS", rows)
        found = largest_before(x, np.zeros((3, 1), np.int64), np.arange(3), kept_at=0.5)
    np.testing.assert_allclose(found, [-1, 0.5, 5 / np.sqrt(28)], atol=1e-6)


@pytest.mark.parametrize("rows", [1, 512])
def test_what_is_kept_is_what_the_result_says(rows):
    """Of small whole numbers, whose cosines are often at the threshold: in float32 some would be just above it."""
    for seed in range(200):
        a, b = np.random.default_rng(seed).integers(1, 13, (2, 2)).astype(np.float64)
        kept_at = float(a @ b / np.sqrt((a @ a) * (b @ b)))
        x = np.stack([a, b, 1000 * b + (b - a * (a @ b) / (a @ a))]).astype(np.float32)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(copies, "_ROWS", rows)
            found = largest_before(x, np.zeros((3, 1), np.int64), np.arange(3), kept_at=kept_at)
        assert found[1] <= kept_at and found[2] > 1 - 1e-5


def test_equal_rows_of_one_cluster():
    found = largest_before(np.ones((3000, 2), np.float32), np.zeros((3000, 1), np.int64), np.arange(3000)[::-1])
    assert found[-1] == -1 and (np.abs(found[:-1] - 1) < 1e-12).all()

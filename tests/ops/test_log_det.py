"""Log-determinant: the factor over many chunks, digits, kernels that are none. Gains are in test_set_functions."""

import numpy as np
import pytest

from tamis import Refused
from tamis.errors import BadRow
from tamis.ops import log_det
from tamis.ops.greedy import maximise
from tamis.ops.log_det import LogDet


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_the_factor_grows_in_chunks(chunk, monkeypatch):
    monkeypatch.setattr(log_det, "CHUNK", chunk)
    x = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)
    function = LogDet(x, metric="dot", ridge=0.5)
    rows, gains = maximise(function, 70)
    assert len(function._factors) == -(-70 // chunk)
    part = x[rows].astype(np.float64)
    for taken in (1, 3, 4, 64, 65, 70):
        whole = np.linalg.slogdet(part[:taken] @ part[:taken].T + 0.5 * np.eye(taken))[1]
        np.testing.assert_allclose(gains[:taken].sum(), whole, rtol=1e-9)


def test_most_redundant_digits_are_what_the_wrong_sign_picks():
    """Six of the first 60 digits, cosine, ridge 0.001: greedy -3.11, the inverted gain -12.5, both as specified.

    Random draws have mean -5.65 and deviation 0.94; the specified -5.41 is that of some of them.
    """
    digits = pytest.importorskip("sklearn.datasets").load_digits().data[:60].astype(np.float32)
    units = digits / np.linalg.norm(digits, axis=1, keepdims=True)
    kernel = (units @ units.T).astype(np.float64)

    def volume(rows):
        return np.linalg.slogdet(kernel[np.ix_(rows, rows)] + 1e-3 * np.eye(len(rows)))[1]

    found = maximise(LogDet(digits, ridge=1e-3), 6)
    inverted = [0]
    while len(inverted) < 6:
        mine = kernel[:, inverted]
        gain = ((mine @ np.linalg.inv(kernel[np.ix_(inverted, inverted)] + 1e-3 * np.eye(len(inverted)))) * mine).sum(1)
        gain[inverted] = -np.inf
        inverted.append(int(np.argmax(gain)))
    rng = np.random.default_rng(0)
    random = np.mean([volume(rng.choice(60, 6, replace=False)) for _ in range(2_000)])
    np.testing.assert_allclose([volume(found[0]), found[1].sum()], -3.112, atol=1e-3)
    assert volume(inverted) == pytest.approx(-12.5, abs=0.1) and random == pytest.approx(-5.65, abs=0.1)


def test_equal_rows_are_taken_last_and_in_their_order():
    x = np.eye(4, dtype=np.float32)[[0, 1, 1, 0, 2, 3, 3]]
    assert maximise(LogDet(x, metric="dot", ridge=0.1), 7)[0].tolist() == [0, 1, 4, 5, 2, 3, 6]
    assert maximise(LogDet(np.ones((70, 5), np.float32), metric="euclidean"), 70)[0].tolist() == list(range(70))


def test_beyond_the_rank_a_gain_is_that_of_the_ridge():
    x = np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32)
    gains = maximise(LogDet(x, ridge=1e-4), 200)[1]
    assert (gains[3:] < -3).all() and (np.diff(gains) <= 1e-9).all() and gains[-1] >= np.log(1e-4)


def test_a_kernel_that_is_none_is_refused_with_the_ridge_that_mends_it():
    """Clipped cosines, and distances taken from the largest, need not be positive definite."""
    x = np.random.default_rng(2).normal(size=(60, 3)).astype(np.float32)
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    clipped = np.maximum(units @ units.T, 0)
    clipped = np.maximum(clipped, clipped.T)
    with pytest.raises(BadRow, match="smallest eigenvalue is -") as refused:
        maximise(LogDet(clipped, metric="precomputed", ridge=1e-6), 60)
    least = refused.value.values["least"]
    assert refused.value.values["jitter"] == -least and np.linalg.eigvalsh(clipped.astype(float))[0] <= least < 0
    mended = -np.linalg.eigvalsh(clipped.astype(float))[0] + 1e-3
    assert len(maximise(LogDet(clipped, metric="precomputed", ridge=mended), 60)[0]) == 60
    with pytest.raises(BadRow, match="row 1"):
        LogDet(np.float32([[1, 0], [0, -2]]), metric="precomputed")


def test_refusals():
    for ridge in (0, float("inf"), float("nan")):
        with pytest.raises(Refused, match="out of range"):
            LogDet(np.ones((2, 2), np.float32), ridge=ridge)
    with pytest.raises(BadRow, match="the other way"):
        LogDet(np.float32([[1, 0.5], [0.25, 1]]), metric="precomputed")
    with pytest.raises(BadRow, match="no direction"):
        LogDet(np.float32([[1, 0], [0, 0]]))

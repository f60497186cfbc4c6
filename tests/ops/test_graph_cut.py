"""Graph cut: sums over tiles, ties, conventions and refusals. Gains and bounds are in test_set_functions."""

import numpy as np
import pytest

from tamis import Refused
from tamis.errors import BadRow
from tamis.ops import graph_cut
from tamis.ops.graph_cut import GraphCut
from tamis.ops.greedy import maximise
from tamis.ops.similarity import similarities


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("tile", [1, 7, 512])
def test_tiles_and_copies_change_nothing(metric, tile, monkeypatch):
    """The sums over the pool are those of the whole matrix, whatever the tiles and however many rows are equal."""
    monkeypatch.setattr(graph_cut, "TILE", tile)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 4)).astype(np.float32)[rng.integers(0, 30, 50)]
    whole = similarities(x, metric=metric, signed=metric == "dot").astype(np.float64)
    gains = GraphCut(x, metric=metric, lam=3.0).gains(np.arange(50))
    np.testing.assert_allclose(gains, 3 * whole.sum(axis=0) - np.diag(whole), rtol=1e-5, atol=1e-4)
    mass = rng.random(50)
    gains = GraphCut(x, mass, metric=metric, lam=3.0).gains(np.arange(50))
    np.testing.assert_allclose(gains, 3 * mass @ whole - np.diag(whole), rtol=1e-5, atol=1e-4)
    gains = GraphCut(whole.astype(np.float32), mass, metric="precomputed", lam=3.0).gains(np.arange(50))
    np.testing.assert_allclose(gains, 3 * mass @ whole - np.diag(whole), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_equal_rows_gain_the_same_to_the_last_bit(metric):
    """In tiles that end anywhere: a blocked product in float32 differs by where a row stands in it."""
    rng = np.random.default_rng(2)
    one = rng.normal(size=(900, 33)).astype(np.float32)
    x = np.concatenate([one, one[::-1]])
    function = GraphCut(x, metric=metric)
    for row in (5, 1000):
        gains = function.gains(np.arange(1800))
        np.testing.assert_array_equal(gains[:900], gains[900:][::-1])
        function.take(row)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_order_of_rows_does_not_matter(metric):
    x = np.random.default_rng(3).normal(size=(700, 8)).astype(np.float32)
    mixed = np.random.default_rng(4).permutation(700)
    one, other = GraphCut(x, metric=metric), GraphCut(x[mixed], metric=metric)
    np.testing.assert_array_equal(one.gains(mixed), other.gains(np.arange(700)))
    assert mixed[maximise(other, 50)[0]].tolist() == maximise(one, 50)[0].tolist()


def test_all_equal_rows_are_taken_in_their_order():
    function = GraphCut(np.ones((9, 3), np.float32))
    rows, gains = maximise(function, 9)
    assert rows.tolist() == list(range(9))
    np.testing.assert_allclose(gains, 2 * 9 - 1 - 2 * np.arange(9), rtol=1e-6)


def test_below_two_it_is_not_monotone_and_keeps_going():
    """With λ = 1 the last rows cost more than they bring; with λ = 2 none does."""
    x = np.ones((6, 2), np.float32)
    assert maximise(GraphCut(x, lam=1.0), 6)[1][-1] < 0 <= maximise(GraphCut(x, lam=2.0), 6)[1][-1] + 1e-6


def test_it_is_monotone_where_each_mass_allows():
    """Of four equal rows of mass 1/2 the fourth costs more than it brings at λ = 2, and not at 4."""
    x, half = np.ones((4, 2), np.float32), np.full(4, 0.5)
    for lam, monotone in ((2.0, False), (4.0, True)):
        function = GraphCut(x, half, lam=lam)
        assert function.monotone is monotone and bool(maximise(function, 4)[1][-1] >= -1e-6) is monotone
    assert GraphCut(x).monotone and not GraphCut(x, np.array([1, 1, 1, 0.0])).monotone


def test_negative_similarity_is_kept_and_said():
    x = np.float32([[1, 0], [-1, 0.1]])
    assert not GraphCut(x, metric="dot").submodular and GraphCut(np.abs(x), metric="dot").submodular
    assert GraphCut(x, metric="dot", lam=0).gains(np.array([0])) == -1


def test_refusals():
    x = np.float32([[1, 0.5], [0.25, 1]])
    with pytest.raises(BadRow, match=r"row 0: .* to row 1 is 0.5, and 0.25 the other way"):
        GraphCut(x, metric="precomputed")
    with pytest.raises(BadRow, match="no direction"):
        GraphCut(np.float32([[1, 0], [0, 0]]))
    with pytest.raises(Refused, match="2 rows and 3 columns"):
        GraphCut(np.ones((2, 3), np.float32), metric="precomputed")
    for lam in (-1.0, float("nan"), float("inf")):
        with pytest.raises(Refused, match="out of range"):
            GraphCut(x, lam=lam)

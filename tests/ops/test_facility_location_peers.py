"""Facility location as two peers have it, on the same similarities."""

import numpy as np
import pytest

from tamis.ops.facility_location import FacilityLocation, facility_location
from tamis.ops.greedy import maximise


def test_apricot_has_the_same_gains_on_digits(digits):
    """Its similarity is `max(d²) − d²` under its metric "euclidean", which is given to both."""
    apricot = pytest.importorskip("apricot")
    squares = ((digits[:, None] - digits[None]) ** 2).sum(axis=2)
    similar = squares.max() - squares
    peer = apricot.FacilityLocationSelection(30, metric="precomputed", optimizer="lazy").fit(similar)
    own = apricot.FacilityLocationSelection(30, metric="euclidean", optimizer="lazy").fit(digits)
    rows, gains = maximise(FacilityLocation(similar), 30)
    np.testing.assert_array_equal(rows, peer.ranking)
    np.testing.assert_allclose(gains, peer.gains, atol=5e-5)
    np.testing.assert_allclose(gains, own.gains, rtol=1e-4)


def test_submodlib_has_the_same_picks_and_gains(digits):
    submodlib = pytest.importorskip("submodlib")
    similar = facility_location(digits).similar
    peer = submodlib.FacilityLocationFunction(n=len(similar), mode="dense", sijs=similar, separate_rep=False)
    found = peer.maximize(budget=30, optimizer="LazyGreedy", show_progress=False)
    rows, gains = maximise(FacilityLocation(similar), 30)
    assert [row for row, _ in found] == rows.tolist()
    np.testing.assert_allclose(gains, [gain for _, gain in found], rtol=1e-4)


@pytest.fixture(scope="module")
def digits():
    """400 images of digits."""
    return pytest.importorskip("sklearn.datasets").load_digits().data[:400].astype(np.float32)

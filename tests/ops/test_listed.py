"""Lists are those of a slow search, and covering points by lists is covering them by all rows, or a bit less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import BadRow
from tamis.ops import products, similarity
from tamis.ops.facility_location import Covering, FacilityLocation, facility_location
from tamis.ops.greedy import maximise
from tamis.ops.listed import fitting, listed
from tamis.ops.similarity import similarities
from tamis.vocabulary import Points


def made(seed, p=90, n=25, d=3):
    rng = np.random.default_rng(seed)
    pool = rng.integers(-3, 4, (2 * p, d)).astype(np.float32)
    pool[(pool == 0).all(axis=1)] = 1  # many ties, no zeros
    rows = np.sort(rng.choice(2 * p, p, replace=False))
    return pool, rows, pool[rng.choice(2 * p, n, replace=False)]


def table(near, p):
    return near.columns.reshape(p, -1), near.values.reshape(p, -1)


@pytest.mark.parametrize("compiled", [False, True])
@given(st.integers(0, 999), st.integers(1, 30), st.sampled_from(["cosine", "euclidean"]))
def test_lists_are_those_of_a_slow_search(compiled, seed, m, metric):
    pool, rows, x = made(seed)
    with pytest.MonkeyPatch.context() as patch:
        for module in (similarity, products):
            patch.setattr(module, "COMPILED_FROM", 0 if compiled else 1000)
        columns, values = table(listed(Points(pool, rows, m), x, m, metric=metric), len(rows))
    width = min(m, len(x))
    assert columns.shape == (len(rows), width) and (np.diff(columns, axis=1) > 0).all()
    if metric == "euclidean":
        slow = -np.linalg.norm(pool[rows][:, None].astype(float) - x, axis=2)
        values = values + np.sort(slow, axis=1)[:, -width:].min()
    else:
        slow = similarities(pool[rows], x, metric=metric)
    np.testing.assert_allclose(values, np.take_along_axis(slow, columns, axis=1), atol=1e-5)
    np.testing.assert_allclose(np.sort(values, axis=1), np.sort(slow, axis=1)[:, -width:], atol=1e-5)


def test_of_equal_rows_the_earlier_are_listed():
    pool = np.ones((3, 2), np.float32)
    columns, _ = table(listed(Points(pool, np.arange(3), 2), np.ones((5, 2), np.float32), 2), 3)
    assert columns.tolist() == [[0, 1]] * 3


def test_points_are_read_in_blocks_of_any_type():
    pool, rows, x = made(1)

    class OnDisk:
        def __getitem__(self, at):
            assert len(at) <= 48, "blocks stay small"
            return pool[at].astype(np.float64)

    found = listed(Points(OnDisk(), rows, 4), x, 4)
    np.testing.assert_array_equal(found.values, listed(Points(pool, rows, 4), x, 4).values)


def test_bad_vectors_are_refused():
    pool = np.array([[1, 0], [-1, 0]], np.float32)
    with pytest.raises(BadRow):
        listed(Points(pool, np.arange(2), 1), pool[:1], 1, metric="dot")
    with pytest.raises(BadRow):
        listed(Points(0 * pool, np.arange(2), 1), pool, 1)


@given(st.integers(0, 999), st.sampled_from(["cosine", "euclidean"]), st.booleans())
def test_covering_with_whole_lists_is_facility_location(seed, metric, weighted):
    pool, rows, x = made(seed)
    mass = np.random.default_rng(seed).random(len(rows)) if weighted else None
    function = Covering(Points(pool, rows, len(x)), x, mass, metric=metric)
    slow = FacilityLocation(similarities(x, pool[rows], metric=metric), mass)
    taken, gains = maximise(function, 8)
    _, expected = maximise(slow, 8)
    np.testing.assert_allclose(gains, expected, atol=1e-4)
    similar = similarities(pool[rows], x[taken], metric=metric)
    weights = function.weights(taken)
    assert weights.sum() == pytest.approx(len(rows) if mass is None else mass.sum(), rel=1e-5)
    owner = [np.flatnonzero(np.isclose(each, each.max(), atol=1e-5)) for each in similar]
    sure = np.array([len(each) == 1 for each in owner])
    least = np.bincount(
        [int(each[0]) for each in np.array(owner, object)[sure]], None if mass is None else mass[sure], 8
    )
    assert (weights >= least - 1e-4).all()


@given(st.integers(0, 999), st.integers(1, 25))
def test_short_lists_give_lower_bounds(seed, m):
    pool, rows, x = made(seed)
    short = facility_location(x, points=Points(pool, rows, m))
    whole = facility_location(x, points=Points(pool, rows, len(x)))
    every = np.arange(len(x))
    assert (short.gains(every) <= whole.gains(every) + 1e-5).all()
    assert isinstance(short, Covering) and short.fresh().gains(every).tolist() == short.gains(every).tolist()


def test_lists_fit_into_memory():
    assert fitting(1e9, 10**6, 15_000, 64) * 10**6 * 20 <= 1e9
    assert fitting(1e6, 10**6, 100, 64) == 0 and fitting(1e12, 100, 7, 3) == 7

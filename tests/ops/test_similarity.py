"""Similarities against loops in float64, with the compiled kernels and without."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis import refusals
from tamis.errors import BadRow, Refused
from tamis.ops import products, similarity
from tamis.ops.similarity import (
    closeness,
    distances,
    most_similar,
    outer_distances,
    similarities,
    unit_rows,
)

shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
metrics = st.sampled_from(["cosine", "dot", "euclidean", "precomputed"])


@pytest.fixture(params=["compiled", "numpy"])
def path(request, monkeypatch):
    """Both ways of computing, whatever the size."""
    for module in (products, similarity):
        monkeypatch.setattr(module, "COMPILED_FROM", 0 if request.param == "compiled" else 10**9)


def vectors(seed, n, d=5):
    """Small whole numbers, so that many rows are copies and many similarities are equal, and none is zero."""
    return np.random.default_rng(seed).integers(0, 3, (n, d)).astype(np.float32) + np.float32(0.5)


def slowly(x, metric):
    """Every similarity in float64."""
    x = x.astype(np.float64)
    if metric == "euclidean":
        between = np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=2))
        return between.max() - between
    lengths = np.sqrt((x**2).sum(axis=1))
    return x @ x.T / (np.outer(lengths, lengths) if metric != "dot" else 1)


@shared
@given(st.integers(0, 999), st.integers(1, 70), metrics)
def test_similarities_are_what_loops_find(path, seed, n, metric):
    x = vectors(seed, n)
    expected = slowly(x, metric)
    given_ = expected.astype(np.float32) if metric == "precomputed" else x
    np.testing.assert_allclose(similarities(given_, metric=metric), expected, atol=2e-6 * max(1, expected.max()))
    if metric in ("cosine", "dot"):
        np.testing.assert_array_equal(similarities(x, x[::2], metric=metric), similarities(x, metric=metric)[:, ::2])


@shared
@given(st.integers(0, 999), st.integers(1, 70), st.integers(1, 9), metrics, st.booleans())
def test_the_most_similar_are_what_sorting_finds(path, seed, n, m, metric, own):
    """Rows that are as similar come in their order: here most are, since vectors are small whole numbers."""
    x = vectors(seed, n, 2)
    if metric == "precomputed":
        x = np.random.default_rng(seed).integers(0, 4, (n, n)).astype(np.float32)
    every = np.array(x if metric == "precomputed" else slowly(x, metric))
    others = np.where(np.eye(n, dtype=bool), -1, every.round(6))
    expected = np.argsort(-others, axis=1, kind="stable")[:, : min(m, n - 1)]
    if own:
        expected = np.column_stack([np.arange(n), expected])
    found = most_similar(x, m, metric=metric, own=own)
    assert found.starts.tolist() == list(range(0, n * expected.shape[1] + 1, expected.shape[1] or 1))[: n + 1] or n == 1
    values = found.values.reshape(expected.shape)
    assert (values >= 0).all()
    np.testing.assert_allclose(values, np.take_along_axis(every, expected, axis=1), atol=1e-5)
    if metric in ("precomputed", "dot"):
        np.testing.assert_array_equal(found.columns.reshape(expected.shape), expected)


def test_of_equally_similar_rows_the_smaller_are_kept(path):
    for seed in range(30):
        similar = np.random.default_rng(seed).integers(0, 4, (20, 20)).astype(np.float32)
        expected = np.argsort(-np.where(np.eye(20, dtype=bool), -1, similar), axis=1, kind="stable")[:, :6]
        found = most_similar(similar, 6, metric="precomputed")
        np.testing.assert_array_equal(found.columns.reshape(20, 6), expected)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_most_similar_of_many_are_exact(metric):
    x = np.random.default_rng(0).normal(size=(1500, 24)).astype(np.float32)
    every = slowly(x, metric)
    np.fill_diagonal(every, -np.inf)
    expected = np.argsort(-every, axis=1, kind="stable")[:, :7]
    found = most_similar(x, 7, metric=metric, signed=True)
    np.testing.assert_array_equal(found.columns.reshape(-1, 7), expected)
    np.testing.assert_allclose(found.values.reshape(-1, 7), np.take_along_axis(every, expected, axis=1), atol=2e-6)


def test_close_calls_are_decided_in_float64():
    """Nine rows that are too near each other for float32, seen from where the mean of all is."""
    x = np.ones((10, 2), np.float32)
    x[:9, 1] = 1e-4 * np.random.default_rng(0).permutation(9) ** 1.1
    x[9] = -20, 0
    found = most_similar(x, 2, metric="euclidean")
    apart = np.abs(x[:9, None, 1].astype(np.float64) - x[:9, 1]) + np.diag(np.full(9, 9.0))
    assert found.columns.reshape(10, 2)[:9].tolist() == np.argsort(apart, axis=1, kind="stable")[:, :2].tolist()


@pytest.mark.parametrize("power", [-120, 120])
def test_the_size_of_numbers_does_not_matter_to_distances(power):
    """Squares of such numbers are 0 or infinite in float32; a power of two changes no digit."""
    x = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    one, two = (most_similar(rows, 7, metric="euclidean") for rows in (x, np.ldexp(x, power)))
    assert one.columns.tolist() == two.columns.tolist()
    np.testing.assert_array_equal(np.ldexp(one.values, power), two.values)


@pytest.mark.parametrize("d", [1, 3, 64, 300])
def test_products_depend_on_their_two_rows_alone(path, d):
    """To the last bit: not on the order of rows, nor on which others there are; and they are symmetric."""
    rng = np.random.default_rng(d)
    x = rng.normal(size=(201, d)).astype(np.float32)
    found, order = products.Products(x).of(x), rng.permutation(201)[:97]
    np.testing.assert_allclose(found, x.astype(np.float64) @ x.T.astype(np.float64), rtol=2e-6, atol=1e-4)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(products.Products(x[order]).of(x[order]), found[np.ix_(order, order)])
    np.testing.assert_array_equal(products.Products(x).of(x[5:6], floor=0)[0], np.maximum(found[5], 0))
    parts = {}
    products.Products(x).of(x, then=lambda part, made: parts.update({part.start: made.copy()}))
    np.testing.assert_array_equal(np.concatenate([parts[start] for start in sorted(parts)]), found)


@given(st.integers(0, 999), st.integers(1, 30))
def test_distances_of_copies_are_0(seed, n):
    x = 100 + np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32)
    x[n // 2 :] = x[0]
    expected = np.sqrt(((x.astype(np.float64)[:, None] - x[None]) ** 2).sum(axis=2))
    found = distances(x, x)
    assert ((found == 0) == (expected == 0)).all()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(closeness(n, n, lambda part: found[part]), found.max() - found, atol=1e-6)


@given(st.integers(0, 999))
def test_outer_distances_are_those_of_outer_products(seed):
    a, b, c, d = (np.random.default_rng((seed, i)).normal(size=(6, 3)).astype(np.float32) for i in range(4))
    left, right = (np.einsum("nd,ne->nde", x, y).reshape(6, -1) for x, y in ((a, b), (c, d)))
    expected = np.sqrt(((left[:, None] - right[None]) ** 2).sum(axis=2))
    np.testing.assert_allclose(outer_distances(a, b, c, d), expected, rtol=1e-4)
    assert (np.diagonal(outer_distances(a, b, a, b)) == 0).all()


def test_unit_rows_of_any_size():
    x = np.array([[3e30, 4e30], [3e-30, -4e-30]], np.float32)
    np.testing.assert_allclose(unit_rows(x), [[0.6, 0.8], [0.6, -0.8]], rtol=1e-6)


def test_what_has_no_similarity_is_refused(path):
    x = np.array([[1, 0], [2, 0], [0, 0], [-1, 1]], np.float32)
    for call in (unit_rows, similarities, lambda each: most_similar(each, 1)):
        with pytest.raises(BadRow) as error:
            call(x)
        assert (error.value.row, error.value.refusal) == (2, refusals.VECTOR_OF_ZEROS)
    for call in (similarities, lambda each, metric: most_similar(each, 3, metric=metric)):
        with pytest.raises(BadRow, match=r"row 0: its similarity to another row is -1,") as error:
            call(x, metric="dot")
    with pytest.raises(BadRow, match=r"row 1: its similarity to another row is -0\.5,"):
        similarities(np.array([[0, 1], [-0.5, 1]], np.float32), metric="precomputed")
    with pytest.raises(Refused, match="4 rows and 2 columns"):
        similarities(x, metric="precomputed")
    assert similarities(x, metric="dot", signed=True)[0, 3] == -1
    assert similarities(x[[0, 3]], signed=True)[0, 1] < 0 == similarities(x[[0, 3]])[0, 1]


@pytest.mark.parametrize(("metric", "large"), [("dot", 1e25), ("euclidean", 3e38)])
def test_what_float32_cannot_hold_is_refused(metric, large):
    x = np.array([[1, 0], [0, 1], [large, -large]], np.float32)
    with pytest.raises(BadRow) as error:
        similarities(x, metric=metric, signed=True)
    assert error.value.row == (2 if metric == "dot" else 0) and error.value.refusal is refusals.SIMILARITY_TOO_LARGE
    assert np.isfinite(similarities(x / np.float32(1e20), metric=metric, signed=True)).all()

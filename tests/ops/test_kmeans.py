"""k-means against loops, and against itself on rows in another order."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops import centroids
from tamis.ops import kmeans as made
from tamis.ops.kmeans import kmeans, lloyd, minibatch, seeds


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def blobs(n=900, k=9, d=5, seed=0, spread=0.05):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(k, d))
    return (centres[np.arange(n) % k] + spread * rng.normal(size=(n, d))).astype(np.float32)


def slowly(x, centroids, iterations):
    """Lloyd's algorithm with all distances in float64."""
    for _ in range(iterations):
        label = ((x[:, None].astype(np.float64) - centroids[None]) ** 2).sum(axis=2).argmin(axis=1)
        centroids = np.stack([x[label == c].mean(axis=0, dtype=np.float64) for c in range(len(centroids))])
    return centroids


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e25])
@pytest.mark.parametrize("spherical", [False, True])
@pytest.mark.parametrize("batch", [None, 64])
def test_rows_in_another_order_are_in_the_same_clusters(spherical, batch, scale):
    x, key = np.random.default_rng(1).normal(size=(700, 6)).astype(np.float32) * np.float32(scale), keys(700)
    mixed = np.random.default_rng(2).permutation(700)
    options = {"spherical": spherical, "batch": batch, "fit_rows": 500, "iterations": 8, "runs": 2}
    one, two = kmeans(x, 30, key, **options), kmeans(x[mixed], 30, key[mixed], **options)
    assert one.centroids.tobytes() == two.centroids.tobytes()
    assert one.label[mixed].tolist() == two.label.tolist()
    assert one.distance[mixed].tobytes() == two.distance.tobytes()
    assert sorted(np.unique(one.label)) == list(range(len(one.centroids)))
    assert np.isfinite(one.centroids).all() and len(one.centroids) > 25


def test_lloyd_is_what_loops_find():
    x = blobs(spread=0.4)
    for iterations in (1, 2, 5, 20):
        found = lloyd(x, x[:9], iterations=iterations, tolerance=0)
        np.testing.assert_allclose(found, slowly(x, x[:9].astype(np.float64), iterations), atol=1e-6)


COPIES = (np.array([[0.0], [0.9], [1.0], [100.2], [100.3]], np.float32), np.array([[0.4], [0.4], [100.25]], np.float32))


@pytest.mark.parametrize("seed", [None, *range(120)])
def test_bounds_change_nothing(seed):
    """Passing over rows by Hamerly's bounds gives what looking at all of them does, with copies and empty clusters."""
    x, start = COPIES
    if seed is not None:
        rng = np.random.default_rng(seed)
        n, k = rng.integers(2, 120), rng.integers(1, 7)
        x = (rng.integers(0, 5, (n, 2)) + rng.normal(size=(n, 2)) * (seed % 4)).astype(np.float32)
        start = x[rng.integers(0, n, k)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "_loosen", lambda bounds, label, steps: bounds.fill(np.inf))
        plain = lloyd(x, start, iterations=12, tolerance=0)
    assert lloyd(x, start, iterations=12, tolerance=0).tobytes() == plain.tobytes()


def test_bounds_pass_over_most_rows_in_the_end():
    x, seen = blobs(3000, spread=0.2), []
    with pytest.MonkeyPatch.context() as patch:
        relabel = made._relabel
        patch.setattr(made, "_relabel", lambda *a: (seen.append(np.mean(a[4][0] >= a[4][1])), relabel(*a)))
        lloyd(x, x[:9], iterations=30, tolerance=0)
    assert seen[0] == 1 and seen[-1] < 0.2


@given(st.integers(0, 9999), st.integers(1, 30), st.integers(1, 40), st.booleans())
@settings(max_examples=60, deadline=None)
def test_copies_and_few_rows(seed, n, k, spherical):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 4, (n, 2)).astype(np.float32)
    found = kmeans(x, k, keys(n, seed), spherical=spherical)
    different = {tuple(row / np.linalg.norm(row) if spherical else row) for row in x.astype(np.float64)}
    assert len(found.centroids) <= min(k, len({tuple(np.round(row, 9)) for row in different}))
    assert sorted(np.unique(found.label)) == list(range(len(found.centroids)))
    if len(found.centroids) < k:
        np.testing.assert_allclose(found.distance, 0, atol=1e-6)


def test_an_empty_cluster_gets_the_farthest_row():
    x = np.array([[0.0], [1.0], [2.0], [50.0]], np.float32)
    start = np.array([[1.0], [200.0]], np.float32)
    assert lloyd(x, start, iterations=9, tolerance=0).tolist() == [[1.0], [50.0]]
    moved = minibatch(x, start, keys(4), 4, passes=1)
    assert moved.tolist() == [[1.0], [50.0]]
    three = np.array([[0.0], [3.0], [50.0]], np.float32)
    start = np.array([[1.5], [60.0], [200.0]], np.float32)  # 50 is farther from its centroid, and alone there
    assert lloyd(three, start, iterations=1, tolerance=0).tolist() == [[3.0], [50.0], [0.0]]


def test_clusters_that_stay_empty_are_left_out():
    x = np.array([[0.0], [1.0], [1.5]], np.float32)
    found = kmeans(x, 3, keys(3), start=np.array([[0.0], [900.0], [1.0]], np.float32), iterations=0)
    assert found.centroids.tolist() == [[0.0], [1.0]] and found.label.tolist() == [0, 1, 1]


def test_equal_rows_are_settled_at_once():
    with pytest.MonkeyPatch.context() as patch:
        relabel, calls = made._relabel, []
        patch.setattr(made, "_relabel", lambda *a: (calls.append(1), relabel(*a)))
        x = np.repeat(np.array([[1.0], [2.0]], np.float32), 25, axis=0)
        lloyd(x, x[[0, 30, 1, 31]], iterations=99, tolerance=-1)
    assert len(calls) == 2


def test_draws_are_in_proportion_to_squared_distances():
    """From 0, the next of 1, 2 and 3 is drawn 1, 4 and 9 times of 14; the first of four rows is uniform."""
    x = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    drawn = np.array([seeds(x, 3, keys(4, seed)) for seed in range(6000)])
    np.testing.assert_allclose(np.bincount(drawn[:, 0]) / 6000, 0.25, atol=0.03)
    after = drawn[drawn[:, 0] == 0]
    np.testing.assert_allclose(
        np.bincount(after[:, 1], minlength=4) / len(after), np.array([0, 1, 4, 9]) / 14, atol=0.04
    )
    np.testing.assert_allclose(np.mean(after[after[:, 1] == 3][:, 2] == 1), 0.5, atol=0.06)  # 1 and 2 are as far


def test_seeds_are_looked_for_among_64_rows_for_each():
    rows = np.maximum(np.arange(7000, dtype=np.float32) - 4095, 0)[:, None]
    assert [len(seeds(rows, k, keys(7000))) for k in (2, 100)] == [1, 100]


def test_kernels_do_what_numpy_does_to_the_bit():
    x, key = blobs(2000, d=7, seed=3), keys(2000)
    label = np.random.default_rng(0).integers(0, 40, 2000)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in sys.modules if name.split(".")[0] == "numba"]:
            patch.delitem(sys.modules, name)
        assert "numba" not in sys.modules
        plain = {"seeds": seeds(x, 50, key), "sums": made._sums(made._extended(x), label, 41)[0]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(centroids, "COMPILED_FROM", 0)
        assert seeds(x, 50, key).tolist() == plain["seeds"].tolist()
        assert made._sums(made._extended(x), label, 41)[0].tobytes() == plain["sums"].tobytes()


def test_as_many_threads_as_blas_likes():
    """Clusters do not depend on how a matrix product is divided among threads."""
    code = (
        "import numpy as np; from tamis.ops.kmeans import kmeans; r = np.random.default_rng(0);"
        "f = kmeans(r.normal(size=(6000, 33)).astype('f4'), 70, r.integers(0, 2**63, 6000, np.uint64), iterations=5);"
        "import hashlib; print(hashlib.sha256(f.centroids.tobytes() + f.label.tobytes()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in "12"
    }
    assert len(found) == 1


def test_spherical_clusters_are_as_good_as_loops_make_them():
    """Centroids are the directions of their rows' mean, each row is with the nearest, and blobs are told apart."""
    x = blobs(d=8, spread=0.1) * np.random.default_rng(0).uniform(0.1, 10, (900, 1)).astype(np.float32)
    found = kmeans(x, 9, keys(900), spherical=True, iterations=100, tolerance=0, runs=4)
    units = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1)[:, None]
    for cluster in range(9):
        mean = units[found.label == cluster].sum(axis=0)
        np.testing.assert_allclose(found.centroids[cluster], mean / np.linalg.norm(mean), atol=1e-6)
        assert len(np.unique(np.flatnonzero(found.label == cluster) % 9)) == 1


def test_rows_to_fit_to_are_not_those_that_are_drawn_first():
    """Methods draw the smallest keys, which centroids would then fit better than others."""
    x, key = np.arange(900, dtype=np.float32)[:, None], keys(900)
    with pytest.MonkeyPatch.context() as patch:
        seen, gathered = [], made._gathered
        patch.setattr(made, "_gathered", lambda *a: (seen.append(a[1]), gathered(*a))[1])
        kmeans(x, 3, key, fit_rows=300)
    assert 70 < len(np.intersect1d(seen[0], np.argsort(key)[:300])) < 130


def test_rows_of_a_file_are_not_read_at_once(tmp_path):
    x = blobs(5000)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    one, two = (kmeans(rows, 9, keys(5000), fit_rows=600) for rows in (x, mapped))
    assert one.label.tolist() == two.label.tolist()

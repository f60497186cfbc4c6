"""Coverage: sparse and dense rows, large sets, refusals. Gains and bounds are in test_set_functions."""

import numpy as np
import pytest

from tamis.errors import BadRow
from tamis.ops.coverage import Coverage, feature_based, probabilistic_cover, saturated_coverage, set_cover
from tamis.ops.greedy import maximise


@pytest.mark.parametrize("concave", ["sqrt", "log1p", "saturating"])
def test_sparse_and_dense_rows_are_the_same(concave):
    rng = np.random.default_rng(0)
    x = (rng.random((200, 30)) * (rng.random((200, 30)) < 0.15)).astype(np.float32)
    found = feature_based(x, concave=concave)
    starts, columns = np.arange(201) * 30, np.tile(np.arange(30, dtype=np.int32), 200)
    long = Coverage(starts, columns, x.ravel().astype(np.float64), features=30, concave=concave)
    assert len(found._rows[3]) == np.count_nonzero(x) < len(long._rows[3])
    shared = Coverage(starts, columns[:30], x.ravel(), features=30, concave=concave, shared=True)
    rows, gains = maximise(found, 200)
    for other in (long, shared):
        again = maximise(other, 200)
        np.testing.assert_array_equal(rows, again[0])
        np.testing.assert_allclose(gains, again[1], rtol=1e-12)


PHI = {
    "sqrt": np.sqrt,
    "log1p": np.log1p,
    "saturating": lambda c: c / (1 + c),
    "capped": lambda c: np.minimum(c, np.arange(1, 9) / 4),
}


@pytest.mark.parametrize("concave", PHI)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_and_caps_of_features(concave, dtype):
    """Sparse and dense alike: Σ w φ, written out."""
    x = np.random.default_rng(6).random((40, 8)).astype(dtype)
    weight, options = np.arange(8.0), {"cap": np.arange(1, 9) / 4} if concave == "capped" else {}
    starts, columns = np.arange(41) * 8, np.arange(8, dtype=np.int32)
    for shared, places in ((True, columns), (False, np.tile(columns, 40))):
        function = Coverage(
            starts, places, x.ravel(), features=8, concave=concave, weight=weight, shared=shared, **options
        )
        taken = x[:3].astype(np.float64).sum(axis=0)
        for row in range(3):
            function.take(row)
        exact = ((PHI[concave](taken + x[3:]) - PHI[concave](taken)) * weight).sum(axis=1)
        np.testing.assert_allclose(function.gains(np.arange(3, 40)), exact, rtol=1e-9)


def test_a_factor_for_each_row():
    x = np.random.default_rng(1).random((50, 8)).astype(np.float32)
    scale = np.random.default_rng(2).random(50)
    starts, columns = np.arange(51) * 8, np.arange(8, dtype=np.int32)
    one = Coverage(starts, columns, x.ravel(), features=8, concave="log1p", scale=scale, shared=True)
    other = Coverage(starts, columns, (x * scale[:, None]).ravel(), features=8, concave="log1p", shared=True)
    np.testing.assert_array_equal(maximise(one, 50)[0], maximise(other, 50)[0])
    np.testing.assert_allclose(one.fresh().gains(np.arange(50)), other.fresh().gains(np.arange(50)))


def test_set_cover_of_many_sets_is_naive_greedy_on_sets():
    """Python sets, largest number of new ones first, ties by row: 2,000 rows, a tenth of them empty."""
    rng = np.random.default_rng(3)
    sets = [
        set(rng.integers(0, 500, rng.integers(0, 30)).tolist()) if rng.random() > 0.1 else set() for _ in range(2_000)
    ]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in sets])])
    function = set_cover(starts, np.array([code for one in sets for code in one], np.int32), 500)
    rows, gains = maximise(function, 100)
    covered: set[int] = set()
    left = set(range(2_000))
    for row, gain in zip(rows.tolist(), gains.tolist(), strict=True):
        best = max(left, key=lambda one: (len(sets[one] - covered), -one))
        assert (row, gain) == (best, len(sets[best] - covered))
        covered |= sets[row]
        left.remove(row)
    assert gains.sum() == len(covered)


def test_the_lazy_heap_saves_evaluations():
    x = np.random.default_rng(0).random((5_000, 20)).astype(np.float32) ** 4
    function = feature_based(x)
    rows, _ = maximise(function, 100)
    assert len(set(rows.tolist())) == 100 and function.evaluations < 30_000  # of 500,000


def test_read_only_rows_are_read_where_they_lie(tmp_path):
    """A memory-mapped matrix is not copied."""
    np.save(tmp_path / "x.npy", np.random.default_rng(4).random((20, 4)).astype(np.float32))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    function = feature_based(x)
    assert np.shares_memory(function._rows[3], x)
    assert maximise(function, 20)[0].tolist() == maximise(feature_based(np.array(x)), 20)[0].tolist()


def test_similarity_one_way():
    """Row i of a matrix says how much each covers i."""
    found = saturated_coverage(np.float32([[1, 0.9], [0, 1]]), share=1.0)
    np.testing.assert_allclose(found.gains(np.array([0, 1])), [1, 1.9])


def test_one_row_no_feature_and_nothing_to_gain():
    assert maximise(set_cover(np.array([0, 0]), np.empty(0, np.int32), 0), 1)[0].tolist() == [0]
    rows, gains = maximise(feature_based(np.zeros((5, 3), np.float32)), 5)
    assert rows.tolist() == [0, 1, 2, 3, 4] and (gains == 0).all()


def test_refusals():
    with pytest.raises(BadRow, match=r"row 2: its vector holds -1; give numbers of at least 0"):
        feature_based(np.float32([[0, 1], [1, 0], [3, -1]]))
    with pytest.raises(BadRow, match=r"row 1: its vector holds 1.5; give numbers of 0 to 1"):
        probabilistic_cover(np.array([0, 1, 1, 2])[[0, 1, 3]], np.zeros(2, np.int32), np.array([0.5, 1.5]), 1)
    with pytest.raises(BadRow, match="row 0"):
        saturated_coverage(np.float32([[1, -0.5], [-0.5, 1]]))

"""The same gains as apricot and submodlib on digits, run live, with what each of them calls by a name."""

import numpy as np
import pytest

from tamis.ops.coverage import feature_based, probabilistic_cover, saturated_coverage, set_cover
from tamis.ops.graph_cut import GraphCut
from tamis.ops.greedy import maximise
from tamis.ops.log_det import LogDet

K = 40
PIXELS = np.asarray(pytest.importorskip("sklearn.datasets").load_digits().data)
DIGITS = PIXELS.astype(np.float32)
COSINES = (PIXELS @ PIXELS.T) / np.outer(np.linalg.norm(PIXELS, axis=1), np.linalg.norm(PIXELS, axis=1))


def agree(function, rows, gains, times=1.0):
    """The same rows, and gains to 4 decimals; `times` turns ours into theirs."""
    found = maximise(function, len(rows))
    np.testing.assert_array_equal(found[0], rows)
    np.testing.assert_allclose(found[1] * times, gains, rtol=0, atol=1e-4)


def agree_along(function, rows, gains):
    """The gains of their rows, each the largest there is: for functions whose ties, or rounding, set rows apart."""
    left = np.ones(function.size, bool)
    for row, gain in zip(rows, gains, strict=True):
        best = function.best(left)[1]
        np.testing.assert_allclose([best, function.gains(np.array([row]))[0]], gain, rtol=0, atol=1e-4)
        function.take(int(row))
        left[row] = False


@pytest.mark.parametrize(("theirs", "ours"), [("sqrt", "sqrt"), ("log", "log1p"), ("sigmoid", "saturating")])
def test_feature_based_of_apricot(theirs, ours):
    apricot = pytest.importorskip("apricot")
    found = apricot.FeatureBasedSelection(K, theirs, optimizer="lazy").fit(PIXELS)
    agree(feature_based(DIGITS, concave=ours), found.ranking, found.gains)


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_graph_cut_of_apricot_is_ours(alpha):
    """`alpha` is λ; its "euclidean" is the largest square less the square, which has to be handed over as a matrix."""
    apricot = pytest.importorskip("apricot")
    found = apricot.GraphCutSelection(K, metric="precomputed", alpha=alpha, optimizer="naive").fit(COSINES)
    agree(GraphCut(DIGITS, lam=alpha), found.ranking, found.gains)
    found = apricot.GraphCutSelection(K, metric="euclidean", alpha=alpha, optimizer="naive").fit(PIXELS[:, :8])
    squares = ((PIXELS[:, None, :8] - PIXELS[None, :, :8]) ** 2).sum(axis=2)
    similarity = (squares.max() - squares).astype(np.float32)
    agree(GraphCut(similarity, metric="precomputed", lam=alpha), found.ranking, found.gains)


def test_saturated_coverage_of_apricot():
    apricot = pytest.importorskip("apricot")
    found = apricot.SaturatedCoverageSelection(K, metric="precomputed", alpha=0.1, optimizer="naive").fit(COSINES)
    agree(saturated_coverage(COSINES.astype(np.float32)), found.ranking, found.gains)


def greedy_of_submodlib(function, k):
    """Rows and gains of its naive greedy, which goes on where nothing is gained."""
    found = function.maximize(
        budget=k, optimizer="NaiveGreedy", stopIfZeroGain=False, stopIfNegativeGain=False, show_progress=False
    )
    return [row for row, _ in found], [gain for _, gain in found]


@pytest.mark.parametrize("lam", [0.4, 1.0])
def test_graph_cut_of_submodlib_has_the_factor_on_the_other_side(lam):
    submodlib = pytest.importorskip("submodlib")
    function = submodlib.GraphCutFunction(
        n=300, mode="dense", lambdaVal=lam, separate_rep=False, ggsijs=COSINES[:300, :300]
    )
    agree(GraphCut(DIGITS[:300], lam=1 / lam), *greedy_of_submodlib(function, K), times=lam)


@pytest.mark.parametrize("ridge", [0.1, 1.0])
def test_log_determinant_of_submodlib(ridge):
    submodlib = pytest.importorskip("submodlib")
    function = submodlib.LogDeterminantFunction(n=300, mode="dense", lambdaVal=ridge, sijs=COSINES[:300, :300])
    agree_along(LogDet(DIGITS[:300], ridge=ridge), *greedy_of_submodlib(function, K))


@pytest.mark.parametrize(
    ("theirs", "ours"), [("squareRoot", "sqrt"), ("logarithmic", "log1p"), ("inverse", "saturating")]
)
def test_feature_based_of_submodlib_scales_features_first(theirs, ours):
    submodlib = pytest.importorskip("submodlib")
    mode = getattr(pytest.importorskip("submodlib_cpp").FeatureBased, theirs)
    function = submodlib.FeatureBasedFunction(
        n=300, features=PIXELS[:300].tolist(), numFeatures=64, sparse=False, mode=mode
    )
    scaled = PIXELS[:300] - PIXELS[:300].min(axis=0)
    scaled /= np.where(scaled.max(axis=0) > 0, scaled.max(axis=0), 1)
    agree_along(feature_based(scaled.astype(np.float32), concave=ours), *greedy_of_submodlib(function, K))


def test_covers_of_submodlib():
    submodlib = pytest.importorskip("submodlib")
    filled, weight = PIXELS[:300] > 8, np.arange(1.0, 65)
    starts, columns = np.concatenate([[0], np.cumsum(filled.sum(axis=1))]), np.nonzero(filled)[1].astype(np.int32)
    sets = [set(np.flatnonzero(row).tolist()) for row in filled]
    function = submodlib.SetCoverFunction(n=300, cover_set=sets, num_concepts=64, concept_weights=weight.tolist())
    agree_along(set_cover(starts, columns, 64, weight=weight), *greedy_of_submodlib(function, 8))
    chances = PIXELS[:300] / 20
    function = submodlib.ProbabilisticSetCoverFunction(
        n=300, probs=chances.tolist(), num_concepts=64, concept_weights=weight.tolist()
    )
    dense = np.arange(301) * 64, np.tile(np.arange(64, dtype=np.int32), 300)
    agree_along(probabilistic_cover(*dense, chances.ravel(), 64, weight=weight), *greedy_of_submodlib(function, 8))

"""What estimators are given and give back: arrays, frames, lists, labels, steps of pipelines."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from tamis.registry import find
from tamis.sklearn import TamisSampler, TamisSelector

USABLE = TamisSelector.methods()
COMPARING = [name for name in USABLE if "metric" in find(name).parameters]
DIGITS, CLASSES = (array[:120] for array in load_digits(return_X_y=True))
NAMES = np.array("zero one two three four five six seven eight nine".split())[CLASSES]


def test_rows_in_every_form():
    selector = TamisSelector("stratified-random", budget=9)
    assert selector.fit(DIGITS, NAMES) is selector
    kept = selector.indices_
    assert kept.dtype == np.int64 and len(set(kept.tolist())) == 9
    assert selector.weights_.dtype == np.float32 and selector.gains_.dtype == selector.scores_.dtype == np.float64
    np.testing.assert_array_equal(selector.transform(DIGITS), DIGITS[kept])
    np.testing.assert_array_equal(selector.fit_transform(DIGITS, NAMES), DIGITS[kept])
    found, labels = selector.fit_resample(DIGITS, NAMES)
    np.testing.assert_array_equal(found, DIGITS[kept])
    np.testing.assert_array_equal(labels, NAMES[kept])
    assert selector.sampling_strategy_ == {name: NAMES[kept].tolist().count(name) for name in set(NAMES[kept])}


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int64, np.uint8, bool, ">f8"])
def test_real_types_stay(kind):
    pixels = (DIGITS > 7).astype(kind)
    selector = TamisSelector(budget=5).fit(pixels)
    assert selector.transform(pixels).dtype == selector.fit_resample(pixels, CLASSES)[0].dtype == np.dtype(kind)


def test_frames_stay_frames():
    names = [f"pixel{number}" for number in range(64)]
    frame = pd.DataFrame(DIGITS, columns=names, index=[f"row{row}" for row in range(120)])
    labels = pd.Series(NAMES, frame.index, name="digit")
    selector = TamisSelector("stratified-random", budget=6)
    found, kept = selector.fit_resample(frame, labels)
    pd.testing.assert_frame_equal(found, frame.iloc[selector.indices_])
    pd.testing.assert_series_equal(kept, labels.iloc[selector.indices_])
    pd.testing.assert_frame_equal(selector.set_output(transform="pandas").transform(frame), found)
    assert selector.feature_names_in_.tolist() == names == selector.get_feature_names_out().tolist()
    with pytest.raises(ValueError, match="feature names should match"):
        selector.transform(frame.rename(columns={"pixel0": "other"}))
    polar = pl.DataFrame(DIGITS, schema=names)
    found, kept = selector.fit_resample(polar, pl.Series("digit", NAMES))
    assert found.equals(polar[selector.indices_]) and kept.to_list() == NAMES[selector.indices_].tolist()


def test_lists_are_resampled_to_lists():
    found, kept = TamisSelector(budget=5).fit_resample(DIGITS.tolist(), NAMES.tolist())
    assert isinstance(found, list) and isinstance(kept, list) and len(found) == len(kept) == 5


def test_other_data_of_the_same_rows_is_transformed():
    scaled = StandardScaler().fit_transform(DIGITS)
    selector = TamisSelector(budget=8).fit(scaled)
    np.testing.assert_array_equal(selector.transform(DIGITS), DIGITS[selector.indices_])
    with pytest.raises(ValueError, match="has 20 rows, and rows were chosen among 120"):
        selector.transform(DIGITS[:20])


@pytest.mark.parametrize("method", COMPARING)
def test_rows_of_zeros_are_alike_each_other_and_nothing_else(method):
    rows = np.array([[0, 0], [3, 0], [0, 0], [0, 5], [1, 1]], float)
    selector = TamisSelector(method, budget=3, metric="cosine")
    with pytest.warns(UserWarning, match=f"{method}: rows of zeros are taken as") as told:
        kept = selector.fit(rows, CLASSES[:5]).indices_.tolist()
    assert told[0].filename == __file__
    assert kept == selector.fit(np.column_stack([rows, [2, 0, 2, 0, 0]]), CLASSES[:5]).indices_.tolist()


def test_numbers_below_0_are_amounts_of_their_own():
    if "feature-based" not in USABLE:
        pytest.skip("no method covers amounts")
    scaled = StandardScaler().fit_transform(DIGITS)
    selector = TamisSelector("feature-based", budget=9)
    with pytest.warns(UserWarning, match="feature-based: numbers below 0 are taken as"):
        found = selector.fit(scaled).gains_
    apart = selector.fit(np.column_stack([np.maximum(scaled, 0), np.maximum(-scaled, 0)]))
    np.testing.assert_array_equal(found, apart.gains_)


def test_labels():
    selector = TamisSelector("stratified-random", budget=10)
    kept = selector.fit(DIGITS, CLASSES).indices_.tolist()
    assert sorted(CLASSES[kept]) == list(range(10))
    for labels in (NAMES, NAMES.tolist(), pd.Series(NAMES, dtype="category"), np.eye(10, dtype=int)[CLASSES]):
        assert selector.fit(DIGITS, labels).indices_.tolist() == kept
    assert selector.fit(DIGITS, group=CLASSES).indices_.tolist() == kept
    assert get_tags(selector).target_tags.required and not get_tags(TamisSelector()).target_tags.required
    for labels, said in (
        (None, "requires y"), (DIGITS[:, 2] / 3, "continuous"), (CLASSES[:9], "inconsistent"),
        (np.eye(10, dtype=int)[CLASSES] | 1, "several labels"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            selector.fit(DIGITS, labels)


def test_bad_features_are_told_by_scikit_learn():
    for features, kind, said in (
        (np.where(DIGITS == 9, np.nan, DIGITS), ValueError, "contains NaN"),
        (sparse.csr_array(DIGITS), TypeError, "[Ss]parse"),
        (DIGITS[0], ValueError, "2D array"),
        (NAMES[:, None], ValueError, "could not convert"),
    ):
        with pytest.raises(kind, match=said):
            TamisSelector(budget=2).fit(features)
    with pytest.raises(NotFittedError):
        TamisSelector().transform(DIGITS)


def test_choosing_before_clusters():
    kept = make_pipeline(StandardScaler(), TamisSelector(budget=50), KMeans(3, n_init=1, random_state=0)).fit(DIGITS)
    assert len(kept[-1].labels_) == 50


def test_pipelines_of_imbalanced_learn():
    pipeline = pytest.importorskip("imblearn.pipeline")
    model = pipeline.make_pipeline(
        StandardScaler(), TamisSampler("stratified-random", budget=0.5), LogisticRegression(max_iter=1000)
    )
    assert model.fit(DIGITS, NAMES).predict(DIGITS).shape == (120,)
    kept = model[1].indices_
    alone = LogisticRegression(max_iter=1000).fit(model[0].transform(DIGITS)[kept], NAMES[kept])
    np.testing.assert_array_equal(alone.predict(model[0].transform(DIGITS)), model.predict(DIGITS))
    both = pipeline.make_pipeline(TamisSelector(), LogisticRegression())
    with pytest.raises(TypeError, match="implements both"):  # which is why there is a TamisSampler
        both.fit(DIGITS, NAMES)


def test_resampling_is_that_of_imbalanced_learn():
    peer = pytest.importorskip("imblearn.under_sampling").RandomUnderSampler(random_state=0)
    mine = TamisSampler("random", budget=0.2)
    for features, labels in (
        (DIGITS, CLASSES), (DIGITS.astype(np.float32), NAMES), (DIGITS.tolist(), NAMES.tolist()),
        (pd.DataFrame(DIGITS).add_prefix("p"), pd.Series(NAMES, name="digit")),
        (pd.DataFrame(DIGITS).add_prefix("p"), pd.DataFrame({"digit": NAMES})),
    ):  # fmt: skip
        for sampler in (peer, mine):
            found, kept = sampler.fit_resample(features, labels)
            assert type(found) is type(features) and type(kept) is type(labels)
            np.testing.assert_array_equal(np.asarray(found), np.asarray(features)[sampler.sample_indices_])
            np.testing.assert_array_equal(np.asarray(kept), np.asarray(labels)[sampler.sample_indices_])
            assert getattr(found, "dtype", None) == getattr(features, "dtype", None)
        assert set(mine.sampling_strategy_) <= set(NAMES) | set(range(10))
    for labels in (np.zeros(120), np.linspace(0, 1, 120), np.ones((120, 3), int)):
        for sampler in (peer, mine):
            with pytest.raises(ValueError):
                sampler.fit_resample(DIGITS, labels)
    with pytest.raises(ValueError, match="inconsistent"):  # which the peer does not check
        mine.fit_resample(DIGITS, CLASSES[:50])

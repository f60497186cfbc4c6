"""Methods as estimators of scikit-learn: the rows of `tamis.select`, parameters, needs, refusals."""

import importlib
import sys
from copy import copy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.utils import get_tags

import tamis
from tamis.registry import METHODS, find, load_all
from tamis.sklearn import TamisSelector

USABLE = TamisSelector.methods()
COMPARING = [name for name in USABLE if "metric" in find(name).parameters]
OF_A_MODEL = [
    name
    for name, found in METHODS.entries.items()
    if found.kind in ("Score", "Order", "SetFunction")
    and "probs" in set(found.needs) - set(found.optional)
    and set(found.needs) - set(found.optional) <= {"probs", "embedding", "label", "key", "start", "mass", "count"}
]
DIGITS, CLASSES = (array[:120] for array in load_digits(return_X_y=True))
NAMES = np.array("zero one two three four five six seven eight nine".split())[CLASSES]


def selected(method, **options):
    """What `tamis.select` keeps of the same rows."""
    columns = {"embedding": DIGITS, "class": CLASSES}
    return tamis.select(columns, method, embedding="embedding", label="class", **options)


def equal(selector, selection):
    np.testing.assert_array_equal(selector.indices_, selection.rows)
    np.testing.assert_array_equal(selector.sample_indices_, selection.rows)
    for name in ("gains", "scores", "weights"):
        np.testing.assert_array_equal(getattr(selector, f"{name}_"), getattr(selection, name))


@pytest.mark.parametrize("method", USABLE)
def test_same_rows_as_select(method):
    equal(TamisSelector(method, budget=7, random_state=3).fit(DIGITS, CLASSES), selected(method, budget=7, seed=3))


@pytest.mark.parametrize("budget", [1, np.int64(12), 120, 0.05, "10%"])
def test_budgets_of_select(budget):
    equal(TamisSelector(budget=budget).fit(DIGITS), selected("random", budget=budget))


def test_methods_are_those_that_features_and_labels_serve():
    load_all()
    served = {"embedding", "label", "group", "key", "rng", "start", "mass", "count"}
    needing = {name: set(found.needs) - set(found.optional) for name, found in METHODS.entries.items()}
    chosen = [name for name, found in METHODS.entries.items() if found.kind not in ("Match", "Schedule")]
    assert sorted(name for name in chosen if needing[name] <= served) == USABLE


@pytest.mark.parametrize("method", COMPARING)
def test_what_stands_for_features(method):
    like = cosine_similarity(DIGITS)
    selector = TamisSelector(method, budget=6, metric="precomputed").fit(like, CLASSES)
    assert get_tags(selector).input_tags.pairwise and not get_tags(TamisSelector(method)).input_tags.pairwise
    assert selector.transform(like).shape == (6, 120)
    if method in ("facility-location", "vote-k"):  # no pixel is negative, so that no cosine is clipped
        by_cosine = TamisSelector(method, budget=6, metric="cosine").fit(DIGITS, CLASSES)
        np.testing.assert_array_equal(selector.indices_, by_cosine.indices_)
    with pytest.raises(ValueError, match="120"):
        selector.fit(DIGITS, CLASSES)


def test_seeds():
    def kept(state):
        return TamisSelector(budget=9, random_state=state).fit(DIGITS).indices_.tolist()

    assert kept(5) == kept(np.int32(5)) != kept(6)
    state = np.random.RandomState(5)
    first = kept(state)
    assert first == kept(np.random.RandomState(5)) != kept(state)
    np.random.seed(5)
    assert kept(None) == first
    with pytest.raises(ValueError, match="-1"):
        kept(-1)


def test_parameters_of_the_method_are_parameters():
    selector = TamisSelector("threshold", budget=0.5, low=3.0)
    assert selector.get_params() == {
        "method": "threshold", "budget": 0.5, "metric": None, "random_state": 0, "low": 3.0
    }  # fmt: skip
    assert repr(selector) == "TamisSelector(budget=0.5, low=3.0, method='threshold')"
    assert "low" in selector._repr_html_()
    for other in (clone(selector), copy(selector)):
        other.set_params(high=5.0, budget=4)
        assert "high" not in selector.get_params() and other.get_params()["high"] == 5.0
        scores = np.arange(120) % 10
        assert scores[other.fit(DIGITS, score=scores).indices_].tolist() == [5, 5, 5, 5]
    other.set_params(method="weighted-draw", temperature=0.0)  # a parameter of its way to choose
    with pytest.raises(ValueError, match=r"no parameter 'lwo' .*'low'"):
        selector.set_params(budget=3, lwo=1)
    assert selector.budget == 0.5
    with pytest.raises(ValueError, match="no parameter 'low'"):
        selector.set_params(method="random").fit(DIGITS)


def test_needs_by_name():
    scores = np.random.default_rng(0).permutation(120)
    best = TamisSelector("top", budget=3).fit(DIGITS, score=scores)
    assert scores[best.indices_].tolist() == best.scores_.tolist() == [119, 118, 117]
    table = {"score": scores, "embedding": DIGITS}
    assert best.indices_.tolist() == tamis.select(table, "top", budget=3, score="score").rows.tolist()
    for method, needs, said in (
        ("top", {}, "needs score besides X and y; give it to fit as score="),
        ("top", {"score": scores[:9]}, "'score' has 9 values"),
        ("top", {"score": np.where(scores == 4, np.nan, scores)}, "'score' has NaN"),
        ("random", {"score": scores}, "takes start"),
        ("dsir", {}, "needs text, which X and y do not hold; use tamis.select, or one of TamisSelector"),
    ):
        with pytest.raises(ValueError, match=said):
            TamisSelector(method, budget=3).fit(DIGITS, **needs)


@pytest.mark.parametrize("method", OF_A_MODEL)
def test_what_a_model_says(method):
    model = LogisticRegression(max_iter=1000).fit(DIGITS[:40], CLASSES[:40])
    probs = model.predict_proba(DIGITS)
    selector = TamisSelector(method, budget=6).fit(DIGITS, CLASSES, probs=probs)
    columns = {"embedding": DIGITS, "class": CLASSES, "probs": probs}
    options = {"embedding": "embedding", "label": "class", "use": {"probs": "probs"}}
    equal(selector, tamis.select(columns, method, budget=6, **options))
    with pytest.raises(ValueError, match="needs probs besides X and y; give it to fit as probs="):
        selector.fit(DIGITS, CLASSES)


@pytest.mark.parametrize("method", USABLE)
def test_rows_had_already_are_not_chosen(method):
    """With two thirds of the rows in hand, a budget in shares is one of the others."""
    had = np.random.default_rng(1).permutation(120)[:80]
    selector = TamisSelector(method, budget=0.5).fit(DIGITS, CLASSES, start=had)
    assert len(selector.indices_) == 20 and not set(selector.indices_) & set(had)
    mask = np.isin(np.arange(120), had)
    assert selector.indices_.tolist() == clone(selector).fit(DIGITS, CLASSES, start=mask).indices_.tolist()
    for wrong in ([0, 120], [-1], [0.5], mask[:9], [[1]]):
        with pytest.raises(ValueError, match="rows of X"):
            selector.fit(DIGITS, CLASSES, start=wrong)


@pytest.mark.parametrize("method", [name for name in ("facility-location", "k-center", "log-det") if name in USABLE])
def test_a_choice_goes_on_from_what_one_has(method):
    whole = TamisSelector(method, budget=9).fit(DIGITS)
    rest = TamisSelector(method, budget=5).fit(DIGITS, start=whole.indices_[:4])
    assert rest.indices_.tolist() == whole.indices_[4:].tolist()
    np.testing.assert_allclose(rest.gains_, whole.gains_[4:], rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "facility-locatoin"}, "no such method"),
        ({"method": 3}, "no such method"),
        ({"budget": 121}, r"over the pool.*\(n_samples=120\)"),
        ({"budget": 0}, "keeps nothing"),
        ({"budget": 1.0}, "between 0 and 1"),
        ({"budget": "1%,2%"}, "one number of rows"),
        ({"budget": "2M tokens"}, "one number of rows"),
        ({"metric": "cosine"}, "no parameter 'metric'"),
    ],
)
def test_refused(given, said):
    with pytest.raises(ValueError, match=said) as told:
        TamisSelector(**given).fit(DIGITS)
    assert isinstance(told.value, tamis.Refused) and told.value.kind


def test_fewer_rows_than_asked_for_are_told():
    with pytest.warns(UserWarning, match="threshold keeps 24 rows of a budget of 60") as told:
        TamisSelector("threshold", budget=0.5, low=8).fit(DIGITS, score=np.arange(120) % 10)
    assert told[0].filename == __file__


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "tamis.sklearn")
    with pytest.raises(ImportError, match=r"needs the package scikit-learn.*tamis\[bench\]"):
        importlib.import_module("tamis.sklearn")

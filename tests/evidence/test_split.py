"""Splits: nothing on both sides, classes in proportion, and another split for each seed where it is drawn."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.evidence.plan import make_study_plan
from tamis.evidence.prepare import prepare
from tamis.evidence.split import _held_out, split
from tamis.evidence.study import make_study

from .material import classes


def planned(table, test=None, target=None, **values):
    given = {"pool": ["<table>"], "task": "classify", "label": "y", "methods": "random", "budgets": "10%"} | values
    given |= ({"test": "<test>"} if test is not None else {}) | ({"target": ["t"]} if target is not None else {})
    given = {name: value for name, value in given.items() if value is not None}
    return make_study_plan(make_study(given), table, test, None if target is None else [target])


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.floats(0.05, 0.9), st.integers(1, 60))
def test_equal_content_is_on_one_side(seed, share, kinds):
    rng = np.random.default_rng(seed)
    content = rng.integers(0, kinds, 200).astype(np.uint64)
    labels = rng.integers(0, 3, 200)
    held = _held_out(content, labels, share, seed)
    assert not set(content[held].tolist()) & set(content[~held].tolist())


def test_classes_are_held_out_in_proportion(tmp_path):
    table = classes(500)
    plan = planned(table, holdout="30%")
    made = prepare(plan, tmp_path / "data")
    found = split(plan, made, 0)
    ((name, rows),) = found.parts["test"]
    assert name == "pool" and not set(rows.tolist()) & set(found.train.tolist())
    assert len(rows) + len(found.train) == 500
    labels = table["y"].to_numpy()
    for label in (0, 1):
        assert (labels[rows] == label).sum() == round(0.3 * (labels == label).sum())
    assert found.moves and not np.array_equal(split(plan, made, 1).train, found.train)
    assert np.array_equal(split(plan, made, 0).train, found.train)


def test_a_given_test_set_is_the_same_for_all_seeds(tmp_path):
    plan = planned(classes(100), classes(30, seed=5))
    made = prepare(plan, tmp_path / "data")
    found = [split(plan, made, seed) for seed in (0, 1)]
    assert not found[0].moves and len(found[0].train) == 100
    assert [len(rows) for _, rows in found[0].parts["test"]] == [30]


TEXTS = pa.table({"text": [f"text number {row} of the pool" for row in range(300)]})
WANTED = pa.table({"text": [f"wanted {row}" for row in range(20)]})


def test_half_of_a_target_judges_and_the_methods_see_the_other(tmp_path):
    plan = planned(TEXTS, target=WANTED, task="language-model", label=None)
    made = prepare(plan, tmp_path / "data")
    found = split(plan, made, 3)
    ((name, judging),) = found.parts["target"]
    assert name == "target-0" and sorted([*judging, *found.targets[0]]) == list(range(20))
    ((name, others),) = found.parts["off-target"]
    assert name == "pool" and not set(others.tolist()) & set(found.train.tolist())
    assert len(others) == round(0.2 * 300)


def test_a_test_set_of_texts_leaves_the_target_whole(tmp_path):
    plan = planned(
        TEXTS, test=pa.table({"text": ["held out", "also"]}), target=WANTED, task="language-model", label=None
    )
    found = split(plan, prepare(plan, tmp_path / "data"), 0)
    assert len(found.targets[0]) == 20 and found.parts["target"][0][0] == "test"


def test_features_are_standardised_by_the_pool_and_holes_are_means(tmp_path):
    table = pa.table(
        {"a": [1.0, 3.0, None, 5.0], "b": [7, 7, 7, 7], "y": [0, 1, 0, 1], "ok": [True, False, True, True]}
    )
    plan = planned(
        table, budgets="1", test=pa.table({"a": [3.0, float("nan")], "b": [7, 8], "y": [0, 1], "ok": [False, None]})
    )
    made = prepare(plan, tmp_path / "data")
    features = made["pool"].array("features")
    assert plan.features == ["a", "b", "ok"] and features.dtype == np.float32
    assert features[:, 0].tolist() == pytest.approx([-(1.5**0.5), 0, 0, 1.5**0.5])
    assert features[:, 1].tolist() == [0, 0, 0, 0] and made["test"].array("features")[1].tolist() == [0, 1, 0]


def test_columns_that_a_method_or_a_budget_names_are_no_features():
    table = pa.table({"a": [1, 2], "q": [1, 2], "w": [1, 2], "tok": [3, 4], "id": [1, 2], "g": [0, 1], "y": [0, 1]})
    plan = planned(
        table, group="g", budgets="3 tok", methods=["top:q", {"method": "weighted-draw", "score": "w", "name": "d"}]
    )
    assert plan.features == ["a"]


def test_labels_are_coded_in_their_natural_order(tmp_path):
    table = pa.table({"a": list(range(6)), "y": [10, 9, -1, 10, 9, -1]})
    plan = planned(table, budgets="1", test=pa.table({"a": [19, 18], "y": [11, 9]}))
    made = prepare(plan, tmp_path / "data")
    assert made.classes == ["-1", "9", "10", "11"]
    assert made["pool"].array("labels").tolist() == [2, 1, 0, 2, 1, 0] and made["test"].array("labels").tolist() == [
        3,
        1,
    ]

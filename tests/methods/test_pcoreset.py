"""PCoreSet: the checks of its specification, on predictions of a weak model of digits."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from tamis.errors import BadRow
from tamis.methods.entropy import entropy
from tamis.methods.pcoreset import pcoreset
from tamis.ops.greedy import maximise


@pytest.fixture(scope="module")
def student():
    """Probabilities `float32 [1797, 10]` of a model that saw 60 digits."""
    digits = load_digits()
    seen = np.random.default_rng(0).permutation(len(digits.data))[:60]
    model = LogisticRegression(max_iter=200, C=0.01).fit(digits.data[seen], digits.target[seen])
    return model.predict_proba(digits.data).astype(np.float32)


def given(probs, start, k):
    function = pcoreset(probs)
    for row in start:
        function.take(row)
    open = np.ones(len(probs), bool)
    open[start] = False
    return maximise(function, k, open=open)[0]


def test_radius_on_16_points(student):
    """At most twice the best; mostly it is far nearer, as the 1.06 that was measured elsewhere."""
    ratios = []
    for seed in range(20):
        p = student[np.random.default_rng(seed).permutation(len(student))[:16]].astype(np.float64)
        between = np.linalg.norm(p[:, None] - p, axis=2)
        best = min(between[:, subset].min(axis=1).max() for subset in combinations(range(16), 4))
        rows, _ = maximise(pcoreset(p.astype(np.float32)), 4)
        ratios.append(between[:, rows].min(axis=1).max() / best)
    assert max(ratios) <= 2 + 1e-6 and min(ratios) >= 1 - 1e-6
    assert np.mean(ratios) < 1.4


def test_the_first_row_is_the_one_nearest_to_the_mean_or_the_first(student):
    apart = np.linalg.norm(student - student.mean(axis=0, dtype=np.float64), axis=1)
    assert maximise(pcoreset(student), 1)[0].tolist() == [int(np.argmin(apart))] != [0]
    assert maximise(pcoreset(student, first="index"), 1)[0].tolist() == [0]


def test_order_of_classes_does_not_matter(student):
    rows = given(student, [3, 7], 60)
    for seed in range(3):
        turned = np.ascontiguousarray(student[:, np.random.default_rng(seed).permutation(10)])
        assert (given(turned, [3, 7], 60) == rows).all()


def test_labelled_rows_stand_for_predictions_and_not_for_labels(student):
    labelled = np.arange(20)
    hard = student.copy()
    hard[labelled] = np.eye(10, dtype=np.float32)[load_digits().target[:20]]
    assert given(student, labelled, 30).tolist() != given(hard, labelled, 30).tolist()


@pytest.mark.parametrize("missing", [0, 4, 9])
def test_takes_the_cluster_that_nothing_labelled_is_near(missing):
    """Ten clusters of confident predictions and some rows between two classes, which entropy would take."""
    rng = np.random.default_rng(missing)
    label = np.repeat(np.arange(10), 30)
    logits = 9 * np.eye(10)[label] + 0.3 * rng.normal(size=(300, 10))
    logits[::30] = 0.3 * rng.normal(size=(10, 10))
    logits[np.arange(0, 300, 30), 0 if missing else 1] += 6  # between two known classes
    logits[np.arange(0, 300, 30), 2 if missing != 2 else 3] += 6
    p = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    start = [30 * other + 1 for other in range(10) if other != missing]
    first = given(p, start, 1)[0]
    assert label[first] == missing and p[first].max() > 0.99
    assert p[np.argmax(entropy(p))].max() < 0.9


def test_rows_that_do_not_sum_to_one(student):
    bad = student.copy()
    bad[17] *= 1.01
    with pytest.raises(BadRow, match=r"sum to 1\.01") as caught:
        pcoreset(bad)
    assert caught.value.row == 17
    assert len(given(student * np.float32(1.0005), [0], 5)) == 5

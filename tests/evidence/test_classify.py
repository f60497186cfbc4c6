"""The task `classify`: its numbers against scikit-learn's, its models against slow ones and against peers."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, recall_score
from sklearn.neighbors import KNeighborsClassifier

from tamis.evidence.task import Test
from tamis.evidence.tasks import make_task
from tamis.evidence.tasks.classify import judge, learnable
from tamis.evidence.tasks.knn import vote

from .classes import blobs, chosen, digits, examples, learn

MODELS = ["linear", "knn", "mlp"]


def test_metrics_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    labels, groups = rng.integers(0, 4, 200), rng.integers(0, 3, 200)
    odds = rng.random((200, 4)) + np.eye(4)[labels]
    odds /= odds.sum(axis=1, keepdims=True)
    named = odds.argmax(axis=1)
    data = examples(np.zeros((200, 1)), labels, groups=groups)
    found = judge(data, named, odds[np.arange(200), labels])
    assert found.metrics["accuracy"] == pytest.approx(accuracy_score(labels, named))
    assert found.metrics["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, named))
    assert found.metrics["log_loss"] == pytest.approx(log_loss(labels, odds))
    recalls = recall_score(labels, named, average=None)
    assert found.effects["class"] == pytest.approx({f"c{code}": recalls[code] for code in range(4)})
    assert found.effects["group"] == pytest.approx({f"g{g}": (named == labels)[groups == g].mean() for g in range(3)})


def test_classes_that_the_test_lacks_do_not_count():
    data = examples(np.zeros((3, 1)), [0, 0, 2], classes=5)
    found = judge(data, np.array([0, 1, 2]))
    assert found.metrics == {"accuracy": pytest.approx(2 / 3), "balanced_accuracy": 0.75}
    assert found.effects == {"class": {"c0": 0.5, "c2": 1.0}}


@pytest.mark.parametrize("model", MODELS)
def test_one_class_is_named_always(model):
    pool = blobs()
    found = learn(model, chosen(pool, np.flatnonzero(pool.labels == 1)), Test({"test": pool}))
    share = float((pool.labels == 1).mean())
    assert found.metrics["accuracy"] == pytest.approx(share)
    assert found.effects["class"] == {"c0": 0.0, "c1": 1.0, "c2": 0.0}
    if model != "knn":
        assert found.metrics["log_loss"] == pytest.approx(-np.log(1e-6) * (1 - share))


@pytest.mark.parametrize("model", MODELS)
def test_a_class_that_was_not_chosen_is_an_error(model):
    pool = blobs()
    found = learn(model, chosen(pool, np.flatnonzero(pool.labels != 0)), Test({"test": pool}))
    assert found.effects["class"]["c0"] == 0.0 < found.effects["class"]["c2"]


@pytest.mark.parametrize("model", MODELS)
def test_same_seed_same_numbers_and_only_ratios_of_weights_matter(model):
    pool, test = blobs(), Test({"test": blobs(200, seed=9)})
    weights = np.random.default_rng(2).integers(1, 9, len(pool))
    found = [learn(model, chosen(pool, weights=scale * weights), test, seed=3) for scale in (1, 1, 4)]
    assert found[0] == found[1] == found[2]
    assert found[0] != learn(model, chosen(pool), test, seed=3)


@pytest.mark.parametrize("model", MODELS)
def test_weight_zero_is_as_if_not_chosen(model):
    pool, test = blobs(), Test({"test": blobs(200, seed=9)})
    kept = np.flatnonzero(pool.labels != 2)
    weights = np.where(pool.labels != 2, 1.0, 0.0)
    found = learn(model, chosen(pool, weights=weights), test)
    assert found.effects["class"]["c2"] == 0.0
    if model != "mlp":  # whose batches differ
        assert found == learn(model, chosen(pool, kept), test)
    with pytest.raises(ValueError, match="weight above 0"):
        learn(model, chosen(pool, weights=0 * weights), test)


def test_linear_is_scikit_learn_and_weight_two_is_twice_the_row():
    pool, test = digits()
    peer = LogisticRegression(max_iter=5000, tol=1e-7).fit(pool.features, pool.labels)
    found = learn("linear", chosen(pool), test)
    assert found.metrics["accuracy"] == pytest.approx(peer.score(test.features, test.labels), abs=0.004)
    small = blobs()
    weights = np.random.default_rng(0).integers(1, 4, len(small))
    mean = weights.mean()
    once = learn("linear", chosen(small, weights=weights), Test({"test": small}), tolerance=1e-9)
    often = chosen(small, np.repeat(np.arange(len(small)), weights))
    twice = learn("linear", often, Test({"test": small}), tolerance=1e-9, c=1 / mean)
    assert once.metrics["log_loss"] == pytest.approx(twice.metrics["log_loss"], abs=1e-5)
    plain = learn("linear", chosen(small), Test({"test": small}), tolerance=1e-9)
    assert abs(plain.metrics["log_loss"] - once.metrics["log_loss"]) > 1e-3


def test_neighbours_vote_as_in_scikit_learn():
    pool, test = digits()
    odd = examples(pool.features, pool.labels % 2), examples(test.features, test.labels % 2)
    peer = KNeighborsClassifier(5).fit(odd[0].features, odd[0].labels)
    task = make_task("classify", "knn", {"k": "5"})
    named, _ = task.predict(task.fit(chosen(odd[0]), seed=0, steps=None), odd[1])
    assert (named == peer.predict(odd[1].features)).all()


def test_vote_is_what_loops_find():
    rng = np.random.default_rng(0)
    labels, weights = rng.integers(0, 3, (300, 5)), rng.integers(1, 4, (300, 5)).astype(float)
    expected = []
    for row, given in zip(labels.tolist(), weights.tolist(), strict=True):
        totals = {}
        for label, weight in zip(row, given, strict=True):
            totals[label] = totals.get(label, 0) + weight
        expected.append(next(label for label in row if totals[label] == max(totals.values())))
    assert vote(labels, weights).tolist() == expected


def test_learnable_weights_have_mean_one():
    found = learnable(chosen(blobs(5), weights=[0, 2, 0, 4, 6]))
    assert found.weights.tolist() == [0.5, 1.0, 1.5] and len(found.features) == len(found.labels) == 3

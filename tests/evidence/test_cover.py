"""The task `cover`: its numbers against loops, and what each of them says of choices whose worth is known."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.evidence.task import Data, Test, Train
from tamis.evidence.tasks import cover, make_task
from tamis.ops import ngrams


def examples(features=None, texts=None, labels=None, groups=None):
    rows = len(next(one for one in (features, texts, labels, groups) if one is not None))
    return Data(
        pa.table({"row": np.arange(rows)}),
        None if features is None else np.asarray(features, np.float32),
        None if labels is None else np.asarray(labels),
        [] if labels is None else [f"c{code}" for code in range(max(labels) + 1)],
        None if groups is None else np.asarray(groups),
        [] if groups is None else [f"g{code}" for code in range(max(groups) + 1)],
        None if texts is None else pa.array(texts, pa.large_string()),
    )


def judged(pool, test, rows):
    task = make_task("cover", None, {})
    rows = np.asarray(rows, np.int64)
    task.prepare(pool, test)
    model = task.fit(Train(pool, rows, np.ones(len(rows), np.float32)), seed=0, steps=None)
    found = task.evaluate(model, test)
    assert tuple(found.metrics) == tuple(metric.name for metric in task.metrics)
    assert task.headline == tuple(found.metrics)[:1]
    return found


@pytest.fixture(scope="module")
def cloud():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    pool = examples(rng.normal(size=(400, 3)), labels=labels)
    return pool, Test({"test": examples(rng.normal(size=(90, 3)), labels=rng.integers(0, 2, 90))})


@pytest.mark.parametrize("decimals", [7, 0])
def test_distances_are_what_loops_find(cloud, decimals):
    """Also where many examples lie at the same distance, or are copies."""
    pool, test = (examples(one.features.round(decimals), labels=one.labels) for one in (cloud[0], cloud[1].main))
    test = Test({"test": test})
    rows = np.random.default_rng(1).permutation(400)[:30]
    found = judged(pool, test, rows)
    kept = pool.features[rows].astype(float)
    nearest = [min(math.dist(one, other) for other in kept) for one in test.features.astype(float)]
    own = [min(math.dist(one, other) for j, other in enumerate(kept) if j != i) for i, one in enumerate(kept)]
    redundancy = np.mean([(a < b) + (a == b) / 2 for a in own for b in nearest])
    shares = np.array(list(Counter(pool.labels[rows].tolist()).values())) / 30
    assert found.metrics == pytest.approx(
        {
            "mean_distance": np.mean(nearest),
            "coverage_radius": max(nearest),
            "redundancy": redundancy,
            "group_balance": -(shares * np.log(shares)).sum() / math.log(3),
        }
    )
    codes = test.labels
    expected = {f"c{code}": np.mean(np.array(nearest)[codes == code]) for code in (0, 1)}
    assert found.effects == {"class": pytest.approx(expected)}


def test_random_has_redundancy_one_half_and_copies_have_one(cloud):
    pool, test = cloud
    rng = np.random.default_rng(2)
    drawn = [judged(pool, test, rng.permutation(400)[:40]).metrics["redundancy"] for _ in range(30)]
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.05)
    copies = examples(np.repeat(pool.features[:20], 2, axis=0))
    assert judged(copies, test, np.arange(40)).metrics["redundancy"] == 1.0


def farthest_first(features, k):
    rows = [0]
    while len(rows) < k:
        rows.append(int(np.argmax(np.linalg.norm(features[:, None] - features[rows], axis=2).min(axis=1))))
    return rows


def test_choices_far_from_each_other_cover_more_and_repeat_less(cloud):
    pool, test = cloud
    spread = judged(pool, test, farthest_first(pool.features, 40)).metrics
    middle = judged(pool, test, np.argsort(np.linalg.norm(pool.features, axis=1))[:40]).metrics
    assert spread["coverage_radius"] < middle["coverage_radius"]
    assert spread["redundancy"] < 0.2 and middle["redundancy"] > 0.8


def test_many_kept_examples_are_sampled(cloud, monkeypatch):
    pool, test = cloud
    whole = judged(pool, test, np.arange(400)).metrics
    monkeypatch.setattr(cover, "SAMPLE", 100)
    some = judged(pool, test, np.arange(400)).metrics
    assert some["redundancy"] == pytest.approx(whole["redundancy"], abs=0.1) and some != whole
    assert some["mean_distance"] == whole["mean_distance"]


def test_divergence_to_the_target_is_the_main_metric(cloud):
    texts = ["a cat sat", "the dog ran", "rows of a table", "a cat ran", "tables and rows", "dogs and cats"]
    pool = examples(texts=texts, features=np.arange(6)[:, None], groups=[0, 0, 1, 0, 1, 0])
    target = examples(texts=["a cat sat and ran", "the cat"])
    test = Test({"test": examples(np.arange(2)[:, None], groups=[0, 1]), "target": target})
    near, far = judged(pool, test, [3, 0]), judged(pool, test, [4, 2])
    assert next(iter(near.metrics)) == "kl_to_target" and near.effects == {}
    assert near.metrics["kl_to_target"] < far.metrics["kl_to_target"]
    kept = ngrams.count(pa.array(["a cat ran", "a cat sat"]))
    expected = ngrams.kl_divergence(ngrams.count(target.texts).counts, kept.counts)
    assert near.metrics["kl_to_target"] == expected
    assert near.metrics["group_balance"] == far.metrics["group_balance"] == 0.0


def test_balance_counts_groups_that_were_not_chosen():
    pool, test = examples(groups=[0, 1, 2, 2], labels=[0, 0, 0, 0]), Test({"test": examples(labels=[0])})
    assert judged(pool, test, [0, 1, 2]).metrics == {"group_balance": pytest.approx(1.0)}
    assert judged(pool, test, [0, 1]).metrics == {"group_balance": pytest.approx(math.log(2) / math.log(3))}


def test_nothing_to_cover_is_refused():
    test = Test({"test": examples(texts=["a"])})
    for pool in (examples(texts=["a"]), examples(labels=[0, 0])):
        with pytest.raises(tamis.Refused, match="--embedding") as caught:
            make_task("cover").prepare(pool, test)
        assert caught.value.kind == "cover-of-nothing"

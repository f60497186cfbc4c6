"""The classifier of target against pool: as the operation has it, one for each target, and carried from a sample."""

import numpy as np
import pyarrow as pa

import tamis
from tamis.methods import quality_classifier as module
from tamis.ops import linear_classifier, text_samples

WORDS = np.array([f"w{i}" for i in range(300)])


def texts(rng, words, n):
    return [" ".join(rng.choice(words, 20)) for _ in range(n)]


def made():
    rng = np.random.default_rng(0)
    pool = texts(rng, WORDS[:200], 200) + texts(rng, WORDS[100:], 100)
    return pool, texts(rng, WORDS[150:], 60)


def test_it_is_the_classifier_of_both():
    pool, target = made()
    found = tamis.score({"text": pool}, "quality-classifier", target={"text": target})["score"].to_numpy()
    state = module.finish(module.fit(pa.array(pool)), [module.fit(pa.array(target))])
    odd = text_samples.keys_of(pa.array(pool)) % 2
    for half, rows in ((0, odd == 1), (1, odd == 0)):  # each by the one that was not trained on it
        model = linear_classifier.Model(state.weights[half, 0], state.bias[half, 0], state.ngrams)
        assert np.allclose(found[rows], linear_classifier.margins(model, pa.array(pool))[rows])
    assert (np.argsort(-found)[:80] >= 200).mean() > 0.95


def test_rows_of_the_sample_are_kept_as_often_as_others():
    """Half of the pool is in the sample; what is found of the target's kind is as much of it as of the rest."""
    rng = np.random.default_rng(2)
    pool = texts(rng, WORDS[:220], 900) + texts(rng, WORDS[120:], 300)
    target = {"text": texts(rng, WORDS[150:], 60)}
    found = tamis.select({"text": pool}, "quality-classifier", target=target, budget=300, sample=600).rows
    drawn = np.isin(text_samples.keys_of(pa.array(pool)), module.fit(pa.array(pool), sample=600).keys)
    own = np.arange(len(pool)) >= 900
    kept = np.isin(np.arange(len(pool)), found)
    recall = [kept[own & part].mean() for part in (drawn, ~drawn)]
    assert abs(recall[0] - recall[1]) < 0.12 and min(recall) > 0.6


def test_both_sides_count_alike_whatever_their_sizes():
    pool, target = made()
    few, many = (tamis.score({"text": pool}, "quality-classifier", target={"text": part})["score"].to_numpy()
                 for part in (target[:6], target))  # fmt: skip
    assert abs(few.mean() - many.mean()) < 3 and (np.argsort(-few)[:50] >= 200).mean() > 0.8


def test_two_targets_have_a_classifier_each():
    pool, target = made()
    other = {"text": pool[:40]}
    found = tamis.select({"text": pool}, "quality-classifier", target=[{"text": target}, other], budget=40)
    rows = {name: [r["row"] for r in found.table.to_pylist() if r["target"] == name] for name in ("target1", "target2")}
    assert np.mean(np.array(rows["target1"]) >= 200) > 0.9 and np.mean(np.array(rows["target2"]) < 200) > 0.9


def test_a_score_is_carried_over_to_a_pool():
    """The best tenth of a sample by another method is the target; what that method would keep is found again."""
    rng = np.random.default_rng(5)
    pool, target = made()
    more = texts(rng, WORDS[:200], 400) + texts(rng, WORDS[100:], 200)
    best = tamis.select({"text": pool}, "color-filter", target={"text": target}, budget="10%")
    like = {"text": [pool[row] for row in best.rows]}
    found = tamis.select({"text": more}, "quality-classifier", target=like, budget=150)
    assert (found.rows >= 400).mean() > 0.9

"""The classifier of target against pool: as the operation has it, one for each target, and carried from a sample."""

import numpy as np
import pyarrow as pa

import tamis
from tamis.methods import quality_classifier as module
from tamis.ops import linear_classifier

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
    model = linear_classifier.Model(state.weights[0], state.bias[0], state.ngrams)
    assert np.allclose(found, linear_classifier.margins(model, pa.array(pool)))
    assert (np.argsort(-found)[:80] >= 200).mean() > 0.95


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

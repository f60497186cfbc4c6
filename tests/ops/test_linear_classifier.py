"""The linear classifier against the same steps in plain Python, and on texts whose labels are known."""

import math
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import linear_classifier, ngram_blocks, threads
from tamis.ops.linear_classifier import Model, fit, predict

from .plain_text import counts_of

F = np.float32
WORDS = "good great fine bad awful poor the a of film 漢字 École".split()
TEXT = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def features(text: str | None, ngrams: int, buckets: int) -> tuple[dict[int, np.float32], float]:
    values = {bucket: F(math.log1p(count)) for bucket, count in counts_of(text, ngrams, buckets).items()}
    norm = math.sqrt(sum(float(value) ** 2 for value in values.values()))
    return values, 1 / norm if norm else 0.0


def chance(values: dict[int, np.float32], scale: float, weights: np.ndarray, bias: np.float32) -> float:
    margin = scale * sum(float(value) * float(weights[bucket]) for bucket, value in values.items()) + float(bias)
    return 1 / (1 + math.exp(-margin)) if margin >= 0 else 1 - 1 / (1 + math.exp(margin))


def slow_fit(texts, labels, weights, ngrams, buckets, epochs, rate, seed) -> Model:
    w, squares = np.zeros(buckets + 1, F), np.zeros(buckets + 1, F)
    shares = (np.asarray(weights) / np.mean(weights)).astype(F)
    draws = np.random.default_rng(seed)
    for _ in range(epochs):
        for d in draws.permutation(len(texts)):
            values, scale = features(texts[d], ngrams, buckets)
            error = float(shares[d]) * (chance(values, scale, w, w[-1]) - float(F(labels[d])))
            slopes = {bucket: F(error * scale) * value for bucket, value in values.items()} | {buckets: F(error)}
            for bucket, slope in slopes.items():
                squares[bucket] += slope * slope
                w[bucket] -= F(rate) * slope / (F(0.1) + np.sqrt(squares[bucket]))
    return Model(w[:-1], w[-1], np.array(ngrams))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(st.one_of(st.none(), TEXT), st.floats(0, 1), st.floats(0, 5)), min_size=2, max_size=8),
    ngrams=st.integers(1, 3),
    buckets=st.sampled_from([2, 7, 1 << 12]),
    epochs=st.integers(1, 4),
    rate=st.sampled_from([0.1, 1.0, 3.0]),
    seed=st.integers(0, 5),
    cut=st.integers(0, 8),
)
def test_equals_the_same_steps_in_plain_python(rows, ngrams, buckets, epochs, rate, seed, cut):
    texts, labels, weights = [each[0] for each in rows], [0.0, 1.0, *(each[1] for each in rows[2:])], [1.0, 2.0]
    weights += [each[2] for each in rows[2:]]
    column = pa.array(texts, pa.string())
    chunked = pa.chunked_array([column[:cut], column[cut:]])
    expected = slow_fit(texts, labels, weights, ngrams, buckets, epochs, rate, seed)
    numbers = {"ngrams": ngrams, "buckets": buckets, "epochs": epochs, "rate": rate, "seed": seed}
    found = fit(chunked, labels, weights=weights, **numbers)
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.bias, expected.bias, rtol=1e-5, atol=1e-6)
    slow = [chance(*features(text, ngrams, buckets), found.weights, found.bias) for text in texts]
    np.testing.assert_allclose(predict(found, column), slow, rtol=1e-6)


def planted(n: int = 400, seed: int = 0) -> tuple[pa.Array, np.ndarray]:
    """Texts of which those with label 1 have a good word among others, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.5
    words = [
        [*rng.choice(WORDS[6:], rng.integers(1, 30)), rng.choice(WORDS[:3] if label else WORDS[3:6])]
        for label in labels
    ]
    return pa.array([" ".join(rng.permutation(each)) for each in words]), labels.astype(float)


def test_high_is_what_label_1_was_and_turned_labels_turn_it():
    texts, labels = planted()
    new, truth = planted(seed=1)
    right, turned = predict(fit(texts, labels), new), predict(fit(texts, 1 - labels), new)
    assert ((right > 0.5) == truth).mean() > 0.98
    np.testing.assert_allclose(right, 1 - turned, atol=1e-5)
    assert predict(fit(texts, labels), pa.array(["great", "awful"])).tolist() == pytest.approx([1, 0], abs=0.1)


def test_a_score_is_reached_as_a_probability():
    texts = pa.array(["yes", "no", "perhaps it may"] * 300)
    found = predict(fit(texts, [0.9, 0.2, 0.5] * 300, epochs=20), texts[:3])
    assert found.tolist() == pytest.approx([0.9, 0.2, 0.5], abs=0.03)


def test_only_ratios_of_weights_matter_and_0_leaves_out():
    texts, labels = planted()
    rng = np.random.default_rng(2)
    weights = rng.random(len(texts))
    one, two = fit(texts, labels, weights=weights), fit(texts, labels, weights=weights * 64)
    assert (one.weights == two.weights).all() and one.bias == two.bias
    weights[labels == 1] *= 20
    assert predict(fit(texts, labels, weights=weights), pa.array(["film"])) > predict(one, pa.array(["film"]))
    wrong = np.where(np.arange(len(texts)) < 200, 1 - labels, labels)
    left = fit(texts, wrong, weights=np.arange(len(texts)) >= 200)
    assert ((predict(left, texts) > 0.5) == labels).mean() > 0.98


def test_long_texts_count_no_more_than_short_ones():
    model = fit(*planted())
    good, bad, more = pa.array(["good the", "bad the", "good the " * 3])
    assert predict(model, pa.array([more]))[0] == pytest.approx(predict(model, pa.array([good]))[0], abs=0.2)
    assert predict(model, pa.array([good]))[0] > predict(model, pa.array([bad]))[0]


@pytest.mark.parametrize(("size", "number"), [(100, 1), (1000, 2), (100, 7), (1 << 30, 3)])
def test_blocks_and_threads_change_nothing(monkeypatch, size, number):
    texts, labels = planted()
    whole, before = fit(texts, labels), predict(fit(texts, labels), texts)
    monkeypatch.setattr(ngram_blocks, "BLOCK_BYTES", size)
    monkeypatch.setattr(threads, "THREADS", number)
    again = fit(texts, labels)
    assert all(np.array_equal(a, b) for a, b in zip(whole, again, strict=True))
    assert (predict(again, texts) == before).all()
    assert not np.array_equal(fit(texts, labels, seed=1).weights, whole.weights)


def test_a_text_without_tokens_has_the_chance_of_the_bias():
    model = fit(*planted())
    assert predict(model, pa.array([None, "", " \n"])) == pytest.approx(1 / (1 + math.exp(-model.bias)))
    assert len(predict(model, pa.array([], pa.string()))) == 0


def test_far_margins_do_not_overflow():
    model = Model(np.full(2, 1e4, F), np.zeros((), F), np.array(1))
    assert (
        predict(model, pa.array(["a"])) == 1 and predict(model._replace(weights=-model.weights), pa.array(["a"])) == 0
    )


@pytest.mark.skipif("TAMIS_DATA" not in os.environ, reason="TAMIS_DATA names no folder of data sets")
def test_reviews_are_told_apart_as_scikit_learn_does():
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    table = pq.read_table(Path(os.environ["TAMIS_DATA"], "text/rt_polarity.parquet"))
    table = table.take(np.random.default_rng(0).permutation(len(table)))
    texts, labels = table["text"], table["label"].to_numpy()
    found = predict(fit(texts[:6000], labels[:6000]), texts[6000:])
    matrix = HashingVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]+").transform(texts.to_pylist())
    exact = LogisticRegression(C=10).fit(matrix[:6000], labels[:6000]).predict_proba(matrix[6000:])[:, 1]
    assert roc_auc_score(labels[6000:], found) > roc_auc_score(labels[6000:], exact) - 0.01


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"labels": [0, 1.5]}, "the label 1.5"),
        ({"labels": [0, math.nan]}, "the label nan"),
        ({"labels": [1, 1]}, "all 1"),
        ({"labels": [1]}, "shape"),
        ({"weights": [1, -1]}, "the weight -1"),
        ({"weights": [1, math.inf]}, "the weight inf"),
        ({"weights": [1, 0]}, "all 0"),
        ({"weights": [0, 0]}, "no text"),
        ({"weights": [1]}, "shape"),
        ({"epochs": 0}, "epochs=0"),
        ({"rate": 0}, "rate=0"),
        ({"rate": math.nan}, "rate=nan"),
        ({"buckets": 1}, "buckets=1"),
        ({"ngrams": 0}, "ngrams=0"),
    ],
)
def test_refusals(wrong, said):
    with pytest.raises(Refused, match=said):
        fit(pa.array(["a", "b"]), **{"labels": [0, 1], **wrong})


def test_what_is_no_text_is_refused():
    with pytest.raises(Refused, match="no text"):
        fit(pa.array([1, 2]), [0, 1])
    with pytest.raises(Refused, match="no text"):
        predict(linear_classifier.Model(np.zeros(2, F), np.zeros((), F), np.array(1)), pa.array([1]))

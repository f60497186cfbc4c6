"""LESS: means over a target's examples, the largest of them, and what cosines of gradients are worth."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from tamis.methods.less import less
from tamis.ops.matches import Matches

EXAMPLES = Path(__file__).parents[2] / "examples"


def slowly(match, target):
    found = []
    for row in match:
        means = []
        for task in sorted(set(target.tolist())):
            each = [float(row[j]) for j in range(len(target)) if target[j] == task]
            means.append(sum(each) / len(each))
        found.append(max(means))
    return found


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 30), st.lists(st.integers(0, 3), min_size=1, max_size=9), st.integers(0, 10**6))
def test_equals_a_slow_computation(n, target, seed):
    rng, target = np.random.default_rng(seed), np.array(target)
    match = rng.normal(size=(n, len(target))).astype(np.float32)
    found = less(Matches(match), target)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, slowly(match, target), rtol=1e-6, atol=1e-7)
    order = rng.permutation(len(target))
    np.testing.assert_allclose(less(Matches(match[:, order]), target[order]), found, rtol=1e-9, atol=1e-12)
    assert (less(Matches(match[:1]), target) == found[:1]).all()


def test_influence_of_checkpoints_side_by_side_is_the_mean_of_their_cosines():
    rng = np.random.default_rng(0)
    pool, wanted = ([rng.normal(size=(n, 40)) for _ in range(3)] for n in (50, 7))
    pool, wanted = ([x / np.linalg.norm(x, axis=1, keepdims=True) for x in part] for part in (pool, wanted))
    target = np.array([0, 0, 0, 1, 1, 1, 1])
    influence = sum(x @ y.T for x, y in zip(pool, wanted, strict=True)) / 3
    beside = [np.concatenate(part, axis=1).astype(np.float32) for part in (pool, wanted)]
    np.testing.assert_allclose(less(Matches(*beside, cosine=True), target), slowly(influence, target), atol=1e-6)


def examples():
    """Texts of two sources, the second of which is wanted."""
    pool = pa.concat_tables([pq.read_table(path) for path in sorted(EXAMPLES.glob("pool/*.parquet"))]).to_pylist()
    first, second = ([row["text"] for row in pool if row["source"] == one][:320] for one in ("tldr", "pep"))
    return first + second, np.repeat([0, 1], 320), 1


def news():
    """4,000 articles of AG News, of which Sports are wanted."""
    if "TAMIS_DATA" not in os.environ:
        pytest.skip("TAMIS_DATA names no folder of data sets")
    table = pq.read_table(Path(os.environ["TAMIS_DATA"], "text/ag_news_test.parquet"))
    return table["text"].to_pylist()[:4000], table["label"].to_numpy()[:4000], 1


def softmax_gradients(texts, wanted):
    """Of each text, for a softmax between what is wanted and the rest on hashed words."""
    counts = HashingVectorizer(n_features=1024, norm=None, alternate_sign=False).transform(texts)
    features = TfidfTransformer().fit_transform(counts).toarray()
    model = LogisticRegression(C=0.1, max_iter=200).fit(features, wanted)
    away = model.predict_proba(features)[:, 1] - wanted
    return (away[:, None] * features).astype(np.float32)


@pytest.mark.parametrize("data, keep", [(examples, 250), (news, 500)])
def test_a_planted_target_is_found_and_scale_counts_for_nothing(data, keep):
    """Multiplying one class's gradients by 10 changes the ranking by inner products, and not that by cosines."""
    texts, label, wanted = data()
    made = softmax_gradients(texts, label == wanted)
    target = np.flatnonzero(label == wanted)[-20:]
    pool, kind = np.delete(made, target, axis=0), np.delete(label, target)
    other = (kind == 0) & (np.arange(len(kind)) % 2 == 0) if data is examples else kind == 0
    larger = np.where(other[:, None], 10, 1).astype(np.float32) * pool
    tops = {}
    for cosine in (True, False):
        for name, rows in (("as they are", pool), ("larger", larger)):
            score = less(Matches(rows, made[target], cosine=cosine), np.zeros(20, np.int64))
            tops[cosine, name] = np.argsort(-score, kind="stable")
    assert (kind[tops[True, "as they are"][:keep]] == wanted).mean() >= 0.8
    assert set(tops[True, "as they are"][:keep]) == set(tops[True, "larger"][:keep])
    assert tops[False, "as they are"].tolist() != tops[False, "larger"].tolist()


def test_the_maximum_goes_to_the_target_with_larger_matches():
    """What it loses by, and `bids` does not: rows 0 … 49 help target 0, the others target 1 at ten times the scale."""
    rng = np.random.default_rng(2)
    match = (np.kron(np.eye(2), rng.random((50, 4))) * np.repeat([1, 10], 4)).astype(np.float32)
    assert (np.argsort(-less(Matches(match), np.repeat([0, 1], 4)))[:40] >= 50).all()

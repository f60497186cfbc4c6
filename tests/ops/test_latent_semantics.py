"""Latent semantic analysis against dense singular vectors, and on texts that share words or do not."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import latent_semantics, ngram_blocks, threads
from tamis.ops.latent_semantics import BUCKETS, finish, fit, merge, vectors

from .plain_text import counts_of

THEMES = [
    "wine grape cellar bottle red white dry",
    "engine wheel brake gear oil road",
    "court law judge plea jury writ",
]
COMMON = "the of and a to is in".split()


def themed(n: int = 300, seed: int = 0) -> tuple[pa.Array, np.ndarray]:
    """Texts of a theme's words among common ones, and their themes."""
    rng = np.random.default_rng(seed)
    themes = rng.integers(len(THEMES), size=n)
    own = [rng.choice(THEMES[theme].split(), rng.integers(1, 5)) for theme in themes]
    return pa.array([" ".join(rng.permutation([*words, *rng.choice(COMMON, 12)])) for words in own]), themes


def slow_matrix(texts: list[str | None], weights: np.ndarray) -> np.ndarray:
    matrix = np.zeros((len(texts), BUCKETS))
    for row, text in enumerate(texts):
        for bucket, count in counts_of(text, 1, BUCKETS).items():
            matrix[row, bucket] = np.log1p(count) * weights[bucket]
    return matrix


def unit(matrix: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(lengths > 0, lengths, 1)


def slow_vectors(sample: list[str], texts: list[str | None], d: int) -> np.ndarray:
    frequency = (slow_matrix(sample, np.ones(BUCKETS)) > 0).sum(axis=0)
    inside = (frequency > 1) & (frequency < len(sample))
    weights = np.where(inside, np.log(len(sample) / np.maximum(frequency, 1)), 0)
    rows = unit(slow_matrix(sample, weights))
    directions = np.linalg.svd(rows[:, inside], full_matrices=False)[2][:d].T
    mean = unit(rows[:, inside] @ directions).mean(axis=0)
    found = unit(slow_matrix(texts, weights)[:, inside] @ directions)
    return unit(np.where(found.any(axis=1, keepdims=True), found - mean, 0))


def test_products_equal_those_of_dense_singular_vectors():
    """With as many directions as there are words, every basis of them gives the same products."""
    texts = themed(60)[0].to_pylist()
    new = [*themed(20, seed=1)[0].to_pylist(), "", None, "unheard", "wine unheard wine"]
    basis = finish(fit(pa.array(texts)), d=64)
    found, expected = vectors(basis, pa.array(new)), slow_vectors(texts, new, 64)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)
    assert not found[20:23].any() and found[23].any()
    frequency = (slow_matrix(texts, np.ones(BUCKETS)) > 0).sum(axis=0)
    kept = np.flatnonzero(basis.slots >= 0)
    assert (np.diff(frequency[kept[np.argsort(basis.slots[kept])]]) <= 0).all()


@pytest.mark.parametrize("d", [3, 5, 8])
def test_leading_directions_equal_those_of_dense_singular_vectors(d):
    """Of few words the random directions span everything, so that nothing is lost."""
    rng = np.random.default_rng(d)
    words, chances = THEMES[0].split() + COMMON[:5], rng.dirichlet(np.ones(12))
    texts = [" ".join(rng.choice(words, rng.integers(3, 9), p=chances)) for _ in range(80)]
    texts = list(dict.fromkeys(texts))
    found, expected = vectors(finish(fit(pa.array(texts)), d), pa.array(texts)), slow_vectors(texts, texts, d)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)


def test_alike_are_texts_whose_words_occur_together():
    basis = finish(fit(themed()[0]), d=3)
    grape, bottle, brake, court = vectors(basis, pa.array(["the grape", "a bottle of", "the brake", "a court of"]))
    assert grape @ bottle > 0.8 and max(grape @ brake, grape @ court, brake @ court) < 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    column=st.lists(st.one_of(st.none(), st.text("ab c", max_size=4)), max_size=30),
    size=st.integers(1, 9),
    cut=st.integers(0, 30),
    order=st.randoms(use_true_random=False),
)
def test_samples_of_parts_merge_to_that_of_the_whole_in_any_order(column, size, cut, order):
    texts = pa.array(column, pa.string())
    whole = fit(texts, size=size)
    parts = [fit(texts[:cut], size=size), fit(pa.chunked_array([texts[cut:]]), size=size), fit(texts[2:5], size=size)]
    order.shuffle(parts)
    merged = merge(merge(parts[0], parts[1]), parts[2])
    assert merged.keys.tolist() == whole.keys.tolist() and len(whole.keys) == min(size, len({t or "" for t in column}))
    assert all(np.array_equal(a, b) for a, b in zip(merged, whole, strict=True))


def test_a_seed_draws_another_sample_and_other_directions():
    texts, _ = themed()
    assert fit(texts, size=9).keys.tolist() != fit(texts, size=9, seed=1).keys.tolist()
    sample = fit(texts)
    assert (finish(sample).table == finish(sample).table).all()
    assert not np.array_equal(finish(sample, 3).table, finish(sample, 3, seed=1).table)


@pytest.mark.parametrize(("size", "number"), [(100, 1), (1000, 2), (100, 7), (1 << 30, 3)])
def test_blocks_and_threads_change_nothing(monkeypatch, size, number):
    texts, _ = themed()
    whole = vectors(finish(fit(texts), 5), texts)
    monkeypatch.setattr(ngram_blocks, "BLOCK_BYTES", size)
    monkeypatch.setattr(threads, "THREADS", number)
    assert (vectors(finish(fit(texts), 5), texts) == whole).all()
    assert (vectors(finish(fit(texts), 5), texts[7:]) == whole[7:]).all()


def test_vectors_have_length_1_and_fit_into_float16():
    texts, themes = themed()
    found = vectors(finish(fit(texts), 3), texts)
    assert found.dtype == np.float32 and found.flags.c_contiguous
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    half = found.astype(np.float16).astype(np.float32)
    assert np.abs(half @ half.T - found @ found.T).max() < 2e-3
    alike = (found @ found.T)[themes[:, None] == themes]
    assert alike.mean() > 0.8


@pytest.mark.skipif("TAMIS_DATA" not in os.environ, reason="TAMIS_DATA names no folder of data sets")
def test_neighbours_are_of_the_same_domain_as_those_by_scikit_learn():
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    table = pq.read_table(Path(os.environ["TAMIS_DATA"], "text/pool_targets.parquet"))
    table = table.take(np.random.default_rng(0).permutation(len(table))[:4000])
    texts, domains = table["text"].combine_chunks(), np.array(table["domain"].to_pylist())

    def purity(found: np.ndarray) -> float:
        products = unit(found[2000:]) @ unit(found[2000:]).T
        np.fill_diagonal(products, -2)
        return float((domains[2000:][np.argsort(-products)[:, :10]] == domains[2000:, None]).mean())

    ours = purity(vectors(finish(fit(texts[:2000]), 64), texts))
    tfidf = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]+", sublinear_tf=True, min_df=2).fit(texts[:2000].to_pylist())
    matrix = tfidf.transform(texts.to_pylist())
    theirs = purity(TruncatedSVD(64, random_state=0).fit(matrix[:2000]).transform(matrix))
    assert ours > theirs - 0.02


def test_refusals():
    with pytest.raises(Refused, match="size=0"):
        fit(pa.array(["a"]), size=0)
    with pytest.raises(Refused, match="no text"):
        fit(pa.array([1]))
    with pytest.raises(Refused, match="no text"):
        vectors(finish(fit(themed()[0]), 2), pa.array([1]))
    with pytest.raises(Refused, match="d=0"):
        finish(fit(themed()[0]), 0)
    with pytest.raises(Refused, match="of one size"):
        merge(fit(pa.array(["a"]), size=2), fit(pa.array(["a"]), size=3))
    for column in ([], ["a b", "c d"], ["a b", "b a"]):
        with pytest.raises(Refused, match="no words in common"):
            latent_semantics.finish(fit(pa.array(column, pa.string())))

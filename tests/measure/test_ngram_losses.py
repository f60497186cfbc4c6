"""Losses of n-gram models that are trained on the spot: samples, halves, and the table."""

import numpy as np
import pyarrow as pa

from tamis.measure import ngram_losses
from tamis.ops import ngram_model
from tamis.ops.ngram_blocks import text_buffers

rng = np.random.default_rng(0)
WORDS = np.array([f"{a}{b}{c}" for a in "bdfg" for b in "aeio" for c in "lmnr"])
TEXTS = [" ".join(rng.choice(WORDS, rng.integers(5, 40))) for _ in range(200)]


def test_each_text_is_measured_by_the_model_of_the_other_half():
    column = pa.array(TEXTS)
    sample = ngram_losses.fit(column)
    model = ngram_losses.finish(sample)
    nll, tokens, characters, size = ngram_losses.table(model, column)
    drawn = [sample.data[a:b].tobytes().decode() for a, b in zip(sample.starts, sample.starts[1:], strict=False)]
    odd = dict(zip(drawn, sample.keys % 2 == 1, strict=True))
    assert 60 < sum(odd.values()) < 140
    for parity in (True, False):
        others = pa.array([text for text in sorted(set(TEXTS)) if odd[text] != parity])
        direct = ngram_model.fit(*text_buffers(others), ngram_losses.ORDER)
        rows = [row for row, text in enumerate(TEXTS) if odd[text] == parity]
        bits = ngram_model.bits(direct, *text_buffers(column.take(pa.array(rows))))
        np.testing.assert_allclose(nll[rows], bits * np.log(2), rtol=1e-9)
    assert tokens.tolist() == [len(text) + 1 for text in TEXTS] and size.tolist() == characters.tolist()


def test_texts_of_the_sample_cost_what_others_like_them_do():
    more = [" ".join(rng.choice(WORDS, 30)) for _ in range(300)]
    model = ngram_losses.finish(ngram_losses.fit(pa.array(more[:200])))
    inside, outside = (ngram_losses.losses(model, pa.array(part)).mean() for part in (more[:200], more[200:]))
    whole = ngram_losses.finish(ngram_losses.fit(pa.array(more[:200])), split=False)
    known, other = (ngram_losses.losses(whole, pa.array(part)).mean() for part in (more[:200], more[200:]))
    assert other - known > 0.02 > abs(inside - outside)


def test_a_sample_is_of_the_lowest_hashes_whatever_the_shards():
    parts = [TEXTS[:70], TEXTS[70:90], TEXTS[90:]]
    whole = ngram_losses.fit(pa.array(TEXTS), size=3000)
    first, *rest = (ngram_losses.fit(pa.array(part), size=3000) for part in parts)
    for one in rest:
        first = ngram_losses.merge(first, one)
    assert all(np.array_equal(a, b) for a, b in zip(whole, first, strict=True))
    assert 3000 <= len(whole.data) < 3400 and (np.diff(whole.keys.astype(np.float64)) > 0).all()


def test_few_texts_are_one_model_and_empty_ones_cost_their_end():
    model = ngram_losses.finish(ngram_losses.fit(pa.array(["only one"])))
    assert not model.split
    nll, tokens, characters, size = ngram_losses.table(model, pa.array([None, "", "é"]))
    assert tokens.tolist() == [1, 1, 3] and characters.tolist() == [0, 0, 1] and size.tolist() == [0, 0, 2]
    assert np.isfinite(nll).all()

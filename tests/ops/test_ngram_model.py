"""The compiled n-gram model against dictionaries in plain Python."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import ngram_model
from tamis.ops.ngram_blocks import text_buffers

quick = settings(max_examples=60, deadline=None, derandomize=True)
DOCUMENTS = st.lists(st.text("aab é漢", max_size=30).map(lambda text: list(text.encode())), max_size=8)


class Slow:
    """Modified Kneser–Ney over tuples; the begin is -1 and the end is the vocabulary size."""

    def __init__(self, documents, order, vocabulary):
        self.order, self.end = order, vocabulary
        counts = Counter()
        for document in documents:
            padded = (-1, *document, self.end)
            for length in range(1, order + 1):
                counts.update(padded[i : i + length] for i in range(len(padded) - length + 1))
        before = Counter(gram[1:] for gram in counts if len(gram) > 1)
        self.adjusted = {
            gram: count if len(gram) == order or gram[0] == -1 else before[gram]
            for gram, count in counts.items()
            if gram != (-1,)
        }
        self.discounts = [self.discounts_of(length) for length in range(1, order + 1)]
        self.followers = {}
        for gram, count in self.adjusted.items():
            self.followers.setdefault(gram[:-1], []).append(count)

    def discounts_of(self, length):
        t = Counter(count for gram, count in self.adjusted.items() if len(gram) == length)
        if t[1] and t[2] and t[3]:
            y = t[1] / (t[1] + 2 * t[2])
            found = [1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3]]
            if found[0] > 0 and 0 < found[1] <= 2 and 0 < found[2] <= 3:
                return [0, *found]
        return [0, 0.5, 1, 1.5]

    def p(self, token, context):
        """The probability after the last `order` - 1 tokens of a context."""
        context = tuple(context)[max(len(context) - self.order + 1, 0) :]
        shorter = self.p(token, context[1:]) if context else 1 / (self.end + 1)
        if context not in self.followers:
            return shorter
        counts, discounts = self.followers[context], self.discounts[len(context)]
        count = self.adjusted.get((*context, token), 0)
        gamma = sum(discounts[min(c, 3)] for c in counts)
        return (count - discounts[min(count, 3)] + gamma * shorter) / sum(counts)

    def bits(self, document):
        padded = (-1, *document, self.end)
        return [-math.log2(self.p(padded[i], padded[:i])) for i in range(1, len(padded))]


def packed(documents, dtype=np.uint8):
    starts = np.cumsum([0, *map(len, documents)], dtype=np.int64)
    return np.array([token for document in documents for token in document], dtype), starts


def fitted(documents, order, vocabulary=256):
    return ngram_model.fit(*packed(documents), order, vocabulary)


@quick
@given(train=DOCUMENTS, test=DOCUMENTS, order=st.integers(1, 5))
def test_equals_the_slow_way(train, test, order):
    model, slow = fitted(train, order), Slow(train, order, 256)
    np.testing.assert_allclose(model.discounts, slow.discounts)
    assert model.grams.tolist() == [sum(len(gram) == k for gram in slow.adjusted) for k in range(1, order + 1)]
    expected = [slow.bits(document) for document in test + train]
    tokens, starts = packed(test + train)
    np.testing.assert_allclose(ngram_model.bits(model, tokens, starts), [sum(x) for x in expected], rtol=1e-9)
    without = ngram_model.bits(model, tokens, starts, end=False)
    np.testing.assert_allclose(without, [sum(x[:-1]) for x in expected], rtol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_equals_the_slow_way_where_all_discounts_are_estimated(order):
    rng = np.random.default_rng(order)
    weights = 1 / np.arange(1, 301) ** 1.2
    documents = [rng.choice(300, rng.integers(0, 60), p=weights / weights.sum()).tolist() for _ in range(60)]
    slow = Slow(documents[:50], order, 300)
    model = ngram_model.fit(*packed(documents[:50], np.int32), order, 300)
    assert all(discounts != [0, 0.5, 1, 1.5] for discounts in slow.discounts[:2])
    np.testing.assert_allclose(model.discounts, slow.discounts, rtol=1e-12)
    found = ngram_model.bits(model, *packed(documents, np.int32))
    np.testing.assert_allclose(found, [sum(slow.bits(document)) for document in documents], rtol=1e-9)


@quick
@given(train=DOCUMENTS, context=st.lists(st.integers(0, 9), max_size=6), order=st.integers(1, 4))
def test_probabilities_sum_to_one(train, context, order):
    train = [[token % 10 for token in document] for document in train]
    model = fitted(train, order, 10)
    longer = packed([context, *([*context, token] for token in range(10))])
    before, *after = ngram_model.bits(model, *longer, end=False)
    ended = ngram_model.bits(model, *longer)[0]
    assert sum(2.0 ** (before - np.array([*after, ended]))) == pytest.approx(1, abs=1e-9)


def test_by_hand():
    """`aba` with V = 2: every bigram once, a after two tokens, b and the end after one; discounts 0.5 and 1."""
    model = fitted([[0, 1, 0]], 2, 2)
    a, b = 1 / 4 + 1 / 2 / 3, 0.5 / 4 + 1 / 2 / 3
    after_begin, after_a = 0.5 + 0.5 * a, 0.25 + 0.5 * b
    by_hand = [-2 * math.log2(after_begin * after_a), -math.log2(after_begin * after_a)]
    tokens, starts = packed([[0, 1, 0], [0]])
    assert ngram_model.bits(model, tokens, starts) == pytest.approx(by_hand)


def test_agrees_with_kenlm():
    """What `query` says of a model by `lmplz -o 4 --discount_fallback`, both of KenLM 4cb443e; token 13 is unknown."""
    documents = [[(i * j * j + i // 3) % 13 for j in range(i % 9 + 1)] for i in range(80)]
    model = ngram_model.fit(*packed(documents), 4, 14)
    assert model.grams.tolist() == [16 - 2, 149, 288, 251]
    estimated = [[0, 0.390071, 1.34686, 2.73995], [0, 0.75, 1.94512, 3]]
    np.testing.assert_allclose(model.discounts[1:3], estimated, rtol=1e-5)
    found = ngram_model.bits(model, *packed([[0, 1, 2], [5, 5, 13, 4, 1], [], [12, 0, 4, 6, 0, 1]]))
    expected = [-4.2645245, -8.235801, -1.4140002, -8.360083]
    np.testing.assert_allclose(-found * math.log10(2), expected, rtol=1e-6)


def test_nothing_costs_infinitely_much():
    tokens, starts = packed([[255, 0, 7] * 5, list(b"abc")])
    for train in ([], [[]], [list(b"ab")], [list(b"abcd" * 50)]):
        for order in (1, 2, 6):
            assert np.isfinite(ngram_model.bits(fitted(train, order), tokens, starts)).all()
    nothing = ngram_model.bits(fitted([], 6), tokens, starts)
    assert nothing == pytest.approx([16 * math.log2(257), 4 * math.log2(257)])


def test_a_discount_of_zero_is_not_taken():
    """t = 12, 2, 1, 1 gives D(2) = 0.875 and D(3) = 0, which would leave nothing for what is new."""
    train = [*([token] for token in range(12)), *[[12], [13]] * 2, *[[14]] * 3, *[[15]] * 4]
    model = fitted(train, 1, 20)
    assert model.discounts.tolist() == [[0, 0.5, 1, 1.5]]
    assert np.isfinite(ngram_model.bits(model, *packed([[19]]))).all()


def test_documents_do_not_depend_on_their_company():
    rng = np.random.default_rng(5)
    documents = [rng.integers(97, 101, rng.integers(0, 90)).tolist() for _ in range(70)]
    model = fitted(documents, 4)
    whole = ngram_model.bits(model, *packed(documents))
    alone = [ngram_model.bits(model, *packed([document]))[0] for document in documents]
    shuffled = rng.permutation(70)
    again = ngram_model.bits(model, *packed([documents[i] for i in shuffled]))
    assert whole.tolist() == alone and whole[shuffled].tolist() == again.tolist()
    np.testing.assert_allclose(
        whole, ngram_model.bits(fitted([documents[i] for i in shuffled], 4), *packed(documents)), rtol=1e-12
    )


def test_growth_and_lanes_change_nothing(monkeypatch):
    rng = np.random.default_rng(6)
    documents = [rng.integers(0, 256, 400).tolist() for _ in range(20)]
    roomy = fitted(documents, 5)
    assert all((a == b).all() for a, b in zip(roomy[2:], fitted(documents, 5)[2:], strict=True))
    expected = ngram_model.bits(roomy, *packed(documents))
    for lanes, slots in ((1, 64), (3, 64), (64, 1 << 20)):
        monkeypatch.setattr(ngram_model, "LANES", lanes)
        monkeypatch.setattr(ngram_model, "FIRST_SLOTS", slots)
        model = fitted(documents, 5)
        assert model.grams.tolist() == roomy.grams.tolist()
        np.testing.assert_allclose(ngram_model.bits(model, *packed(documents)), expected, rtol=1e-12)


def test_text_of_arrow():
    text = pa.array(["so – naïve", None, "漢字 kana", "", "out"], pa.large_string())[1:4]
    model = ngram_model.fit(*text_buffers(text), 3)
    assert ngram_model.bits(model, *text_buffers(text), end=False).tolist()[::2] == [0, 0]
    same = [list((value or "").encode()) for value in text.to_pylist()]
    assert ngram_model.bits(model, *text_buffers(text)).tolist() == ngram_model.bits(model, *packed(same)).tolist()


def test_refusals():
    tokens, starts = packed([[3, 300]], np.int32)
    for order in (0, 33):
        with pytest.raises(Refused, match=f"order={order}"):
            ngram_model.fit(tokens, starts, order, 301)
    for vocabulary in (300, 1 << 31):
        with pytest.raises(Refused, match=f"vocabulary={vocabulary}"):
            ngram_model.fit(tokens, starts, 2, vocabulary)
    with pytest.raises(Refused, match="vocabulary=301"):
        ngram_model.fit(-tokens, starts, 2, 301)
    with pytest.raises(Refused, match="vocabulary=256"):
        ngram_model.bits(fitted([[1]], 2), tokens, starts)

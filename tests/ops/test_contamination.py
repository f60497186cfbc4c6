"""Contamination against sets of tuples and every pair of places in plain Python."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import contamination, ngram_blocks, threads
from tamis.ops.contamination_scores import scores

from .plain_text import tokens_of

quick = settings(max_examples=300, deadline=None, derandomize=True)
WORDS = [*"a b c d Alice école ΟΔΟΣ İstanbul 漢字 カナ x² é 𝒜𐐀 ½ antidisestablishmentarianism .".split(), "\x1c", "\0"]
FEW = st.lists(st.sampled_from("abc"), max_size=14).map(" ".join)
SPICED = st.one_of(FEW, st.text(max_size=12), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
COLUMN = st.lists(st.one_of(st.none(), SPICED), max_size=6)
KINDS = st.sampled_from([pa.string(), pa.large_string()])


def grams_of(text, n):
    tokens = tokens_of(text)
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def counts_of(items, texts, n):
    """Counts in the order in which the n-grams are first in the items."""
    held = Counter(gram for text in texts for gram in grams_of(text, n))
    return [held[gram] for gram in dict.fromkeys(gram for item in items for gram in grams_of(item, n))]


def longest_of(items, text, n):
    """Tokens of the first of the longest runs, and the first item that has it."""
    own = tokens_of(text)
    for length in range(len(own), n - 1, -1):
        for at in range(len(own) - length + 1):
            for row, item in enumerate(items):
                if tuple(own[at : at + length]) in grams_of(item, length):
                    return length, row
    return 0, -1


def share_of(items, text, n):
    """The largest share of an item's tokens that one run of the text is, and the first item of which it is so much."""
    own, best, which = tokens_of(text), 0.0, -1
    for row, item in enumerate(items):
        for length in range(len(tokens_of(item)), n - 1, -1):
            runs = {tuple(own[at : at + length]) for at in range(len(own) - length + 1)}
            if runs & set(grams_of(item, length)):
                share = length / len(tokens_of(item))
                if share > best:
                    best, which = share, row
                break
    return best, which


def scores_of(item, texts, n, skip_budget, mincount):
    """The four measures, each by its definition."""
    held = Counter(gram for text in texts for gram in grams_of(text, n))
    grams, size = grams_of(item, n), len(tokens_of(item))
    if size < n:
        return (math.nan,) * 4
    matched = [held[gram] >= mincount for gram in grams]
    inside = {t + k for t, hit in enumerate(matched) if hit for k in range(n)}
    pairs = [(a, b) for a in inside for b in inside if a <= b]
    spans = [range(a, b + 1) for a, b in pairs if sum(t not in inside for t in range(a, b + 1)) <= skip_budget]
    extended = {t for span in spans for t in span}
    longest = max(map(len, spans), default=0)
    return sum(matched) / len(grams), len(inside) / size, len(extended) / size, longest / size


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.filterwarnings("ignore:runs of n")
@quick
@given(
    items=COLUMN,
    texts=COLUMN,
    n=st.integers(1, 5),
    skip_budget=st.integers(0, 4),
    mincount=st.integers(1, 3),
    kind=KINDS,
    cuts=st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted),
)
def test_equals_the_slow_way_however_texts_are_cut(items, texts, n, skip_budget, mincount, kind, cuts):
    if max((len(tokens_of(item)) for item in items), default=0) < n:
        with pytest.raises(Refused, match=f"n={n} for {len(items)} items"):
            contamination.index(pa.array(items, kind), n=n)
        return
    parts = [slice(0, cuts[0]), slice(*cuts), slice(cuts[1], None)]
    index = contamination.index(pa.array(items, kind), n=n)
    assert same(index, contamination.index(pa.chunked_array([pa.array(items, kind)[p] for p in parts]), n=n))
    column = pa.array(texts, kind)
    hits, found = contamination.scan(index, column)
    assert hits.counts.tolist() == counts_of(items, texts, n)
    assert (int(hits.documents), int(hits.tokens)) == (len(texts), sum(len(tokens_of(t)) for t in texts))
    assert list(zip(found.longest.tolist(), found.item.tolist(), strict=True)) == [
        longest_of(items, t, n) for t in texts
    ]
    expected = [share_of(items, t, n) for t in texts]
    assert found.share_item.tolist() == [row for _, row in expected]
    np.testing.assert_allclose(found.share, [share for share, _ in expected], rtol=1e-6)
    shares = scores(index, hits, skip_budget=skip_budget, mincount=mincount)
    expected = [scores_of(item, texts, n, skip_budget, mincount) for item in items]
    np.testing.assert_allclose(np.transpose(shares), expected, rtol=1e-15)
    assert same(contamination.matches(index, pa.chunked_array([column[p] for p in parts])), found)
    one, two, three = (contamination.count(index, column[p]) for p in parts)
    assert same(contamination.merge(one, contamination.merge(three, two)), hits)


def test_the_longest_of_many_places_is_found():
    """Texts of two words, so that each n-gram is at hundreds of places."""
    rng = np.random.default_rng(9)
    items, texts = (
        [" ".join(rng.choice(["a", "b"], size)) for _ in range(rows)] for rows, size in ((20, 300), (8, 80))
    )
    index = contamination.index(pa.array(items), n=4)
    expected = []
    for text in texts:
        runs = [text[at:end] for end in range(1, 160, 2) for at in range(0, end, 2) if end - at < 80]
        held = [run for run in runs if any(run in item for item in items)]
        best = max(held, key=lambda run: (len(run), -text.index(run)))
        expected.append((len(best.split()), next(row for row, item in enumerate(items) if best in item)))
    found = contamination.matches(index, pa.array(texts))
    assert list(zip(found.longest.tolist(), found.item.tolist(), strict=True)) == expected
    shares = [share_of(items, text, 4) for text in texts]
    assert found.share_item.tolist() == [row for _, row in shares]


def test_a_short_item_is_held_whole_beside_a_longer_run_of_another():
    long, short = " ".join(f"l{i}" for i in range(60)), " ".join(f"s{i}" for i in range(10))
    text = f"{' '.join(long.split()[:12])} and {short} more"
    for items, row in (([long, short], 1), ([short, long], 0), ([f"{short} {long}", short], 1)):
        found = contamination.matches(contamination.index(pa.array(items)), pa.array([text]))
        assert found.longest.tolist() == [12] and found.share.tolist() == [1] and found.share_item.tolist() == [row]


def test_blocks_and_threads_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(WORDS, rng.integers(0, 90))) for _ in range(300)]
    texts[5:5] = ["a " * 30_000, "z" * 70_000]
    index = contamination.index(pa.array(texts[100:150]), n=4)
    whole = contamination.scan(index, pa.array(texts))
    assert (whole[1].item[100:150] == np.arange(50))[whole[1].longest[100:150] > 20].all()
    for size, number in ((100, 1), (1000, 2), (100, 7), (1 << 30, 3)):
        monkeypatch.setattr(ngram_blocks, "BLOCK_BYTES", size)
        monkeypatch.setattr(threads, "THREADS", number)
        again = contamination.scan(index, pa.array(texts))
        assert same(again[0], whole[0]) and same(again[1], whole[1])
        assert same(contamination.index(pa.array(texts[100:150]), n=4), index)


def test_the_index_may_be_stored(tmp_path):
    texts = pa.array(["a b c d e f g h i", "c d e f g h i"])
    index = contamination.index(texts)
    for name, array in index._asdict().items():
        np.save(tmp_path / name, array)
    loaded = contamination.TestIndex(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in index._fields))
    assert same(contamination.matches(loaded, texts), contamination.matches(index, texts))

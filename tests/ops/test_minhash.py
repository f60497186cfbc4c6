"""MinHash against sets and loops in plain Python, and against what the theory says of it."""

import functools
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import minhash, ngram_blocks, threads

from .guarded import GuardingNumPy
from .plain_text import MASK, mix, token_hash, tokens_of

LARGEST = (1 << 32) - 1
WORDS = [
    *"Alice went école ΟΔΟΣ İstanbul 漢字 カナ क्षि x² naïve … é 𝒜𐐀 ½ antidisestablishmentarianism".split(),
    "\x1c",
    "\0",
]
SPICED = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
COLUMN = st.lists(st.one_of(st.none(), SPICED), max_size=8)
quick = settings(max_examples=100, deadline=None, derandomize=True)


def shingles_of(text: str | None, width: int) -> set[tuple[str, ...]]:
    tokens = tokens_of(text)
    return {tuple(tokens[i : i + width]) for i in range(max(len(tokens) - width, 0) + 1)} - {()}


def shingle_hash(shingle: tuple[str, ...]) -> int:
    g = functools.reduce(lambda g, token: (g * 0xD6E8FEB86659FD93 + token_hash(token)) & MASK, shingle, 0)
    return mix(g) >> 32


def slow_minima(text: str | None, width: int, k: int, seed: int) -> list[int]:
    hashes = {shingle_hash(shingle) for shingle in shingles_of(text, width)}
    drawn = [mix((mix(seed & MASK) + j) & MASK) for j in range(k)]
    return [min((((z >> 32 | 1) * x + z) & LARGEST for x in hashes), default=LARGEST) for z in drawn]


def slow_key(minima: list[int]) -> int:
    h = len(minima) * 0x9E3779B97F4A7C15 & MASK
    for low, high in zip(minima[::2], [*minima, 0][1::2], strict=True):
        h = mix(h ^ low ^ high << 32)
    return max(h, 1)


@quick
@given(
    column=COLUMN,
    width=st.integers(1, 9),
    bands=st.integers(1, 5),
    rows=st.integers(1, 9),
    seed=st.sampled_from([0, 1, -1, 1 << 70]),
    kind=st.sampled_from([pa.string(), pa.large_string()]),
    cuts=st.tuples(st.integers(0, 8), st.integers(0, 8)).map(sorted),
)
def test_equals_the_slow_way_however_texts_are_cut(column, width, bands, rows, seed, kind, cuts):
    text = pa.array(column, kind)
    parameters = {"width": width, "bands": bands, "rows": rows, "seed": seed}
    expected = [slow_minima(value, width, bands * rows, seed) for value in column]
    keys, minima = minhash.sketch(text, keep_minima=True, **parameters)
    assert minima.tolist() == [[lowest & 255 for lowest in each] for each in expected]
    filled = [bool(tokens_of(value)) for value in column]
    some = [
        [slow_key(each[b * rows : (b + 1) * rows]) * full for b in range(bands)]
        for each, full in zip(expected, filled, strict=True)
    ]
    assert keys.tolist() == some
    chunked = pa.chunked_array([text[: cuts[0]], text[cuts[0] : cuts[1]], text[cuts[1] :]], kind)
    assert minhash.sketch(chunked, **parameters).keys.tolist() == some
    assert minhash.signatures(text[cuts[0] :], **parameters).tolist() == expected[cuts[0] :]
    alike = minhash.sketch(text, empty_alike=True, **parameters).keys.tolist()
    assert alike == [[slow_key(each[b * rows : (b + 1) * rows]) for b in range(bands)] for each in expected]


def long_column() -> list[str]:
    rng = np.random.default_rng(3)
    column = [" ".join(rng.choice(WORDS, rng.integers(0, 90))) for _ in range(300)]
    column[5:5] = ["z" * 70_000, "a " * 30_000]
    return column


def test_blocks_and_threads_change_nothing(monkeypatch):
    column = pa.array(long_column())
    whole = minhash.sketch(column, keep_minima=True)
    for size, number in ((100, 1), (1000, 2), (100, 7), (1 << 30, 3)):
        monkeypatch.setattr(ngram_blocks, "BLOCK_BYTES", size)
        monkeypatch.setattr(threads, "THREADS", number)
        again, keys = minhash.sketch(column, keep_minima=True), minhash.sketch(column).keys
        assert (again.keys == whole.keys).all() and (again.minima == whole.minima).all()
        assert (keys == whole.keys).all()


def test_nothing_is_written_out_of_bounds(monkeypatch):
    columns = [[text] for text in (*long_column()[:12], *("." * n + "a" * n for n in range(9)))]
    plain = [minhash.signatures(pa.array(column)) for column in columns]
    monkeypatch.setattr(ngram_blocks, "np", GuardingNumPy())
    for column, expected in zip(columns, plain, strict=True):
        assert (minhash.signatures(pa.array(column)) == expected).all()


def test_published_probabilities():
    found = [minhash.match_probability(s) for s in (0.6, 0.7, 0.75, 0.8, 0.9)]
    assert [round(p, 2) for p in found[:4]] == [0.21, 0.56, 0.77, 0.92] and round(found[4], 4) == 0.9996
    assert minhash.match_probability(0) == 0 and minhash.match_probability(1) == 1
    assert round(minhash.usual_threshold(14, 8), 3) == 0.719 and minhash.usual_threshold(1, 3) == 1


def test_bands_find_nine_of_ten_and_no_more_minima_would():
    for similarity in (0.3, 0.5, 0.7, 0.72, 0.8, 0.9, 0.95, 1.0):
        bands, rows = minhash.bands_for(similarity)
        assert bands * rows <= 128 and minhash.match_probability(similarity, bands, rows) >= 0.9
        assert all(minhash.match_probability(similarity, 128 // r, r) < 0.9 for r in range(rows + 1, 129))


@pytest.mark.parametrize(("size", "shared"), [(2, 1), (10, 5), (30, 24), (300, 150), (300, 285)])
def test_minima_are_equal_as_often_as_sets_are_similar(size, shared):
    """Over texts and hashes: the mean is s, and the spread that of k independent draws."""
    pairs = 400
    own = [[f"r{p}w{i}" for i in range(2 * size - shared)] for p in range(pairs)]
    one = minhash.signatures(pa.array([" ".join(words[:size]) for words in own]), width=1)
    two = minhash.signatures(pa.array([" ".join(words[size - shared :]) for words in own]), width=1)
    s, k = shared / (2 * size - shared), one.shape[1]
    found = (one == two).mean(axis=1)
    assert abs(found.mean() - s) < 4 * np.sqrt(s * (1 - s) / (pairs * k))
    assert 0.8 < found.var() / (s * (1 - s) / k) < 1.25


@pytest.mark.skipif("TAMIS_DATA" not in os.environ, reason="TAMIS_DATA names no folder of data sets")
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_news_with_a_tenth_of_their_words_deleted_are_found_as_the_formula_says(width):
    texts = pq.read_table(Path(os.environ["TAMIS_DATA"], "text/ag_news_test.parquet"))["text"].to_pylist()[:4000]
    rng = np.random.default_rng(1)
    cut = [" ".join(word for word in text.split() if rng.random() > 0.1) for text in texts]
    sets = [(shingles_of(a, width), shingles_of(b, width)) for a, b in zip(texts, cut, strict=True)]
    expected = [minhash.match_probability(len(a & b) / max(len(a | b), 1)) for a, b in sets]
    one, two = (minhash.sketch(pa.array(column), width=width).keys for column in (texts, cut))
    assert abs((one == two).any(axis=1).mean() - np.mean(expected)) < 0.03


@pytest.mark.parametrize("name", ["width", "bands", "rows"])
def test_refusals(name):
    with pytest.raises(Refused, match=f"{name}=0"):
        minhash.sketch(pa.array(["a"]), **{name: 0})
    with pytest.raises(Refused, match="no text"):
        minhash.sketch(pa.array([1]))

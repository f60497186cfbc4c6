"""Distinct n-grams with counts, against dictionaries in plain Python."""

import functools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import ngram_blocks, ngram_counts, threads

from .plain_text import counts_of

WORDS = [*"a b Alice École 漢字 カナ … é 𝒜 it's antidisestablishmentarianism".split(), "\x1c", "\0"]
SPICED = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
COLUMN = st.lists(st.one_of(st.none(), SPICED), max_size=8)


def as_dicts(found: ngram_counts.DistinctNgrams) -> list[dict[int, int]]:
    parts = np.split(found.packed, found.stops[:-1])
    return [{int(p) & 0xFFFFFF: int(p) >> 24 for p in part} for part in parts[: len(found.stops)]]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    column=COLUMN,
    ngrams=st.integers(1, 4),
    buckets=st.sampled_from([2, 3, 50, 1 << 18, 1 << 24]),
    kind=st.sampled_from([pa.string(), pa.large_string()]),
    cut=st.integers(0, 8),
)
def test_equals_the_slow_way_however_texts_are_cut(column, ngrams, buckets, kind, cut):
    expected = [counts_of(text, ngrams, buckets) for text in column]
    text = pa.array(column, kind)
    found = ngram_counts.count(text, ngrams=ngrams, buckets=buckets)
    assert as_dicts(found) == expected if column else not len(found.stops)
    assert [list(each) for each in as_dicts(found)[: len(column)]] == [list(each) for each in expected]
    chunked = pa.chunked_array([text[:cut], text[cut:]], kind)
    again = ngram_counts.count(chunked, ngrams=ngrams, buckets=buckets)
    assert (again.packed == found.packed).all() and (again.stops == found.stops).all()


def test_counts_stop_at_255():
    column = ["a " * times for times in (254, 255, 256, 257, 700)]
    assert [list(each.values()) for each in as_dicts(ngram_counts.count(pa.array(column), ngrams=1))] == [
        [min(times, 255)] for times in (254, 255, 256, 257, 700)
    ]


@pytest.mark.parametrize(("size", "number"), [(100, 1), (1000, 2), (100, 7), (1 << 30, 3)])
def test_blocks_and_threads_change_nothing(monkeypatch, size, number):
    rng = np.random.default_rng(3)
    column = pa.array([" ".join(rng.choice(WORDS, rng.integers(0, 90))) for _ in range(300)] + ["z" * 70_000, "a " * 9])
    whole = ngram_counts.count(column)
    monkeypatch.setattr(ngram_blocks, "BLOCK_BYTES", size)
    monkeypatch.setattr(threads, "THREADS", number)
    again = ngram_counts.count(column)
    assert (again.packed == whole.packed).all() and (again.stops == whole.stops).all()


def test_work_is_given_every_row_once(monkeypatch):
    monkeypatch.setattr(ngram_blocks, "BLOCK_BYTES", 10)
    column = pa.chunked_array([["one two", "three"], [], ["four", None, "five six seven"]])
    rows = ngram_counts.in_blocks(column, 1, 1 << 20, lambda rows, own: (rows, len(own.stops)))
    assert functools.reduce(list.__add__, [list(range(5))[part] for part, _ in rows]) == list(range(5))
    assert all(part.stop - part.start == size for part, size in rows)


@pytest.mark.parametrize("wrong", [{"ngrams": 0}, {"buckets": 1}, {"buckets": (1 << 24) + 1}])
def test_refusals(wrong):
    with pytest.raises(Refused, match=next(iter(wrong))):
        ngram_counts.count(pa.array(["a"]), **wrong)
    with pytest.raises(Refused, match="no text"):
        ngram_counts.count(pa.array([1]))

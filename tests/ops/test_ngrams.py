"""Hashed n-grams against a regular expression and loops in plain Python."""

import hashlib
import re
import threading
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import ngram_blocks, ngram_sha, ngrams, unicode

from .guarded import GuardingNumPy, guarded
from .plain_text import MASK, mix, token_hash, tokens_of

WORDS = [*"Alice went école ΟΔΟΣ İstanbul 漢字 カナ क्षि x² naïve … é 𝒜𐐀 ½".split(), "\x1c", "\0", "\u3000"]
SPICED = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
COLUMN = st.lists(st.one_of(st.none(), SPICED), max_size=8)
quick = settings(max_examples=60, deadline=None, derandomize=True)


def mix64_bucket(tokens: list[str], buckets: int) -> int:
    h = token_hash(tokens[0])
    for token in tokens[1:]:
        h = mix((h * 0xD6E8FEB86659FD93 + token_hash(token)) & MASK)
    return (h >> 32) * buckets >> 32


def sha_bucket(tokens: list[str], buckets: int) -> int:
    return int(hashlib.sha256(" ".join(tokens).encode()).hexdigest(), 16) % buckets


def sha_tokens(text: str) -> list[str]:
    return pytest.importorskip("regex").findall(r"\w+|[^\w\s]+", text.lower())


def sha_re_tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]+", text.lower())


MODES = {
    "mix64": (tokens_of, mix64_bucket),
    "sha256": (sha_tokens, sha_bucket),
    "sha256-re": (sha_re_tokens, sha_bucket),
}


def slow_counts(text: str | None, orders: int, buckets: int, hash: str) -> Counter[int]:
    tokenise, bucket = MODES[hash]
    tokens = tokenise(text or "")
    spans = [tokens[i : i + n] for n in range(1, orders + 1) for i in range(len(tokens) - n + 1)]
    return Counter(bucket(span, buckets) for span in spans)


@pytest.mark.parametrize("hash", MODES)
@quick
@given(column=COLUMN, orders=st.integers(1, 4), buckets=st.sampled_from([2, 97, 10_000]), large=st.booleans())
def test_equals_the_slow_way(hash, column, orders, buckets, large):
    text = pa.array(column, pa.large_string() if large else pa.string())
    counts, lengths = ngrams.count_with_tokens(text, ngrams=orders, buckets=buckets, hash=hash)
    expected = [slow_counts(value, orders, buckets, hash) for value in column]
    total = sum(expected, Counter())
    assert counts.counts.tolist() == [total[b] for b in range(buckets)]
    assert lengths.tolist() == [len(MODES[hash][0](value or "")) for value in column]
    assert (int(counts.tokens), int(counts.documents)) == (lengths.sum(), len(column))

    ratios = np.random.default_rng(7).normal(size=(buckets, 3))
    slow_sums = [[sum(k * ratios[b, t] for b, k in c.items()) for t in range(3)] for c in expected]
    sums, again = ngrams.score(text, ratios, ngrams=orders, hash=hash)
    one, _ = ngrams.score(text, ratios[:, 1:2], ngrams=orders, hash=hash)
    np.testing.assert_allclose(sums, np.reshape(slow_sums, (-1, 3)), atol=1e-9)
    np.testing.assert_allclose(one[:, 0], sums[:, 1], atol=1e-9)
    assert again.tolist() == lengths.tolist()


@pytest.mark.parametrize("hash", MODES)
@quick
@given(column=COLUMN, begin=st.integers(0, 8), size=st.integers(0, 8))
def test_slices_read_only_their_rows_and_parts_merge_to_the_whole(hash, column, begin, size):
    text = pa.array(column, pa.string())
    parts = [text[:begin], text[begin : begin + size], text[begin + size :]]
    copies = [pa.array(part.to_pylist(), pa.string()) for part in parts]
    one, two, three = [ngrams.count(part, buckets=50, hash=hash) for part in parts]
    for part, copy in zip((one, two, three), copies, strict=True):
        assert part.counts.tolist() == ngrams.count(copy, buckets=50, hash=hash).counts.tolist()
    whole = ngrams.count(text, buckets=50, hash=hash)
    merged = ngrams.merge(ngrams.merge(one, two), three)
    assert [part.tolist() for part in merged] == [part.tolist() for part in whole]


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    column = [" ".join(rng.choice(WORDS, rng.integers(0, 60))) for _ in range(200)]
    column[5] = "z" * 70_000
    whole = [ngrams.count_with_tokens(pa.array(column), hash=hash) for hash in MODES]
    monkeypatch.setattr("tamis.ops.ngram_blocks.BLOCK_BYTES", 100)
    for hash, (counts, lengths) in zip(MODES, whole, strict=True):
        counts_again, lengths_again = ngrams.count_with_tokens(pa.array(column), hash=hash)
        assert (counts.counts == counts_again.counts).all() and (lengths == lengths_again).all()


def boundary_texts() -> list[str]:
    rng = np.random.default_rng(11)
    ascii_only = [chr(code) for code in range(128)]
    alphabets = [ascii_only, [*ascii_only, *"éİȺK漢カ𝒜\u3000"], list("ab "), list("aZ 漢"), list("abcdefgh"), ["é"]]
    sizes = [*range(0, 20), *(64 * k + d for k in range(4) for d in (-32, -31, -17, -16, -15, -1, 0, 1) if k)]
    return ["".join(rng.choice(alphabet, size)) for size in sizes for alphabet in alphabets]


@pytest.mark.parametrize("hash", MODES)
def test_vectors_begin_and_end_anywhere(hash):
    texts = boundary_texts()
    shuffled = np.random.default_rng(12).permutation(texts).tolist()
    for column in (texts, shuffled, *([text] for text in texts[-60:])):
        counts, lengths = ngrams.count_with_tokens(pa.array(column), ngrams=3, buckets=997, hash=hash)
        expected = sum((slow_counts(text, 3, 997, hash) for text in column), Counter())
        assert counts.counts.tolist() == [expected[b] for b in range(997)]
        assert lengths.tolist() == [len(MODES[hash][0](text)) for text in column]


def test_nothing_is_read_or_written_out_of_bounds(monkeypatch):
    texts = boundary_texts()
    columns = [texts[-90:], *([text] for text in texts if text)]
    plain = [[ngrams.count(pa.array(column), ngrams=orders).counts for orders in (1, 2, 4)] for column in columns]
    monkeypatch.setattr(ngram_blocks, "np", GuardingNumPy())
    for column, expected in zip(columns, plain, strict=True):
        raw = np.frombuffer("".join(column).encode(), np.uint8)
        data = guarded(len(raw), np.uint8)
        data[:] = raw
        offsets = np.cumsum([0, *(len(text.encode()) for text in column)], dtype=np.int64)
        text = pa.LargeStringArray.from_buffers(len(column), pa.py_buffer(offsets), pa.py_buffer(data))
        for orders, counts in zip((1, 2, 4), expected, strict=True):
            assert (ngrams.count(text, ngrams=orders).counts == counts).all()


def test_published_buckets():
    assert sha_bucket(["alice"], 10_000) == 6720 and sha_bucket(["alice", "went"], 10_000) == 114
    counts = ngrams.count(pa.array(["Alice went"]), hash="sha256").counts
    assert counts[6720] == 1 and counts[114] == 1 and counts.sum() == 3


@pytest.mark.parametrize("size", [1, 54, 55, 56, 63, 64, 65, 118, 119, 120, 128, 1000])
def test_sha_of_any_length(size):
    for buckets in (10_000, 2**32 - 5):
        ids = np.nonzero(ngrams.count(pa.array(["q" * size]), ngrams=1, buckets=buckets % 10**6, hash="sha256").counts)
        assert ids[0].tolist() == [sha_bucket(["q" * size], buckets % 10**6)]


def test_a_crowded_memo_changes_nothing(monkeypatch):
    texts = pa.array(["one two three one two four five one six"] * 3)
    expected = ngrams.count(texts, ngrams=3, buckets=997, hash="sha256").counts
    monkeypatch.setattr(ngram_sha, "MEMO_SLOTS", 2)
    monkeypatch.setattr(ngram_sha, "_memo", threading.local())
    assert ngrams.count(texts, ngrams=3, buckets=997, hash="sha256").counts.tolist() == expected.tolist()
    assert expected[sha_bucket(["one", "two", "three"], 997)] >= 3


def test_a_null_over_bytes_is_empty():
    data = pa.py_buffer(b"hidden shown")
    offsets = pa.py_buffer(np.array([0, 7, 12], np.int32))
    text = pa.StringArray.from_buffers(2, offsets, data, pa.py_buffer(b"\x02"))
    assert ngrams.token_counts(text).tolist() == [0, 1]


def test_truncated_bytes_stay_in_bounds():
    for ending in (b"\xf0", b"\xf0\x9f", b"\xe4\xbd", b"\xff\xff\xff\xff", b"\x80"):
        data = pa.py_buffer(b"ab " + ending)
        text = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, 3 + len(ending)], np.int32)), data)
        assert ngrams.token_counts(text).tolist()[0] >= 1


def test_lower_case_follows_unicode_in_the_fast_mode():
    a, b = ngrams.count(pa.array(["ÉCOLE ЁЖ ÅNGSTRÖM Ⱥ"])), ngrams.count(pa.array(["école ёж ångström ⱥ"]))
    assert a.counts.tolist() == b.counts.tolist()


def test_the_tables_agree_on_what_python_knows(monkeypatch):
    pytest.importorskip("regex")
    known = np.array([unicodedata.category(chr(code)) not in ("Cn", "Cs") for code in range(unicode.CODE_POINTS)])
    with_package = unicode.regex_table()
    monkeypatch.setattr(unicode.importlib.util, "find_spec", lambda name: None)
    without = unicode.regex_table.__wrapped__()
    assert np.count_nonzero(with_package[known] != without[known]) == 0
    kinds = np.where(unicode.unicode_table() >> 24 == unicode.SINGLE, unicode.WORD, unicode.unicode_table() >> 24)
    assert (kinds == without >> 24).all()


def test_divergence_and_diversity():
    p, q = np.array([5, 0, 15]), np.array([10, 10, 0])
    slow = sum(x * (np.log(x + 1e-8) - np.log(y + 1e-8)) for x, y in zip(p / 20, q / 20, strict=True))
    assert ngrams.kl_divergence(p, q) == pytest.approx(slow)
    assert ngrams.kl_divergence(p, p * 3) == pytest.approx(0, abs=1e-12)
    assert ngrams.diversity(np.array([7, 7, 7, 7, 0])) == pytest.approx(4)
    assert ngrams.diversity(np.array([1, 3])) == pytest.approx(4 / 27**0.25)


def test_refusals():
    text = pa.array(["a"])
    for bad in ({"ngrams": 0}, {"buckets": 1}, {"hash": "md5"}):
        with pytest.raises(Refused, match=next(iter(bad))):
            ngrams.count(text, **bad)
    with pytest.raises(Refused, match="int64"):
        ngrams.count(pa.array([1]))

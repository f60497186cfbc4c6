"""Text vectors against features and signs in plain Python, and on texts that are alike or not."""

import math
import string
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import ngram_blocks, threads
from tamis.ops.text_vectors import vectors

from .guarded import GuardingNumPy
from .plain_text import MASK, mix, token_hash, tokens_of

WORDS = [*"Alice went école ΟΔΟΣ 漢字 カナ x² it's 9:30 antidisestablishmentarianism ... ABC".split(), "\x1c", "\0"]
SPICED = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
COLUMN = st.lists(st.one_of(st.none(), SPICED), max_size=8)


def class_of(byte: int) -> int:
    """Its number among those of lower case, upper case, digits, spaces, line ends and 32 marks."""
    char = chr(byte)
    if byte >= 128 or char.islower():
        return 0
    kinds = [char.isupper(), char.isdigit(), char not in string.punctuation + "\n", char == "\n"]
    return kinds.index(True) + 1 if any(kinds) else 5 + string.punctuation.index(char)


def slow_features(text: str | None) -> dict[int, int]:
    tokens = [token.encode() for token in tokens_of(text)]
    classes = [class_of(byte) for byte in (text or "").encode()]
    hashes = [token_hash(token.decode()) for token in tokens]
    hashes += [mix(int.from_bytes(token[:3], "little") ^ 0x9E6C63D0876A9A47) for token in tokens if len(token) > 3]
    hashes += [mix((64 * a + b) ^ 0xC6BC279692B5CC83) for a, b in pairwise(classes) if a != b and tokens]
    found: dict[int, int] = {}
    for bucket in (h >> 46 for h in hashes):
        found[bucket] = min(found.get(bucket, 0) + 1, 255)
    return found


def slow_vector(text: str | None, d: int, seed: int) -> np.ndarray:
    total = np.zeros(d)
    for bucket, count in slow_features(text).items():
        bits = mix(bucket ^ mix(seed & MASK))
        for k in range(4):
            part = bits >> 16 * k & 0xFFFF
            total[(part & 0x7FFF) * d >> 15] += math.log1p(count) * (-1 if part >> 15 else 1)
    length = np.linalg.norm(total)
    return total / length if length > 1e-9 else np.zeros(d)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    column=COLUMN,
    d=st.sampled_from([64, 100, 1 << 15]),
    seed=st.sampled_from([0, 1, -1, 1 << 70]),
    kind=st.sampled_from([pa.string(), pa.large_string()]),
    cut=st.integers(0, 8),
)
def test_equals_the_slow_way_however_texts_are_cut(column, d, seed, kind, cut):
    text = pa.array(column, kind)
    found = vectors(text, d, seed)
    assert found.shape == (len(column), d) and found.dtype == np.float32
    expected = np.reshape([slow_vector(each, d, seed) for each in column], (len(column), d))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (vectors(pa.chunked_array([text[:cut], text[cut:]], kind), d, seed) == found).all()


def long_column() -> list[str]:
    rng = np.random.default_rng(3)
    return [*(" ".join(rng.choice(WORDS, rng.integers(0, 90))) for _ in range(300)), "z" * 70_000, "a " * 30_000]


@pytest.mark.parametrize(("size", "number"), [(100, 1), (1000, 2), (100, 7), (1 << 30, 3)])
def test_blocks_and_threads_change_nothing(monkeypatch, size, number):
    column = pa.array(long_column())
    whole = vectors(column)
    monkeypatch.setattr(ngram_blocks, "BLOCK_BYTES", size)
    monkeypatch.setattr(threads, "THREADS", number)
    assert (vectors(column) == whole).all()


def test_nothing_is_written_out_of_bounds(monkeypatch):
    columns = [[text] for text in (*long_column()[:12], *("漢" * n + ".a" * n for n in range(30)), "a", "1a.B" * 50)]
    plain = [vectors(pa.array(column)) for column in columns]
    monkeypatch.setattr(ngram_blocks, "np", GuardingNumPy())
    for column, expected in zip(columns, plain, strict=True):
        assert (vectors(pa.array(column)) == expected).all()


def test_length_is_1_and_0_of_empty_text():
    found = vectors(pa.array([*filter(None, long_column()), "", " \n", None]))
    np.testing.assert_allclose(np.linalg.norm(found[:-3], axis=1), 1, atol=1e-6)
    assert not found[-3:].any() and vectors(pa.array([], pa.string())).shape == (0, 256)
    half = found.astype(np.float16).astype(np.float32)
    assert np.abs(half @ half.T - found @ found.T).max() < 2e-3


def test_products_are_cosines_of_features_within_their_blur():
    """Over pairs: no bias, and a spread of (1 + cos²) / d, which is more where single features are large."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(40, 25).astype(str)) for _ in range(60)]
    features = [slow_features(text) for text in texts]
    names = sorted({bucket for each in features for bucket in each})
    exact = np.array([[math.log1p(each.get(name, 0)) for name in names] for each in features])
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    errors, d = [], 512
    for seed in range(40):
        found = vectors(pa.array(texts), d, seed)
        errors.append((found @ found.T - exact @ exact.T)[np.triu_indices(60, 1)])
    assert abs(np.mean(errors)) < 0.005 and np.std(errors) < 1.5 / math.sqrt(d)


def test_alike_are_texts_with_the_same_words_or_way_of_writing():
    first, reworded, longer, other, code = vectors(
        pa.array(
            [
                "The old fisherman looked at the sea.",
                "At the sea, the old fisherman looked.",
                "The old fisherman looked at the sea. " * 3,
                "Prices fell as banks sold bonds on Monday.",
                "x_1 = f(y[2]) + {3: 'a'}",
            ]
        ),
        1024,
    )
    assert first @ reworded > 0.7 and first @ longer > 0.8
    assert first @ code < 0.4 and first @ code < first @ other < first @ reworded - 0.1


@pytest.mark.parametrize("d", [0, (1 << 15) + 1])
def test_refusals(d):
    with pytest.raises(Refused, match=f"d={d}"):
        vectors(pa.array(["a"]), d)
    with pytest.raises(Refused, match="no text"):
        vectors(pa.array([1]))

"""Hashed n-grams of text: counts, sums of per-bucket values, token counts, divergence and diversity.

A token is a run of word characters or a run of other visible characters of the lower-cased text, as the regular
expression `\\w+|[^\\w\\s]+` finds them; an n-gram is n tokens in a row, and counting n-grams means all orders 1 … n.

| `hash` | words and spaces | lower case | bucket of V |
|---|---|---|---|
| `"mix64"` | Unicode; an ideograph or kana is a token | per code point | a 64-bit hash, its high bits times V |
| `"sha256"` | `\\w`, `\\s` of the package `regex` | `str.lower()` | SHA-256 of the tokens joined by a space, mod V |
| `"sha256-re"` | `\\w`, `\\s` of Python's `re` | `str.lower()` | the same |

The SHA-256 modes equal the package data-selection 1.0.3 with NLTK 3.10 or newer, and with older NLTK.
"""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.ops.ngram_blocks import bucket_blocks, text_buffers, token_blocks

__all__ = [
    "NgramCounts",
    "count",
    "count_with_tokens",
    "diversity",
    "kl_divergence",
    "merge",
    "score",
    "text_buffers",
    "token_counts",
]

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

_FLOOR = 1e-8


class NgramCounts(NamedTuple):
    """How often each bucket was hit, by how many tokens and documents: `int64[V]` and two `int64[()]`."""

    counts: Longs
    tokens: Longs
    documents: Longs


def count(text: pa.Array, *, ngrams: int = 2, buckets: int = 10_000, hash: str = "mix64") -> NgramCounts:
    """Count the n-grams of order 1 … `ngrams` of all documents in `buckets` buckets.

    Null counts as empty text. O(bytes * ngrams) time, O(longest document + 1 MB) memory.

    Examples:
        >>> found = count(pa.array(["Alice went to the store"]))
        >>> int(found.counts.sum()), int(found.tokens), int(found.documents)
        (9, 5, 1)

    Source: Xie et al. 2023, Data Selection for Language Models via Importance Resampling, section 3.
    """
    return count_with_tokens(text, ngrams=ngrams, buckets=buckets, hash=hash)[0]


def count_with_tokens(
    text: pa.Array, *, ngrams: int = 2, buckets: int = 10_000, hash: str = "mix64"
) -> tuple[NgramCounts, Longs]:
    """Count as `count` does and return each document's number of tokens, `int64[n]`, from the same pass.

    Examples:
        >>> count_with_tokens(pa.array(["one two, three", None]))[1].tolist()
        [4, 0]
    """
    counts = np.zeros(buckets, np.int64)
    tokens = np.zeros(len(text), np.int64)
    for block in bucket_blocks(text, ngrams, buckets, hash):
        _kernels().add_counts(block.ids, block.stops[-1], counts)
        tokens[block.rows] = block.tokens
    return NgramCounts(counts, np.array(tokens.sum()), np.array(len(text))), tokens


def merge(a: NgramCounts, b: NgramCounts) -> NgramCounts:
    """Counts of two sets of documents together.

    Examples:
        >>> one = count(pa.array(["a b"]))
        >>> int(merge(one, one).tokens)
        4
    """
    return NgramCounts(*(np.asarray(x + y) for x, y in zip(a, b, strict=True)))


def score(text: pa.Array, log_ratio: Floats, *, ngrams: int = 2, hash: str = "mix64") -> tuple[Floats, Longs]:
    """Sum `log_ratio` over each document's n-grams: `s[i, t] = Σ_g log_ratio[bucket(g), t]`.

    `log_ratio` is `float64[V, m]`; returns the sums `float64[n, m]` in nats and the tokens `int64[n]`.
    O(bytes * ngrams + n-grams * m) time, O(longest document + 1 MB) memory besides the result.

    Examples:
        >>> score(pa.array(["a b c", ""]), np.ones((100, 1)))[0].tolist()
        [[5.0], [0.0]]
    """
    ratios = np.ascontiguousarray(log_ratio, np.float64)
    buckets, targets = ratios.shape
    sums = np.zeros((len(text), targets))
    tokens = np.zeros(len(text), np.int64)
    for block in bucket_blocks(text, ngrams, buckets, hash):
        if targets == 1:
            _kernels().sum_one(block.ids, block.stops, ratios[:, 0], sums[block.rows, 0])
        else:
            _kernels().sum_many(block.ids, block.stops, ratios, sums[block.rows])
        tokens[block.rows] = block.tokens
    return sums, tokens


def token_counts(text: pa.Array) -> Longs:
    """Number of tokens of each document, `int64[n]`, by the rules of `hash="mix64"`.

    Examples:
        >>> token_counts(pa.array(["It's 9:30.", "漢字 kana"])).tolist()
        [7, 3]
    """
    return token_blocks(text)


def kl_divergence(p_counts: Longs, q_counts: Longs) -> float:
    """Kullback–Leibler divergence in nats, `Σ p ln((p + 1e-8) / (q + 1e-8))`, of two bucket distributions.

    The KL reduction of a selection is `kl_divergence(target, pool) - kl_divergence(target, selected)`.

    Examples:
        >>> round(kl_divergence(np.array([3, 1]), np.array([1, 1])), 4)
        0.1308
    """
    p, q = p_counts / p_counts.sum(), q_counts / q_counts.sum()
    return float(np.sum(p * (np.log(p + _FLOOR) - np.log(q + _FLOOR))))


def diversity(counts: Longs) -> float:
    """Effective number of buckets in use, `exp(-Σ p ln p)`: from 1 to V, and V if all are equally frequent.

    Examples:
        >>> round(diversity(np.array([5, 5, 0])), 6)
        2.0
    """
    used = counts[counts > 0]
    p = used / used.sum()
    return float(np.exp(-np.sum(p * np.log(p))))


def _kernels() -> Any:
    from tamis.ops import _ngram_kernels

    return _ngram_kernels

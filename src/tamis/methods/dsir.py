"""DSIR: importance weights of documents under hashed n-gram models of a target and of the pool."""

from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import ngrams as grams
from tamis.ops.ngrams import NgramCounts
from tamis.registry import method
from tamis.vocabulary import Admitted, AdmittedMatch

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

CHUNK_TOKENS = 128
PACKAGE_FLOOR = 100

_EPSILON = 1e-8
_LENGTHS = ("sum", "sqrt", "mean", "shrunk")
_UNITS = ("document", "chunk")


class LogRatio(NamedTuple):
    """What scoring needs of m targets: `log_ratio` float64[V, m] and `rate` float64[m] in nats, `tokens` float64[m].

    `rate` is the mean sum of log-ratios per target token, `tokens` the mean length of a target document.
    """

    log_ratio: Floats
    rate: Floats
    tokens: Floats


def finish(pool: NgramCounts, targets: list[NgramCounts], *, smoothing: float) -> LogRatio:
    """Log-ratio of every bucket for each target.

    With bucket frequencies q of the pool and p_t of target t, and a = `smoothing`:

        r[b, t] = ln((1 - a) p_t[b] + a q[b] + 1e-8) - ln(q[b] + 1e-8)

    a = 0 is the published estimate, in which a bucket that a small target never hits weighs about -9; a > 0 bounds it
    from below by ln a. O(V m) time and memory.

    Examples:
        >>> pool, target = grams.count(pa.array(["a b", "c d"])), grams.count(pa.array(["a b"]))
        >>> finish(pool, [target], smoothing=0.3).log_ratio.shape
        (10000, 1)

    Source: Xie et al. 2023, Data Selection for Language Models via Importance Resampling, section 3.
    """
    if not 0 <= smoothing < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"smoothing={smoothing}", accepted="0 or more, and less than 1")
    q = _frequencies(pool, "the pool")
    columns = []
    for target in targets:
        p = (1 - smoothing) * _frequencies(target, "the target") + smoothing * q
        columns.append(np.log(p + _EPSILON) - np.log(q + _EPSILON))
    rates = [(target.counts * column).sum() / target.tokens for target, column in zip(targets, columns, strict=True)]
    means = [target.tokens / target.documents for target in targets]
    return LogRatio(np.stack(columns, axis=1), np.array(rates), np.array(means))


def weigh(
    text: pa.Array,
    state: LogRatio,
    *,
    ngrams: int = 2,
    hash: str = "mix64",
    unit: str = "document",
    length: str = "shrunk",
    ceiling: float = 0.2,
) -> tuple[Floats, Longs]:
    """Log importance weight of each document for each target, `float64[n, m]` in nats, and its tokens `int64[n]`.

    The sum S = Σ_g r[bucket(g), t] over the document's n-grams, made comparable by `normalised` and cut by `truncated`.
    High means typical of the target. O(bytes * ngrams + n-grams * m) time.

    Examples:
        >>> pool, target = grams.count(pa.array(["a b", "c d"])), grams.count(pa.array(["a b"]))
        >>> weights, tokens = weigh(pa.array(["a b", "c d"]), finish(pool, [target], smoothing=0.3))
        >>> bool(weights[0, 0] > 0 > weights[1, 0]), tokens.tolist()
        (True, [2, 2])

    Source: as `finish`; `length="sum"` with `ceiling=0` is the weight of the package data-selection 1.0.3.
    """
    sums, tokens = grams.score(text, state.log_ratio, ngrams=ngrams, hash=hash)
    weights = normalised(sums, tokens, unit=unit, length=length)
    return truncated(weights, state, unit=unit, length=length, ceiling=ceiling), tokens


def normalised(sums: Floats, tokens: NDArray[Any], *, unit: str, length: str) -> Floats:
    """Sums S `[n, m]` of log-ratios over T `tokens`, made comparable between documents of different lengths.

    With c = 1, or c = max(1, T / 128) for `unit` = "chunk", and U = T / c:

    | `length` | weight | |
    |---|---|---|
    | "sum" | S / c | as published for equally long pieces; over whole documents it grows with their length |
    | "sqrt" | S / c / √U | |
    | "mean" | S / c / U | per token; prefers short documents |
    | "shrunk" | S / c / (1 + U / 128) | a sum for short documents that levels off: 128 tokens of no evidence added |

    Examples:
        >>> normalised(np.array([[6.0]]), np.array([9]), unit="document", length="sqrt").tolist()
        [[2.0]]
    """
    if length not in _LENGTHS:
        raise refusals.PARAMETER_NOT_LISTED(f"length={length!r}", known=", ".join(_LENGTHS))
    if unit not in _UNITS:
        raise refusals.PARAMETER_NOT_LISTED(f"unit={unit!r}", known=", ".join(_UNITS))
    counted = np.maximum(tokens, 1.0)
    chunks = np.maximum(1.0, counted / CHUNK_TOKENS) if unit == "chunk" else 1.0
    each = counted / chunks
    divisor = {"sum": np.ones_like(each), "sqrt": np.sqrt(each), "mean": each, "shrunk": 1 + each / CHUNK_TOKENS}
    return np.asarray(sums / (chunks * divisor[length])[:, None], np.float64)


def truncated(weights: Floats, state: LogRatio, *, unit: str, length: str, ceiling: float) -> Floats:
    """Weights `[n, m]` cut at a share of what an average target document would have: `min(w, ceiling * w_average)`.

    Evidence beyond that changes nothing, so that a draw represents the target instead of its most extreme documents.
    `ceiling` = 0 cuts nothing. `unit` and `length` are those that `weights` were normalised with.

    Examples:
        >>> state = LogRatio(np.zeros((2, 1)), rate=np.array([0.5]), tokens=np.array([40.0]))
        >>> truncated(np.array([[25.0], [1.0]]), state, unit="document", length="sum", ceiling=0.25).tolist()
        [[5.0], [1.0]]

    Source: Ionides 2008, Truncated Importance Sampling.
    """
    if not ceiling >= 0:
        accepted = "0 for none, or a positive share such as 0.2"
        raise refusals.PARAMETER_OUT_OF_RANGE(f"ceiling={ceiling}", accepted=accepted)
    if ceiling == 0:
        return weights
    average = normalised((state.rate * state.tokens)[:, None], state.tokens, unit=unit, length=length)[:, 0]
    return np.minimum(weights, ceiling * average)


def package_tokens(tokens: Longs, ngrams: int) -> Longs:
    """The length that data-selection compares with its floor of 100: `(Σ features + n (n - 1) / 2) // n`.

    It is the number of tokens, unless a document has fewer than n - 1.

    Examples:
        >>> package_tokens(np.array([0, 7]), 2).tolist()
        [0, 7]
    """
    features = sum(np.maximum(tokens - order, 0) for order in range(ngrams))
    return np.asarray((features + ngrams * (ngrams - 1) // 2) // ngrams, np.int64)


def _frequencies(found: NgramCounts, whose: str) -> Floats:
    total = found.counts.sum()
    if total == 0:
        raise refusals.NO_WORDS(whose)
    return np.asarray(found.counts / total, np.float64)


FAST = {
    "buckets": 100_000, "length": "shrunk", "ceiling": 0.2, "smoothing": 0.3, "min_tokens": 0, "temperature": 1.0,
}  # fmt: skip
PUBLISHED = {
    "buckets": 10_000, "length": "sum", "ceiling": 0.0, "smoothing": 0.0, "min_tokens": PACKAGE_FLOOR,
    "temperature": 1.0,
}  # fmt: skip


def settings(values: dict[str, Any]) -> dict[str, Any]:
    """Fill in what was left open: as the package has it for its own hash, as measured best for the fast one."""
    usual = PUBLISHED if str(values["hash"]).startswith("sha256") else FAST
    return values | {name: usual[name] for name in usual if values[name] is None}


@method(
    paper="Data Selection for Language Models via Importance Resampling",
    no=167,
    year=2023,
    family="target",
    pole="near",
    choose="weighted-draw",
    cost="O(bytes · ngrams)",
    memory="8 V m + 8 n m on disk",
    loses=(
        "when the pool already reads like the target, or a target of few documents makes chance n-grams count; it "
        "gains less where the budget outgrows what the pool has of the target, and costs elsewhere"
    ),
    fit=grams.count,
    merge=grams.merge,
    finish=finish,
    presets=settings,
)
def dsir(
    text: pa.Array,
    state: LogRatio,
    *,
    ngrams: int = 2,
    hash: Literal["mix64", "sha256", "sha256-re"] = "mix64",
    unit: Literal["document", "chunk"] = "document",
    buckets: int | None = None,
    length: Literal["sum", "sqrt", "mean", "shrunk"] | None = None,
    ceiling: float | None = None,
    smoothing: float | None = None,
    min_tokens: int | None = None,
    temperature: float | None = None,
) -> AdmittedMatch:
    """Log importance weight of each document under hashed n-gram models of each target and of the pool.

    With p and q the frequencies of hashed n-grams in the target and in the pool, and S the sum over a document's
    n-grams of `ln((1 - a) p + a q + 1e-8) - ln(q + 1e-8)`, its weight is `S / (1 + T / 128)` for T tokens, cut at a
    fifth of what an average document of the target would have; the draw takes documents with odds `exp(weight)`.

    Args:
        text: Arrow strings `[n]`.
        state: what `finish` made of the counts of pool and targets.
        ngrams: longest n-gram, in tokens.
        hash: `mix64` is fast; `sha256` gives the very weights of the package data-selection 1.0.3 and with them its
            rules: 10,000 buckets, plain sums, no smoothing, no ceiling, 100 tokens at least (`sha256-re` for NLTK
            before 3.10). What is left open below follows from it.
        unit: weigh whole documents, or the mean over their chunks of 128 tokens.
        buckets: V, how many buckets n-grams share.
        length: how sums of documents of different length compare; see `normalised`.
        ceiling: share of the average target document's weight at which weights are cut; 0 cuts none, which suits a
            budget of nearly all that the pool has of the target's kind; see `truncated`.
        smoothing: a, the share of the pool in the estimate of the target; bounds what a missing n-gram can cost.
        min_tokens: shorter documents are scored and never chosen.
        temperature: of the draw; 0 takes the highest weights.

    Returns:
        Weights in nats, `float64 [n, m]`, one column a target, and which documents may be chosen, `bool [n]`. High is
        near. `O(bytes * ngrams)` time in two passes, `8 V m` bytes.

    Loses to random when the pool already reads like the target, or when a target of few documents makes chance n-grams
    count.

    Examples:
        >>> import tamis
        >>> texts = ["the court shall order", "pip install numpy", "the law of the land", "import sys"]
        >>> pool = pa.table({"text": texts})
        >>> target = pa.table({"text": ["a court of law", "the order of the court"]})
        >>> sorted(tamis.select(pool, "dsir", target=target, budget=2, temperature=0).rows.tolist())
        [0, 2]

    Source: Xie et al. 2023, Data Selection for Language Models via Importance Resampling; Ionides 2008 for the ceiling.
    """
    assert length is not None and ceiling is not None and min_tokens is not None
    weights, tokens = weigh(text, state, ngrams=ngrams, hash=hash, unit=unit, length=length, ceiling=ceiling)
    return Admitted(weights, package_tokens(tokens, ngrams) >= min_tokens)

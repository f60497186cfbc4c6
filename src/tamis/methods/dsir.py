"""DSIR: importance weights of documents under hashed n-gram models of a target and of the pool."""

from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.errors import Refused
from tamis.ops import ngrams as grams
from tamis.ops.ngrams import NgramCounts
from tamis.registry import method
from tamis.vocabulary import Admitted, AdmittedMatch

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

CHUNK_TOKENS = 128
PACKAGE_FLOOR = 100

_EPSILON = 1e-8
_POWERS = {"sum": 0.0, "sqrt": 0.5, "mean": 1.0}


class LogRatio(NamedTuple):
    """Log-ratio of target to pool frequency in nats, `float64[V, m]`, one column a target."""

    log_ratio: Floats


def finish(pool: NgramCounts, targets: list[NgramCounts], *, smoothing: float) -> LogRatio:
    """Log-ratio of every bucket for each target.

    With bucket frequencies q of the pool and p_t of target t, and a = `smoothing`:

        r[b, t] = ln((1 - a) p_t[b] + a q[b] + 1e-8) - ln(q[b] + 1e-8)

    a = 0 is the published estimate, in which a bucket that a small target never hits weighs about -9; a > 0 bounds it
    from below by ln a. O(V m) time and memory.

    Examples:
        >>> pool, target = grams.count(pa.array(["a b", "c d"])), grams.count(pa.array(["a b"]))
        >>> finish(pool, [target], smoothing=0.05).log_ratio.shape
        (10000, 1)

    Source: Xie et al. 2023, Data Selection for Language Models via Importance Resampling, section 3.
    """
    if not 0 <= smoothing < 1:
        raise Refused(f"smoothing={smoothing} is out of range: give 0 or more, and less than 1")
    q = _frequencies(pool, "the pool")
    columns = []
    for target in targets:
        p = (1 - smoothing) * _frequencies(target, "the target") + smoothing * q
        columns.append(np.log(p + _EPSILON) - np.log(q + _EPSILON))
    return LogRatio(np.stack(columns, axis=1))


def weigh(
    text: pa.Array, state: LogRatio, *, ngrams: int = 2, hash: str = "mix64", unit: str, length: str
) -> tuple[Floats, Longs]:
    """Log importance weight of each document for each target, `float64[n, m]` in nats, and its tokens `int64[n]`.

    With S = Σ_g r[bucket(g), t] over the document's n-grams and T its tokens:

        w = S / c / (T / c)^h,   h = 0, 1/2, 1 for `length` = "sum", "sqrt", "mean"

    with c = 1, or c = ceil(T / 128) for `unit` = "chunk". High means typical of the target. "sum" is the published
    weight of equally long pieces of text; over whole documents it grows with their length.
    O(bytes * ngrams + n-grams * m) time.

    Examples:
        >>> pool, target = grams.count(pa.array(["a b", "c d"])), grams.count(pa.array(["a b"]))
        >>> state = finish(pool, [target], smoothing=0.05)
        >>> weights, tokens = weigh(pa.array(["a b", "c d"]), state, unit="document", length="sqrt")
        >>> bool(weights[0, 0] > 0 > weights[1, 0]), tokens.tolist()
        (True, [2, 2])

    Source: as `finish`; the package data-selection 1.0.3 for whole documents.
    """
    sums, tokens = grams.score(text, state.log_ratio, ngrams=ngrams, hash=hash)
    return normalised(sums, tokens, unit=unit, length=length), tokens


def normalised(sums: Floats, tokens: Longs, *, unit: str, length: str) -> Floats:
    """Sums `[n, m]` of log-ratios made comparable between documents of different `tokens`, as `weigh` says.

    Examples:
        >>> normalised(np.array([[6.0]]), np.array([9]), unit="document", length="sqrt").tolist()
        [[2.0]]
    """
    if length not in _POWERS:
        raise Refused(f"length={length!r} is unknown: give one of {', '.join(_POWERS)}")
    if unit not in ("document", "chunk"):
        raise Refused(f"unit={unit!r} is unknown: give document or chunk")
    counted = np.maximum(tokens, 1)
    chunks = -(-counted // CHUNK_TOKENS) if unit == "chunk" else np.ones_like(counted)
    return np.asarray(sums / (chunks * (counted / chunks) ** _POWERS[length])[:, None], np.float64)


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
        raise Refused(f"{whose} holds no text: give at least one document with a word")
    return np.asarray(found.counts / total, np.float64)


def settings(values: dict[str, Any]) -> dict[str, Any]:
    """Fill in what was left open: the published rule for the package's hash, Tamis' own for the fast one."""
    published = str(values["hash"]).startswith("sha256")
    usual = PUBLISHED if published else FAST
    return values | {name: usual[name] for name in usual if values[name] is None}


PUBLISHED = {"length": "sum", "smoothing": 0.0, "min_tokens": PACKAGE_FLOOR, "temperature": 1.0}
FAST = {"length": "sqrt", "smoothing": 0.05, "min_tokens": 0, "temperature": 0.0}


@method(
    paper="Data Selection for Language Models via Importance Resampling",
    no=167,
    year=2023,
    family="target",
    pole="near",
    choose="weighted-draw",
    cost="O(bytes · ngrams)",
    memory="8 V m + 8 n m on disk",
    loses="when the target's style is already the pool's, or the target is so small that its n-grams are chance",
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
    buckets: int = 10_000,
    hash: Literal["mix64", "sha256", "sha256-re"] = "mix64",
    unit: Literal["document", "chunk"] = "document",
    length: Literal["sum", "sqrt", "mean"] | None = None,
    smoothing: float | None = None,
    min_tokens: int | None = None,
    temperature: float | None = None,
) -> AdmittedMatch:
    """x"""
    weights, tokens = weigh(text, state, ngrams=ngrams, hash=hash, unit=unit, length=str(length))
    return Admitted(weights, package_tokens(tokens, ngrams) >= (min_tokens or 0))

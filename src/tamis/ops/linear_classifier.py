"""Logistic regression on hashed n-grams: distils a label, or a score in [0, 1], of some texts over a large pool.

With c_b how often bucket b occurs in a document, whose buckets hold its n-grams of order 1 … `ngrams`,

    x_b = ln(1 + c_b) / √(Σ_a ln²(1 + c_a)),   p = 1 / (1 + exp(-(Σ_b w_b x_b + w_0)))

so that a long document counts no more than a short one. For each document in turn, with its weight v and label y, the
gradient of the cross entropy g_b = v (p - y) x_b, and g_0 = v (p - y), steps w by AdaGrad:

    G_b ← G_b + g_b²,   w_b ← w_b - rate · g_b / (0.1 + √G_b)

The 0.1, in place of nearly 0, keeps the first document that has an n-gram from deciding what it means.

Source: Duchi, Hazan and Singer 2011, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization;
Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning. It stands where fastText does (Joulin et al.
2017, Bag of Tricks for Efficient Text Classification), without an embedding between n-grams and the label.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from tamis import refusals
from tamis.ops.ngram_counts import LOG_COUNTS, DistinctNgrams, count, in_blocks

Floats = NDArray[np.float32]

START = 0.1


class Model(NamedTuple):
    """A fitted classifier, of arrays that `numpy.savez` can keep.

    Args:
        weights: `float32[V]`, w of each bucket, in units of log-odds.
        bias: `float32[()]`, w_0.
        ngrams: `int64[()]`, the highest order of n-grams.
    """

    weights: Floats
    bias: Floats
    ngrams: NDArray[np.int64]


def fit(
    texts: pa.Array | pa.ChunkedArray,
    labels: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    ngrams: int = 2,
    buckets: int = 1 << 20,
    epochs: int = 5,
    rate: float = 1.0,
    seed: int = 0,
) -> Model:
    """Learn to tell texts with label 1 from texts with label 0.

    The order of documents is drawn anew in each epoch. It and all steps are those of one thread, so that a seed gives
    the same bytes on any number of threads.

    Args:
        texts: `[n]`, strings; null is empty text.
        labels: `[n]`, 0 or 1, or a score between them that the probability should reach.
        weights: `[n]`, at least 0, how much each document counts; only their ratios matter. 1 each without them.
        ngrams: the highest order of n-grams.
        buckets: V, at most 16777216; with more, fewer n-grams share one.
        epochs: how often each document is seen.
        rate: the length of a step.
        seed: of the orders.

    Returns:
        The model, of `4 V` bytes. `O(bytes · ngrams + epochs · distinct n-grams)` time. Each text is hashed once, and 4
        bytes are kept for each distinct n-gram of a document: 1.2 times the bytes of prose, up to twice that while
        blocks are joined, and `14 V` bytes beside them.

    Raises:
        Refused: if texts are no strings, lengths differ, labels are outside 0 … 1 or all the same, weights are negative
            or all 0, or a number is out of range.

    When it loses: what decides must be in single words or pairs of them. Below a few hundred documents of each label,
    or where word order or meaning decide, a classifier on embeddings of a language model does better.

    Examples:
        >>> texts = pa.array(["a fine day", "fine and warm", "a bad night", "bad, and cold"] * 5)
        >>> model = fit(texts, [1, 1, 0, 0] * 5)
        >>> (predict(model, pa.array(["a fine night", "a bad day"])) > 0.5).tolist()
        [True, False]
    """
    targets = np.asarray(labels, np.float32)
    shares = np.ones(len(texts), np.float64) if weights is None else np.asarray(weights, np.float64)
    _check(len(texts), targets, shares, epochs, rate)
    shares = (shares / shares.mean()).astype(np.float32)
    return train(count(texts, ngrams=ngrams, buckets=buckets), targets, shares, ngrams, buckets, epochs, rate, seed)


def predict(model: Model, texts: pa.Array | pa.ChunkedArray) -> Floats:
    """The probability of label 1 of each text: *high* is like those with label 1.

    Args:
        model: what `fit` gave.
        texts: `[n]`, strings; null is empty text, and has the probability that the bias gives.

    Returns:
        `float32[n]`. `O(bytes · ngrams)` time on two threads; besides the result and the model, `O(longest document +
        1 MB + V)` bytes each.

    Raises:
        Refused: if texts are no strings.

    Examples:
        >>> unfitted = Model(np.zeros(2, np.float32), np.zeros((), np.float32), np.array(1))
        >>> predict(unfitted, pa.array(["any text"])).tolist()
        [0.5]
    """
    odds = margins(model, texts)
    with np.errstate(over="ignore"):  # what is beyond float32 has a probability of 0
        return (1 / (1 + np.exp(-odds, dtype=np.float64))).astype(np.float32)


def margins(model: Model, texts: pa.Array | pa.ChunkedArray) -> Floats:
    """The log-odds of label 1 of each text, which tell apart texts whose probabilities are both 1.

    Takes, gives, costs and refuses what `predict` does.

    Examples:
        >>> one_word = Model(np.array([3.0, 3.0], np.float32), np.zeros((), np.float32), np.array(1))
        >>> margins(one_word, pa.array(["any", ""])).tolist()
        [3.0, 0.0]
    """
    from tamis.ops._linear_classifier_kernels import apply

    found = np.empty(len(texts), np.float32)
    weights, bias = np.ascontiguousarray(model.weights, np.float32), np.float32(model.bias)

    def fill(rows: slice, own: DistinctNgrams) -> None:
        apply(own.packed, own.stops, LOG_COUNTS, weights, bias, found[rows])

    in_blocks(texts, int(model.ngrams), len(weights), fill)
    return found


def train(
    counts: DistinctNgrams,
    targets: Floats,
    weights: Floats,
    ngrams: int,
    buckets: int,
    epochs: int,
    rate: float,
    seed: int,
) -> Model:
    """The model of documents that are counted already."""
    from tamis.ops import _linear_classifier_kernels as kernels

    state = np.zeros((buckets + 1, 2), np.float32)
    draws = np.random.default_rng(seed)
    for _ in range(epochs):
        order = draws.permutation(len(targets))
        kernels.train(*counts, order, targets, weights, LOG_COUNTS, np.float32(rate), np.float32(START), state)
    return Model(state[:-1, 0].copy(), np.array(state[-1, 0]), np.array(ngrams))


def _check(n: int, targets: Floats, shares: NDArray[np.float64], epochs: int, rate: float) -> None:
    """Refuse labels, weights and numbers from which nothing can be learned."""
    if targets.shape != (n,):
        raise refusals.PARAMETER_OUT_OF_RANGE(f"labels of shape {targets.shape}", accepted=f"one for each of {n} texts")
    if shares.shape != (n,):
        raise refusals.PARAMETER_OUT_OF_RANGE(f"weights of shape {shares.shape}", accepted=f"one for each of {n} texts")
    wrong = ~((targets >= 0) & (targets <= 1))
    if wrong.any():
        raise refusals.PARAMETER_OUT_OF_RANGE(f"the label {targets[wrong][0]}", accepted="numbers from 0 to 1")
    wrong = ~(np.isfinite(shares) & (shares >= 0))
    if wrong.any():
        raise refusals.PARAMETER_OUT_OF_RANGE(f"the weight {shares[wrong][0]}", accepted="finite numbers of at least 0")
    counted = targets[shares > 0]
    if not len(counted) or counted.min() == counted.max():
        raise refusals.PARAMETER_OUT_OF_RANGE(
            f"labels that are all {counted[0]:g}" if len(counted) else "no text that counts",
            accepted="texts of at least two different labels",
        )
    if epochs < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"epochs={epochs}", accepted="1 or more")
    if not 0 < rate < np.inf:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"rate={rate}", accepted="a number above 0")

"""A hashed linear classifier that tells texts of the target from those of the pool."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import linear_classifier, text_samples
from tamis.ops.ngram_counts import DistinctNgrams
from tamis.ops.text_samples import Sample
from tamis.registry import method
from tamis.vocabulary import Match

BUCKETS = 1 << 20


class Classifiers(NamedTuple):
    """For each half of the pool one for each of m targets: `weights float32 [h, m, V]`, `bias float32 [h, m]`, n.

    A document is scored by the half that it cannot be in; with h = 1 there is but one.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    ngrams: NDArray[np.int64]


def fit(text: pa.Array, *, ngrams: int = 2, sample: int = 20_000) -> Sample:
    """The n-grams of a sample of texts: `sample` of them with the lowest hashes. `O(bytes)` time."""
    return text_samples.sample(text, ngrams=ngrams, buckets=BUCKETS, size=sample)


def finish(pool: Sample, targets: list[Sample], *, ngrams: int = 2, epochs: int = 5) -> Classifiers:
    """Train classifiers for each target against each half of the sample of the pool; both labels count alike.

    `O(epochs · distinct n-grams)` time, `24 V` bytes for each target.
    """
    odd = (pool.keys & np.uint64(1)).astype(bool)
    halves = [np.flatnonzero(~odd), np.flatnonzero(odd)] if odd.any() and not odd.all() else [np.arange(len(odd))]
    models = [[_train(pool, rows, target, ngrams, epochs) for target in targets] for rows in halves]
    return Classifiers(
        np.stack([np.stack([model.weights for model in half]) for half in models]),
        np.array([[model.bias for model in half] for half in models]),
        np.array(ngrams),
    )


def _train(pool: Sample, rows: NDArray[np.int64], target: Sample, ngrams: int, epochs: int) -> linear_classifier.Model:
    """The classifier of a target against some documents of the sample of the pool."""
    if not len(target.keys) or not len(rows):
        raise refusals.NO_WORDS("the pool" if len(target.keys) else "the target")
    packed, stops = text_samples.take(pool.packed, pool.stops, rows)
    sizes = [len(target.keys), len(rows)]
    labels = np.repeat(np.array([1, 0], np.float32), sizes)
    weights = np.repeat(np.array([sum(sizes) / (2 * size) for size in sizes], np.float32), sizes)
    both = np.concatenate((target.packed, packed)), np.concatenate((target.stops, len(target.packed) + stops))
    return linear_classifier.train(DistinctNgrams(*both), labels, weights, ngrams, BUCKETS, epochs, 1.0, 0)


@method(
    family="target",
    pole="near",
    choose="top",
    cost="O(bytes · ngrams)",
    memory="24 V m, and 1 kB for each document of the sample",
    loses="when the target is told by what it is about and the pool has much of it: a classifier knows only the border",
    fit=fit,
    merge=text_samples.merge,
    finish=finish,
    kernels=("tamis.ops._count_kernels", "tamis.ops._linear_classifier_kernels"),
)
def quality_classifier(
    text: pa.Array, state: Classifiers, *, ngrams: int = 2, sample: int = 20_000, epochs: int = 5
) -> Match:
    """The log-odds that a document is of the target rather than of the pool, by a linear model of hashed n-grams.

    With x_b = ln(1 + c_b) over its length, for the counts c_b of n-grams in bucket b,

        s(x) = w_0 + Σ_b w_b x_b

    fitted by logistic regression: the target's texts against a sample of the pool, both of equal weight. What it has
    seen as the pool's it would call that whatever it is; so two are fitted, each against one half of the sample, and a
    document is scored by the one whose half it cannot be in. This is
    how quality filters are made (good text against a crawl), and how a dear score is carried over to a large pool:
    score a sample, and give its best tenth as the target.

    Args:
        text: Arrow strings `[n]`.
        state: the classifiers that `finish` trained.
        ngrams: the highest order of n-grams, in tokens.
        sample: texts of the pool, and of each target, that it learns from at most.
        epochs: how often it sees each.

    Returns:
        `float64 [n, m]`, in units of log-odds; high is near. `O(bytes · ngrams)` time in two passes.

    Loses to random when the pool has much of the target: what is far on its side is not what is typical of it.

    Examples:
        >>> import tamis
        >>> pool = {"text": ["the court shall order", "pip install numpy", "the law of the land", "import sys"]}
        >>> target = {"text": ["a court of law", "the order of the court"]}
        >>> sorted(tamis.select(pool, "quality-classifier", target=target, budget=2).rows.tolist())
        [0, 2]

    Source: Brown et al. 2020, Language Models are Few-Shot Learners, appendix A; Li et al. 2024, DataComp-LM, section
    4.4, whose classifier is fastText. `benchmarks/linear_classifier.py` compares with that.
    """
    found = np.empty((len(text), state.weights.shape[1]))
    odd = (
        (text_samples.keys_of(text) & np.uint64(1)).astype(bool) if len(state.weights) > 1 else np.ones(len(text), bool)
    )
    for half, rows in enumerate((np.flatnonzero(odd), np.flatnonzero(~odd))):
        if len(rows):
            part = text.take(pa.array(rows))
            for target in range(found.shape[1]):
                model = linear_classifier.Model(state.weights[half, target], state.bias[half, target], state.ngrams)
                found[rows, target] = linear_classifier.margins(model, part)
    return found

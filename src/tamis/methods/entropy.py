"""Entropy: the examples whose class a model leaves most open."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.probabilities import normalised
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="uncertainty",
    pole="hard",
    cost="O(n k)",
    memory="17 n k + 8 n for k classes",
    loses=(
        "when little is kept: the most uncertain examples resemble each other, and are often noise or wrongly labelled"
    ),
)
def entropy(probs: NDArray[np.float32]) -> Score:
    """The entropy of each example's class probabilities, `H(p) = -Σ_c p_c ln p_c`, with `0 ln 0 = 0`.

    Of two classes it ranks as `margin` and `least-confidence` do.

    Args:
        probs: `float32 [n, k]`, rows that sum to 1 ± 0.001, which are divided by their sums.

    Returns:
        Nats, `float64 [n]`, from 0 to ln k; high is hard. `O(n k)` time.

    Raises `BadRow` for a row that is no probabilities.

    Loses to random when little is kept: the most uncertain examples resemble each other, and many are noise or wrongly
    labelled.

    The code published with BADGE takes `0 ln 0` for NaN, which sorts such rows wrongly.

    Examples:
        >>> scores = entropy(np.array([[1, 0, 0], [0.5, 0.5, 0], [0.25, 0.5, 0.25]], np.float32))
        >>> scores.round(4).tolist()
        [0.0, 0.6931, 1.0397]

    Source: Lewis and Gale 1994, A Sequential Algorithm for Training Text Classifiers; Settles 2009, Active Learning
    Literature Survey.
    """
    p = normalised(probs)
    terms = np.log(p, out=np.zeros_like(p), where=p > 0)
    terms *= p
    return np.asarray(np.maximum(-terms.sum(axis=1), 0.0))

"""Margin: the examples between whose two likeliest classes a model hardly decides."""

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.probabilities import normalised
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="uncertainty",
    pole="hard",
    cost="O(n k)",
    memory="16 n k + 16 n for k classes",
    loses=(
        "when little is kept: the most uncertain examples resemble each other, and are often noise or wrongly labelled"
    ),
)
def margin(probs: NDArray[np.float32]) -> Score:
    """How close the second likeliest class of each example comes to the likeliest: `1 - (p_(1) - p_(2))`.

    Of two classes it ranks as `entropy` and `least-confidence` do.

    Args:
        probs: `float32 [n, k]`, at least two classes, rows that sum to 1 ± 0.001, which are divided by their sums.

    Returns:
        `float64 [n]`, from 0 (certain) to 1 (undecided); high is hard. `O(n k)` time.

    Raises `BadRow` for a row that is no probabilities; refuses a single class.

    Loses to random when little is kept: the most uncertain examples resemble each other, and many are noise or wrongly
    labelled.

    Examples:
        >>> margin(np.array([[1, 0, 0], [0.5, 0.5, 0], [0.25, 0.5, 0.25]], np.float32)).tolist()
        [0.0, 1.0, 0.75]

    Source: Scheffer, Decomain and Wrobel 2001, Active Hidden Markov Models for Information Extraction.
    """
    if probs.shape[1] < 2:
        raise refusals.MARGIN_OF_ONE_CLASS("margin")
    p = np.partition(normalised(probs), probs.shape[1] - 2, axis=1)
    return np.asarray(p[:, :-1].sum(axis=1) + p[:, -2])  # what is not p_(1) is known more exactly than 1 less p_(1)

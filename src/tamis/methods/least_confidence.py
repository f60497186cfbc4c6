"""Least confidence: the examples whose likeliest class is the least likely."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.probabilities import normalised
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    family="uncertainty",
    pole="hard",
    cost="O(n k)",
    memory="8 n k + 16 n for k classes",
    loses=(
        "when little is kept: the most uncertain examples resemble each other, and are often noise or wrongly labelled"
    ),
)
def least_confidence(probs: NDArray[np.float32]) -> Score:
    """How likely it is that the likeliest class of each example is wrong: `1 - max_c p_c`.

    Of two classes it ranks as `entropy` and `margin` do.

    Args:
        probs: `float32 [n, k]`, rows that sum to 1 ± 0.001, which are divided by their sums.

    Returns:
        `float64 [n]`, from 0 to 1 - 1/k; high is hard. `O(n k)` time.

    Raises `BadRow` for a row that is no probabilities.

    Loses to random when little is kept: the most uncertain examples resemble each other, and many are noise or wrongly
    labelled.

    Examples:
        >>> least_confidence(np.array([[1, 0, 0], [0.5, 0.5, 0], [0.25, 0.5, 0.25]], np.float32)).tolist()
        [0.0, 0.5, 0.5]

    Source: Lewis and Gale 1994, A Sequential Algorithm for Training Text Classifiers.
    """
    p = normalised(probs)
    p[np.arange(len(p)), p.argmax(axis=1)] = 0  # the others are known more exactly than 1 less the largest
    return np.asarray(p.sum(axis=1))

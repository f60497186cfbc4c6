"""Feature-based selection: rows that together have something of every feature, with less for more of the same."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis.ops import coverage
from tamis.registry import method
from tamis.vocabulary import SetFunction


@method(
    family="coverage",
    cost="O(n d), then the few gains that its bounds leave open",
    memory="4 n d + 40 n; vectors included; up to 2 n d more where most numbers are 0",
    bytes=lambda n, d, k, **_: 40 * n + 4 * n * d,
    streams=False,
    loses=(
        "when the numbers are not amounts of anything, as in most embeddings, or are on scales of their own; and when "
        "rows with large numbers are worth less than others, since it takes those first"
    ),
)
def feature_based(
    embedding: NDArray[np.float32], *, concave: Literal["sqrt", "log1p", "saturating"] = "sqrt"
) -> SetFunction:
    """Rows that together have much of every feature, where the first of a feature counts most.

    F(S) = Σ_f φ(Σ_{j∈S} x_jf), with φ(x) = √x, ln(1 + x) or x / (1 + x): counts of words, pixels, activations. It is
    monotone and submodular, so greedy is within `1 - 1/e` of the best set. The larger a row's numbers, the more it
    covers: divide rows by their sums to choose by proportions alone.

    Args:
        embedding: `float32 [n, d]`, at least 0.
        concave: φ; "saturating" is soonest content with a feature, "sqrt" never is.

    Returns:
        The set function. `O(n d)` time for the first row; 40 n bytes, and up to `2 n d` more where most numbers are 0.
        A high gain is much of features that the rows before have little of.

    Raises `BadRow` for a number below 0.

    Loses to random when the numbers are no amounts, as in most embeddings, or when rows with large numbers are worth
    less than others.

    Examples:
        >>> words = np.array([[4, 0, 0], [4, 0, 0], [0, 1, 1], [1, 1, 0]], np.float32)
        >>> found = feature_based(words)
        >>> [(row, round(gain, 2)) for row, gain in [found.best(np.ones(4, bool))]], found.take(2)
        ([(0, 2.0)], None)
        >>> found.gains(np.array([0, 1, 3])).round(2).tolist()
        [2.0, 2.0, 1.41]

    Source: Wei et al. 2014, Submodular Subset Selection for Large-Scale Speech Training Data; Schreiber et al. 2020,
    apricot, whose `FeatureBasedSelection` has the same gains ("log" there is "log1p" here, "sigmoid" is "saturating").
    """
    return coverage.feature_based(embedding, concave=concave)

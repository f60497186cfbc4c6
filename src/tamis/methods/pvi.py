"""PVI: how much an input tells a model of its label."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.hardness import information
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    paper="Influence Scores at Scale for Efficient Language Data Sampling",
    no=217,
    year=2023,
    family="dynamics",
    pole="easy",
    choose="bottom",
    cost="O(n k) for k classes",
    memory="48 n + 3 MiB",
    bytes=lambda n, d, k, **parameters: 48 * n + 3 * 2**20,
    streams=False,
    loses="when less than about half is kept, or labels are wrong: these tell the model least of all",
)
def pvi(probs: NDArray[np.float32], null_probs: NDArray[np.float32], label: NDArray[np.int64]) -> Score:
    """How many bits the input of each example gives a model for its label, `log2 p_y − log2 q_y`; the fewest are kept.

    Pointwise V-information: p is of a model trained on inputs and labels, q of one trained with the inputs left empty,
    which knows no more than how frequent classes are.

    Args:
        probs: p, `float32 [n, k]`, at least two classes, rows that sum to 1 ± 0.001, which are divided by their sums.
            Columns may be in any order: each class has the one that fits it by p, no two the same.
        null_probs: q, `float32 [n, k]`, likewise, of the same classes in the same order.
        label: y, `int64 [n]`.

    Returns:
        Bits, `float64 [n]`; high is easy, below 0 the model was better off without the input. A probability below
        2⁻¹²⁶ counts as that. `O(n k)` time, `48 n` bytes and 3 MiB.

    Raises `BadRow` for a row that is no probabilities, `Refused` for a single class, for more classes than columns and
    for matrices of different widths.

    Loses to random when less than about half is kept, or labels are wrong: these tell the model least of all.

    Examples:
        >>> probs = np.array([[0.5, 0.5], [0.125, 0.875]], np.float32)
        >>> pvi(probs, np.full((2, 2), 0.5, np.float32), np.array([0, 1])).round(4).tolist()
        [0.0, 0.8074]

    Source: Ethayarajh, Choi and Swayamdipta 2022, Understanding Dataset Difficulty with V-Usable Information; Anand,
    Tan and Minakova 2023.
    """
    return information(probs, null_probs, label)

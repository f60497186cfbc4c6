"""EL2N: how far a model's probabilities are from the label."""

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.hardness import error_norms
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    paper="Deep Learning on a Data Diet: Finding Important Examples Early in Training",
    no=207,
    year=2021,
    family="dynamics",
    pole="hard",
    cost="O(n k) for k classes",
    memory="48 n + 3 MiB",
    bytes=lambda n, d, k, **parameters: 48 * n + 3 * 2**20,
    streams=False,
    loses="when less than about a third is kept, or labels are wrong: the hardest are then outliers and noise",
)
def el2n(probs: NDArray[np.float32], label: NDArray[np.int64], *, norm: int = 2) -> Score:
    """How far a model is from the label of each example early in training: `‖p − e_y‖`, the length of its error.

    The paper takes a model after 10 to 20 epochs of 200, probabilities of inputs that are not augmented, and the mean
    of 10 runs or more at the same step. For a mean give a column made of several runs to `top:COLUMN`.

    Args:
        probs: p, `float32 [n, k]`, at least two classes, rows that sum to 1 ± 0.001, which are divided by their sums.
            Columns may be in any order: each class has the one that fits it, no two the same.
        label: y, `int64 [n]`.
        norm: 2, or 1 for the sum of the errors' sizes, which ranks as 1 − p_y does.

    Returns:
        `float64 [n]`, from 0 to √2, with the 1-norm to 2; high is hard. `O(n k)` time, `48 n` bytes and 3 MiB.

    Raises `BadRow` for a row that is no probabilities, `Refused` for a single class, for more classes than columns and
    for another norm.

    Loses to random when less than about a third is kept, or labels are wrong: the hardest are then outliers and noise.
    `el2n-ccs` keeps rows of every difficulty instead.

    The official code also has a window of ranks, which is `--choose middle` here, and needs n to be a multiple of its
    batch. The mean over epochs of one run, as in the code of CCS, is another score.

    Examples:
        >>> probs = np.array([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]], np.float32)
        >>> el2n(probs, np.array([0, 1, 0])).round(4).tolist()
        [0.3536, 0.3536, 0.7071]

    Source: Paul, Ganguli and Dziugaite 2021; github.com/mansheej/data_diet.
    """
    if norm not in (1, 2):
        raise refusals.PARAMETER_NOT_LISTED(f"norm={norm}", known="1, 2")
    return error_norms(probs, label, norm)

"""GraNd of the last layer: how long the gradient of each example is."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.hardness import error_norms, lengths
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    paper="Deep Learning on a Data Diet: Finding Important Examples Early in Training",
    no=207,
    year=2021,
    family="dynamics",
    pole="hard",
    cost="O(n (k + d)) for k classes",
    memory="48 n + 3 MiB",
    bytes=lambda n, d, k, **parameters: 48 * n + 3 * 2**20,
    streams=False,
    loses="when less than about a third is kept, labels are wrong, or the model has not begun to learn",
)
def grand(
    probs: NDArray[np.float32],
    label: NDArray[np.int64],
    embedding: NDArray[np.float32],
    *,
    bias: bool = True,
) -> Score:
    """How far each example would move the last layer of a model: the length of its gradient there.

    For cross entropy that gradient is `(p − e_y) ⊗ (h, 1)`, so that it need not be made:

        s = ‖p − e_y‖ √(1 + ‖h‖²)

    DeepCore calls this GraNd. That of the paper is over all layers; `tamis.torch.measure` computes it, and its column
    goes to `top:COLUMN`.

    Args:
        probs: p, `float32 [n, k]`, at least two classes, rows that sum to 1 ± 0.001, which are divided by their sums.
            Columns may be in any order: each class has the one that fits it, no two the same.
        label: y, `int64 [n]`.
        embedding: h, `float32 [n, d]`, what the last layer sees.
        bias: whether the layer has one; without it the root is ‖h‖.

    Returns:
        `float64 [n]`, at least 0; high is hard. `O(n (k + d))` time, `48 n` bytes and 3 MiB.

    Raises `BadRow` for a row that is no probabilities, `Refused` for a single class and for more classes than columns.

    Loses to random when less than about a third is kept, when labels are wrong, or when the model has not begun to
    learn: scores at the first step, which the paper recommends, were later found to come from a trained model.

    Examples:
        >>> probs = np.array([[0.75, 0.25], [0.25, 0.75]], np.float32)
        >>> h = np.array([[0, 0], [2, 2]], np.float32)
        >>> grand(probs, np.array([0, 1]), h).round(4).tolist()
        [0.3536, 1.0607]

    Source: Paul, Ganguli and Dziugaite 2021; Guo, Zhao and Bai 2022, DeepCore.
    """
    found = error_norms(probs, label)
    found *= np.sqrt(lengths(embedding) + bool(bias))
    return found

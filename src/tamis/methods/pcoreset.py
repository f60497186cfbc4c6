"""PCoreSet: rows to label that cover what a model predicts, rather than what it sees."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis.ops.farthest_first import FarthestFirst
from tamis.ops.nearest_taken import bytes_of
from tamis.ops.probabilities import check_probabilities
from tamis.registry import method
from tamis.vocabulary import SetFunction


def _bytes(n: float, d: float, k: float, **_: object) -> float:
    return 4 * n * d + bytes_of(n, k)


@method(
    paper="PCoreSet: Effective Active Learning through Knowledge Distillation from Vision-Language Models",
    no=128,
    year=2025,
    family="uncertainty",
    cost="O(n k d) at worst for d classes; on most data a tenth of that or less",
    memory=(
        "4 n d + 20 n + 8 k + 4 c²; c = min(max(k, 512), 2,048), as a power of 2; probabilities of d classes included"
    ),
    bytes=_bytes,
    streams=False,
    loses="when the model's confident predictions are wrong, or classes are so few that random rows hit all of them",
)
def pcoreset(probs: NDArray[np.float32], *, first: Literal["medoid", "index"] = "medoid") -> SetFunction:
    """Rows to label next, farthest-first among predicted class probabilities.

    With P the model's probabilities of the pool and S the rows labelled so far and taken since, each next row is
    `argmax_i min_{j in S} ‖P_i - P_j‖₂`. Rows labelled already stand for their predicted probabilities as well, not for
    their labels: give them with `--start`.

    Args:
        probs: `float32 [n, k]`, rows that sum to 1 ± 0.001; in the paper the mean of a student's two heads.
        first: where to start without labelled rows: at the row nearest to the mean prediction, or at the first.

    Returns:
        A `SetFunction` that is not submodular; a gain is the distance to the nearest row taken, and that of the first
        row is what no distance exceeds. `O(n b k)` time at worst for b rows of k classes, O(n) memory beside `probs`.

    Raises `BadRow` for a row that is no probabilities.

    Loses to random when the model's confident predictions are wrong, or when classes are so few that random rows hit
    all of them anyway.

    What the paper's repository compares with under the name of BADGE is farthest-first by cosine, see `badge`.

    Examples:
        >>> from tamis.ops.greedy import maximise
        >>> probs = np.array([[1, 0, 0], [0.9, 0.1, 0], [0.5, 0.5, 0], [0, 0.1, 0.9]], np.float32)
        >>> function = pcoreset(probs)
        >>> function.take(0), maximise(function, 2, open=np.array([False, True, True, True]))[0].tolist()
        (None, [3, 2])

    Source: arXiv 2506.00910, section 4; github.com/erjui/PCoreSet.
    """
    check_probabilities(probs)
    return FarthestFirst(probs, first=first)

"""VoG: whose gradients vary most while a model trains, for its class."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis.ops.hardness import class_deviations
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    paper="Influence Scores at Scale for Efficient Language Data Sampling",
    no=217,
    year=2023,
    family="dynamics",
    pole="hard",
    cost="O(n log n)",
    memory="48 n",
    bytes=lambda n, d, k, **parameters: 48 * n,
    streams=False,
    loses="when less than about half is kept, or the hard end of each class is noise",
)
def vog(score: NDArray[np.float64], label: NDArray[np.int64], *, normalise: Literal["z", "abs", "none"] = "z") -> Score:
    """How unusual the variance of gradients of each example is within its class: `(VoG − mean_y) / std_y`.

    The raw variance is the mean, over the numbers of an input, of the deviation of the label's gradient in that number
    over some checkpoints of training. It differs from class to class, so that without this rare classes would vanish
    or flood.

    Args:
        score: VoG, `float64 [n]`, the raw variance of gradients.
        label: y, `int64 [n]`.
        normalise: "z"; "abs", its size, for what is unusual either way; or "none", the raw variance.

    Returns:
        `float64 [n]`; high is hard. 0 in classes of one example, and where all of a class are equal. `O(n log n)` time,
        `48 n` bytes.

    Loses to random when less than about half is kept, or the hard end of each class is noise. The study finds random
    strong at half; look at a window with `--choose middle` too.

    The toy script of the authors divides by the wrong number of checkpoints and never sets gradients back to zero; the
    one for ImageNet leaves the classes out.

    Examples:
        >>> vog(np.array([1.0, 3.0, 7.0]), np.array([0, 0, 1])).tolist()
        [-1.0, 1.0, 0.0]

    Source: Agarwal, D'souza and Hooker 2022, Estimating Example Difficulty using Variance of Gradients; Anand, Tan and
    Minakova 2023 for language.
    """
    if normalise == "none":
        return score.copy()
    found = class_deviations(score, label)
    return np.abs(found) if normalise == "abs" else found

"""LESS: the examples that would teach a model what a target's examples teach it, by their gradients."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops import aggregation
from tamis.ops.matches import Matches
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    paper="LESS: Selecting Influential Data for Targeted Instruction Tuning",
    year=2024,
    family="target",
    pole="near",
    choose="top",
    cost="O(n t d); before it a forward and a backward pass of each checkpoint over the pool, where it makes gradients",
    memory="32 n + min(28 n d, 125 MB); for up to 3 targets, 8 n for each more; blocks of vectors of d numbers",
    bytes=lambda n, d, k, **_: 32 * n + min(1.25e8, 28 * n * d),
    streams=False,
    loses="when one target's matches are all larger than those of others and take the budget, or copies crowd the top",
)
def less(match: Matches, target: NDArray[np.int64]) -> Score:
    """The mean match of a row with the examples of a target, of the target for which that is largest.

        score(z) = max_j 1/|D_j| Σ_{z' ∈ D_j} Inf(z, z'),   Inf(z, z') = Σ_i w_i cos(P Γ(z; θ_i), P ∇ℓ(z'; θ_i))

    D_j are the examples of target j, θ_i the checkpoints of a short training on a part of the pool, with weights w_i, Γ
    the direction of Adam's step (`measure.adam_moments.Adam`) and P a random projection. It is a rule to choose by any
    match. For influences give `--represent gradients:FOLDER,FOLDER…`, a folder for each checkpoint, with Adam's moments
    in `adam.safetensors` or without: vectors of one length stand side by side, so that their cosine is Inf with equal
    weights. Published weights are mean learning rates; `--use match=` takes any.

    Args:
        match: `[n, t]`, influence of each row on each example of a target, or any nearness.
        target: `int64 [t]`, which target each example is of. Targets may have different numbers of examples.

    Returns:
        `float64 [n]`, for influences -1 … 1; high teaches what some target needs. `O(n t d)` time in one pass over the
        matches, `8 n` bytes for each target.

    Loses to random when one target has the larger matches throughout, since the maximum goes to it (`bids` balances
    them). Each row is scored by itself, so that copies and near copies of a good row are all kept: drop them first.

    Where the official code departs: ε is inside the root and moments are not corrected for their bias, which the
    gradients here follow; P is not divided by √d, which cosines do not see; it assumes equally many examples of each
    subtask, which is not needed here; P is of signs, here an SRHT, and of 8,192 numbers, here 1,024.

    Examples:
        >>> influence = np.array([[0.5, 0.3, 0.1], [0.0, 0.2, 0.9], [0.1, 0.0, 0.2]], np.float32)
        >>> less(Matches(influence), np.array([0, 0, 1])).round(2).tolist()
        [0.4, 0.9, 0.2]

    Source: Xia et al. 2024, LESS: Selecting Influential Data for Targeted Instruction Tuning;
    github.com/princeton-nlp/LESS.
    """
    task = np.unique(target, return_inverse=True)[1]
    return np.asarray(aggregation.mean(match, task).max(axis=1))

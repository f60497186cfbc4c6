"""CRAIG: weighted examples whose gradient is near that of all examples of their class."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.gradients import class_coverage, errors
from tamis.registry import method
from tamis.vocabulary import SetFunction


def _bytes(
    n: float, d: float, k: float, *, gradient: str = "auto", alike: float = 1.0, classes: float = 0, **_: object
) -> float:
    """Similarities within classes, and vectors in float64 of rows and of the rows that they are compared with."""
    return 4 * alike * n * n + 24 * n * (d + (classes if gradient == "last-layer" else 0)) + 2**25


@method(
    paper="Data-Efficient Augmentation for Training Neural Networks",
    no=159,
    year=2022,
    family="coverage",
    cost="O(Σ n_c² d) over classes of n_c rows to begin with, then O(n_c) for each gain",
    memory="4 alike n² + 24 n d + 32 MiB; alike is the share of pairs of rows of one class, 1 for a single class",
    streams=False,
    loses=(
        "when training does not use the weights, when probabilities come from a model so good that all gradients are "
        "near 0, or when labels are wrong, since wrong ones lie apart and are kept"
    ),
    bytes=_bytes,
)
def craig(
    label: NDArray[np.int64],
    probs: NDArray[np.float32] | None = None,
    embedding: NDArray[np.float32] | None = None,
    mass: NDArray[np.float64] | None = None,
    *,
    gradient: Literal["auto", "probs", "features", "last-layer"] = "auto",
) -> SetFunction:
    """Medoids of the gradients of each class, each with the number of examples that it stands for as its weight.

    For gradients g of one class, with `D_ij = ‖g_i − g_j‖` and `S = max D − D`, facility location

        F(A) = Σ_i max_{j ∈ A} S_ij,    w_j = #{i : j is the most similar member of A to i}

    so that the gradient of all examples and the weighted one of A are at most `Σ_i min_{j ∈ A} D_ij` apart. Rows divide
    among classes as the pool does: the class that is furthest behind its share goes next, one without a row first.

    Args:
        label: `int64 [n]`.
        probs: `float32 [n, k]`, class probabilities of a model, best after some steps of training. Columns may be in
            any order: each class has the one that fits it, no two the same.
        embedding: `float32 [n, d]`, features, or the inputs of the model's last layer.
        mass: `float64 [n]`, how many examples each row stands for.
        gradient: g: `probs` is p − e_y; `features` are those of the embedding, for convex losses, whose gradients they
            bound; `last-layer` is the outer product of both, which is never made. `auto` takes `probs` where they are
            given, else `features`.

    Returns:
        A `SetFunction` with weights of at least 1 that sum to n once each class has a row. A gain is by how much all
        gradients of a class come nearer to a chosen one; high is better. `O(Σ n_c² d)` time and `4 Σ n_c²` bytes over
        classes of n_c rows.

    Raises `Refused` where neither probabilities nor an embedding are given.

    Loses to random when training does not use the weights, when the model is so good that all gradients are near 0, and
    when labels are wrong, since such examples lie apart and are kept.

    The official code wraps F in a logarithm, which changes gains and no choice; it divides the surplus of small classes
    by the number of small classes rather than that of the others, and its `greedy_merge` forgets to map rows of a part
    back to rows of the pool. DeepCore's weights start at 1 before examples are counted, so that they sum to n plus the
    budget, and its batched gains skip most rows. Here shares are proportional, none of the present classes is left out
    once the budget allows it, and weights are the counts.

    Examples:
        >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.1, 0.9], [0.2, 0.8]], np.float32)
        >>> function = craig(np.array([0, 0, 0, 1, 1]), probs)
        >>> everything, rows = np.ones(5, bool), []
        >>> for _ in range(2):
        ...     rows.append(function.best(everything)[0])
        ...     _ = function.take(rows[-1])
        >>> rows, function.weights(np.array(rows)).tolist()
        ([1, 3], [3.0, 2.0])

    Source: Mirzasoleiman, Bilmes and Leskovec 2020, Coresets for Data-efficient Training of Machine Learning Models;
    the coresets of Liu and Mirzasoleiman 2022 are the same.
    """
    if gradient == "auto" and probs is None and embedding is None:
        fix = "--use probs=COLUMN or --embedding COLUMN"
        raise refusals.OPTIONAL_NEED_MISSING("craig", need="class probabilities or vectors", fix=fix)
    kind = ("features" if probs is None else "probs") if gradient == "auto" else gradient
    if embedding is None and kind != "probs":
        raise refusals.OPTIONAL_NEED_MISSING(f"gradient={kind}", need="vectors", fix="--embedding COLUMN")
    if embedding is not None and kind == "features":
        return class_coverage(embedding, None, label, mass)
    if probs is None:
        raise refusals.OPTIONAL_NEED_MISSING(f"gradient={kind}", need="class probabilities", fix="--use probs=COLUMN")
    return class_coverage(errors(probs, label), embedding if kind == "last-layer" else None, label, mass)

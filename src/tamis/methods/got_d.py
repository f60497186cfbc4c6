"""GOT-D: the examples of which more would move the pool towards a target fastest, by gradients of optimal transport."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.ops.similarity import unit_rows
from tamis.ops.transport import duals_of, mean_distance
from tamis.registry import method
from tamis.vocabulary import Score


@method(
    paper="Get more for less: Principled Data Selection for Warming Up Fine-Tuning in LLMs",
    no=22,
    year=2024,
    family="target",
    pole="good",
    cost="O(s² + n t d), s rows solved for, with hundreds of iterations",
    memory="22 min(n, solve_rows)² + 24 n; for as large a target; 4 n d more for cosines",
    bytes=lambda n, d, k, solve_rows=10_000, metric="euclidean", **_: (
        22 * min(n, solve_rows) ** 2 + 24 * n + (4 * n * d if metric == "cosine" else 0)
    ),
    streams=False,
    loses="when the target lies outside of the pool, or copies of what is good crowd out all else: drop them first",
)
def got_d(
    embedding: NDArray[np.float32],
    target_embedding: NDArray[np.float32],
    key: NDArray[np.uint64],
    *,
    mode: Literal["toward", "away"] = "toward",
    metric: Literal["euclidean", "cosine"] = "euclidean",
    epsilon: float = 0.05,
    solve_rows: int = 10_000,
) -> Score:
    """By how much the pool comes nearer to the target, per mass, when a row gets more of it.

    With f the dual potentials of the pool in entropic transport from pool to target, N rows each, the calibrated
    gradient takes out the constant up to which f is defined:

        ∂OT / ∂mass_i = f_i − 1 / (N − 1) Σ_{j ≠ i} f_j

    It finds what the pool has too little of: where 99 % of it are cats, 1 % dogs, and the target has as many of both,
    it picks dogs alone, while methods that match the target pick half cats. The pool stands for what a model was
    trained on; a few chosen rows are then what it is tuned with. The change is linear in small masses, so one solution
    ranks for every budget.

    Args:
        embedding: `float32 [n, d]`.
        target_embedding: `float32 [t, d]`.
        key: `uint64 [n]`, `hash(seed, id)`.
        mode: move toward the target, or away from it, as from examples of what is toxic.
        metric: distance; for "cosine" that of vectors brought to length 1, `√(2 − 2 cos)`.
        epsilon: of the entropy, relative to the mean distance.
        solve_rows: of a larger pool, and of a larger target, a sample of so many is solved for; the f of all rows
            follow from the sample's potentials of the target, exactly as half a step of the iteration would give them.

    Returns:
        A `Score` in units of distance, minus the gradient for "toward", and the gradient for "away"; high is to be kept
        and good. `O(n t d)` time beside the solution for the sample.

    Raises `Refused` where POT is missing, where epsilon is so small that the plan does not converge to 0.001 of the
    mass, and for a vector of zeros under cosine.

    Loses to random when the target lies outside of what the pool holds. It is blind to copies: drop near-duplicates of
    the pool first.

    Follows the published description; code was not seen.

    Examples:
        >>> cats_and_dogs = np.array([[0.0], [0.1], [0.2], [0.3], [9.0]], np.float32)
        >>> wanted = np.array([[0.1], [9.1]], np.float32)
        >>> int(got_d(cats_and_dogs, wanted, np.arange(5, dtype=np.uint64)).argmax())
        4

    Source: Kang et al. 2024, Get more for less, sections 2.2 and 2.3.
    """
    if not epsilon > 0:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"epsilon={epsilon}", accepted="above 0, such as 0.05")
    if solve_rows < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"solve_rows={solve_rows}", accepted="1 or more")
    pool, wanted, rows = embedding, target_embedding, np.arange(len(embedding))
    if metric == "cosine":
        pool, wanted = unit_rows(pool), _units_of_target(wanted)
    scale = mean_distance(pool, wanted, key)
    if len(rows) == 1 or not scale > 0:
        return np.zeros(len(rows))
    f = duals_of(pool, wanted, rows, key, wanted=rows, epsilon=epsilon * scale, solve_rows=solve_rows)
    gradient = (f - f.mean()) * (len(rows) / (len(rows) - 1))
    return np.asarray(gradient if mode == "away" else -gradient)


def _units_of_target(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    try:
        return unit_rows(vectors)
    except BadRow as error:
        raise refusals.VECTOR_OF_ZEROS(f"example {error.row:,} of the target") from None

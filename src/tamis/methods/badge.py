"""BADGE: rows whose labels would move a model's last layer far, and in different directions."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.d2_sampling import D2Sampling
from tamis.ops.nearest_taken import factors
from tamis.ops.probabilities import check_probabilities
from tamis.registry import method
from tamis.vocabulary import SetFunction


def _bytes(n: float, d: float, k: float, *, classes: float = 10, **_: object) -> float:
    return 4 * n * d + 8 * n * classes + 32 * n + 8 * k


@method(
    paper="Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds",
    year=2020,
    family="uncertainty",
    cost="O(n b (k + d)) at worst for b rows and k classes; on most data a tenth of that or less",
    memory="4 n d + 8 n classes + 32 n + 8 k; vectors and probabilities included",
    bytes=_bytes,
    streams=False,
    loses="when the model is confident and wrong, or labels are so noisy that uncertain examples teach little",
)
def badge(probs: NDArray[np.float32], embedding: NDArray[np.float32], key: NDArray[np.uint64]) -> SetFunction:
    """Rows drawn by k-means++ among the gradients that each row's likeliest label would give the last layer.

    With `ŷ = argmax_c p_c` the gradient is `g_i = (p_i - e_ŷ) ⊗ h_i`, long for uncertain rows. The first row has the
    longest; each next is drawn with odds of `min_{j in S} ‖g_i - g_j‖²`. Gradients are never made, since
    `‖g_i - g_j‖² = ‖a_i‖²‖h_i‖² + ‖a_j‖²‖h_j‖² - 2 (a_i·a_j)(h_i·h_j)` with `a_i = p_i - e_ŷ`.

    Args:
        probs: `float32 [n, k]`, rows that sum to 1 ± 0.001.
        embedding: h, `float32 [n, d]`, what the last layer sees.
        key: `uint64 [n]`, `hash(seed, id)`, the only source of chance.

    Returns:
        A `SetFunction` that is not submodular; a gain is the squared distance to the nearest row taken, that of the
        first row the square of its gradient's length. `O(n b (k + d))` time at worst for b rows; memory as on the card.

    Raises `BadRow` for a row that is no probabilities.

    Loses to random when the model is confident and wrong, or when labels are so noisy that uncertain examples teach
    little.

    As in the published code the first row is the one with the longest gradient, where k-means++ would draw it evenly,
    and biases have no part. Unlike there, rows that one has already (`--start`) keep others away. What the repository
    of PCoreSet calls BADGE is farthest-first among gradients of length 1, which forgets how uncertain rows are.

    Examples:
        >>> probs = np.array([[1, 0], [0.5, 0.5], [1, 0]], np.float32)
        >>> function = badge(probs, np.eye(3, dtype=np.float32), np.arange(3, dtype=np.uint64))
        >>> function.best(np.ones(3, bool))
        (1, 0.5)

    Source: Ash et al. 2020; github.com/JordanAsh/badge.
    """
    check_probabilities(probs)
    residual = probs.astype(np.float32)
    residual[np.arange(len(probs)), probs.argmax(axis=1)] -= 1
    return D2Sampling(factors(residual, embedding), key, first="largest")

"""Class probabilities: what is none is refused, and rows that nearly sum to 1 are made to."""

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.refusals import Refusal

Floats = NDArray[np.float64]

TOLERANCE = 1e-3
BLOCK_BYTES = 1 << 20


def check_probabilities(probs: NDArray[np.float32], refusal: Refusal = refusals.PROBABILITIES_UNUSABLE) -> None:
    """Raise `BadRow` for the first row of `float32 [n, k]` with a negative number or a sum that is not 1 ± 0.001."""
    size = max(1, BLOCK_BYTES // (8 * max(probs.shape[1], 1)))
    for start in range(0, len(probs), size):
        block = probs[start : start + size]
        sums = block.sum(axis=1, dtype=np.float64)
        bad = ~(np.abs(sums - 1) <= TOLERANCE) | (block < 0).any(axis=1)
        if bad.any():
            row = int(np.argmax(bad))
            least = block[row].min(initial=1)
            said = f"hold {least:.6g}" if least < 0 else f"sum to {sums[row]:.6g}"
            raise BadRow(start + row, refusal, count=probs.shape[1], said=said)


def normalised(probs: NDArray[np.float32]) -> Floats:
    """Rows `float32 [n, k]` of probabilities, checked, in float64 and divided by their sums.

    Examples:
        >>> normalised(np.array([[0.75, 0.25]], np.float32)).tolist()
        [[0.75, 0.25]]
    """
    check_probabilities(probs)
    exact = probs.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    return exact

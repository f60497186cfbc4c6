"""Whitening: two samples moved and mixed so that together they have no mean, no correlation and variance 1."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.similarity import row_blocks

Floats32 = NDArray[np.float32]

BLOCK_BYTES = 1 << 25


def whitened(
    x: Floats32, y: Floats32, *, ridge: float = 1e-5, share: float | None = None, block_bytes: int = BLOCK_BYTES
) -> tuple[Floats32, Floats32]:
    """Two samples in the coordinates in which their mixture is white.

    With c the mean of the mixture, Σ its covariance, computed in float64, and r = `ridge`:

        Σ + r tr(Σ) / d I = L Lᵀ;  x ← (x − c) L⁻ᵀ

    so that no feature counts for more because of its scale, or twice because another repeats it. A row at c is all
    zeros, and so are all where every row is the same.

    Args:
        x: `float32 [n, d]`, may be memory-mapped.
        y: `float32 [m, d]`.
        ridge: r, above 0, relative to the mean variance; what keeps features of no variance out.
        share: the weight of y in the mixture, 0 … 1; each row has the same without it.
        block_bytes: bound of the memory of a block.

    Returns:
        `float32 [n, d]` and `[m, d]`. `O((n + m) d² + d³)` time, `24 d²` bytes beside the results.

    Examples:
        >>> x = np.array([[1.0, 2.0], [-1.0, 2.0], [1.0, 6.0], [-1.0, 6.0]], np.float32)
        >>> whitened(x, x)[0].round(2).tolist()
        [[1.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
    """
    d = x.shape[1]
    share = len(y) / (len(x) + len(y)) if share is None else share
    samples = ((x, 1 - share), (y, share))
    centre = sum(weight * sample.mean(axis=0, dtype=np.float64) for sample, weight in samples)
    sigma = np.zeros((d, d))
    for sample, weight in samples:
        for start, stop in row_blocks(len(sample), 2 * d, block_bytes):
            block = sample[start:stop] - centre
            sigma += block.T @ block * (weight / len(sample))
    extra = ridge * np.trace(sigma) / d
    if not extra > 0:
        return np.zeros(x.shape, np.float32), np.zeros(y.shape, np.float32)
    inverse = np.linalg.inv(np.linalg.cholesky(sigma + extra * np.eye(d))).T
    return _moved(x, centre, inverse, block_bytes), _moved(y, centre, inverse, block_bytes)


def _moved(sample: Floats32, centre: NDArray[np.float64], by: NDArray[np.float64], block_bytes: int) -> Floats32:
    found = np.empty(sample.shape, np.float32)
    for start, stop in row_blocks(len(sample), 4 * sample.shape[1], block_bytes):
        found[start:stop] = (sample[start:stop] - centre) @ by
    return found


def directions(x: Floats32) -> Floats32:
    """The rows of x brought to length 1 in place; those of length 0 stay 0.

    Examples:
        >>> directions(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)).round(1).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", x, x, dtype=np.float64))
    x *= (1 / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)[:, None]
    return x

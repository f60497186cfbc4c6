"""Strata of equal width of a score, and rows without its lowest end."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def without_lowest(score: Floats, key: NDArray[np.uint64], share: float) -> Rows:
    """Rows but for the `⌊share · n⌋` with the lowest scores, ascending; of equal scores the smaller keys go first.

    Examples:
        >>> without_lowest(np.array([3.0, 1.0, 2.0]), np.zeros(3, np.uint64), 0.4).tolist()
        [0, 2]
    """
    gone = int(np.floor(share * len(score) + 1e-9))
    return np.asarray(np.sort(np.lexsort((key, score))[gone:]))


def equal_widths(score: Floats, bins: int) -> Rows:
    """The stratum of each row, `int64 [n]` from 0 to bins - 1; the last is closed, and equal scores are in one.

    Examples:
        >>> equal_widths(np.array([-1.0, -0.51, -0.5, 0.0]), 2).tolist()
        [0, 0, 1, 1]
    """
    low, width = _ends(score)
    if not width > 0:
        return np.zeros(len(score), np.int64)
    return np.minimum((score / 2 - low) / width * bins, bins - 1).astype(np.int64)


def strata_names(score: Floats, bins: int) -> list[str]:
    """What is said of each of the strata: `stratum 1 of 50, 0.25 to 0.3`.

    Examples:
        >>> strata_names(np.array([0.0, 1.0]), 2)
        ['stratum 1 of 2, 0 to 0.5', 'stratum 2 of 2, 0.5 to 1']
    """
    low, width = _ends(score)
    edges = [2 * (low + width * (number / bins)) for number in range(bins + 1)]
    return [f"stratum {n + 1} of {bins}, {edges[n]:.4g} to {edges[n + 1]:.4g}" for n in range(bins)]


def _ends(score: Floats) -> tuple[float, float]:
    """Half the lowest score, and half the distance to the highest: halves, so that nothing overflows."""
    low = float(score.min(initial=np.inf)) / 2 if len(score) else 0.0
    return low, (float(score.max(initial=-np.inf)) / 2 - low) if len(score) else 0.0

"""Shares of a whole: orders whose every prefix is divided as asked, and exact rounding."""

import numpy as np
from numpy.typing import NDArray


def interleave(stratum: NDArray[np.int64], key: NDArray[np.uint64], share: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows in an order of which every prefix divides among the strata as `share` does (Webster's apportionment).

    The i-th row of stratum s, counted from 0 in the order of its key, stands at `(i + 1/2) / share[s]`; of rows at one
    place, that of the smaller stratum is first, then that of the smaller key. A stratum that runs out leaves its places
    to the others; a share of 0 comes last.

    Args:
        stratum: `int64 [n]`, codes from 0 to len(share) - 1.
        key: `uint64 [n]`, the order within a stratum; ties by row.
        share: `float64 [s]`, at least 0, need not sum to 1.

    Returns:
        `int64 [n]`, a permutation of the rows. `O(n log n)` time, `32 n` bytes.

    Examples:
        >>> interleave(np.array([0, 0, 0, 1]), np.arange(4, dtype=np.uint64), np.array([0.75, 0.25]))
        array([0, 3, 1, 2])
    """
    by_stratum = np.lexsort((key, stratum))
    sizes = np.bincount(stratum, minlength=len(share))
    place = np.arange(len(stratum)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    with np.errstate(divide="ignore", over="ignore"):
        position = (place + 0.5) / share[stratum[by_stratum]]
    return np.asarray(by_stratum[np.lexsort((by_stratum, key[by_stratum], place, position))])


def divide(total: int, share: NDArray[np.float64]) -> NDArray[np.int64]:
    """`total` whole units in proportion to `share`, by largest remainder; ties go to the earlier one.

    Examples:
        >>> divide(5000, np.array([1.0, 1.0, 1.0]))
        array([1667, 1667, 1666])
    """
    exact = total * share / share.sum()
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return np.asarray(whole)

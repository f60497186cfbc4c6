"""Threshold examples of AUM: some examples get a class of their own, and show how low a wrong label's margin is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.permutation import Permutation

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

RUNS = 2


def check_labels(labels: NDArray[np.generic], classes: int) -> Labels:
    """Labels as `int64 [n]`; refuses those outside of 0 … K − 1, one class, and fewer rows than classes."""
    if classes < 2:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"classes={classes}", accepted="2 classes or more")
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise refusals.RECORD_ARRAY(
            "labels", found=f"{labels.dtype} of shape {labels.shape}", wanted="integers of shape (n,)"
        )
    if len(labels) < classes:
        raise refusals.THRESHOLD_TOO_FEW("labels", n=len(labels), classes=classes)
    found = labels.astype(np.int64)
    if (outside := (found < 0) | (found >= classes)).any():
        value = int(found[int(np.argmax(outside))])
        raise refusals.RECORD_OUTSIDE("labels", value=value, what="classes", count=classes, last=classes - 1)
    return found


def threshold_rows(order: Permutation, classes: int, run: int) -> Flags:
    """Which rows are threshold examples in run 0 or 1, `bool [n]`: ⌊n / K⌋ in each, none in both.

    Run 0 has the first of `order`, run 1 those after them. `O(n)` time, `9 n` bytes.

    Examples:
        >>> from tamis.ops.permutation import permutation
        >>> runs = [threshold_rows(permutation(10, 0), 3, run) for run in (0, 1)]
        >>> [int(rows.sum()) for rows in runs], bool((runs[0] & runs[1]).any())
        ([3, 3], False)
    """
    if run not in range(RUNS):
        raise refusals.PARAMETER_OUT_OF_RANGE(f"run={run}", accepted="0 or 1")
    size = order.size // classes
    return np.asarray(order.places(np.arange(order.size)) // size == run)


def below_threshold(margins: Sequence[Floats], sets: Sequence[Flags], percentile: float) -> Flags:
    """Rows that a run finds below what most of its threshold examples reach, which were labelled wrongly for certain.

        flag_i = ∃ r : i ∉ S_r and AUM_r(i) < percentile of { AUM_r(j) : j ∈ S_r }

    Args:
        margins: the AUM of each row in each run, `float64 [n]` each.
        sets: S, the threshold examples of each run, `bool [n]` each.
        percentile: from 0 to 100; between two of them it is interpolated.

    Returns:
        `bool [n]`. `O(n)` time, `4 n` bytes.

    Examples:
        >>> aum = np.array([-1.0, 3.0, -2.0, 0.5])
        >>> first, second = np.array([True, False, False, False]), np.array([False, False, False, True])
        >>> below_threshold([aum, aum], [first, second], 99).tolist()
        [True, False, True, False]

    Source: Pleiss et al. 2020, Identifying Mislabeled Data using the Area Under the Margin Ranking.
    """
    if not 0 <= percentile <= 100:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"percentile={percentile}", accepted="0 to 100")
    flags = np.zeros(len(sets[0]), np.bool_)
    for run, (margin, rows) in enumerate(zip(margins, sets, strict=True)):
        if margin.shape != rows.shape:
            raise refusals.SAMPLER_SHAPES(f"the AUM of run {run}", found=margin.shape, wanted=rows.shape)
        if not (seen := np.isfinite(margin)).all():
            raise refusals.THRESHOLD_UNVISITED(
                f"the AUM of run {run}", id=int(np.argmin(seen)), value=margin[np.argmin(seen)]
            )
        flags |= ~rows & (margin < np.percentile(margin[rows], percentile))
    return flags

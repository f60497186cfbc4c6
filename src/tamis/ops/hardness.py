"""How hard examples are for a model that trains: errors, forgetting, margins, and scores within classes."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.ops.gradients import columns_of
from tamis.ops.probabilities import BLOCK_BYTES, check_probabilities, normalised

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]

LEAST = 2.0**-126  # the smallest normal float32; a probability below it is told from 0 by chance


def class_columns(probs: Floats32, label: Labels) -> Labels:
    """The column of each row's class, `int64 [n]`; refuses what are no probabilities, and classes without a column.

    Examples:
        >>> class_columns(np.array([[0.25, 0.75], [0.75, 0.25]], np.float32), np.array([0, 1])).tolist()
        [1, 0]
    """
    if probs.shape[1] < 2:
        raise refusals.ERROR_OF_ONE_CLASS("probs")
    classes = len(np.unique(label))
    if classes > probs.shape[1]:
        raise refusals.CLASSES_WITHOUT_COLUMN("probs", classes=classes, columns=probs.shape[1])
    check_probabilities(probs)
    return columns_of(probs, label)


def error_norms(probs: Floats32, label: Labels, norm: int = 2) -> Floats:
    """`‖p − e_y‖` of each row, in the 2-norm or the 1-norm: `float64 [n]`. `O(n k)` time, `48 n` bytes and 3 MiB.

    The entry of the label is the others' negative sum, which is exact where p_y is nearly 1.

    Examples:
        >>> error_norms(np.full((1, 4), 0.25, np.float32), np.array([0]))
        array([0.8660254])
    """
    column, found = class_columns(probs, label), np.empty(len(probs))
    for rows in _blocks(probs):
        p = normalised(probs[rows])
        place = np.arange(len(p)), column[rows]
        p[place] = 0.0
        others = p.sum(axis=1)
        if norm == 1:
            found[rows] = 2 * others
        else:
            p[place] = -others
            found[rows] = np.sqrt(np.einsum("nk,nk->n", p, p))
    return found


def lengths(vectors: Floats32) -> Floats:
    """The squared length of each of `float32 [n, d]`, in float64.

    Examples:
        >>> lengths(np.array([[3.0, 4.0]], np.float32)).tolist()
        [25.0]
    """
    found = np.empty(len(vectors))
    for rows in _blocks(vectors):
        exact = vectors[rows].astype(np.float64)
        found[rows] = np.einsum("nd,nd->n", exact, exact)
    return found


def information(probs: Floats32, null_probs: Floats32, label: Labels) -> Floats:
    """`log2 p_y − log2 q_y` of each row, for p with and q without the input: bits, `float64 [n]`.

    Examples:
        >>> information(np.array([[0.5, 0.5]], np.float32), np.array([[0.25, 0.75]], np.float32), np.array([0]))
        array([1.])
    """
    if null_probs.shape[1] != probs.shape[1]:
        found = null_probs.shape[1]
        raise refusals.NULL_PROBABILITIES_OF_OTHERS("null_probs", found=found, columns=probs.shape[1])
    column = class_columns(probs, label)
    check_probabilities(null_probs, refusals.NULL_PROBABILITIES_UNUSABLE)
    return _bits(probs, column) - _bits(null_probs, column)


def _bits(probs: Floats32, column: Labels) -> Floats:
    """`log2 p` of one column of each row."""
    found = np.empty(len(probs))
    for rows in _blocks(probs):
        own = probs[rows][np.arange(len(column[rows])), column[rows]].astype(np.float64)
        found[rows] = np.log2(np.maximum(own / probs[rows].sum(axis=1, dtype=np.float64), LEAST))
    return found


def forgotten(correct: Floats32) -> tuple[Floats, Labels]:
    """How often each row went from right to wrong, `float64 [n]`, and how often it was visited if it never was right.

    The second is 0 for a row that was ever right, `int64 [n]`. NaN is no visit; a row needs two.

    Examples:
        >>> forgotten(np.array([[0, 1, np.nan, 0], [0, 0, 0, 0]], np.float32))
        (array([1., 0.]), array([0, 4]))
    """
    if correct.shape[1] < 2:
        raise refusals.VISITS_TOO_FEW("correct", visits=correct.shape[1])
    count, never = np.empty(len(correct)), np.empty(len(correct), np.int64)
    for rows in _blocks(correct):
        right, wrong = correct[rows] == 1, correct[rows] == 0
        visits = np.count_nonzero(right | wrong, axis=1)
        if visits.min() < correct.shape[1]:
            _check_visits(correct[rows], rows.start, visits)
        count[rows] = _fallen(right, wrong)
        never[rows] = np.where(right.any(axis=1), 0, visits)
    return count, never


def _fallen(right: Flags, wrong: Flags) -> Labels:
    """How often a visit that was right is followed by one that was wrong, past those that are neither."""
    if (right | wrong).all():
        return np.asarray(np.count_nonzero(right[:, :-1] & wrong[:, 1:], axis=1))
    last, found = right[:, 0].copy(), np.zeros(len(right), np.int64)
    for now, lost in zip(right.T[1:], wrong.T[1:], strict=True):
        found += last & lost
        last = now | (last & ~lost)
    return found


def _check_visits(correct: Floats32, start: int, visits: Labels) -> None:
    """Refuse the first row with a number that is no answer, or with fewer than two visits."""
    other = ~np.isnan(correct) & (correct != 0) & (correct != 1)
    if other.any():
        row, visit = np.argwhere(other)[0].tolist()
        raise BadRow(start + row, refusals.CORRECT_UNUSABLE, value=correct[row, visit])
    if (few := visits < 2).any():
        row = int(np.argmax(few))
        raise BadRow(start + row, refusals.ROW_VISITED_TOO_RARELY, visits=int(visits[row]), needed=2, what="forgetting")


def doubted(margins: Floats32 | None, cutoff: float) -> Floats | None:
    """The mean margin of each row, by which labels are doubted; refuses a `cutoff` without margins.

    Examples:
        >>> doubted(np.array([[1.25, 1.0]], np.float32), 0.1).tolist()
        [1.125]
    """
    if margins is None and cutoff > 0:
        fix = "--use margins=COLUMN, 'm*' or FILE.npy"
        raise refusals.OPTIONAL_NEED_MISSING(f"cutoff={cutoff}", need="margins", fix=fix)
    return None if margins is None else mean_margins(margins)


def mean_margins(margins: Floats32) -> Floats:
    """The mean of each of `float32 [n, T]` over its visits, in float64; NaN is no visit, and a row needs one.

    Examples:
        >>> mean_margins(np.array([[1.25, 1.0, np.nan]], np.float32)).tolist()
        [1.125]
    """
    found = np.empty(len(margins))
    for rows in _blocks(margins):
        seen = ~np.isnan(margins[rows])
        visits = np.count_nonzero(seen, axis=1)
        if not visits.all():
            row = rows.start + int(np.argmin(visits))
            raise BadRow(row, refusals.ROW_VISITED_TOO_RARELY, visits=0, needed=1, what="a mean margin")
        found[rows] = margins[rows].sum(axis=1, dtype=np.float64, where=seen) / visits
    return found


def class_deviations(score: Floats, label: Labels) -> Floats:
    """`(s − mean) / std` of each row within its class, `float64 [n]`; 0 in a class whose scores are all equal.

    `std` is that of a population. `O(n log n)` time, about `48 n` bytes. Scores of any size do not overflow.

    Examples:
        >>> class_deviations(np.array([1.0, 3.0, 7.0]), np.array([0, 0, 1])).tolist()
        [-1.0, 1.0, 0.0]
    """
    order = np.argsort(label, kind="stable")
    _, first, count = np.unique(label[order], return_index=True, return_counts=True)
    values = score[order]
    _, power = np.frexp(np.maximum.reduceat(np.abs(values), first))
    values = np.ldexp(values, np.repeat(-power, count))  # the largest of a class is below 1, and nothing is rounded
    equal = np.maximum.reduceat(values, first) == np.minimum.reduceat(values, first)
    values -= np.repeat(np.add.reduceat(values, first) / count, count)
    values[np.repeat(equal, count)] = 0.0  # whose mean need not be one of them
    spread = np.sqrt(np.add.reduceat(values * values, first) / count)
    values /= np.repeat(np.where(spread > 0, spread, 1.0), count)
    found = np.empty(len(score))
    found[order] = values
    return found


def _blocks(matrix: Floats32) -> Iterator[slice]:
    """Rows in runs of about a MiB in float64."""
    size = max(1, BLOCK_BYTES // (8 * max(matrix.shape[1], 1)))
    return (slice(start, start + size) for start in range(0, len(matrix), size))

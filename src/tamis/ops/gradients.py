"""Gradients of the last layer, and facility location of them within classes."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.facility_location import FacilityLocation
from tamis.ops.probabilities import BLOCK_BYTES
from tamis.ops.similarity import closeness, distances, outer_distances
from tamis.ops.stratified import Stratified

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Labels = NDArray[np.int64]


def errors(probs: Floats32, label: Labels) -> Floats32:
    """`p − e_y`, the gradient of cross entropy in the logits: `float32 [n, k]`.

    Labels are numbered as they come up and need not be in the order of the columns. So classes get different columns in
    the way that gives them the largest mean probabilities among their rows in all. The likeliest column of each alone
    would be that of another class for many classes of a model that has only begun to learn.

    Examples:
        >>> errors(np.array([[0.25, 0.75], [0.75, 0.25]], np.float32), np.array([0, 1])).tolist()
        [[0.25, -0.25], [-0.25, 0.25]]
    """
    found = probs.copy()
    found[np.arange(len(label)), columns_of(probs, label)] -= 1
    return found


def columns_of(probs: Floats32, label: Labels) -> Labels:
    """The column of `probs`, `float32 [n, k]`, that is the class of each row's label, as in `errors`: `int64 [n]`.

    Where there are more classes than columns, those left over share the likeliest one. `O(n k)` time.

    Examples:
        >>> columns_of(np.array([[0.25, 0.75], [0.75, 0.25]], np.float32), np.array([0, 1])).tolist()
        [1, 0]
    """
    codes, place = np.unique(label, return_inverse=True)
    means = np.zeros((len(codes), probs.shape[1]))
    size = max(1, BLOCK_BYTES // (8 * probs.shape[1]))
    for start in range(0, len(label), size):
        order = np.argsort(place[start : start + size], kind="stable")
        here, first = np.unique(place[start : start + size][order], return_index=True)
        means[here] += np.add.reduceat(probs[start : start + size][order], first, axis=0, dtype=np.float64)
    means /= np.bincount(place, minlength=len(codes))[:, None]
    column = assigned(means)
    return np.asarray(np.where(column < probs.shape[1], column, means.argmax(axis=1))[place])


def assigned(worth: Floats) -> NDArray[np.int64]:
    """A different column for each row, so that their worth is largest in all; those above m are none of the m columns.

    Args:
        worth: `float64 [n, m]`, at least 0.

    Returns:
        `int64 [n]`. `O(n² max(n, m))` time at worst.

    Examples:
        >>> assigned(np.array([[0.6, 0.3], [0.5, 0.1]])).tolist()
        [1, 0]

    Source: Kuhn 1955, The Hungarian Method for the Assignment Problem, in the form of shortest augmenting paths.
    """
    n, m = worth.shape
    cost = np.zeros((n, max(n, m)))
    cost[:, :m] = -worth
    wide = cost.shape[1]
    of_row, of_column = np.zeros(n), np.zeros(wide + 1)  # potentials; the last column is where each path begins
    owner, before = np.full(wide + 1, -1), np.full(wide + 1, wide)
    for row in range(n):
        owner[wide], column = row, wide
        near, seen = np.full(wide, np.inf), np.zeros(wide + 1, np.bool_)
        while owner[column] >= 0:
            seen[column] = True
            at = owner[column]
            reduced = cost[at] - of_row[at] - of_column[:wide]
            nearer = ~seen[:wide] & (reduced < near)
            near[nearer], before[:wide][nearer] = reduced[nearer], column
            open = np.where(seen[:wide], np.inf, near)
            column = int(np.argmin(open))
            step = open[column]
            of_row[owner[seen]] += step
            of_column[seen] -= step
            near -= step
        while column != wide:
            owner[column], column = owner[before[column]], int(before[column])
    found = np.empty(n, np.int64)
    taken = np.flatnonzero(owner[:wide] >= 0)
    found[owner[taken]] = taken
    return found


def class_coverage(left: Floats32, right: Floats32 | None, label: Labels, mass: Floats | None = None) -> Stratified:
    """Facility location of gradients within each class, of which every prefix is divided as the classes are.

    With distances `D_ij = ‖g_i − g_j‖` of gradients of one class, similarities are `max D − D_ij`.

    Args:
        left: `float32 [n, d]`, gradients; or with `right` the first factors of their outer products.
        right: `float32 [n, e]`, the second factors.
        label: `int64 [n]`, codes from 0 without gaps.
        mass: `float64 [n]`, what each row counts; 1 without it.

    Returns:
        The function, whose weights are the mass of the rows nearest to each one taken. `O(Σ n_c² d)` time, `4 Σ n_c²`
        bytes for classes of n_c rows.
    """
    share = np.bincount(label, mass).astype(np.float64)
    functions = []
    for code in range(len(share)):
        rows = np.flatnonzero(label == code)
        functions.append(_of_class(left[rows], None if right is None else right[rows], _none_or(mass, rows)))
    return Stratified(label, functions, share)


def _none_or(mass: Floats | None, rows: NDArray[np.int64]) -> Floats | None:
    return None if mass is None else mass[rows]


def _of_class(left: Floats32, right: Floats32 | None, mass: Floats | None) -> FacilityLocation:
    def between(part: slice) -> Floats:
        if right is None:
            return distances(left[part], left)
        return outer_distances(left[part], right[part], left, right)

    return FacilityLocation(closeness(len(left), len(left), between), mass)

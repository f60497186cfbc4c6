"""Gradients of the last layer, and facility location of them within classes."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.facility_location import FacilityLocation
from tamis.ops.similarity import closeness, distances, outer_distances
from tamis.ops.stratified import Stratified

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Labels = NDArray[np.int64]


def errors(probs: Floats32, label: Labels) -> Floats32:
    """`p − e_y`, the gradient of cross entropy in the logits: `float32 [n, k]`.

    The column of a class is the one with the largest mean probability among its rows, since labels are numbered as they
    come up and need not be in the order of the columns.

    Examples:
        >>> errors(np.array([[0.25, 0.75], [0.75, 0.25]], np.float32), np.array([0, 1])).tolist()
        [[0.25, -0.25], [-0.25, 0.25]]
    """
    found = probs.copy()
    for code in np.unique(label):
        rows = np.flatnonzero(label == code)
        found[rows, np.argmax(probs[rows].mean(axis=0, dtype=np.float64))] -= 1
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

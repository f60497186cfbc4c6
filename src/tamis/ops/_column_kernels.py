"""Compiled columns: one row against all others, in float64 whatever row it is, so that equal rows get equal numbers."""

import numpy as np
from numba import njit, types

_MATRIX = types.Array(types.float32, 2, "C", readonly=True)
_VECTOR = types.Array(types.float64, 1, "C", readonly=True)
_DOUBLES, _LONG = types.float64[::1], types.int64
_ANY_ORDER = {"reassoc", "contract", "nsz"}  # the order follows from the width of the vectors alone


@njit(types.void(_MATRIX, _VECTOR, _DOUBLES), cache=True, nogil=True, fastmath=_ANY_ORDER)
def dots(x, y, out):
    """`x @ y`."""
    for i in range(x.shape[0]):
        total = 0.0
        for j in range(x.shape[1]):
            total += np.float64(x[i, j]) * y[j]
        out[i] = total


@njit(types.void(_MATRIX, _VECTOR, _DOUBLES), cache=True, nogil=True, fastmath=_ANY_ORDER)
def squares(x, y, out):
    """`‖x_i - y‖²` of each row."""
    for i in range(x.shape[0]):
        total = 0.0
        for j in range(x.shape[1]):
            apart = np.float64(x[i, j]) - y[j]
            total += apart * apart
        out[i] = total


@njit(types.void(types.float64[:, ::1], _LONG, _LONG, _DOUBLES), cache=True, nogil=True, fastmath=_ANY_ORDER)
def subtract_products(factors, used, row, out):
    """`out -= factors[:, :used] @ factors[row, :used]`."""
    by = factors[row, :used].copy()
    for i in range(len(out)):
        total = 0.0
        for step in range(used):
            total += factors[i, step] * by[step]
        out[i] -= total

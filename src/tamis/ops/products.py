"""Products of all rows of one matrix with all rows of another, the same on any machine and in any order of rows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tamis.ops.threads import in_threads

Floats32 = NDArray[np.float32]

COMPILED_FROM = 1000  # rows; up to that NumPy does, so that nothing is compiled or loaded
_ROWS = 96  # of a part, which stay in the cache while they meet all others


class Products:
    """Products with the rows of `right`, which are laid out once.

    Entries are sums in float32 along d, each of which depends on its two rows alone: not on threads, blocks or the
    order of rows. Where there are few rows, they are sums in float64 that are rounded.

    Args:
        right: `float32 [n, d]`.

    Examples:
        >>> Products(np.array([[1.0, 2.0], [0.0, -1.0]], np.float32)).of(np.array([[3.0, 4.0]], np.float32)).tolist()
        [[11.0, -4.0]]
    """

    def __init__(self, right: Floats32) -> None:
        self.right = np.ascontiguousarray(right, np.float32)
        self.compiled = len(right) > COMPILED_FROM and right.shape[1] > 0
        if self.compiled:
            from tamis.ops._product_kernels import WIDE, pack

            n, d = self.right.shape
            self.panels = np.empty(-(-n // WIDE) * WIDE * d, np.float32)
            pack(self.right, self.panels)

    def of(
        self, left: Floats32, *, floor: float = -np.inf, then: Callable[[slice, Floats32], None] | None = None
    ) -> Floats32:
        """`max(floor, left · rightᵀ)`, `float32 [m, n]`, in two threads. `O(m n d)` time.

        `then` is called with the bounds of each part of some rows and their products, as soon as these are made.
        """
        n = len(self.right)
        out = np.empty((len(left), n), np.float32)
        if not self.compiled:
            found = left.astype(np.float64) @ self.right.astype(np.float64).T
            with np.errstate(over="ignore"):
                np.maximum(found, floor, out=out, casting="same_kind")
            if then is not None:
                then(slice(0, len(left)), out)
            return out
        from tamis.ops._product_kernels import products

        left = np.ascontiguousarray(left, np.float32)

        def multiply(start: int) -> None:
            part = slice(start, start + _ROWS)
            products(left[part], self.panels, n, floor, out[part])
            if then is not None:
                then(part, out[part])

        in_threads(multiply, range(0, len(left), _ROWS))
        return out

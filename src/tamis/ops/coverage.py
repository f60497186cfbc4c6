"""Functions of what a set covers: `F(S) = Σ_f w_f φ(Σ_{j∈S} x_jf)` with φ concave, on sparse or dense features x ≥ 0.

The constructors:

    feature_based(x, concave="sqrt")                          x float32 [n, d]
    saturated_coverage(similarity, share=0.1)                 float32 [n, n]
    set_cover(starts, columns, features, weight=None)         4 bytes an entry and 40 a row, starts included
    probabilistic_cover(starts, columns, values, features, weight=None)
    Coverage(starts, columns, values, features=m, concave=…, weight=…, cap=…, scale=…)

Sparse rows are `starts int64 [n + 1]`, `columns int32 [entries]` and `values float32 or float64 [entries]`: row j has
the features `columns[starts[j]:starts[j + 1]]`, each once.

| `concave` | φ(x) | F is known as |
|---|---|---|
| "sqrt" | √x | feature-based |
| "log1p" | ln(1 + x) | feature-based |
| "saturating" | x / (1 + x) | feature-based |
| "capped" | min(x, cap_f) | saturated coverage |
| "probable" | `1 - Π_{j∈S} (1 - x_jf)` in place of φ, x ≤ 1 | probabilistic cover; set cover for 0 and 1 |

All are monotone and submodular with `F(∅) = 0`.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]
Columns = NDArray[np.int32]
Concave = Literal["sqrt", "log1p", "saturating", "capped", "probable"]

_KINDS = ("sqrt", "log1p", "saturating", "capped", "probable", "linear")  # in the order of the kernels' numbers
_ONE = np.ones(1)
_NO_PRICE = np.empty(0)


class Coverage(SetFunction):
    """A set function of what its rows cover; see the table above.

    `best` is one call of a compiled lazy greedy: it keeps every row's last gain, which bounds its gain from then on,
    those of the first rows in a heap, and computes gains anew only until the first row has a fresh one. `O(entries)`
    time for the first row, then as few rows as the bounds allow, each in the number of its entries.

    Args:
        starts: `int64 [n + 1]`.
        columns: `int32 [entries]`, features 0 … m - 1, each at most once in a row; `shared` says otherwise.
        values: `float32` or `float64 [entries]`, at least 0; all 1 without it.
        features: m.
        concave: φ.
        weight: `float64 [m]`, w, at least 0; all 1 without it.
        cap: `float64 [m]`, for "capped".
        scale: `float64 [n]`, at least 0, what all values of a row are multiplied with.
        shared: `columns` are the features of every row alike, as in a dense matrix.

    Raises `BadRow` for a value below 0, and above 1 where they are probabilities. `32 n + 24 m` bytes beside what is
    given.

    Examples:
        >>> sets = Coverage(np.array([0, 2, 3, 5]), np.array([0, 1, 1, 1, 2], np.int32), features=3, concave="probable")
        >>> sets.best(np.ones(3, bool)), sets.take(0), sets.gains(np.array([1, 2])).tolist()
        ((0, 2.0), None, [0.0, 1.0])

    Source: Minoux 1978 for the lazy greedy; Wei et al. 2014, Submodular Subset Selection for Large-Scale Speech
    Training Data, for feature-based functions.
    """

    def __init__(
        self,
        starts: Rows,
        columns: Columns,
        values: Floats | Floats32 | None = None,
        *,
        features: int,
        concave: Concave | Literal["linear"] = "sqrt",
        weight: Floats | None = None,
        cap: Floats | None = None,
        scale: Floats | None = None,
        shared: bool = False,
    ) -> None:
        self.size, self.features, self.concave = len(starts) - 1, features, concave
        if values is not None:
            refuse_outside(starts, values, 1.0 if concave == "probable" else np.inf)
        given = np.ones(1, np.float32) if values is None else values
        self._rows = (
            np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(columns, np.int32), features * shared,
            np.ascontiguousarray(given), int(values is not None),
            _ONE if scale is None else scale.astype(np.float64), int(scale is not None),
        )  # fmt: skip
        self._weight, self._cap = weight, cap
        self.taken = 0
        self.evaluations = 0
        self._bounds: Floats | None = None
        self._asked: tuple[Any, Any] = (None, None)
        self._state = self._begin()

    def _begin(self) -> tuple[int, Floats, Floats, Floats]:
        """What the kernels keep: the kind, how much of each feature is covered, its level, its weight."""
        kind, m = _KINDS.index(self.concave), self.features
        weight = np.ones(m) if self._weight is None else self._weight.astype(np.float64)
        if self.concave == "probable":
            return kind, weight, weight, weight
        level = self._cap.astype(np.float64) if self._cap is not None else np.zeros(m)
        return kind, np.zeros(m), level, weight

    def gains(self, rows: Rows) -> Floats:
        """`F(S + e) - F(S)` of each row e. `O(entries of the rows)`."""
        from tamis.ops import _coverage_kernels as kernels

        out = np.empty(len(rows))
        kernels.gains(self._rows, self._state, np.ascontiguousarray(rows, np.int64), out)
        return out

    def take(self, row: int) -> str | None:
        """Take a row."""
        from tamis.ops import _coverage_kernels as kernels

        self.taken += 1
        kernels.cover(self._rows, self._state, row)
        return None

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The open row with the largest gain, per price if given; ties by row."""
        from tamis.ops import _coverage_kernels as kernels

        if self._bounds is None:
            self._bounds = self.gains(np.arange(self.size))
            self._steps = np.full(self.size, self.taken, np.int32)
            self._heap = np.empty(self.size, kernels.ENTRY)
            self.evaluations += self.size
        if self._asked[0] is not open or self._asked[1] is not price:
            self._length, self._floor, self._asked = 0, 0.0, (open, price)
        row, self._length, self._floor, asked = kernels.best(
            self._rows, self._state, self._heap, self._bounds, self._steps, self._length, self._floor, self.taken, open,
            _NO_PRICE if price is None else price,
        )  # fmt: skip
        self.evaluations += asked
        return int(row), float(self._bounds[row])

    def fresh(self) -> "Coverage":
        """The same function with no row taken."""
        made = object.__new__(type(self))
        made.__dict__ |= self.__dict__ | {"taken": 0, "evaluations": 0, "_bounds": None, "_asked": (None, None)}
        made._state = made._begin()
        return made


def refuse_outside(starts: Rows, values: NDArray[Any], most: float) -> None:
    """Raise `BadRow` for the first row with a value below 0 or above `most`."""
    if len(values) and (values.min() < 0 or values.max() > most):
        at = int(np.argmax((values < 0) | (values > most)))
        row = int(np.searchsorted(starts, at, side="right")) - 1
        accepted = "at least 0" if most == np.inf else f"0 to {most:g}"
        raise BadRow(row, refusals.FEATURE_OUTSIDE, value=values[at], accepted=accepted)


def feature_based(x: Floats32, *, concave: Concave = "sqrt") -> Coverage:
    """`Σ_f φ(Σ_{j∈S} x_jf)` of vectors whose numbers say how much of each feature a row has.

    Args:
        x: `float32 [n, d]`, at least 0; kept as sparse rows where three of four are 0.
        concave: "sqrt", "log1p" or "saturating".

    Returns:
        A `Coverage`; 40 n bytes beside x, and at most `2 n d` more where it is made sparse.

    Examples:
        >>> found = feature_based(np.array([[4.0, 0.0], [4.0, 0.0], [1.0, 1.0]], np.float32))
        >>> found.take(0), found.gains(np.array([1, 2])).round(3).tolist()
        (None, [0.828, 1.236])
    """
    n, d = x.shape
    if n and 4 * np.count_nonzero(x) < x.size:
        filled = x != 0
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(filled, axis=1))])
        columns = np.broadcast_to(np.arange(d, dtype=np.int32), x.shape)[filled]
        return Coverage(starts, columns, x[filled], features=d, concave=concave)
    starts, columns = np.arange(n + 1) * d, np.arange(d, dtype=np.int32)
    return Coverage(starts, columns, x.reshape(-1), features=d, concave=concave, shared=True)


def saturated_coverage(similarity: Floats32, *, share: float = 0.1) -> Coverage:
    """`Σ_i min(Σ_{j∈S} s_ij, a Σ_{j∈U} s_ij)`: each of n rows is covered up to a share a of all that could cover it.

    Args:
        similarity: `float32 [n, n]`, s, at least 0: row i says how much each j covers i.
        share: a.

    Returns:
        A `Coverage`, which reads `similarity` by columns: it keeps the array itself where it is symmetric, and
        otherwise a transposed copy.

    Examples:
        >>> found = saturated_coverage(np.array([[1.0, 0.5], [0.5, 1.0]], np.float32), share=0.5)
        >>> found.gains(np.array([0, 1])).tolist()
        [1.25, 1.25]

    Source: Lin and Bilmes 2011, A Class of Submodular Functions for Document Summarization.
    """
    n = len(similarity)
    cap = share * similarity.sum(axis=1, dtype=np.float64)
    symmetric = np.array_equal(similarity, similarity.T)
    covers = np.ascontiguousarray(similarity if symmetric else similarity.T)
    starts, columns = np.arange(n + 1) * n, np.arange(n, dtype=np.int32)
    return Coverage(starts, columns, covers.reshape(-1), features=n, concave="capped", cap=cap, shared=True)


def set_cover(starts: Rows, columns: Columns, features: int, *, weight: Floats | None = None) -> Coverage:
    """`Σ_f w_f [some row of S has f]`: how many features, or how much weight, is covered at least once.

    Examples:
        >>> found = set_cover(np.array([0, 1, 3]), np.array([0, 0, 1], np.int32), 2, weight=np.array([1.0, 5.0]))
        >>> found.best(np.ones(2, bool))
        (1, 6.0)
    """
    return Coverage(starts, columns, features=features, concave="probable", weight=weight)


def probabilistic_cover(
    starts: Rows, columns: Columns, values: Floats | Floats32, features: int, *, weight: Floats | None = None
) -> Coverage:
    """`Σ_f w_f (1 - Π_{j∈S} (1 - P_jf))`: what is covered in the mean, where row j covers f with probability P_jf.

    Examples:
        >>> found = probabilistic_cover(np.array([0, 1, 2]), np.array([0, 0], np.int32), np.array([0.5, 0.8]), 1)
        >>> found.take(1), found.gains(np.array([0])).round(3).tolist()
        (None, [0.1])
    """
    return Coverage(starts, columns, values, features=features, concave="probable", weight=weight)

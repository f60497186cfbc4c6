"""Log-determinant: rows of which none is explained by the others."""

import math

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.ops.graph_cut import column, vectors
from tamis.ops.similarity import Metric
from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]

CHUNK = 64
_SMALLEST = 1e-12


class LogDet(SetFunction):
    """`F(S) = log det(K_S + λ I)`, by a Cholesky factor that grows with each row taken.

    The gain of row e is the log of what the rows taken leave of its variance,

        log(K_ee + λ - v·v),    v = L^-1 K_Se,    L Lᵀ = K_S + λ I.

    It is submodular, and monotone if λ ≥ 1; below that gains may be negative, and the greedy goes on all the same,
    without a bound.

    | `metric` | K | |
    |---|---|---|
    | "cosine" | `a·b / ‖a‖‖b‖` | not clipped at 0, which would be no kernel |
    | "dot" | `a·b` | |
    | "euclidean" | `exp(-‖a - b‖² / m)` | m is the mean of ‖a - b‖² over all pairs |
    | "precomputed" | x itself | refused once it proves not to be positive definite |

    The code of DeepCore returns `K_eS K_S^-1 K_Se`, which is to be subtracted from K_ee, as the gain: it picks what is
    most redundant. Results that find log-determinants weak with it say nothing about them.

    Args:
        x: `float32 [n, d]`, or the symmetric kernel `[n, n]` if precomputed.
        metric: see the table above.
        ridge: λ, above 0.

    `O(n (d + s))` time for the s-th row taken, hence `O(n k (d + k))`; 8 n k bytes, which grow as rows are taken.

    Raises `BadRow` for a row of zeros under cosine, for a matrix that is not symmetric, and for one that is not
    positive.

    Examples:
        >>> kernel = LogDet(np.array([[1, 0], [1, 0], [0, 1]], np.float32), ridge=0.5)
        >>> kernel.take(0), np.exp(kernel.gains(np.array([1, 2]))).round(3).tolist()
        (None, [0.833, 1.5])

    Source: Chen, Zhang and Zhou 2018, Fast Greedy MAP Inference for Determinantal Point Process.
    """

    def __init__(self, x: Floats32, *, metric: Metric = "cosine", ridge: float = 1.0) -> None:
        if not 0 < ridge < np.inf:
            raise refusals.PARAMETER_OUT_OF_RANGE(
                f"ridge={ridge}", accepted="more than 0; the function is monotone from 1"
            )
        self.size, self.metric, self.ridge, self.monotone = len(x), metric, ridge, ridge >= 1
        self.x, self.width = vectors(x, metric), 1.0
        if metric == "precomputed":
            alone = np.diagonal(self.x).astype(np.float64)
        elif metric == "euclidean":
            alone, self.width = np.ones(self.size), _mean_square(self.x)
        elif metric == "cosine":
            alone = np.ones(self.size)  # whatever the rounding of rows of length 1
        else:
            alone = np.einsum("nd,nd->n", self.x, self.x, dtype=np.float64)
        self._alone = alone + ridge
        self._begin()

    def _begin(self) -> None:
        """No row is taken."""
        self.left = self._alone.copy()
        self.taken: list[int] = []
        self._factors: list[Floats] = []
        self._refuse_negative()

    def gains(self, rows: Rows) -> Floats:
        """The log of what is left of each row's variance."""
        return np.log(self.left[rows])

    def take(self, row: int) -> str | None:
        """Take a row."""
        from tamis.ops._column_kernels import subtract_products

        found, rest = self.kernel(row), len(self.taken)
        for factors in self._factors:
            subtract_products(factors, min(rest, CHUNK), row, found)
            rest -= CHUNK
        root = math.sqrt(self.left[row])
        found /= root
        found[row] = root  # its own entry has the ridge too, so that later rows leave it alone
        if len(self.taken) == CHUNK * len(self._factors):
            self._factors.append(np.empty((self.size, CHUNK)))
        self._factors[-1][:, len(self.taken) % CHUNK] = found
        self.taken.append(row)
        self.left -= np.square(found, out=found)
        self.left[row] = root * root
        self._refuse_negative()
        return None

    def kernel(self, row: int) -> Floats:
        """`float64 [n]`, K between a row and each."""
        if self.metric == "precomputed":
            return np.asarray(self.x[row], np.float64)
        found = column(self.x, self.metric, self.x[row].astype(np.float64))
        return np.asarray(np.exp(-found / self.width)) if self.metric == "euclidean" else found

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The open row with the largest gain, per price if given; ties by row."""
        gains = np.log(self.left)
        row = int(np.argmax(np.where(open, gains if price is None else gains / price, -np.inf)))
        return row, float(gains[row])

    def fresh(self) -> "LogDet":
        """The same function with no row taken."""
        made = object.__new__(LogDet)
        made.__dict__ |= self.__dict__
        made._begin()
        return made

    def _refuse_negative(self) -> None:
        """Refuse a kernel that is not positive definite, with the ridge that would mend what is known of it."""
        row = int(np.argmin(self.left)) if self.size else 0
        if self.size and not self.left[row] > _SMALLEST * self._alone[row]:
            rows = [*self.taken, row]
            part = np.stack([self.kernel(one)[rows] for one in rows])
            least = float(np.linalg.eigvalsh(part)[0])
            raise BadRow(row, refusals.KERNEL_NOT_POSITIVE, least=least, jitter=max(-least, self.ridge))


def _mean_square(x: Floats32) -> float:
    """The mean of `‖a - b‖²` over all pairs of rows, each with itself too; 1 where all rows are equal."""
    from tamis.ops._column_kernels import squares

    apart = np.empty(len(x))
    squares(x, x.mean(axis=0, dtype=np.float64), apart)
    return 2 * float(apart.mean()) or 1.0

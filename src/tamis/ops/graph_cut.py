"""Graph cut: rows like many of the pool, and unlike each other."""

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.ops.similarity import Metric, distances, row_blocks, square, unit_rows
from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]

TILE = 512


class GraphCut(SetFunction):
    """`F(S) = λ Σ_{i∈U, j∈S} m_i s_ij - Σ_{i,j∈S} s_ij`; the second sum has each pair twice and each row with itself.

    It is submodular where s ≥ 0, and then monotone if each λ m_i ≥ 2; below that gains may be negative, and the greedy,
    which goes on all the same, is the naive greedy without a bound. Libraries differ in what they call by this name:

    | library | its F | here |
    |---|---|---|
    | apricot `GraphCutSelection(alpha=a)`, DeepCore | `a Σ_U Σ_S - Σ_S Σ_S` | λ = a; their default 1 is not monotone |
    | submodlib `GraphCutFunction(lambdaVal=l)` | `Σ_U Σ_S - l Σ_S Σ_S` | λ = 1 / l, F is 1 / l times theirs |

    Args:
        x: `float32 [n, d]`, or the symmetric matrix `[n, n]` of similarities if precomputed.
        mass: `float64 [n]`, m, how much each row of U counts; 1 without it.
        metric: "cosine" (negative ones are 0), "dot" (kept as they are), "euclidean" (the largest distance less the
            distance) or "precomputed".
        lam: λ, at least 0.

    Memory without any n × n matrix: at most two copies of x, and 72 n bytes. `O(n² d)` time for the sums over U, `O(n
    d)` for "dot", and then `O(n d)` for each row taken.

    Raises `BadRow` for a row of zeros under cosine and for a matrix that is not symmetric.

    Examples:
        >>> cut = GraphCut(np.array([[1, 0], [1, 0], [0, 1]], np.float32))
        >>> cut.gains(np.arange(3)).tolist(), cut.take(0), cut.gains(np.array([1, 2])).tolist()
        ([3.0, 3.0, 1.0], None, [1.0, 1.0])

    Source: Lin and Bilmes 2011, A Class of Submodular Functions for Document Summarization; Iyer et al. 2021,
    Submodular Combinatorial Information Measures, for the second convention.
    """

    def __init__(self, x: Floats32, mass: Floats | None = None, *, metric: Metric = "cosine", lam: float = 2.0) -> None:
        if not 0 <= lam < np.inf:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"lam={lam}", accepted="0 or more")
        self.size, self.metric = len(x), metric
        self.x, self.largest = vectors(x, metric), 0.0
        mass = np.ones(self.size) if mass is None else mass
        self.monotone = bool(lam * mass.min(initial=1.0) >= 2)
        if metric == "precomputed":
            cover = column(self.x, "dot", mass)
            self_similarity = np.diagonal(self.x).astype(np.float64)
        elif metric == "dot":
            cover = column(self.x, "dot", np.einsum("nd,n->d", self.x, mass, dtype=np.float64))
            self_similarity = np.einsum("nd,nd->n", self.x, self.x, dtype=np.float64)
        else:
            cover, self.largest = _cover(self.x, mass, metric)
            cosines = np.einsum("nd,nd->n", self.x, self.x, dtype=np.float64)
            self_similarity = cosines if metric == "cosine" else np.full(self.size, self.largest)
        self.submodular = metric in ("cosine", "euclidean") or not self.size or float(self.x.min()) >= 0
        self._alone = lam * cover - self_similarity
        self._gain = self._alone.copy()

    def gains(self, rows: Rows) -> Floats:
        """`λ Σ_{i∈U} s_ie - s_ee - 2 Σ_{j∈S} s_je` of each row e."""
        return np.asarray(self._gain[rows])

    def take(self, row: int) -> str | None:
        """Take a row."""
        self._gain -= 2 * self.similarity(row)
        return None

    def similarity(self, row: int) -> Floats:
        """`float64 [n]`, how similar a row is to each."""
        if self.metric == "precomputed":
            return np.asarray(self.x[row], np.float64)
        found = column(self.x, self.metric, self.x[row].astype(np.float64))
        if self.metric == "cosine":
            return np.maximum(found, 0, out=found)
        return np.asarray(self.largest - np.sqrt(found, out=found) if self.metric == "euclidean" else found)

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The open row with the largest gain, per price if given; ties by row."""
        worth = np.where(open, self._gain if price is None else self._gain / price, -np.inf)
        row = int(np.argmax(worth))
        return row, float(self._gain[row])

    def fresh(self) -> "GraphCut":
        """The same function with no row taken."""
        made = object.__new__(GraphCut)
        made.__dict__ |= self.__dict__ | {"_gain": self._alone.copy()}
        return made


def vectors(x: Floats32, metric: Metric) -> Floats32:
    """x as columns are made of it: of length 1 for "cosine"; a precomputed matrix, once it is known to be symmetric."""
    if metric != "precomputed":
        return np.ascontiguousarray(unit_rows(x) if metric == "cosine" else x, np.float32)
    for start, stop in row_blocks(len(square(x, signed=True)), len(x), 1 << 26):
        if not np.array_equal(x[start:stop], x[:, start:stop].T):
            row, other = np.argwhere(x[start:stop] != x[:, start:stop].T)[0]
            row += start
            raise BadRow(int(row), refusals.SIMILARITY_ONE_WAY, other=other, value=x[row, other], back=x[other, row])
    return np.ascontiguousarray(x, np.float32)


def column(x: Floats32, metric: Metric, y: Floats) -> Floats:
    """`float64 [n]`: the inner product of each row with y, or the square of its distance for "euclidean". `O(n d)`."""
    from tamis.ops import _column_kernels as kernels

    out = np.empty(len(x))
    (kernels.squares if metric == "euclidean" else kernels.dots)(x, y, out)
    return out


def _cover(x: Floats32, mass: Floats, metric: Metric) -> tuple[Floats, float]:
    """Sum over all rows of their mass times their similarity to each row, `float64 [n]`, and the largest distance.

    Each different row is counted once, in the order of its bytes: so equal rows get the very same sum, and the order of
    rows does not matter. Half of all pairs are computed, a tile at a time.
    """
    keys = x.view(np.dtype((np.void, 4 * x.shape[1])))[:, 0]
    order = np.argsort(keys, kind="stable")
    different = x[order]
    keys = different.view(keys.dtype)[:, 0]
    new = np.concatenate([np.ones(min(len(x), 1), np.bool_), keys[1:] != keys[:-1]])
    if not new.all():
        different = different[new]
    place = np.empty(len(x), np.int64)
    place[order] = np.cumsum(new) - 1
    total, sums, largest = mass.sum(), np.zeros(len(different)), 0.0
    weights = np.asarray(np.bincount(place, mass, len(different)), np.float64)
    tiles = [(start, min(start + TILE, len(different))) for start in range(0, len(different), TILE)]
    for index, (start, stop) in enumerate(tiles):
        for left, right in tiles[index:]:
            if metric == "cosine":
                tile = different[start:stop].astype(np.float64) @ different[left:right].astype(np.float64).T
                np.maximum(tile, 0, out=tile)
            else:
                tile = distances(different[start:stop], different[left:right])
                largest = max(largest, float(tile.max()))
            sums[start:stop] += tile @ weights[left:right]
            if left > start:
                sums[left:right] += weights[start:stop] @ tile
    return (sums if metric == "cosine" else total * largest - sums)[place], largest

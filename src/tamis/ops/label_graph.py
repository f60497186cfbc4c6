"""Information of rows spread over a graph of their tags, and the greedy that adds most of it."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import BadRow
from tamis.ops.coverage import Coverage
from tamis.ops.similarity import row_blocks, unit_rows

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.int64]
Codes = NDArray[np.int32]
Phi = Literal["pow", "exp"]

MOST_EDGES = 20_000_000
_BLOCK_BYTES = 1 << 26


class Graph(NamedTuple):
    """A sparse square matrix whose pattern is symmetric: row a has the entries `starts[a]:starts[a + 1]`."""

    starts: Rows
    columns: Codes
    values: Floats


def propagation(
    names: list[str], embedding: Floats32 | None = None, *, threshold: float = 0.9, weight: float = 1.0
) -> Graph:
    """How much of the information of tag a reaches tag b: `P[a, b]`, whose columns sum to 1.

    With `W[a, a] = 1` and `W[a, b] = cos(e_a, e_b)` where that is at least the threshold, else 0:

        P[a, b] = M[a, b] / Σ_a M[a, b],    M = W with what is off its diagonal times the weight

    Args:
        names: of L tags.
        embedding: `float32 [L, e]`, a vector a tag; without it no tag is near another, and P is the identity.
        threshold: at least 0.
        weight: of other tags, at least 0.

    Returns:
        A `Graph` of L rows. `O(L² e)` time in blocks of rows; 64 bytes for each pair of near tags, most of them for a
        while.

    Refuses a vector of zeros, and more than 20 million pairs of near tags.

    Examples:
        >>> propagation(["a", "b"], np.array([[1.0, 0.0], [1.0, 0.0]], np.float32), weight=0.25).values.tolist()
        [0.8, 0.2, 0.2, 0.8]

    Source: Chen et al. 2025, MIG, section 3; `mig/label.py` and `mig/sampler.py` of its code.
    """
    if not threshold >= 0:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"threshold={threshold}", accepted="0 or more")
    if not weight >= 0:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"prop_weight={weight}", accepted="0 or more")
    tags, units = len(names), np.empty((0, 1), np.float32)
    try:
        units = units if embedding is None or not weight else unit_rows(embedding)
    except BadRow as bad:
        raise refusals.TAG_OF_ZEROS(f"tag {names[bad.row]!r}") from None
    one, other, near = _near(units, threshold)
    places = np.arange(tags, dtype=np.int32)
    a, b = np.concatenate([places, one, other]), np.concatenate([places, other, one])
    mass = np.concatenate([np.ones(tags), weight * near, weight * near])
    mass /= np.bincount(b, mass, tags)[b]
    order = np.lexsort((b, a))
    starts = np.concatenate([[0], np.cumsum(np.bincount(a, minlength=tags))])
    return Graph(starts, b[order], mass[order])


def _near(units: Floats32, threshold: float) -> tuple[Codes, Codes, Floats]:
    """Pairs of tags, each once, with their cosine, which is at least the threshold."""
    found: list[tuple[Codes, Codes, Floats]] = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))]
    edges = 0
    for start, stop in row_blocks(len(units), len(units), _BLOCK_BYTES):
        cosine = units[start:stop] @ units[start:].T
        cosine[np.tri(*cosine.shape, dtype=np.bool_)] = -1
        one, other = np.nonzero(cosine >= threshold)
        edges += len(one)
        if edges > MOST_EDGES:
            raise refusals.TAGS_TOO_NEAR(f"threshold={threshold}", most=MOST_EDGES)
        weights = np.minimum(cosine[one, other], 1.0).astype(np.float64)
        found.append(((one + start).astype(np.int32), (other + start).astype(np.int32), weights))
    ones, others, weights = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others), np.concatenate(weights)


class InformationGain(Coverage):
    """Rows whose tags add most information to what is known of all tags.

    A row i of amount q_i has the information `u_i = q_i Σ_{a ∈ tags(i)} P[a, :]`, and with x the sum over the rows
    taken the gain of another is linear,

        u_i · φ'(x),    φ(x) = (x + 1e-6)^0.8 or 1 - e^-x,

    which is not `Φ(x + u_i) - Φ(x)`, but shrinks as that does: hence lazy greedy is exact. It is computed as
    `q_i Σ_a level_a` with `level = P φ'(x)`, so that u is never made, and only levels near a taken row's tags change.

    Args:
        starts: `int64 [n + 1]`.
        codes: `int32`, tags of row i are `codes[starts[i]:starts[i + 1]]`, each once.
        amount: `float64 [n]`, q, at least 0.
        graph: P.
        phi: "pow" or "exp".
        names: of tags; then `take` says of which of a row's tags least was known.

    `admitted`, `bool [n]` or None, is for who makes one: the rows that may be taken at all.

    `O(tags of a row)` a gain; `40 n` bytes beside tags and graph.

    Examples:
        >>> tags = np.array([0, 0, 1], np.int32)
        >>> found = InformationGain(np.arange(4), tags, np.array([3.0, 2.0, 1.0]), propagation(["a", "b"]))
        >>> [found.best(np.ones(3, bool))[0], found.take(0), found.gains(np.array([1, 2])).round(2).tolist()]
        [0, None, [1.28, 12.68]]

    Source: as `propagation`.
    """

    monotone = False  # gains are linearised, so that they are no differences of one function

    def __init__(
        self,
        starts: Rows,
        codes: Codes,
        amount: Floats,
        graph: Graph,
        *,
        phi: Phi = "pow",
        names: list[str] | None = None,
    ) -> None:
        from tamis.ops import _coverage_kernels as kernels

        if len(amount) and not amount.min() >= 0:
            row = int(np.argmin(amount >= 0))
            raise BadRow(row, refusals.SCORE_NEGATIVE, value=amount[row])
        self.graph, self.names = graph, names
        self.admitted: NDArray[np.bool_] | None = None
        self.phi = (kernels.POWER, kernels.EXPONENTIAL)[("pow", "exp").index(phi)]
        super().__init__(starts, codes, features=len(graph.starts) - 1, concave="linear", scale=amount)

    def _begin(self) -> tuple[int, Floats, Floats, Floats]:
        """Nothing is known of any tag."""
        from tamis.ops import _coverage_kernels as kernels

        self.information, level = np.zeros(self.features), np.empty(self.features)
        self.slopes = np.full(self.features, kernels.slope(self.phi, 0.0))
        kernels.levels(tuple(self.graph), self.slopes, level)
        self._seen = np.full(self.features, -1, np.int32)
        return super()._begin()[0], level, level, level

    def take(self, row: int) -> str | None:
        """Take a row."""
        from tamis.ops import _coverage_kernels as kernels

        starts, codes, amount = self._rows[0], self._rows[1], self._rows[5]
        tags, level = codes[starts[row] : starts[row + 1]], self._state[2]
        rarest = int(tags[np.argmax(level[tags])]) if len(tags) else None
        self.taken += 1
        kernels.inform(
            tags, amount[row], self.phi, tuple(self.graph), self.taken, self._seen, self.information, self.slopes, level
        )
        return f"tag {self.names[rarest]}" if self.names and rarest is not None else None


def by_name(starts: Rows, codes: Codes, names: list[str]) -> tuple[Codes, Rows]:
    """Tags coded by the order of their names, sorted within each row, and which of the old codes each new one was.

    Sums over tags then do not depend on the order of rows. `O(entries + L log L)`.

    Examples:
        >>> by_name(np.array([0, 2]), np.array([0, 1], np.int32), ["b", "a"])[0].tolist()
        [0, 1]
    """
    from tamis.ops._coverage_kernels import sort_rows

    order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
    place = np.empty(len(names), np.int32)
    place[order] = np.arange(len(names))
    found = place[codes]
    sort_rows(starts, found)
    return found, order

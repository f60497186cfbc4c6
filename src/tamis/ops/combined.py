"""Several objectives in one greedy: a weighted sum of set functions, and the simple ones that are added to others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.ops.apportion import divide
from tamis.ops.correlation import average_ranks
from tamis.ops.greedy import Floats, Lazy, Rows, maximise
from tamis.ops.matches import Matches
from tamis.ops.similarity import unit_rows
from tamis.vocabulary import Balance, SetFunction

Floats32 = NDArray[np.float32]

_BLOCK_BYTES = 1 << 21


@dataclass(frozen=True)
class Term:
    """One of the functions that are added up: its name, its weight, and what gains of it are divided by."""

    name: str
    weight: float
    function: SetFunction
    unit: float = 1.0

    def gains(self, rows: Rows) -> Floats:
        """Weighted gains, in units."""
        return self.function.gains(rows) * (self.weight / self.unit)


class Weighted(Lazy):
    """`F(S) = Σ_t w_t F_t(S) / u_t`; where each F_t is monotone and submodular, F is, and its greedy lazy and exact.

    Taking a row says what part each term has of its gain, in whole per cent.

    Args:
        terms: of one size, none of which has a row taken.

    Examples:
        >>> good, near = Modular(np.array([0.2, 0.9])), Modular(np.array([1.0, 0.2]))
        >>> function = Weighted([Term("quality", 1.0, good), Term("near", 0.5, near)])
        >>> function.best(np.ones(2, bool)), function.take(1)
        ((1, 1.0), 'quality 90 %, near 10 %')
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        super().__init__(terms[0].function.size)
        self.terms = tuple(terms)
        self.submodular = all(term.function.submodular for term in terms)
        self.monotone = all(term.function.monotone for term in terms)

    def gains(self, rows: Rows) -> Floats:
        """The sum of the terms' gains."""
        return np.asarray(sum(term.gains(rows) for term in self.terms))

    def _take(self, row: int) -> str:
        parts = np.array([float(term.gains(np.array([row]))[0]) for term in self.terms])
        for term in self.terms:
            term.function.take(row)
        return said_shares([term.name for term in self.terms], parts)

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The open row with the largest gain, per price if given; ties by row."""
        return super().best(open, price) if self.submodular else SetFunction.best(self, open, price)

    def weights(self, rows: Rows) -> NDArray[np.float32] | None:
        """Those of the first term that has any."""
        return next((found for term in self.terms if (found := term.function.weights(rows)) is not None), None)

    def fresh(self) -> "Weighted":
        """The same terms with no row taken."""
        return Weighted([Term(t.name, t.weight, t.function.fresh(), t.unit) for t in self.terms])


def weighted(functions: Sequence[tuple[str, float, SetFunction]], count: int, start: Rows) -> Weighted:
    """The sum of functions by name and weight, each in units of what its own greedy adds to `start` with `count` rows.

    Examples:
        >>> function = weighted([("quality", 2.0, Modular(np.array([3.0, 1.0])))], 1, np.array([], int))
        >>> function.gains(np.array([0, 1])).round(3).tolist()
        [2.0, 0.667]
    """
    return Weighted([Term(name, weight, made, alone(made, count, start) or 1.0) for name, weight, made in functions])


def said_shares(names: Sequence[str], parts: Floats) -> str:
    """What each part is of their sum, largest first, in whole per cent that sum to 100.

    Examples:
        >>> said_shares(["coverage", "quality", "novelty"], np.array([2.0, 1.0, 0.0]))
        'coverage 67 %, quality 33 %'
    """
    if not parts.sum() > 0:
        return "adds nothing"
    shares = divide(100, np.maximum(parts, 0))
    order = np.argsort(-parts, kind="stable")
    return ", ".join(f"{names[at]} {shares[at]} %" for at in order if shares[at])


def alone(function: SetFunction, count: int, start: Rows) -> float:
    """How much the greedy of one function alone adds with `count` rows to those of `start`.

    Examples:
        >>> alone(Modular(np.array([3.0, 1.0, 2.0])), 2, np.array([0]))
        3.0
    """
    function, open = function.fresh(), np.ones(function.size, np.bool_)
    for row in start.tolist():
        function.take(row)
        open[row] = False
    return float(maximise(function, count, open=open)[1].sum())


class Modular(Lazy):
    """`F(S) = Σ_{j∈S} v_j`: each row has a value of its own.

    Examples:
        >>> function = Modular(np.array([1.0, 3.0]))
        >>> function.best(np.ones(2, bool)), function.take(1), function.gains(np.array([0])).tolist()
        ((1, 3.0), None, [1.0])
    """

    def __init__(self, values: Floats) -> None:
        super().__init__(len(values))
        self.values = values

    def gains(self, rows: Rows) -> Floats:
        """The values."""
        return self.values[rows]

    def _take(self, row: int) -> None:
        pass

    def fresh(self) -> "Modular":
        """The same with no row taken."""
        return Modular(self.values)


class Balanced(Lazy):
    """How far the groups of a column have what they should of k rows: `F(S) = Σ_g min(|S ∩ g| / k, p_g)`.

    A row of a group that is short adds `1/k`, less where the rest of its share is less; others add nothing. F is 1
    where the shares sum to 1 and every group has its share.

    Args:
        balance: the group of each row, and the share p of each group.
        k: how many rows there will be in all.

    Examples:
        >>> shares = Balance("weather", ["rain", "sun"], np.array([0, 0, 1, -1]), np.array([0.5, 0.5]))
        >>> function = Balanced(shares, 2)
        >>> function.take(0), function.gains(np.array([1, 2, 3])).tolist()
        (None, [0.0, 0.5, 0.0])
    """

    def __init__(self, balance: Balance, k: int) -> None:
        super().__init__(len(balance.codes))
        self.balance, self.k = balance, k
        self.counts = np.zeros(len(balance.shares) + 1, np.int64)
        self.shares = np.append(balance.shares, 0.0)  # the last one is that of rows in no group, whose code is -1

    def gains(self, rows: Rows) -> Floats:
        """What each row adds."""
        more = np.clip(self.shares * self.k - self.counts, 0, 1) / self.k
        return np.asarray(more[self.balance.codes[rows]])

    def _take(self, row: int) -> None:
        self.counts[self.balance.codes[row]] += 1

    def fresh(self) -> "Balanced":
        """The same with no row taken."""
        return Balanced(self.balance, self.k)


def ranked(score: Floats) -> Floats:
    """Scores as ranks from 0 for the lowest to 1 for the highest, ties sharing theirs; all 0 where all are equal.

    Ranks, because one extreme score would otherwise make all others look alike.

    Examples:
        >>> ranked(np.array([10.0, 1e9, -3.0, 10.0])).tolist()
        [0.5, 1.0, 0.0, 0.5]
    """
    ranks = average_ranks(score)
    ranks -= ranks.min()
    return np.asarray(ranks / max(ranks.max(), 1.0))


def nearness(x: Floats32, others: Floats32) -> Floats:
    """The cosine of each row with the nearest of some others, 0 where that is negative: `float64 [n]`.

    Raises `BadRow` for a row of zeros; others of zeros are near nothing.

    Examples:
        >>> nearness(np.array([[1, 0], [-1, 0]], np.float32), np.array([[2, 0], [0, 3]], np.float32)).tolist()
        [1.0, 0.0]
    """
    found = np.empty(len(x))
    for start, block in Matches(unit_rows(x), others, cosine=True).blocks(_BLOCK_BYTES):
        found[start : start + len(block)] = block.max(axis=1)
    return np.clip(found, 0.0, 1.0)

"""vote-k: rows that many others are near to, where a vote counts less the more of its choices are taken."""

import numpy as np
from numpy.typing import NDArray

from tamis.ops.greedy import Floats, Lazy, Rows
from tamis.ops.similarity import Sparse
from tamis.vocabulary import SetFunction

DISCOUNT = 10.0
DROPPED = 0.1


class Votes(Lazy):
    """Each row v supports the rows nearest to it; a row u is worth the discounted votes of its supporters N(u).

        gain(u | S) = Σ_{v ∈ N(u), v ∉ S} 10^{-s(v)},   s(v) = how many rows of S v supports

    Of equal gains the row with more supporters comes first, then the smaller row. Gains only shrink, so that stale ones
    are bounds and few are computed again: `O(supporters)` each, and as much to take a row. Votes are counted by s and
    the largest discounts added first, so that a gain does not depend on the order of rows.

    Args:
        near: the rows that each row supports.

    Examples:
        >>> near = Sparse(np.array([0, 1, 2, 3]), np.array([1, 0, 1]), np.ones(3, np.float32))
        >>> votes = Votes(near)
        >>> votes.take(1), votes.gains(np.array([0, 2])).tolist()
        (None, [0.0, 0.0])

    Source: Su et al. 2023, Selective Annotation Makes Language Models Better Few-Shot Learners, section 2.2.
    """

    monotone = False  # a gain leaves out the rows taken, so that gains are no differences of one function

    def __init__(self, near: Sparse) -> None:
        from tamis.ops._vote_kernels import turn

        n = len(near.starts) - 1
        super().__init__(n)
        self.bounds, self.tails = np.zeros(n + 1, np.int64), np.empty(len(near.columns), np.int32)
        turn(near.starts, near.columns, self.bounds, self.tails)
        most = int(np.diff(near.starts).max(initial=0))
        self.worths = DISCOUNT ** -np.arange(most + 1.0)
        self.places = np.empty(n, np.int64)
        self.places[np.lexsort((np.arange(n), -np.diff(self.bounds)))] = np.arange(n)
        self.rank = self.places
        self._begin()

    def _begin(self) -> None:
        self.heard, self.done = np.zeros(self.size, np.int32), np.zeros(self.size, np.bool_)

    def gains(self, rows: Rows) -> Floats:
        """The discounted votes for each of these rows."""
        from tamis.ops._vote_kernels import worth

        found = np.empty(len(rows))
        worth(self.bounds, self.tails, self.heard, self.done, self.worths, rows, found)
        return found

    def _take(self, row: int) -> None:
        self.heard[self.tails[self.bounds[row] : self.bounds[row + 1]]] += 1
        self.done[row] = True

    def fresh(self) -> "Votes":
        """The same votes with no row taken."""
        other = object.__new__(Votes)
        other.__dict__.update(self.__dict__)
        Lazy.__init__(other, self.size)
        other._begin()
        return other


class Stratified(SetFunction):
    """Votes at first, then the row with most votes of each of many equal parts of the rows by a model's confidence.

    The first rows are those with most votes. A model was prompted with them; of the other rows the most confident tenth
    is set aside, and the rest, least confident first, is cut into as many parts as there are rows still to choose, of
    `floor(0.9 n / rows to choose)` rows each. Each part gives the open row with most votes; where parts give out, rows
    follow in the order of `random`, largest key first.

    Args:
        votes: with no row taken.
        score: `float64 [n]`, the model's confidence.
        key: `uint64 [n]`.
        first: how many rows are chosen by votes alone; rows that one has already are among them.
        count: how many rows are to be chosen in all, beside those that one has already.
        had: how many rows one has already; they are taken before any is chosen.

    Source: Su et al. 2023, section 2.2, with parts as in their code.
    """

    submodular = False

    def __init__(self, votes: Votes, score: Floats, key: NDArray[np.uint64], first: int, count: int, had: int) -> None:
        self.votes, self.size, self.score, self.key = votes, votes.size, score, key
        self.first, self.count, self.had = first, count, had
        self.parts: list[Rows] | None = None
        self.part = np.full(votes.size, -1)  # of each row; those that have given a row are left out of what is `due`
        self.due: dict[int, None] = {}

    def gains(self, rows: Rows) -> Floats:
        """The discounted votes for each of these rows."""
        return self.votes.gains(rows)

    def take(self, row: int) -> str | None:
        """Take a row, and with it the part that it is from."""
        self.due.pop(int(self.part[row]), None)
        return self.votes.take(row)

    def best(self, open: NDArray[np.bool_], price: Floats | None = None) -> tuple[int, float]:
        """The open row with most votes, of the next part of rows once the first ones are taken."""
        if len(self.votes.taken) < self.first:
            return self.votes.best(open, price)
        if self.parts is None:
            self.parts = self._cut()
            for number, part in enumerate(self.parts):
                self.part[part] = number
            self.due = dict.fromkeys(range(len(self.parts)))
        for number in self.due:
            rows = self.parts[number][open[self.parts[number]]]
            if len(rows):
                gains = self.gains(rows)
                at = np.lexsort((self.votes.places[rows], -gains if price is None else -gains / price[rows]))[0]
                return int(rows[at]), float(gains[at])
        rows = np.flatnonzero(open)
        row = rows[np.argmax(self.key[rows])]
        return int(row), float(self.gains(row[None])[0])

    def _cut(self) -> list[Rows]:
        """Parts of the rows that are not taken, the least confident first."""
        rest = np.flatnonzero(~self.votes.done)
        rest = rest[np.argsort(self.score[rest], kind="stable")]
        kept = int((1 - DROPPED) * len(rest) + 1e-9)
        wanted = max(1, self.count - max(0, len(self.votes.taken) - self.had))
        size = max(1, kept // wanted)
        return [rest[size * part : size * (part + 1)] for part in range(min(wanted, kept // size))]

    def fresh(self) -> "Stratified":
        """The same with no row taken."""
        return Stratified(self.votes.fresh(), self.score, self.key, self.first, self.count, self.had)

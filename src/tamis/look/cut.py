"""Where a row stands in the order of the eligible ones, and where that order was cut."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.budget import parse_shares
from tamis.look.folder import Finished
from tamis.look.order import Ordering
from tamis.look.words import number
from tamis.pool import TYPES

MUST_KEEP, OF_FLOOR = "must-keep", "taken first for its floor"  # as `tamis.engine.finish` writes reasons


@dataclass
class Cut:
    """The last row that was kept by its place in the order; `among` names the group whose quota it was part of.

    `places` and `difference` are how far the row that was asked for stands before it, below 0 where it comes after.
    """

    row: int
    id: Any
    rank: int
    score: float
    place: int
    among: str | None
    places: int
    difference: float

    def said(self) -> str:
        """For a person."""
        name = f"row {self.row:,}" if self.id is None else f"{self.id!r}"
        among = f" among {self.among}" if self.among is not None else ""
        here = f"place {self.place:,}, score {number(self.score)}: {name} is the last one kept by its place{among}"
        if self.places == 0:
            return here
        side = "before" if self.places > 0 else "after"
        count = "1 place" if abs(self.places) == 1 else f"{abs(self.places):,} places"
        return f"{here}, and this row comes {count} {side} it ({number(abs(self.difference))} in score)"


@dataclass
class Place:
    """Score and place (from 1, None where the chooser admits no such score) of a row, for one target or for all."""

    target: str | None
    score: float
    place: int | None
    of: int
    cut: Cut | None

    def said(self) -> str:
        """For a person."""
        if self.place is None:
            return f"{number(self.score)}, which the chooser does not admit"
        return f"{number(self.score)}, place {self.place:,} of {self.of:,} eligible rows"


def places(done: Finished, row: int) -> list[Place]:
    """Where an eligible row stands, by each column of scores; none where the method makes an order."""
    names = done.score_names
    several = len(names) > 1
    return [_place(done, Ordering(done, at), name if several else None, row) for at, name in enumerate(names)]


def _place(done: Finished, ordering: Ordering, target: str | None, row: int) -> Place:
    (score,), (priority,) = ordering.at(np.array([row]))
    of = int(done.manifest["rows"]["eligible"])
    last, among = _last_kept(done, ordering, target, row)
    if last is None or np.isnan(priority):
        where = None if np.isnan(priority) else int(ordering.places(np.array([row]), np.array([priority]))[0]) + 1
        return Place(target, float(score), where, of, None)
    cut = int(done.rows[last])
    (cut_score,), (cut_priority,) = ordering.at(np.array([cut]))
    own, its = (ordering.places(np.array([row, cut]), np.array([priority, cut_priority])) + 1).tolist()
    found = Cut(cut, done.id_of(cut), last, float(cut_score), its, among, its - own, float(score - cut_score))
    return Place(target, float(score), own, of, found)


def _last_kept(done: Finished, ordering: Ordering, target: str | None, row: int) -> tuple[int | None, str | None]:
    """The rank of the row that was kept by its place and stands last, and the group to which that is confined."""
    if not done.is_selection:
        return None, None
    reason = done.selection["reason"].combine_chunks().fill_null("")
    by_place = ~(pc.equal(reason, MUST_KEEP).to_numpy(False) | pc.match_substring(reason, OF_FLOOR).to_numpy(False))
    if target is not None:
        by_place &= pc.equal(done.selection["target"].combine_chunks(), target).fill_null(False).to_numpy(False)
    ranks = np.flatnonzero(by_place)
    among = None
    if len(ranks) and done.manifest["request"].get("quota"):
        ranks, among = _same_bin(done, ranks, row)
    if not len(ranks):
        return None, among
    priority = ordering.of(done.rows[ranks], done.selection["score"].to_numpy()[ranks])
    order = np.lexsort((-done.rows[ranks], priority))  # the lowest priority first, of equal ones the last row
    return int(ranks[order[0]]), among


def _same_bin(done: Finished, ranks: NDArray[np.int64], row: int) -> tuple[NDArray[np.int64], str]:
    """Those of `ranks` that share a quota with `row`, and its name."""
    shares = [share for text in done.manifest["request"]["quota"] for share in parse_shares("--quota", text)]
    column, named = shares[0].column, [share.group for share in shares]
    groups = groups_of(done, np.concatenate([done.rows[ranks], [row]]), column)
    bins = pc.fill_null(pc.index_in(groups, value_set=pa.array(named)), -1).to_numpy()
    own = int(bins[-1])
    return ranks[bins[:-1] == own], f"{column}={named[own]}" if own >= 0 else f"the other groups of {column}"


def groups_of(done: Finished, rows: NDArray[np.int64], column: str) -> pa.Array:
    """The group of each of `rows` by a column, as text; null is `(none)`."""
    if done.frame is not None and done.frame.has(f"code:{column}"):
        codes = done.frame.codes(column)[rows]
        return pa.array(done.frame.names[column], pa.string()).take(pa.array(codes))
    kind = TYPES.get(done.pool.schema[column], TYPES["text"])
    values = done.located.values(rows, {column: kind})[column].combine_chunks()
    return pc.fill_null(pc.cast(values, pa.string()), "(none)")

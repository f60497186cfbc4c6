"""Scores of all rows, the priorities that a chooser makes of them, and orders that methods make by themselves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.frame import BLOCK, Frame
from tamis.engine.guard import guarded, rows_named
from tamis.engine.needs import as_given, need_column, needs_of_rows
from tamis.engine.parts import blank, read_table
from tamis.engine.plan import Plan
from tamis.engine.tasks import check_scores
from tamis.ops.hashing import mix64
from tamis.registry import accepted
from tamis.vocabulary import Admitted, Order, Points

Rows = NDArray[np.int64]


@dataclass
class Scores:
    """`columns`: `float64 [n]` for each target (one without targets); `admitted`: rows the method lets be chosen."""

    columns: list[NDArray[np.float64]]
    admitted: NDArray[np.bool_] | None = None

    @classmethod
    def from_columns(cls, plan: Plan, frame: Frame, work: Path) -> "Scores":
        """Scores that need only what the scan brought, block by block."""
        columns: list[NDArray[np.float64]] = []
        admitted: NDArray[np.bool_] | None = None
        parameters = accepted(plan.method.function, plan.parameters)
        for start in range(0, frame.rows, BLOCK):
            block = slice(start, min(start + BLOCK, frame.rows))
            wanted = [need for need in plan.method.needs if need in plan.supplied]
            needs = {need: as_given(need_column(plan, frame, need)[block]) for need in wanted}
            with guarded(plan.method), rows_named(lambda place, first=start: frame.where(first + place)):  # type: ignore[misc]
                scored = plan.method.function(**needs, **parameters)
            if isinstance(scored, Admitted):
                scored, mask = scored
                admitted = blank(work, "admitted", (frame.rows,), np.bool_) if admitted is None else admitted
                admitted[block] = mask
            found = check_scores(plan.method, scored, block.stop - start)
            columns = columns or [blank(work, f"score{i}", (frame.rows,), np.float64) for i in range(found.shape[1])]
            for column, values in zip(columns, found.T, strict=True):
                column[block] = values
        return cls(columns, admitted)

    @classmethod
    def from_whole(cls, plan: Plan, frame: Frame, targets: list[Frame], eligible: Rows, work: Path) -> "Scores":
        """Scores of a method that sees all `eligible` rows at once; NaN for the others."""
        found, admitted = method_result(plan, frame, targets, eligible), None
        if isinstance(found, tuple):
            found, mask = found
            admitted = blank(work, "admitted", (frame.rows,), np.bool_)
            admitted[eligible] = mask
        columns = []
        for index, values in enumerate(check_scores(plan.method, found, len(eligible)).T):
            column = blank(work, f"score{index}", (frame.rows,), np.float64)
            column[:] = np.nan
            column[eligible] = values
            columns.append(column)
        return cls(columns, admitted)

    @classmethod
    def from_parts(cls, plan: Plan, frame: Frame, parts: list[Path], work: Path) -> "Scores":
        """Scores that workers made."""
        found = zip(frame.starts.tolist(), map(read_table, parts), strict=False)
        starts, tables = zip(*((start, table) for start, table in found if table.num_rows), strict=True)
        names = [name for name in tables[0].column_names if name.startswith("score")]
        columns = [blank(work, name, (frame.rows,), np.float64) for name in names]
        admitted = blank(work, "admitted", (frame.rows,), np.bool_) if "admitted" in tables[0].column_names else None
        for start, table in zip(starts, tables, strict=True):
            block = slice(start, start + table.num_rows)
            for name, column in zip(names, columns, strict=True):
                column[block] = table[name].to_numpy()
            if admitted is not None:
                admitted[block] = table["admitted"].to_numpy()
        return cls(columns, admitted)


def priorities(
    plan: Plan, frame: Frame, scores: Scores, eligible: NDArray[np.bool_], work: Path
) -> list[NDArray[np.float64]]:
    """What the chooser makes of each column of scores; NaN where a row cannot be chosen."""
    chooser = plan.chooser
    assert chooser is not None
    wanted = len(plan.targets) if plan.method.kind == "Match" else 1
    if len(scores.columns) != wanted:
        found, kind = len(scores.columns), plan.method.kind
        raise refusals.SCORES_OF_WRONG_COUNT(plan.method.name, found=found, wanted=wanted, kind=kind)
    keys = frame.keys(plan.request.seed)
    made = []
    for index, column in enumerate(scores.columns):
        whole = blank(work, f"priority{index}", (frame.rows,), np.float64)
        if chooser.pointwise:
            for start in range(0, frame.rows, BLOCK):
                block = slice(start, start + BLOCK)
                key = mix64(keys[block] + np.uint64(index)) if index else keys[block]
                whole[block] = chooser.function(np.asarray(column[block]), key, **plan.chooser_parameters)
        else:
            rows = np.flatnonzero(eligible)
            whole[:] = np.nan
            whole[rows] = chooser.function(column[rows], keys[rows], **plan.chooser_parameters)
        if scores.admitted is not None:
            whole[~scores.admitted] = np.nan
        made.append(whole)
    return made


def method_result(
    plan: Plan, frame: Frame, targets: list[Frame], rows: Rows, start: Rows | None = None, count: int = 0,
    mass: NDArray[np.float64] | None = None, points: Points | None = None,
) -> Any:  # fmt: skip
    """What a method makes of `rows` that it sees all at once, of which one has those of `start` already."""
    needs = needs_of_rows(plan, frame, targets, rows, start, count)
    if points is not None:
        needs["points"] = points
    if mass is not None and "mass" in needs:
        needs["mass"] = mass
    with guarded(plan.method), rows_named(lambda place: frame.where(int(rows[place]))):
        return plan.method.function(**needs, **accepted(plan.method.function, plan.parameters))


def checked_order(plan: Plan, found: Any, rows: Rows) -> Order:
    """An `Order` of places among `rows` as one of rows of the pool; refuses one that is none."""
    if not isinstance(found, Order):
        found = Order(*found) if isinstance(found, tuple) else Order(np.asarray(found))
    local = np.asarray(found.rows)
    if local.ndim != 1 or not np.issubdtype(local.dtype, np.integer) or len(np.unique(local)) < len(local):
        raise refusals.ORDER_NOT_DISTINCT(plan.method.name)
    if len(local) and (local.min() < 0 or local.max() >= len(rows)):
        raise refusals.ORDER_OUTSIDE(plan.method.name, last=len(rows) - 1)
    return Order(rows[local], *found[1:])

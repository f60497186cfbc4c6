"""What a method is given: each of its needs, by name, of the rows that it sees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.bindings import MATRICES, tag_matrix
from tamis.engine.checks import COLUMN_NEEDS, OF_BLOCKS
from tamis.engine.frame import Frame
from tamis.engine.parts import BLOCK_BYTES
from tamis.engine.plan import Plan
from tamis.engine.vectors import COLUMN
from tamis.ops.matches import Matches
from tamis.vocabulary import Balance

Rows = NDArray[np.int64]


def need_column(plan: Plan, frame: Frame, need: str) -> NDArray[Any]:
    """What the scan has for one need, of all rows of the pool."""
    if need == "key":
        return frame.keys(plan.request.seed)
    if need == "length":
        return frame.column("length", np.int64)
    if COLUMN_NEEDS.get(need) == "numbers":
        return frame.column(f"number:{plan.roles[need].column}", np.float64)
    if need in ("label", "group"):
        return frame.codes(plan.roles[need].column)
    if need in ("embedding", *MATRICES):
        return frame.vectors(plan.bindings.files.get(need), need)
    known = ", ".join(OF_BLOCKS)
    raise refusals.NEED_NOT_SUPPLIED(plan.method.name, need=need, kind=f"a {plan.method.kind}", known=known)


def needs_of_rows(
    plan: Plan, frame: Frame, targets: list[Frame], rows: Rows, start: Rows | None = None, count: int = 0
) -> dict[str, Any]:
    """What a method is given that sees `rows` all at once, of which it has those of `start` already.

    `count` is how many rows the budget keeps. Matrices are not copied where all rows of the pool are seen.
    """
    needs: dict[str, Any] = {}
    asked = [need for need in plan.method.needs if need in plan.supplied]
    for need in asked:
        if need in ("target", "target_length", "target_embedding", "match"):
            needs[need] = _of_targets(plan, frame, targets, need, rows)
        elif need == "rng":
            needs[need] = np.random.default_rng(plan.request.seed)
        elif need == "start":
            needs[need] = np.flatnonzero(np.isin(rows, start)) if start is not None else np.empty(0, np.int64)
        elif need == "mass":
            needs[need] = masses(plan, frame, rows)
        elif need == "count":
            needs[need] = count
        elif need == "tags":
            needs[need] = frame.tags(rows)
        elif need == "balance":
            needs[need] = balances(plan, frame, rows)
        elif need in ("label", "group"):
            needs[need] = np.unique(need_column(plan, frame, need)[rows], return_inverse=True)[1]
        elif need != "tag_embedding":
            square = need == "embedding" and plan.parameters.get("metric") == "precomputed"
            needs[need] = taken(need_column(plan, frame, need), rows, square)
    if "tag_embedding" in asked:
        needs["tag_embedding"] = tag_matrix(plan, needs["tags"].names)
    return needs


def taken(column: NDArray[Any], rows: Rows, square: bool = False) -> NDArray[Any]:
    """`column[rows]`, matrices in float32, of `square` ones only these columns; the whole column is not copied."""
    if len(rows) == len(column):
        return as_given(column)
    if column.ndim == 1:
        return column[rows]
    found = np.empty((len(rows), len(rows) if square else column.shape[1]), np.float32)
    step = max(1, BLOCK_BYTES // max(column.shape[1] * column.itemsize, 1))
    for start in range(0, len(rows), step):
        part = column[rows[start : start + step]]
        found[start : start + step] = part[:, rows] if square else part
    return found


def as_given(column: NDArray[Any]) -> NDArray[Any]:
    """A column as methods get it: matrices in float32."""
    return np.ascontiguousarray(column, np.float32) if column.ndim == 2 else column


def _of_targets(plan: Plan, frame: Frame, targets: list[Frame], need: str, rows: Rows) -> Any:
    """A need that is made of the targets."""
    if need == "match":
        if "match" in plan.roles:
            return Matches(taken(need_column(plan, frame, "match"), rows))
        among = rows if len(rows) < frame.rows else None
        return Matches(need_column(plan, frame, "embedding"), target_vectors(plan, targets), cosine=True, among=among)
    if need == "target_length":
        return np.concatenate([target.column("length", np.int64) for target in targets])
    if need == "target_embedding":
        return target_vectors(plan, targets)
    if not targets:
        return np.zeros(need_column(plan, frame, "match").shape[1], np.int64)
    return np.repeat(np.arange(len(targets)), [len(_said(plan, target)) for target in targets])


def _said(plan: Plan, target: Frame) -> NDArray[np.int64]:
    """The rows of a target that say something: where vectors were made of texts, those that have one but zeros."""
    if not (COLUMN in plan.measured and plan.measured[COLUMN].targets_too):
        return np.arange(target.rows)
    return np.flatnonzero(np.asarray(target.vectors(None)).any(axis=1))


def target_vectors(plan: Plan, targets: list[Frame]) -> NDArray[np.float32]:
    """`float32 [t, d]` of all targets, one after the other."""
    found = []
    for frame, target in zip(targets, plan.targets, strict=True):
        rows = _said(plan, frame)
        if not len(rows):
            raise refusals.TARGET_EMPTY(f"the target {target.name!r}")
        whole = frame.vectors(target.vectors)
        found.append(whole if len(rows) == frame.rows else whole[rows])
    return np.ascontiguousarray(np.concatenate(found), np.float32)


def masses(plan: Plan, frame: Frame, rows: Rows) -> NDArray[np.float64]:
    """How much each of `rows` counts: its weight where the request names a column of weights, else 1."""
    if "weight" not in plan.roles:
        return np.ones(len(rows))
    column = plan.roles["weight"].column
    weights = frame.column(f"number:{column}", np.float64)
    if len(weights) and weights.min() < 0:
        row = int(np.argmin(weights))
        raise refusals.WEIGHT_NEGATIVE(frame.where(row), name=column, value=weights[row])
    return weights[rows]


def balances(plan: Plan, frame: Frame, rows: Rows) -> list[Balance]:
    """The shares that `--use balance` wants, with the group of each row."""
    found = []
    for shares in plan.bindings.balance:
        column, names = shares[0].column, frame.names
        codes = frame.codes(column)[rows]
        lookup = np.full(len(names[column]), -1, np.int64)
        for index, share in enumerate(shares):
            if share.group not in names[column]:
                groups = ", ".join(names[column][:10])
                place = "--use balance"
                raise refusals.GROUP_MISSING(place, column=column, group=share.group, near="", groups=groups)
            lookup[names[column].index(share.group)] = index
        amounts = np.array([float(share.amount) for share in shares])
        if not all(share.is_fraction for share in shares):
            amounts = amounts / amounts.sum()  # as in sun:3,rain:1
        found.append(Balance(column, [share.group for share in shares], lookup[codes], amounts))
    return found

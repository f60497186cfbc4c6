"""Which rows may be chosen: all but excluded ones, exact duplicates, and, where texts are read, those without."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.clean import Cleaned, clean
from tamis.engine.duplicates import find_duplicates, find_rows
from tamis.engine.frame import Frame
from tamis.engine.ids import find_ids
from tamis.engine.parts import blank
from tamis.engine.run import Run
from tamis.engine.workers import Workers

NO_ROWS = np.empty(0, np.int64)


class Eligible(NamedTuple):
    """`mask` of rows that may be chosen, those that `must` be, duplicates as `pairs` (row, kept row), and `counts`.

    `cleaned` is what was left out for what texts are.
    """

    mask: NDArray[np.bool_]
    must: NDArray[np.int64]
    pairs: NDArray[np.int64]
    counts: dict[str, int]
    cleaned: Cleaned


def find_eligible(run: Run, workers: Workers, frame: Frame, corpora: list[Frame]) -> Eligible:
    """What is left of the pool, and how its rows reconcile; refuses ids that are not unique."""
    plan, request = run.plan, run.plan.request
    with run.timed("filter", "leave out exact duplicates, rows without text, and ids asked to be left out") as step:
        mask = blank(run.work, "eligible", (frame.rows,), np.bool_)
        mask[:] = True
        if frame.has("id"):
            refuse_equal_ids(frame)
        excluded = find_ids(frame, request.exclude, "--exclude") if request.exclude else NO_ROWS
        must = find_ids(frame, request.must_keep, "--must-keep") if request.must_keep else NO_ROWS
        if len(both := np.intersect1d(must, excluded)):
            shared = frame.ids(both[:1])[0].as_py()
            raise refusals.ID_KEPT_AND_EXCLUDED("--must-keep and --exclude", id=shared)
        mask[excluded] = False
        if plan.within is not None and len(lost := np.setdiff1d(must, plan.within)):
            raise refusals.WITHIN_NOT_KEPT("--must-keep", id=frame.ids(lost[:1])[0].as_py())
        earlier = _leave_out_earlier(run, frame, mask)
        if plan.start is not None:
            if len(both := np.intersect1d(must, plan.start)):
                raise refusals.ID_HAD_ALREADY("--must-keep", id=frame.ids(both[:1])[0].as_py())
            had = int(np.count_nonzero(mask[plan.start]))
            mask[plan.start] = False
        without_text = _without_text(run, frame, mask, must)
        mask[without_text] = False
        pairs = np.empty((0, 2), np.int64)
        if plan.columns["duplicates"]:
            pairs = find_duplicates(lambda: frame.hashes("texts"), mask)
            pairs = pairs[~np.isin(pairs[:, 0], must)]
            mask[pairs[:, 0]] = False
        counts = {"pool": frame.rows, "excluded": len(excluded), "without_text": len(without_text)}
        counts |= {"not_in_earlier_selection": earlier} if request.within else {}
        counts |= {"had_already": had} if request.start else {}
        counts |= {"duplicates": len(pairs)}
        step.rows_in, step.rows_out = frame.rows, int(np.count_nonzero(mask))
    cleaned = clean(run, workers, frame, corpora, mask, must)
    counts |= cleaned.counts() | {"eligible": int(np.count_nonzero(mask))}
    if len(without_text):
        run.console.warn(f"{len(without_text):,} rows have no text and are left out")
    if not counts["eligible"] and any(len(one.rows) for one in cleaned.dropped):
        most = max(cleaned.dropped, key=lambda one: len(one.rows))
        raise refusals.CLEANED_AWAY(
            f"the pool {' '.join(request.pool)}", count=len(most.rows), rows=frame.rows, reason=most.reason
        )
    if not counts["eligible"]:
        raise refusals.NO_ROW_ELIGIBLE(f"the pool {' '.join(request.pool)}")
    return Eligible(mask, must, pairs, counts, cleaned)


def _leave_out_earlier(run: Run, frame: Frame, mask: NDArray[np.bool_]) -> int:
    """Leave rows out of `mask` that an earlier selection does not keep, and say how many."""
    if run.plan.within is None:
        return 0
    before = int(np.count_nonzero(mask))
    kept = blank(run.work, "within", (frame.rows,), np.bool_)
    kept[run.plan.within] = True
    mask &= kept
    return before - int(np.count_nonzero(mask))


def _without_text(run: Run, frame: Frame, mask: NDArray[np.bool_], must: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that a method which reads texts cannot judge."""
    if not run.plan.reads_text or not frame.has("has_text"):
        return NO_ROWS
    empty = mask & ~frame.column("has_text", np.bool_)
    empty[must] = False
    return np.flatnonzero(empty)


def refuse_equal_ids(frame: Frame) -> None:
    """Name the first id that was used before."""
    pairs = find_duplicates(lambda: frame.hashes("ids"))
    if len(pairs):
        row, first = int(pairs[0, 0]), int(pairs[0, 1])
        name = frame.ids(pairs[:1, 0])[0].as_py()
        raise refusals.ID_TWICE(frame.where(row), id=name, first=frame.where(first))


def warn_of_leaks(run: Run, frame: Frame, targets: list[Frame]) -> None:
    """Say which targets have texts that are in the pool."""
    if not run.plan.columns["duplicates"]:
        return
    for target, found in zip(run.plan.targets, targets, strict=True):
        if target.text is None:
            continue
        hashes = np.concatenate([part[:, :2] for _, part in found.hashes("texts")])
        inside = int(np.count_nonzero(find_rows(lambda: frame.hashes("texts"), hashes) >= 0))
        if inside:
            run.console.warn(
                f"{inside:,} of the {found.rows:,} texts of the target {target.name!r} are in the pool: a selection "
                "cannot be judged on texts that it may hold"
            )

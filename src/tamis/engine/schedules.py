"""A method whose choice changes while a model trains: what it may draw from, and how much in an epoch."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.eligible import find_eligible
from tamis.engine.guard import guarded
from tamis.engine.needs import needs_of_rows
from tamis.engine.plan import Plan
from tamis.engine.rows import unheard
from tamis.engine.scan import scan
from tamis.registry import Method, accepted
from tamis.vocabulary import Schedule


class Begun(NamedTuple):
    """A schedule over `rows int64 [n]` of the pool, ascending, with their keys, `uint64 [n]`.

    At most `most` of them are visited in an epoch.
    """

    method: Method
    schedule: Schedule
    rows: NDArray[np.int64]
    key: NDArray[np.uint64]
    most: int


def begin_schedule(plan: Plan, work: Path) -> Begun:
    """The schedule of a plan for training, made over all rows that may be chosen; `work` is an empty folder."""
    with unheard(plan, work) as (run, workers):
        frame, targets, corpora = scan(run, workers)
        rows = np.flatnonzero(find_eligible(run, workers, frame, corpora).mask)
        assert plan.budget is not None
        most = plan.budget.rows(len(rows))
        needs = needs_of_rows(plan, frame, targets, rows, count=most)
        with guarded(plan.method):
            made = plan.method.function(**needs, **accepted(plan.method.function, plan.parameters))
        if not isinstance(made, Schedule):
            raise refusals.SCHEDULE_UNUSABLE(plan.method.name, said=f"a {type(made).__name__}")
        return Begun(plan.method, made, rows, np.array(frame.keys(plan.request.seed)[rows]), most)

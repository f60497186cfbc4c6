"""Only the choice: the rows that a plan keeps, without the files of an output folder."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.engine.choose import weights_of
from tamis.engine.console import Console
from tamis.engine.folder import Folder
from tamis.engine.measuring import Shared
from tamis.engine.plan import Plan
from tamis.engine.run import Run
from tamis.engine.select import choose_rows
from tamis.engine.workers import Workers


class Kept(NamedTuple):
    """Rows of the pool, best first, their weights, what was spent of the budget, and gains and scores if any.

    `found_done` is what was measured before in a folder that is shared, and what that cost.
    """

    rows: NDArray[np.int64]
    weights: NDArray[np.float32]
    spent: float
    gains: NDArray[np.float64] | None = None
    scores: NDArray[np.float64] | None = None
    warnings: tuple[str, ...] = ()
    found_done: Shared | None = None


@contextmanager
def unheard(plan: Plan, work: Path, shared: Path | None = None) -> Iterator[tuple[Run, Workers]]:
    """A run that says nothing and writes no output; `work` is a folder, not there yet, for what lies between."""
    folder = Folder(work)
    folder.state.mkdir(parents=True)
    with ExitStack() as stack:
        run = Run(plan, folder, Console(quiet=True, bars=False), shared=Shared(shared) if shared else None)
        yield run, run.workers(stack)


def keep_rows(plan: Plan, work: Path, shared: Path | None = None) -> Kept:
    """The rows that a plan keeps, as `run_select` would; `work` is a folder, not there yet, for what lies between.

    What is measured of texts stays in `shared`, if given, for other runs of the same texts.
    """
    with unheard(plan, work, shared) as (run, workers):
        choice, scores = choose_rows(run, workers)
        order = choice.order
        gains = choice.of_order(order.gains) if order is not None else None
        own = None if scores is None else np.max([column[choice.rows] for column in scores.columns], axis=0)
    return Kept(choice.rows, weights_of(choice), choice.spent, gains, own, tuple(run.console.warnings), run.shared)

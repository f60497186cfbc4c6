"""Only the choice: the rows that a plan keeps, without the files of an output folder."""

from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.engine.console import Console
from tamis.engine.folder import Folder
from tamis.engine.plan import Plan
from tamis.engine.run import Run
from tamis.engine.select import choose_rows


class Kept(NamedTuple):
    """Rows of the pool, best first; their weights; what was spent of the budget."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float32]
    spent: float


def keep_rows(plan: Plan, work: Path) -> Kept:
    """The rows that a plan keeps, as `run_select` would; `work` is a folder, not there yet, for what lies between."""
    folder = Folder(work)
    folder.state.mkdir(parents=True)
    with ExitStack() as stack:
        run = Run(plan, folder, Console(quiet=True, bars=False))
        choice = choose_rows(run, run.workers(stack))
    return Kept(choice.rows, np.ones(len(choice.rows), np.float32), choice.spent)

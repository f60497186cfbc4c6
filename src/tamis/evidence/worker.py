"""A process that does cells: reads them as lines of JSON, answers each with one line, and ends with its parent."""

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.engine.parent import Parent

if TYPE_CHECKING:
    from tamis.evidence.cells import Job


def main(arguments: list[str]) -> None:
    """Import what every cell needs and serve the parent: first a job, then cells."""
    read, write = (int(fd) for fd in arguments[0].split(":"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import pyarrow as pa

    pa.set_cpu_count(1)
    serve(Parent(os.fdopen(read), os.fdopen(write, "w")))


def serve(parent: Parent) -> None:
    """Do cells until the parent is gone."""
    from tamis.evidence.cells import Cell, Job, run_cell

    hello = parent.receive()
    job, cells = Job(**hello["job"]), Path(hello["cells"])
    if hello["warm"]:
        warm_up(job)
    parent.send({})
    while True:
        cell = Cell(**parent.receive())
        with contextlib.redirect_stdout(sys.stderr):
            result = run_cell(job, cell, cells)
        parent.send({"key": cell.key, "status": result["status"]})


def warm_up(job: "Job") -> None:
    """Run every method on a few rows, and a fit on them: what is imported or compiled once is charged to no cell."""
    from tamis.evidence.cells import TINY, Cell, select_rows

    with contextlib.redirect_stdout(sys.stderr):
        for method in job.requests:
            with contextlib.suppress(Exception, SystemExit):
                select_rows(job, Cell(method, TINY, 0), tiny=True)
        if not job.whole_table:
            with contextlib.suppress(Exception, SystemExit):
                _, test = job.data(0)
                train, _, _ = select_rows(job, Cell("random", TINY, 0), tiny=True)
                task = job.made_task
                task.evaluate(task.fit(train, seed=0, steps=task.default_steps and 1), test)

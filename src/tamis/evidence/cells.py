"""A cell: one method, one budget, one seed. Select, train, test; every part is timed by itself."""

import json
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.engine.measuring import Shared
from tamis.engine.parts import read_arrays, write_array, written_whole
from tamis.engine.plan import make_plan
from tamis.engine.request import Request
from tamis.engine.rows import keep_rows
from tamis.engine.schedules import begin_schedule
from tamis.evidence.material import Material, Stored
from tamis.evidence.memory import peak_mb, reset_peak
from tamis.evidence.peeking import not_opening
from tamis.evidence.schedule import Scheduled
from tamis.evidence.task import Data, Found, Task, Test, Train
from tamis.evidence.tasks import make_task
from tamis.pool.base import digest

FULL = "full"
WHOLE = "100%"
TINY, TINY_ROWS = "50%", 40  # what warms a process up


@dataclass(frozen=True)
class Cell:
    """What one cell is; `control` marks random at the cost of another method.

    A fit takes so many `steps`, the task's own number where it is None, or so many `epochs` over what is kept; and
    `stretch` times as long where random is given the time that another method takes.
    """

    method: str
    budget: str
    seed: int
    steps: int | None = None
    epochs: int | None = None
    stretch: float = 1.0
    control: bool = False
    key: str = ""

    def length(self, usual: int | None, train: Train) -> int | None:
        """Optimiser steps of a fit on `train`, of a task that takes `usual` ones; None where it takes none."""
        if usual is None:
            return None
        steps = self.epochs * train.batches_an_epoch if self.epochs else self.steps or usual
        return max(round(self.stretch * steps), 1)


@dataclass(eq=False)
class Job:
    """What all cells of a study share: where its material lies, the task, and the requests of each method.

    A method has one request for all seeds, or one for each. `charges` are processor seconds beside those of the cells.
    """

    folder: str
    task: str
    model: str | None
    parameters: dict[str, Any]
    requests: dict[str, list[dict[str, Any]]]
    watched: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    charges: dict[str, float] = field(default_factory=dict)
    whole_table: bool = False

    @cached_property
    def material(self) -> Material:
        """The study's material."""
        return Material.load(Path(self.folder))

    @cached_property
    def made_task(self) -> Task:
        """The task."""
        return make_task(self.task, self.model, self.parameters)

    @lru_cache(4)  # noqa: B019  (a job lives as long as its process)
    def split(self, seed: int) -> dict[str, NDArray[np.int64]]:
        """The rows that may be chosen, `train`, and those of each part of the test set, as they were stored."""
        return read_arrays(Path(self.folder) / f"split-{seed}.npz.zst")

    @lru_cache(1)  # noqa: B019
    def data(self, seed: int) -> tuple[Data, Test]:
        """The examples that might be chosen, and those that judge, for one seed."""
        stored = self.split(seed)
        pool = self._set([("pool", stored["train"])])
        parts: dict[str, list[tuple[str, NDArray[np.int64]]]] = {}
        for name, rows in stored.items():
            if name.startswith("part|"):
                _, part, _, source = name.split("|", 3)
                parts.setdefault(part, []).append((source, rows))
        test = Test({part: self._set(found) for part, found in parts.items()})
        if hasattr(self.made_task, "prepare"):
            self.made_task.prepare(pool, test)
        return pool, test

    def _set(self, sources: list[tuple[str, NDArray[np.int64]]]) -> Data:
        """Rows of one stored set; of several targets, which then are the groups."""
        pieces = [self._of_set(self.material[name], rows) for name, rows in sources]
        if len(pieces) == 1 and not sources[0][0].startswith("target"):
            return pieces[0]
        groups = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
        names = [self.material.target_names[int(name.rpartition("-")[2])] for name, _ in sources]
        texts = pa.chunked_array([piece.texts for piece in pieces]).combine_chunks()
        return Data(pa.table({"text": texts}), texts=texts, groups=groups, group_names=names)

    def _of_set(self, stored: Stored, rows: NDArray[np.int64]) -> Data:
        made, table = self.material, stored.table
        every = len(rows) == table.num_rows
        text = "text" if stored.name.startswith(("target", "off")) else made.text
        text = text if text in table.column_names else None
        given = [name for name in table.column_names if not name.startswith("tamis:")]
        shown = table.select(given) if self.whole_table else pa.table({"row": rows})
        if self.whole_table and not every:
            shown = shown.take(pa.array(rows))
        texts = None
        if text is not None and ("texts" in self.made_task.needs or self.made_task.name == "cover" or self.whole_table):
            column = table[text].cast(pa.large_string())
            texts = (column if every else column.take(pa.array(rows))).combine_chunks()
            texts = texts.chunk(0) if isinstance(texts, pa.ChunkedArray) else texts
        of_rows = {
            what: None if (found := stored.array(what)) is None else found if every else found[rows]
            for what in ("features", "labels", "groups")
        }
        return Data(shown, classes=made.classes, group_names=made.groups, texts=texts, **of_rows)

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a worker."""
        return asdict(self)


def key_of(job: Job, cell: Cell, content: str, data: str) -> str:
    """Names a cell by all that decides its result, so that a larger study takes over what it shares with this one."""
    known = [job.task, job.model, sorted(job.parameters.items()), content, data]
    return digest([known, cell.method, cell.budget, cell.seed, cell.steps, cell.epochs, cell.stretch])


def run_cell(job: Job, cell: Cell, cells: Path) -> dict[str, Any]:
    """Do a cell and write its result, whole; what a method or a task raises is kept as its failure."""
    result: dict[str, Any] = asdict(cell) | {"status": "done", "error": None, "traceback": None}
    try:
        result |= _measured(job, cell, cells)
    except (Exception, SystemExit) as error:
        said = str(error) if type(error).__module__.startswith("tamis.") else f"{type(error).__name__}: {error}"
        result |= {"status": "failed", "error": said, "traceback": traceback.format_exc()}
    with written_whole(cells / f"{cell.key}.json") as temporary:
        temporary.write_text(json.dumps(result), encoding="utf-8")
    return result


def _measured(job: Job, cell: Cell, cells: Path) -> dict[str, Any]:
    _, test = job.data(cell.seed)
    task, found = job.made_task, dict[str, Any]()
    reset_peak()
    with clocked(found, "select"):
        train, spent, found_done = select_rows(job, cell)
    steps, train.epochs = cell.length(task.default_steps, train), cell.epochs
    measured = job.material.measured if cell.method in job.embedded else [0.0, 0.0]
    charge = job.charges.get(cell.method, 0.0)
    found["measure_cpu"] = measured[0] + charge + found_done.cpu_seconds
    found["measure_seconds"] = measured[1] + charge + found_done.seconds
    with clocked(found, "train"):
        model = task.fit(train, seed=cell.seed, steps=steps)
    with clocked(found, "test"):
        judged: Found = task.evaluate(model, test)
    if task.trains_in_evaluate:
        for unit in ("seconds", "cpu"):
            found[f"train_{unit}"] += found[f"test_{unit}"]
            found[f"test_{unit}"] = 0.0
    rows = job.split(cell.seed)["train"][train.seen]
    write_array(cells / f"{cell.key}.npy", rows)
    tokens = job.material["pool"].array("tokens")
    size = int(spent) if isinstance(train, Scheduled) else len(rows)
    seen = train.visited or (visited(steps, size, train.batch) if steps else size)
    of_rows = None if tokens is None else int(tokens[rows].sum())
    return found | {
        "rows": size,
        "spent": spent,
        "steps": train.taken or steps,
        "rows_seen": seen,
        "tokens_seen": None if of_rows is None else int(of_rows * seen / max(len(rows), 1)),
        "peak_mb": max(peak_mb(), found_done.peak_mb),
        "metrics": {name: _plain(value) for name, value in judged.metrics.items()},
        "effects": {kind: {n: _plain(v) for n, v in each.items()} for kind, each in judged.effects.items()},
        "known": [[one.name, one.higher_is_better, one.words] for one in task.metrics],
    }


def visited(steps: int, rows: int, batch: int) -> int:
    """Examples in so many batches, of which the last of an epoch is the smaller one.

    Examples:
        >>> visited(5, rows=100, batch=64)
        264
    """
    epochs, rest = divmod(steps, -(-rows // batch) if rows else 1)
    return epochs * rows + min(rest * batch, rows)


def _plain(value: Any) -> float | None:
    """A number as JSON has it; None for one that is not finite."""
    return float(value) if np.isfinite(value) else None


@contextmanager
def clocked(found: dict[str, Any], name: str) -> Iterator[None]:
    """Put seconds of the wall clock and of the processor into `found`."""
    start, cpu = time.perf_counter(), time.process_time()
    yield
    found[f"{name}_seconds"], found[f"{name}_cpu"] = time.perf_counter() - start, time.process_time() - cpu


def select_rows(job: Job, cell: Cell, tiny: bool = False) -> tuple[Train, float, Shared]:
    """What the cell's method keeps, of the rows that may be chosen for its seed, and what was spent of the budget.

    What is measured of texts is measured by the first cell that needs it; the last value is what the others owe for it.

    A schedule keeps nothing yet: its budget is the rows that are visited in an epoch. With `tiny` only the first rows
    of the pool are looked at, and nothing is left for others.
    """
    pool, _ = job.data(cell.seed)
    requests = job.requests["random" if cell.method == FULL else cell.method]
    values = requests[cell.seed % len(requests)] | {"budget": cell.budget, "seed": cell.seed}
    values["pool"] = [f"{job.folder}/tiny.arrow"] if tiny else [seeded(one, cell.seed) for one in values["pool"]]
    values["target"] = [seeded(one, cell.seed) for one in values["target"]]
    scratch = Path(job.folder).parent / "work"  # swept when a study goes on
    scratch.mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="cell-", dir=scratch))
    shared = Shared(Path(job.folder) / "measured")
    try:
        with not_opening(job.watched):
            plan = make_plan(Request(**values), training=True)
            if plan.method.kind == "Schedule":
                begun = begin_schedule(plan, work / "out")
                return Scheduled.of(begun, pool, cell.seed), float(begun.most), shared
            kept = keep_rows(plan, work / "out", None if tiny else shared.folder)
            return Train(pool, kept.rows, kept.weights, seed=cell.seed), kept.spent, kept.found_done or shared
    finally:
        shutil.rmtree(work, ignore_errors=True)


def seeded(path: str, seed: int) -> str:
    """The file of one seed."""
    place = Path(path)
    return str(place.with_name(place.name.replace("SEED", str(seed))))

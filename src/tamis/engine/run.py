"""Run a plan: scan, score, choose, gather, write; every finished shard is kept and never done twice."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis.budget import Budget
from tamis.engine import two_stage
from tamis.engine.choose import Choice, choose, cost_column, limit_of, limits_of
from tamis.engine.console import Console
from tamis.engine.folder import Folder
from tamis.engine.frame import Frame
from tamis.engine.guard import guarded, rows_named
from tamis.engine.launch import Launched, usable_cores, worth_workers
from tamis.engine.measuring import Shared
from tamis.engine.ordered import Ordered, among, bound_of, without_vectors
from tamis.engine.parts import write_arrays
from tamis.engine.plan import Plan
from tamis.engine.scan import merged_fold
from tamis.engine.scores import Scores, checked_order, method_result, priorities
from tamis.engine.setwise import Growing
from tamis.engine.step import Step
from tamis.engine.tasks import Job
from tamis.engine.worker import peak_mb
from tamis.engine.workers import Workers
from tamis.kernels import announced, compile_kernels
from tamis.ops.ranking import descending
from tamis.pool import Pool
from tamis.pool.base import digest
from tamis.registry import accepted
from tamis.vocabulary import Order, SetFunction

KERNELS = {
    "texts": "tamis.ops._hash_kernels",
    "ngrams": "tamis.ops._ngram_kernels",
    "jsonl": "tamis.pool._json_kernels",
    "lines": "tamis.pool._line_kernels",
    "csv": "tamis.pool._csv_kernels",
}


def kernels_to_read(pools: Sequence[Pool]) -> list[str]:
    """Names of the kernels with which these pools are read."""
    lines = any("jsonl" in pool.formats for pool in pools)
    return ["jsonl", "lines"] * lines + ["csv"] * any(getattr(pool, "large", False) for pool in pools)


@dataclass
class Run:
    """One run of one plan in one folder."""

    plan: Plan
    folder: Folder
    console: Console
    launched: Launched | None = None
    steps: list[Step] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    objective: dict[str, Any] | None = None
    shared: Shared | None = None

    def __post_init__(self) -> None:
        self.start = time.monotonic()
        self.work = self.folder.state / "work"
        self.job = Job(
            [self.plan.pool, *(one.pool for one in self.plan.targets), *(c.pool for c in self.plan.cleaning.against)],
            self.plan.method_name,
            self.plan.parameters,
            self.plan.measures_text,
        )

    def cut(self, budget: Budget) -> "Run":
        """The same run for one of several budgets, with a sub-folder of its own."""
        path = self.folder.path / budget.folder
        request = self.plan.request.model_copy(update={"budget": budget.asked, "output": str(path)})
        console = Console(self.console.quiet)
        console.warnings = list(self.console.warnings)
        plan = replace(self.plan, request=request, budgets=[budget])
        folder = Folder(path, self.folder.state, self.folder.parts)
        return Run(plan, folder, console, steps=list(self.steps))

    def workers(self, stack: ExitStack) -> Workers:
        """As many processes as are asked for and can be busy; compiled kernels are on disk before they start."""
        pool, columns = self.plan.pool, self.plan.columns
        asked = self.plan.request.workers or usable_cores()
        worth = worth_workers(pool) and not any(found.stays_here for found in self.job.pools)
        count = max(1, min(asked, len(pool.shards))) if worth else 1
        wanted = kernels_to_read(self.job.pools)
        wanted += ["texts"] if (columns["text"] or columns["id"]) and pool.bytes > 1_000_000 else []
        wanted += ["ngrams"] if self.plan.measures_text or columns["tokens"] == "default" else []
        stack.enter_context(announced(self.console.say))
        measures = [one for found in self.plan.measured.values() for one in found.measures]
        more = [
            *self.plan.method.kernels,
            *self.plan.cleaning.kernels,
            *(name for one in measures for name in one.kernels),
        ]
        compile_kernels([*(KERNELS[name] for name in wanted), *more])
        return stack.enter_context(Workers(self.job, count, self.launched))

    def do(self, workers: Workers, step: Step, which: str, tasks: list[dict[str, Any]]) -> set[Path]:
        """Run those tasks whose parts do not exist, which are returned; the part of each is `out`."""
        start = time.monotonic()
        (self.folder.parts / which).mkdir(parents=True, exist_ok=True)
        self.used.add(which)
        open_tasks = [task for task in {task["out"]: task for task in tasks}.values() if not Path(task["out"]).exists()]
        open_tasks.sort(key=lambda task: -self.job.pools[task["pool"]].shards[task["shard"]].bytes)
        for _, result in self.console.progress(workers.run(open_tasks), len(open_tasks), step.name):
            step.cpu_seconds += result["cpu_seconds"]
            step.peak_mb = max(step.peak_mb, result["peak_mb"])
        step.shards += len(tasks)
        step.computed += len(open_tasks)
        step.reused += len(tasks) - len(open_tasks)
        step.seconds += time.monotonic() - start
        return {Path(task["out"]) for task in open_tasks}

    def timed(self, name: str, what: str) -> "_Timed":
        """A step of this process: `with run.timed(…) as step`."""
        return _Timed(self, Step(name, what))

    def score(self, workers: Workers, frame: Frame, targets: list[Frame], eligible: NDArray[np.bool_]) -> Scores | None:
        """The method's scores of all rows; None when it makes an order."""
        plan, method = self.plan, self.plan.method
        if not plan.has_scores:
            return None
        if not plan.reads_text_to_score:
            with self.timed("score", f"{method.name}: a number for every row") as step:
                step.rows_in = step.rows_out = frame.rows
                if plan.scores_blocks:
                    return Scores.from_columns(plan, frame, self.work)
                rows = np.flatnonzero(eligible | self.had(frame))
                two_stage.refuse_beyond_memory(plan, frame, len(rows), 0)
                return Scores.from_whole(plan, frame, targets, rows, self.work)
        state = None
        if method.finish:
            with self.timed("fit", f"{method.name}: merge what the scan counted, in shard order"):
                with guarded(method):
                    counts = [merged_fold(plan, one, 0) for one in (frame, *targets)]
                    made = method.finish(counts[0], counts[1:], **self._finishing())
                state = self.folder.parts / f"state-{digest([plan.parameters, frame.pool.fingerprint])}.npz.zst"
                write_arrays(state, made._asdict())
        step = Step("score", f"{method.name}: read every text once more and score it")
        content = digest(state.read_bytes()) if state else ""
        own = plan.asked["inputs"].get("the method")
        made = {name: found.to_json() for name, found in plan.pool.derived.items()}
        known = [tamis.__version__, plan.method_name, own, plan.parameters, content, plan.columns, made]
        which = f"score-{digest(known)}"
        needs = {need: NEED_COLUMNS[need] for need in method.needs if need in NEED_COLUMNS}
        spec = {
            "text": plan.columns["text"],
            "state": str(state) if state else None,
            "needs": needs,
            "scans": str(frame.parts[0].parent),
        }
        parts = [self.folder.parts / which / part.name for part in frame.parts]
        tasks = [
            {"do": "score", "pool": 0, "shard": number, "out": str(part), "spec": spec}
            for number, part in enumerate(parts)
        ]
        self.do(workers, step, which, tasks)
        step.rows_in = step.rows_out = frame.rows
        self.steps.append(step)
        if state:
            state.unlink()
        return Scores.from_parts(plan, frame, parts, self.work)

    def _finishing(self) -> dict[str, Any]:
        assert self.plan.method.finish is not None
        return accepted(self.plan.method.finish, self.plan.parameters)

    def order(self, frame: Frame, targets: list[Frame], scores: Scores | None, eligible: NDArray[np.bool_]) -> Ordered:
        """What orders are made of for any budget: priorities, the method's own order, or its set function."""
        plan = self.plan
        if plan.shares == "tokens":
            plan.shares = [float(found.column("tokens", np.int64).sum()) for found in targets]
        rows = np.flatnonzero(eligible | self.had(frame))
        if said := without_vectors(plan):
            self.console.warn(said)
        with self.timed("order", "put rows in their order") as step:
            step.rows_in = step.rows_out = int(np.count_nonzero(eligible))
            if scores is not None:
                columns = priorities(plan, frame, scores, eligible, self.work)
                size = int(np.count_nonzero(np.isfinite(columns[0]) & eligible))
                return Ordered(columns, None, None, rows, size)
            if plan.method.nested and plan.method.kind == "Order":
                two_stage.refuse_beyond_memory(plan, frame, len(rows), 0)
                made = checked_order(plan, method_result(plan, frame, targets, rows, plan.start), rows)
                return Ordered(None, among(made, eligible), None, rows)
            return Ordered(None, None, None, rows)

    def had(self, frame: Frame) -> NDArray[np.bool_]:
        """Rows that an earlier selection has, which methods that see all rows see too."""
        had = np.zeros(frame.rows, np.bool_)
        if self.plan.start is not None and not self.plan.scores_blocks:
            had[self.plan.start] = True
        return had

    def choose(
        self, frame: Frame, targets: list[Frame], eligible: NDArray[np.bool_], must: NDArray[np.int64], found: Ordered
    ) -> Choice:
        """The kept rows."""
        plan = self.plan
        assert plan.budget is not None
        order, growing = found.order, None
        if found.priorities is None and order is None:
            with self.timed("order", f"{plan.method.name}: see all rows at once") as step:
                step.rows_in = step.rows_out = len(found.rows)
                order, growing = self._see_all(frame, targets, found, eligible, must)
        with self.timed("choose", "take rows in their order, as budget and limits allow") as step:
            step.rows_in = int(np.count_nonzero(eligible))
            first = len(must) + (65_536 if plan.budget.is_cost else plan.budget.rows(step.rows_in))
            orders: Any = growing
            if found.priorities is not None:
                orders = [partial(descending, column, eligible, first=first) for column in found.priorities]
            elif order is not None:
                orders = [partial(iter, [order.rows])]
            size = found.size if order is None else len(order.rows) if order.size is None else order.size
            with self._of_method(frame, growing.rows) if growing is not None else nullcontext():
                choice = choose(plan, frame, eligible, must, orders, order, size)
            step.rows_out = len(choice.rows)
        if growing is not None:
            self._value(frame, targets, found, choice, growing)
        return choice

    def _see_all(
        self, frame: Frame, targets: list[Frame], found: Ordered, eligible: NDArray[np.bool_], must: NDArray[np.int64]
    ) -> tuple[Order | None, Growing | None]:
        """The order of a method that divides the whole budget, or the greedy on its set function."""
        plan, rows, count = self.plan, found.rows, self._count(frame, eligible)
        had = plan.start if plan.start is not None else rows[:0]
        if plan.method.kind != "SetFunction":
            two_stage.refuse_beyond_memory(plan, frame, len(rows), count)
            made = checked_order(plan, method_result(plan, frame, targets, rows, had, count), rows)
            return among(made, eligible), None
        if two_stage.beyond_memory(plan, frame, len(rows), count):
            cost = cost_column(plan, frame)
            limits, least = limits_of(plan, frame, limit_of(plan, eligible, cost), cost)
            seen = two_stage.Seen(rows, had, must)
            parted = two_stage.in_parts(self, frame, targets, seen, limits, least, count)
            if isinstance(parted, Order):
                return parted, None
            growing = self._greedy(frame, parted.function, parted.rows, had, count)
            growing.rival = parted.rival
            return None, growing
        if found.function is None or not plan.method.nested:
            found.function = method_result(plan, frame, targets, rows, had, count)
        return None, self._greedy(frame, found.function.fresh(), rows, had, count)

    def _greedy(
        self, frame: Frame, function: SetFunction, rows: NDArray[np.int64], had: NDArray[np.int64], count: int
    ) -> Growing:
        """The order that the plan's chooser makes with a set function."""
        plan = self.plan
        assert plan.chooser is not None
        key = frame.keys(plan.request.seed)[rows]
        made = plan.chooser.function(function, key, count, **plan.chooser_parameters)
        progress = partial(self.console.progress, what="choose", unit="row")
        with self._of_method(frame, rows):
            return Growing(made, rows, had, plan.request.borrow, progress)

    @contextmanager
    def _of_method(self, frame: Frame, rows: NDArray[np.int64]) -> Iterator[None]:
        """While a method's function of sets runs, its errors are told by its name and by the rows of the pool."""
        with guarded(self.plan.method), rows_named(lambda place: frame.where(int(rows[place]))):
            yield

    def _value(self, frame: Frame, targets: list[Frame], found: Ordered, choice: Choice, growing: Growing) -> None:
        """Note the objective that was reached, and what is known of how far the best one can be."""
        plan = self.plan
        value = float(np.sum(growing.gains)) if growing.function.submodular else None
        bound = bound_of(plan, growing.function) if min(growing.gains, default=0.0) >= 0 else None
        known = {"value": value, "stages": None, "bound": bound} | (self.objective or {})
        if known["stages"] is not None and value is not None:
            had = growing.had
            seen = two_stage.Seen(found.rows, had, had[:0])
            with self.timed("compare", "value the choice and a random one on a sample of the pool"):
                known["on_sample"] = two_stage.compared(self, frame, targets, seen, choice.rows, len(choice.rows))
        self.objective = known

    def _count(self, frame: Frame, eligible: NDArray[np.bool_]) -> int:
        """How many rows the budget keeps; of a cost, how many of average cost. 0 leaves it to the method."""
        plan = self.plan
        assert plan.budget is not None
        if plan.budget.is_auto:
            return 0
        cost = cost_column(plan, frame)
        limit = limit_of(plan, eligible, cost)
        if cost is None:
            return int(limit)
        mean = float(cost[eligible].mean())
        return max(1, min(int(np.count_nonzero(eligible)), int(limit / mean) if mean > 0 else 1))


NEED_COLUMNS = {"length": "length"}


class _Timed:
    def __init__(self, run: Run, step: Step) -> None:
        self.run, self.step = run, step

    def __enter__(self) -> Step:
        self.start, self.cpu = time.monotonic(), time.process_time()
        return self.step

    def __exit__(self, *_: object) -> None:
        self.step.seconds = time.monotonic() - self.start
        self.step.cpu_seconds = time.process_time() - self.cpu
        self.step.peak_mb = peak_mb()
        self.run.steps.append(self.step)

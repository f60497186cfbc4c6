"""Run a plan: scan, score, choose, gather, write; every finished shard is kept and never done twice."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis import refusals
from tamis.budget import Budget
from tamis.engine.choose import Choice, choose
from tamis.engine.console import Console
from tamis.engine.folder import Folder
from tamis.engine.folds import folds
from tamis.engine.frame import Frame
from tamis.engine.guard import guarded
from tamis.engine.launch import Launched, usable_cores, worth_workers
from tamis.engine.parts import read_arrays, write_array, write_arrays
from tamis.engine.plan import Plan
from tamis.engine.scores import Scores, method_order, priorities
from tamis.engine.tasks import Job
from tamis.engine.worker import peak_mb
from tamis.engine.workers import Workers
from tamis.kernels import compile_kernels
from tamis.limits import Blocks
from tamis.ops.ranking import descending
from tamis.pool import Pool
from tamis.pool.base import digest
from tamis.registry import accepted, returned

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
class Step:
    """What a step did and what it cost."""

    name: str
    what: str
    shards: int = 0
    computed: int = 0
    reused: int = 0
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


@dataclass
class Run:
    """One run of one plan in one folder."""

    plan: Plan
    folder: Folder
    console: Console
    launched: Launched | None = None
    steps: list[Step] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.start = time.monotonic()
        self.work = self.folder.state / "work"
        self.job = Job(
            [self.plan.pool, *(target.pool for target in self.plan.targets)],
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
        compile_kernels([KERNELS[name] for name in wanted], self.console.say)
        return stack.enter_context(Workers(self.job, count, self.launched))

    def do(self, workers: Workers, step: Step, which: str, tasks: list[dict[str, Any]]) -> None:
        """Run those tasks whose parts do not exist; the part of each is `out`."""
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

    def timed(self, name: str, what: str) -> "_Timed":
        """A step of this process: `with run.timed(…) as step`."""
        return _Timed(self, Step(name, what))

    def scan(self, workers: Workers) -> tuple[Frame, list[Frame]]:
        """One pass over the targets and the pool; the frames of the pool and of the targets."""
        plan = self.plan
        count = self.fold_count
        spec = plan.columns | {"folds": list(range(count))}
        fit = [found[2] for found in folds(plan.method, plan.parameters, plan.measures_text)] if count else []
        own = [plan.method_name, plan.asked["inputs"].get("the method")]
        step = Step("scan", "read every row once: hashes, lengths, costs, groups" + (", n-grams" if count else ""))
        tokenizer = plan.asked["inputs"].get("the tokenizer")
        frames = []
        for index, pool in enumerate(self.job.pools):
            mine = (spec | self._pool_folds()) if not index else self._target_spec(spec, index)
            made = {name: found.to_json() for name, found in pool.derived.items()}
            known = [tamis.__version__, mine, fit, own if plan.method.fit else "", tokenizer, made]
            which = f"scan-{digest(known)}"
            parts = [self.folder.parts / which / f"{pool.key(shard)}.arrow" for shard in pool.shards]
            tasks = [
                {"do": "scan", "pool": index, "shard": number, "out": str(part), "spec": mine}
                for number, part in enumerate(parts)
            ]
            self.do(workers, step, which, tasks)
            frames.append(Frame(pool, parts, self.work if not index else self.work / f"target{index}"))
        step.rows_in = step.rows_out = frames[0].rows
        self.steps.append(step)
        if not frames[0].rows:
            raise refusals.POOL_EMPTY(" ".join(plan.request.pool), what="pool")
        for frame, target in zip(frames[1:], plan.targets, strict=True):
            if not frame.rows or not frame.column("has_text", bool).any():
                raise refusals.TARGET_EMPTY(f"the target {target.name!r}")
        return frames[0], frames[1:]

    @property
    def fold_count(self) -> int:
        """How many things are folded over texts."""
        plan = self.plan
        return len(folds(plan.method, plan.parameters, plan.measures_text)) if plan.columns["text"] else 0

    def _pool_folds(self) -> dict[str, Any]:
        """Nothing is folded while the whole pool is scanned if only rows of an earlier selection count."""
        return {} if self.plan.within is None else {"folds": []}

    def fold_within(self, workers: Workers, frame: Frame) -> None:
        """Fold the texts of those rows alone that an earlier selection kept, where there is one."""
        plan, rows = self.plan, self.plan.within
        if rows is None or not self.fold_count:
            return
        step = Step("fold", "read the texts of the rows that the earlier selection keeps: n-grams")
        fit = [found[2] for found in folds(plan.method, plan.parameters, plan.measures_text)]
        own = plan.asked["inputs"].get("the method")
        made = {name: found.to_json() for name, found in plan.pool.derived.items()}
        known = [tamis.__version__, digest(rows), fit, plan.method_name, own, plan.columns, made]
        which = f"fold-{digest([*known, frame.pool.fingerprint])}"
        folder = self.folder.parts / which
        folder.mkdir(parents=True, exist_ok=True)
        write_array(folder / "rows.npy", rows)
        frame.folded = [folder / part.name for part in frame.parts]
        tasks = []
        for number, out in enumerate(frame.folded):
            first, count = int(frame.starts[number]), int(frame.counts[number])
            if np.searchsorted(rows, first) < np.searchsorted(rows, first + count):
                spec = {"rows": str(folder / "rows.npy"), "first": first, "count": count, "text": plan.columns["text"]}
                task = {"do": "fold", "pool": 0, "shard": number, "out": str(out)}
                tasks.append(task | {"spec": spec | {"folds": list(range(self.fold_count))}})
        self.do(workers, step, which, tasks)
        step.rows_in, step.rows_out = frame.rows, len(rows)
        self.steps.append(step)

    def _target_spec(self, spec: dict[str, Any], index: int) -> dict[str, Any]:
        tokens = "default" if self.plan.shares == "tokens" else None
        text = self.plan.targets[index - 1].text
        own: dict[str, Any] = {"text": text, "id": None, "numbers": [], "codes": [], "embedding": None}
        return spec | own | {"duplicates": True, "tokens": tokens}

    def fold(self, frame: Frame, index: int) -> Any:
        """What fold number `index` made of all texts of a frame, merged in shard order."""
        known = folds(self.plan.method, self.plan.parameters, self.plan.measures_text)
        index %= len(known)
        fit, merge, _ = known[index]
        result = None
        for part in frame.folded:
            path = part.with_name(f"{part.stem}.fold{index}.npz.zst")
            if path.exists():
                partial = returned(fit)(**read_arrays(path))
                result = partial if result is None else merge(result, partial)
        return result

    def score(self, workers: Workers, frame: Frame, targets: list[Frame]) -> Scores | None:
        """The method's scores of all rows; None when it makes an order."""
        plan, method = self.plan, self.plan.method
        if not plan.has_scores:
            return None
        if not plan.reads_text_to_score:
            with self.timed("score", f"{method.name}: a number for every row") as step:
                step.rows_in = step.rows_out = frame.rows
                return Scores.from_columns(plan, frame, self.work)
        state = None
        if method.finish:
            with self.timed("fit", f"{method.name}: merge what the scan counted, in shard order"):
                with guarded(method):
                    made = method.finish(self.fold(frame, 0), [self.fold(f, 0) for f in targets], **self._finishing())
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

    def orders(
        self, frame: Frame, targets: list[Frame], scores: Scores | None, eligible: NDArray[np.bool_]
    ) -> tuple[list[Callable[[int], Blocks]], Any]:
        """For each target a maker of rows in their order, given how many are likely to be wanted first.

        Also the method's own `Order` where it makes one.
        """
        plan = self.plan
        if plan.shares == "tokens":
            plan.shares = [float(found.column("tokens", np.int64).sum()) for found in targets]
        with self.timed("order", "put rows in their order") as step:
            step.rows_in = step.rows_out = int(np.count_nonzero(eligible))
            if scores is None:
                order = method_order(plan, frame, targets, eligible)
                return [lambda first: partial(iter, [order.rows])], order
            columns = priorities(plan, frame, scores, eligible, self.work)
            return [
                lambda first, column=column: partial(descending, column, eligible, first=first)  # type: ignore[misc]
                for column in columns
            ], None

    def choose(
        self,
        frame: Frame,
        eligible: NDArray[np.bool_],
        must: NDArray[np.int64],
        orders: list[Callable[[int], Blocks]],
    ) -> Choice:
        """The kept rows."""
        plan = self.plan
        with self.timed("choose", "take rows in their order, as budget and limits allow") as step:
            assert plan.budget is not None
            count = int(np.count_nonzero(eligible))
            first = len(must) + (65_536 if plan.budget.is_cost else plan.budget.rows(count))
            choice = choose(plan, frame, eligible, must, [make(first) for make in orders])
            step.rows_in, step.rows_out = count, len(choice.rows)
        return choice


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

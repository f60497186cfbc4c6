"""`tamis bench`: from a plan to a folder of evidence. Finished cells are kept, so that a rerun goes on."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import tamis
from tamis import refusals
from tamis.engine.bindings import MATRICES
from tamis.engine.console import Console
from tamis.engine.folder import Folder
from tamis.engine.launch import usable_cores
from tamis.engine.parts import as_given, write_arrays
from tamis.engine.plan import Plan
from tamis.engine.request import Request
from tamis.engine.vectors import COLUMN as EMBEDDING
from tamis.errors import Refused
from tamis.evidence.assemble import assemble
from tamis.evidence.cells import FULL, TINY_ROWS, WHOLE, Cell, Job, key_of, seeded, select_rows
from tamis.evidence.controls import Control, Results, control_cells, plan_controls
from tamis.evidence.copying import own_name, write_tables
from tamis.evidence.crew import read_cell, run_cells
from tamis.evidence.material import TEXT, VECTOR, Material
from tamis.evidence.plan import StudyPlan
from tamis.evidence.prepare import prepare
from tamis.evidence.split import check_overlap, split
from tamis.evidence.write import write
from tamis.kernels import announced, compile_kernels
from tamis.ops.hashing import mix64
from tamis.pool.base import Pool, digest
from tamis.pool.vectors import Vectors
from tamis.registry import nearest

OF_COPY = (EMBEDDING, "target_embedding")  # words whose source is a column of the copy
ROLES = ("text", "id", "label", "group", "cost", "score", "weight")
ENOUGH = 12  # cells after which a metric that never changes stops the study
ROUNDS = 3  # of looking for random's budget at equal total cost


def _is_given(plan: Plan) -> bool:
    """Whether a method is given vectors that the pool has, rather than some that are made of its texts."""
    return EMBEDDING in plan.supplied and EMBEDDING not in plan.measured


def _columns_of(pool: Pool, called: Callable[[str], str] = str) -> str | None:
    """The columns of a pool's vectors, as a method names them, each as it is called in a copy; None if it has none."""
    vectors = pool.derived.get(EMBEDDING)
    if not isinstance(vectors, Vectors):
        return None
    return ",".join(map(called, vectors.columns)) + "," * vectors.several


@dataclass
class Bench:
    """One run of one study in one folder."""

    plan: StudyPlan
    folder: Folder
    console: Console
    moves: bool = False
    data: str = ""
    job: Job = field(init=False)
    material: Material = field(init=False)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def cells_folder(self) -> Path:
        """Where results of cells lie."""
        return self.folder.state / "cells"

    def prepare(self) -> None:
        """Store the material and the splits, and make the job of the cells."""
        plan = self.plan
        self.data = digest(self._data())
        folder = self.folder.state / f"data-{digest([self.data, sorted(self._columns())])}"
        for old in self.folder.state.glob("data-*"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        self.cells_folder.mkdir(parents=True, exist_ok=True)
        self.console.say("reading the pool")
        self.material = prepare(plan, folder)
        inside = check_overlap(plan, self.material)
        if inside:
            self.console.warn(f"{inside:,} examples of the test set are in the pool, where they cannot be chosen")
        tiny = self.material["pool"].table.slice(0, TINY_ROWS)
        write_tables(folder / "tiny.arrow", tiny.schema, iter([tiny]))
        for seed in range(plan.study.seeds):
            self._split(seed)
        self.job = self._job()
        vars(self.job)["made_task"] = plan.task  # which learns from the data what it can measure
        self.job.data(0)

    def _data(self) -> list[Any]:
        """All that decides what the splits hold."""
        plan, study = self.plan, self.plan.study
        inputs = {name: stamp for name, stamp in plan.asked["inputs"].items() if not name.startswith("the method ")}
        asked = [study.task, study.model, study.passed(), study.holdout, study.overlap]
        return [tamis.__version__, inputs, asked, plan.features, len(plan.targets)]

    def _split(self, seed: int) -> None:
        """The files of one seed: rows of its split, what methods may see of the pool and of the targets."""
        plan, made, folder = self.plan, self.material, self.material.folder
        found = split(plan, made, seed)
        self.moves = found.moves
        for budget in plan.budgets:
            if not budget.is_cost:
                budget.rows(len(found.train))
        pool = made["pool"].table
        path = folder / (f"choose-{seed}.arrow" if len(found.train) < pool.num_rows else "choose.arrow")
        if not path.exists():
            columns = [name for name in pool.column_names if name in self._columns()]
            seen = pool.select(columns).take(pa.array(found.train)) if columns else pa.table({"row": found.train})
            _write(seen, path)
        for number, rows in enumerate(found.targets):
            out = folder / f"wanted-{seed}-{number}.arrow"
            if not out.exists():
                _write(made[f"target-{number}"].table.take(pa.array(rows)), out)
        arrays = {"train": found.train}
        for part, sources in found.parts.items():
            for index, (stored, rows) in enumerate(sources):
                arrays[f"part|{part}|{index}|{stored}"] = rows
        write_arrays(folder / f"split-{seed}.npz.zst", arrays)

    def _columns(self) -> set[str]:
        """Columns that any method reads."""
        used = {"tamis:text", VECTOR}
        for plan in (plan for one in self.plan.contenders for plan in one.plans):
            used |= {role.column for role in plan.roles.values()}
            used |= {name for kind in ("numbers", "codes") for name in plan.columns[kind]}
            made = [plan.pool.derived.get(word) for word in (*MATRICES, "tags")]
            used |= {name for found in made if found is not None for name in found.sources}
        for one in self.plan.contenders:
            used |= {name for plan in one.plans if one.own_vectors for name in plan.pool.derived[EMBEDDING].sources}
        return used | {budget.unit for budget in self.plan.budgets}

    def _job(self) -> Job:
        plan, study = self.plan, self.plan.study
        of_task, _ = study.parameters()
        requests = {
            one.name: [
                self._request(request, of, one.own_vectors) for request, of in zip(one.requests, one.plans, strict=True)
            ]
            for one in plan.contenders
        }
        charges = {one.name: one.charge for one in plan.contenders if one.charge}
        pools = [plan.test, plan.off_target] if plan.test or plan.off_target else []
        pools = [*pools, *([plan.pool] if self.moves else [])]
        watched = [file.path for pool in pools if pool is not None for file in pool.files if file.path]
        if "target" in plan.task.needs and plan.test is None:
            watched += [file.path for target in plan.targets for file in target.pool.files if file.path]
        embedded = [one.name for one in plan.contenders if _is_given(one.plan) and not one.own_vectors]
        whole = ":" in study.task
        folder = str(self.material.folder.absolute())
        return Job(folder, study.task, study.model, of_task, requests, watched, embedded, charges, whole)

    def _request(self, request: Request, plan: Plan, own_vectors: bool) -> dict[str, Any]:
        """A method's request of the stored pool: columns that are made of others have names of their own there."""
        folder = self.material.folder.absolute()
        values = request.model_dump()
        roles = {name: role.column for name, role in plan.roles.items()}
        values |= {name: roles.get(name, "none") for name in ROLES}
        if "text" in roles and roles["text"] in plan.pool.derived:
            values["text"] = TEXT
        measured = EMBEDDING in plan.measured  # made of the texts by the first cell, and charged to each
        use = {word: source for word, source in request.use.items() if word not in (*ROLES, *OF_COPY)}
        if own_vectors and plan.targets and (of_target := _columns_of(plan.targets[0].pool, own_name)):
            use["target_embedding"] = of_target
        moved = f"{folder}/choose-SEED.arrow"
        given = VECTOR if _is_given(plan) else None
        values |= {
            "pool": [moved if list(folder.glob("choose-*.arrow")) else f"{folder}/choose.arrow"],
            "target": [f"{folder}/wanted-SEED-{number}.arrow" for number in range(len(self.plan.targets))],
            "target_text": "text" if any(target.text for target in self.plan.targets) else None,
            "use": use,
            "embedding": _columns_of(plan.pool) if own_vectors else given,
            "image": "none",
            "template": None,
            "represent": request.represent if measured else None,
        }
        return values

    def cells(self) -> list[Cell]:
        """All cells but controls, in an order that favours nobody when the machine drifts."""
        study = self.plan.study
        names = [one.name for one in self.plan.contenders]
        made = [Cell(name, b.asked, s) for name in names for b in self.plan.budgets for s in range(study.seeds)]
        made += [Cell(FULL, WHOLE, seed) for seed in range(study.seeds)] if study.full else []
        order = np.argsort(mix64(np.arange(len(made), dtype=np.uint64) + np.uint64(len(made))), kind="stable")
        return [self.keyed(made[index]) for index in order]

    def keyed(self, cell: Cell) -> Cell:
        """A cell with its key, and with the study's length of training."""
        contents = {one.name: one.contents for one in self.plan.contenders}
        if self.plan.task.default_steps:
            cell = replace(cell, steps=self.plan.study.steps, epochs=self.plan.study.epochs)
        of_seed = contents.get(cell.method, contents["random"])
        known = digest([of_seed[cell.seed % len(of_seed)]])
        return replace(cell, key=key_of(self.job, cell, known, self.data))

    def run(self, cells: list[Cell], what: str) -> None:
        """Do those cells that have no result yet."""
        open_cells = []
        for cell in cells:
            if (self.cells_folder / f"{cell.key}.json").exists():
                found = read_cell(self.cells_folder, cell)
                if found["status"] == "done":
                    control = self.results.get(cell.key, {"control": cell.control})["control"]
                    self.results[cell.key] = found | {"control": control, "method": cell.method}
                    continue
            open_cells.append(cell)
        if not open_cells:
            return
        study = self.plan.study
        workers = 1 if study.timed else study.workers if study.workers is not None else usable_cores()
        finished = len(cells) - len(open_cells)
        many = f"{len(open_cells)} {what}" + (f", {finished} are done" if finished else "")
        self.console.say(many)
        done = run_cells(self.job, open_cells, self.cells_folder, workers)
        try:
            for result in self.console.progress(done, len(open_cells), "bench", "cell"):
                self.results[result["key"]] = result
                if len(self.results) == ENOUGH:
                    self.refuse_constant()
        finally:
            done.close()  # type: ignore[attr-defined]

    def refuse_constant(self) -> None:
        """Stop where every metric that is to be judged is the same in all cells."""
        done = [one for one in self.results.values() if one["status"] == "done"]
        names = self.plan.study.metric or list(self.plan.task.headline) or list(done[0]["metrics"])[:1] if done else []
        values = {name: {one["metrics"].get(name) for one in done} for name in names}
        if len(done) >= 2 and values and all(len(found) == 1 for found in values.values()):
            name, found = next(iter(values.items()))
            value = next(iter(found))
            if value is not None:
                where = f"--task {self.plan.study.task}"
                raise refusals.STUDY_METRIC_CONSTANT(where, name=name, value=value, cells=len(done))

    def tidy(self) -> None:
        """Remove all that the next study does not go on from: its cells are kept, those of others are not."""
        shutil.rmtree(self.material.folder, ignore_errors=True)
        for path in self.cells_folder.iterdir():
            if path.stem not in self.results:
                path.unlink()

    def grouped(self) -> Results:
        """Results that are done, by method and budget, in the order of seeds."""
        found: Results = {}
        for one in sorted(self.results.values(), key=lambda one: one["seed"]):
            if one["status"] == "done" and one["stretch"] == 1:
                found.setdefault((one["method"], one["budget"]), []).append(one)
        return found

    def full_steps(self) -> int | None:
        """Steps of every fit, where the task has steps and the study does not count epochs."""
        task, study = self.plan.task, self.plan.study
        return (study.steps or task.default_steps) if task.default_steps and not study.epochs else None


def run_bench(plan: StudyPlan, folder: Folder, console: Console) -> dict[str, Any]:
    """Do what the plan says in its folder and return the evidence; a finished folder of this study is left alone."""
    asked, force = plan.asked, plan.study.force
    if force:
        forget_failures(folder)
    folder.check(asked, force)
    try:
        with folder.locked(asked, force) as finished:
            if finished:
                console.say(f"nothing to do: {folder.path} holds this evidence already")
                return read_evidence(folder.path)
            for note in plan.notes:
                console.say(note)
            return _run(Bench(plan, folder, console))
    except Refused as error:
        error.under_way = True
        raise
    except OSError as error:
        raise refusals.WRITING_FAILED(as_given(error.filename or folder.path), said=error.strerror or error) from error


def forget_failures(folder: Folder) -> None:
    """Let a finished study with cells that failed count as unfinished."""
    evidence = folder.path / "verdicts.json"
    if folder.manifest and evidence.is_file() and read_evidence(folder.path).get("failed"):
        (folder.path / "manifest.json").unlink(missing_ok=True)


def _run(bench: Bench) -> dict[str, Any]:
    plan = bench.plan
    bench.prepare()
    if plan.text is not None and bench.material["pool"].table.nbytes > 1_000_000:
        models = ["tamis.ops._model_kernels"] if "target" in plan.task.needs else []
        with announced(bench.console.say):
            compile_kernels(["tamis.ops._hash_kernels", "tamis.ops._ngram_kernels", *models])
    cells = bench.cells()
    try_random(bench)
    bench.run(cells, "cells")
    refuse_all_failed(bench, cells)
    refuse_unknown_metric(bench)
    bench.refuse_constant()
    controls: list[Control] = []
    for _ in range(ROUNDS):
        before = controls
        controls = look_for_controls(bench)
        if controls == before:
            break
        seeds = range(plan.study.seeds)
        bench.run([bench.keyed(cell) for cell in control_cells(controls, seeds)], "cells of random at equal total cost")
    evidence = assemble(bench, controls)
    write(bench.folder, evidence, bench.results, plan.asked)
    bench.tidy()
    return evidence


def look_for_controls(bench: Bench) -> list[Control]:
    """What random is given at equal total cost, by what the cells have cost up to now."""
    names = [one.name for one in bench.plan.contenders if one.role != "reference"]
    return plan_controls(bench.grouped(), names, bench.plan.budgets, bench.plan.task.default_steps is not None)


def try_random(bench: Bench) -> None:
    """Choose once at random, so that what is wrong with the pool is refused before any cell runs."""
    try:
        select_rows(bench.job, Cell("random", bench.plan.budgets[0].asked, 0))
    except Refused as error:
        place = seeded(bench.job.requests["random"][0]["pool"][0], 0)
        raise Refused(str(error).replace(place, " ".join(bench.plan.study.pool)), error.kind) from None


def refuse_unknown_metric(bench: Bench) -> None:
    """Refuse a metric that no cell has, of a task that says only by its numbers which ones there are."""
    known = {name for one in bench.results.values() if one["status"] == "done" for name in one["metrics"]}
    for name in bench.plan.study.metric:
        if name not in known:
            near = nearest(name, dict.fromkeys(sorted(known)))
            where, listed = f"--metric {name}", ", ".join(sorted(known))
            raise refusals.STUDY_METRIC_UNKNOWN(where, task=bench.plan.study.task, name=name, near=near, known=listed)


def refuse_all_failed(bench: Bench, cells: list[Cell]) -> None:
    """Break where no cell of random was done: there is nothing to compare with."""
    own = [bench.results[cell.key] for cell in cells if cell.method in ("random", FULL)]
    if not any(one["status"] == "done" for one in own if one["method"] == "random"):
        first = next(one for one in own if one["status"] != "done")
        path = as_given(bench.cells_folder)
        raise refusals.STUDY_ALL_FAILED(
            f"--task {bench.plan.study.task}", names="random", said=first["error"], path=path
        )


def read_evidence(folder: Path) -> dict[str, Any]:
    """The evidence of a finished study."""
    found: dict[str, Any] = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    return found


def _write(table: pa.Table, path: Path) -> None:
    write_tables(path, table.schema, iter([table]))

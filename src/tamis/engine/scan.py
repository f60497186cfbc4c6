"""The first pass: every row of the pool, of targets and of earlier corpora is read once; what was folded is merged."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import tamis
from tamis import refusals
from tamis.engine.folds import folds
from tamis.engine.frame import Frame
from tamis.engine.parts import read_arrays, write_array
from tamis.engine.plan import Plan
from tamis.engine.step import Step
from tamis.engine.workers import Workers
from tamis.pool import Pool
from tamis.pool.base import digest
from tamis.registry import returned

if TYPE_CHECKING:
    from tamis.engine.run import Run


class Scanned(NamedTuple):
    """The frames of the pool, of the targets, and of earlier corpora to compare it with."""

    pool: Frame
    targets: list[Frame]
    corpora: list[Frame]


def scan(run: "Run", workers: Workers) -> Scanned:
    """One pass over the targets, the earlier corpora and the pool; refuses any that has no rows or no texts."""
    plan = run.plan
    count = fold_count(plan)
    spec = plan.columns | {"folds": list(range(count))}
    step = Step("scan", "read every row once: hashes, lengths, costs, groups" + (", n-grams" if count else ""))
    specs = [spec if plan.within is None else spec | {"folds": []}]
    specs += [_target_spec(plan, spec, number) for number in range(len(plan.targets))]
    specs += [_bare(spec, corpus.text) for corpus in plan.cleaning.against]
    frames = []
    for index, (pool, mine) in enumerate(zip(run.job.pools, specs, strict=True)):
        which = f"scan-{digest(_known(plan, pool, mine))}"
        parts = [run.folder.parts / which / f"{pool.key(shard)}.arrow" for shard in pool.shards]
        tasks = [
            {"do": "scan", "pool": index, "shard": number, "out": str(part), "spec": mine}
            for number, part in enumerate(parts)
        ]
        run.do(workers, step, which, tasks)
        frames.append(Frame(pool, parts, run.work if not index else run.work / f"sample{index}"))
    step.rows_in = step.rows_out = frames[0].rows
    run.steps.append(step)
    found = Scanned(frames[0], frames[1 : 1 + len(plan.targets)], frames[1 + len(plan.targets) :])
    if not found.pool.rows:
        raise refusals.POOL_EMPTY(" ".join(plan.request.pool), what="pool")
    for frame, target in zip(found.targets, plan.targets, strict=True):
        if not frame.rows or (target.text is not None and not frame.column("has_text", bool).any()):
            raise refusals.TARGET_EMPTY(f"the target {target.name!r}")
    return found


def _known(plan: Plan, pool: Pool, spec: dict[str, Any]) -> list[Any]:
    """All that decides what a scan finds in a shard."""
    method, inputs = plan.method, plan.asked["inputs"]
    made = {name: found.to_json() for name, found in pool.derived.items()}
    fit: list[Any] = []
    own: Any = ""
    if spec["folds"]:
        fit = [found[2] for found in folds(method, plan.parameters, plan.measures_text)]
        own = [plan.method_name, inputs.get("the method")] if method.fit else ""
    return [tamis.__version__, spec, fit, own, inputs.get("the tokenizer"), made]


def _bare(spec: dict[str, Any], text: str | None) -> dict[str, Any]:
    """What is read of a pool of which only texts count."""
    own: dict[str, Any] = {"text": text, "id": None, "numbers": [], "codes": [], "vectors": [], "tags": None}
    return spec | own | {"duplicates": text is not None, "tokens": None, "folds": []}


def _target_spec(plan: Plan, spec: dict[str, Any], number: int) -> dict[str, Any]:
    target = plan.targets[number]
    own = _bare(spec, target.text) | {"tokens": "default" if plan.shares == "tokens" else None}
    if "target_embedding" in plan.supplied and not target.vectors and "embedding" not in plan.measured:
        own["vectors"] = ["embedding"]
    return own | {"folds": spec["folds"] if target.text else []}


def fold_count(plan: Plan) -> int:
    """How many things are folded over texts."""
    return len(folds(plan.method, plan.parameters, plan.measures_text)) if plan.columns["text"] else 0


def fold_within(run: "Run", workers: Workers, frame: Frame) -> None:
    """Fold the texts of those rows alone that an earlier selection kept, where there is one."""
    plan, rows = run.plan, run.plan.within
    if rows is None or not fold_count(plan):
        return
    step = Step("fold", "read the texts of the rows that the earlier selection keeps: n-grams")
    fit = [found[2] for found in folds(plan.method, plan.parameters, plan.measures_text)]
    own = plan.asked["inputs"].get("the method")
    made = {name: found.to_json() for name, found in plan.pool.derived.items()}
    known = [tamis.__version__, digest(rows), fit, plan.method_name, own, plan.columns, made]
    which = f"fold-{digest([*known, frame.pool.fingerprint])}"
    folder = run.folder.parts / which
    folder.mkdir(parents=True, exist_ok=True)
    write_array(folder / "rows.npy", rows)
    frame.folded = [folder / part.name for part in frame.parts]
    tasks = []
    for number, out in enumerate(frame.folded):
        first, count = int(frame.starts[number]), int(frame.counts[number])
        if np.searchsorted(rows, first) < np.searchsorted(rows, first + count):
            spec = {"rows": str(folder / "rows.npy"), "first": first, "count": count, "text": plan.columns["text"]}
            task = {"do": "fold", "pool": 0, "shard": number, "out": str(out)}
            tasks.append(task | {"spec": spec | {"folds": list(range(fold_count(plan)))}})
    run.do(workers, step, which, tasks)
    step.rows_in, step.rows_out = frame.rows, len(rows)
    run.steps.append(step)


def merged_fold(plan: Plan, frame: Frame, index: int) -> Any:
    """What fold number `index` made of all texts of a frame, merged in shard order."""
    known = folds(plan.method, plan.parameters, plan.measures_text)
    index %= len(known)
    fit, merge, _ = known[index]
    result = None
    for part in frame.folded:
        path: Path = part.with_name(f"{part.stem}.fold{index}.npz.zst")
        if path.exists():
            partial = returned(fit)(**read_arrays(path))
            result = partial if result is None else merge(result, partial)
    return result

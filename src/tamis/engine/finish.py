"""Write what was chosen: selection, scores, duplicates, subset, manifest and report, each whole or not at all."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import tamis
from tamis.engine.choose import BY_FLOOR, BY_MUST, Choice, weights_of
from tamis.engine.clean import Cleaned
from tamis.engine.contents import contents, vectors_record
from tamis.engine.dropped import write_dropped
from tamis.engine.frame import BLOCK, Frame
from tamis.engine.parts import read_arrays, read_table, write_array
from tamis.engine.plan import Plan
from tamis.engine.reporting import Outcome
from tamis.engine.run import Run
from tamis.engine.scores import Scores
from tamis.engine.step import Step
from tamis.engine.workers import Workers
from tamis.pool.base import digest
from tamis.selection import SCHEMA, Selection

ROWS = 65_536


def outputs(run: Run, done: Outcome, gathered: "Gathered") -> dict[str, Callable[[Path], None]]:
    """The files of the output folder and what writes each."""
    files: dict[str, Callable[[Path], None]] = {
        "selection.parquet": lambda path: write_selection(path, selection_batches(done)),
        "scores.parquet": lambda path: write_scores(path, done.plan, done.scores, done.eligible),
        "duplicates.parquet": lambda path: write_duplicates(path, done.pairs),
    }
    files |= of_cleaning(done.plan, done.cleaned)
    if done.plan.request.subset:
        files[f"subset{done.plan.pool.suffix}"] = lambda path: write_subset(run, path, gathered.parts)
    return files


def of_cleaning(plan: Plan, cleaned: Cleaned) -> dict[str, Callable[[Path], None]]:
    """`dropped.parquet`, where rows may be left out for what their texts are."""
    return {"dropped.parquet": lambda path: write_dropped(path, cleaned)} if plan.cleaning else {}


def selection_batches(done: Outcome) -> Iterator[pa.RecordBatch]:
    """The rows of `selection.parquet` in batches by rank."""
    plan, frame, choice, order = done.plan, done.frame, done.choice, done.order
    gains = choice.of_order(order.gains) if order is not None else None
    weights = weights_of(choice)
    names = [target.name for target in plan.targets]
    kind = id_type(frame)
    schema = SCHEMA.set(SCHEMA.get_field_index("id"), pa.field("id", kind))
    for start in range(0, len(choice.rows), ROWS):
        block = slice(start, start + ROWS)
        rows, target = choice.rows[block], choice.target[block]
        scores = done.scores_of(rows, target)
        file, file_row = frame.files(rows)
        yield pa.record_batch(
            [
                pa.array(rows),
                frame.ids(rows).cast(kind),
                pa.array(np.arange(start, start + len(rows))),
                pa.array(weights[block]),
                pa.nulls(len(rows), pa.float64()) if scores is None else pa.array(scores),
                pa.nulls(len(rows), pa.float64()) if gains is None else _or_null(gains[block]),
                pa.array([names[t] if plan.method.kind == "Match" and t >= 0 else None for t in target], pa.string()),
                pa.array(reasons(done, block), pa.string()),
                file,
                pa.array(file_row),
            ],
            schema=schema,
        )


def _or_null(values: NDArray[Any]) -> pa.Array:
    """Numbers, null for NaN."""
    return pa.array(np.asarray(values, np.float64), mask=np.isnan(values))


def id_type(frame: Frame) -> pa.DataType:
    """Integers or strings as the pool has them; null where it has no ids."""
    kind = frame.tables[0]["id"].type if frame.has("id") else pa.null()
    return pa.string() if pa.types.is_large_string(kind) else kind


def reasons(done: Outcome, block: slice) -> list[str]:
    """Why each row was kept, in words."""
    plan, choice, order = done.plan, done.choice, done.order
    chooser = plan.chooser.name if plan.chooser else ""
    drawn = plan.chooser is not None and plan.chooser.draws and plan.chooser_parameters.get("temperature", 1) > 0
    how = "" if chooser in ("", "top", "greedy", plan.method.name) else f", {chooser}"
    ending = f" of {done.counts['eligible']:,} by {plan.method.name}{how}"
    start = "drawn as" if drawn else "place"
    found = []
    for place, rule in zip(choice.place[block].tolist(), choice.rule[block].tolist(), strict=True):
        text = "must-keep" if rule == BY_MUST else f"{start} {place + 1:,}{ending}"
        if rule == BY_FLOOR:
            text += ", taken first for its floor"
        if rule != BY_MUST and order is not None and order.reasons is not None and order.reasons[place]:
            text += f": {order.reasons[place]}"
        found.append(text)
    return found


def write_selection(path: Path, batches: Any) -> None:
    """`selection.parquet` from its batches."""
    first = next(batches)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        for batch in chain([first], batches):
            writer.write_batch(batch)


def write_scores(path: Path, plan: Plan, scores: Scores | None, eligible: NDArray[np.bool_]) -> None:
    """`scores.parquet`: every eligible row with its score, or with one column a target."""
    several = scores is not None and len(scores.columns) > 1
    names = [target.name for target in plan.targets] if several else ["score"]
    schema = pa.schema([("row", pa.int64()), *((name, pa.float64()) for name in names)])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, len(eligible), BLOCK):
            rows = np.flatnonzero(eligible[start : start + BLOCK]) + start
            columns = (
                [pa.array(column[rows]) for column in scores.columns] if scores else [pa.nulls(len(rows), pa.float64())]
            )
            writer.write_batch(pa.record_batch([pa.array(rows), *columns], schema=schema))


def write_duplicates(path: Path, pairs: NDArray[np.int64]) -> None:
    """`duplicates.parquet`: each dropped row and the one kept in its place."""
    pq.write_table(pa.table({"row": pairs[:, 0], "kept_row": pairs[:, 1]}), path, compression="zstd")


class Gathered:
    """What the second look at kept and shown rows brought."""

    def __init__(self, parts: list[Path], counts: Any, texts: dict[int, str], images: dict[int, str]) -> None:
        self.parts, self.counts, self.texts, self.images = parts, counts, texts, images


def gather(run: Run, workers: Workers, frame: Frame, choice: Choice, show: NDArray[np.int64]) -> Gathered:
    """Read the shards of kept rows once more: their whole rows, their n-grams, and texts and images to show."""
    plan = run.plan
    kept = np.sort(choice.rows)
    counting = plan.measures_text
    made = {name: found.to_json() for name, found in plan.pool.derived.items()}
    wanted = [digest(kept), digest(show), plan.request.subset, plan.columns["text"], counting, made]
    which = f"gather-{digest([tamis.__version__, frame.pool.fingerprint, *wanted])}"
    folder = run.folder.parts / which
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("kept", kept), ("show", show)):
        write_array(folder / f"{name}.npy", rows)
    tasks: list[dict[str, Any]] = []
    for number in range(len(frame.pool.shards)):
        first, count = int(frame.starts[number]), int(frame.counts[number])
        inside = np.searchsorted(kept, [first, first + count]), np.searchsorted(show, [first, first + count])
        if any(high > low for low, high in inside):
            spec = {
                "rows": str(folder / "kept.npy"), "show": str(folder / "show.npy"), "first": first, "count": count,
                "subset": plan.request.subset, "text": plan.columns["text"], "counts": counting,
                "image": plan.columns["image"],
            }  # fmt: skip
            out = folder / f"{number}.arrow"
            tasks.append({"do": "gather", "pool": 0, "shard": number, "out": str(out), "spec": spec})
    step = Step("gather", "read the shards of the kept rows: copy them, count their n-grams, fetch examples")
    run.do(workers, step, which, tasks)
    step.rows_in, step.rows_out = frame.rows, len(kept)
    run.steps.append(step)
    texts: dict[int, str] = {}
    images: dict[int, str] = {}
    counts: Any = None
    parts = []
    for task in tasks:
        out = Path(task["out"])
        found = read_table(out)
        for shown, name in ((texts, "text"), (images, "image")):
            shown.update(zip(found["row"].to_pylist(), found[name].to_pylist(), strict=True))
        parts.append(out.with_name(f"{out.stem}.subset"))
        if (path := out.with_name(f"{out.stem}.counts.npz.zst")).exists():
            from tamis.ops import ngrams

            partial = ngrams.NgramCounts(**read_arrays(path))
            counts = partial if counts is None else ngrams.merge(counts, partial)
    return Gathered([part for part in parts if part.exists()], counts, texts, images)


def write_subset(run: Run, path: Path, parts: list[Path]) -> None:
    """`subset.*`: the kept rows in pool order, in the pool's format and compression."""
    pool = run.plan.pool
    pool.save((piece for part in parts for piece in pool.load_part(part)), path)


def base_manifest(run: Run, frame: Frame, targets: list[Frame], rows: dict[str, int]) -> dict[str, Any]:
    """What was asked of which pool, and how its rows reconcile."""
    plan, request = run.plan, run.plan.request
    card = plan.method.card() | {"choose": plan.chooser.name if plan.chooser else None}
    card["parameters"] = {name: _finite(v) for name, v in (plan.parameters | plan.chooser_parameters).items()}
    return {
        "tamis": tamis.__version__,
        "command": request.command(plan.verb),
        **plan.asked,
        "seed": request.seed,
        "method": card,
        "pool": {
            "paths": request.pool,
            "format": plan.pool.format,
            "files": len(plan.pool.files),
            "rows": frame.rows,
            "bytes": plan.pool.bytes,
            "fingerprint": plan.pool.fingerprint,
            "scan": plan.columns | {"part": frame.parts[0].parent.name},
            "derived": {name: made.to_json() for name, made in plan.pool.derived.items()},
            "vectors": vectors_record(plan.vectors) if plan.vectors else None,
            "contents": contents(frame),
        },
        "roles": {role: asdict(found) for role, found in plan.roles.items()},
        "measured": {need: found.to_json() for need, found in plan.measured.items()},
        "targets": [
            {"name": target.name, "path": path, "rows": found.rows}
            for target, path, found in zip(plan.targets, request.target, targets, strict=True)
        ],
        "rows": rows,
        "warnings": run.console.warnings,
        "parts": sorted(name for name in run.used if not name.startswith("gather")),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "pyarrow", "numba")},
    }


def _finite(value: Any) -> Any:
    """JSON knows no infinities."""
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def choice_manifest(run: Run, frame: Frame, choice: Choice, rows: dict[str, int]) -> dict[str, Any]:
    """What was kept and spent, in rows and, where they were counted, in tokens; and what earlier steps kept."""
    plan = run.plan
    assert plan.budget is not None
    said: dict[str, Any] = {"rows_in": rows["pool"] - rows.get("not_in_earlier_selection", 0)}
    if frame.has("tokens"):
        tokens = frame.column("tokens", np.int64)
        within = tokens if plan.within is None else tokens[plan.within]
        said["tokens"] = {"in": int(within.sum()), "kept": int(tokens[np.sort(choice.rows)].sum())}
    if plan.request.within:
        said["earlier_steps"] = earlier_steps(Path(plan.request.within))
    return (
        said
        | {
            "rows": rows | {"kept": len(choice.rows)},
            "budget": {
                "asked": plan.request.budget,
                "unit": plan.budget.unit if plan.budget.is_cost else "rows",
                "limit": choice.limit,
                "spent": choice.spent,
            },
            "quotas": choice.shares,
        }
        | ({"objective": run.objective} if run.objective else {})
    )


def earlier_steps(folder: Path) -> list[dict[str, Any]]:
    """What the selection in `folder` kept of what, and those before it, the first first."""
    manifest = Selection.load(folder).manifest
    rows = manifest.get("rows") or {}
    if "kept" not in rows:
        return []
    return [
        *manifest.get("earlier_steps", []),
        {
            "folder": folder.name,
            "method": manifest["method"]["name"],
            "rows_in": manifest.get("rows_in", rows["pool"]),
            "rows": rows,
            "tokens": manifest.get("tokens"),
            "not_chosen": rows["eligible"] - rows["kept"] if "eligible" in rows else 0,
            "cleaning": (manifest.get("summary") or {}).get("cleaning"),
        },
    ]


def times(run: Run, started: datetime) -> dict[str, Any]:
    """When, how long, and every step."""
    return {
        "started": started.isoformat(timespec="seconds"),
        "seconds": (datetime.now(UTC) - started).total_seconds(),
        "steps": [asdict(step) for step in run.steps],
    }

"""Plans and results in words."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tamis.engine.launch import usable_cores
from tamis.engine.plan import Plan
from tamis.measure.text_measures import WIDTH

SCAN_RATE, SCORE_RATE = 90e6, 110e6  # bytes of text a second and core, on the cautious side
COPY_RATE, CLEAN_RATE = 150e6, 30e6
WORKER_MB, PARENT_MB = 260, 220


def describe_plan(plan: Plan) -> tuple[str, dict[str, Any]]:
    """The steps, rows, memory and time that a plan will take, as text and as plain values."""
    size = sum(min(shard.bytes, 1 << 50) for shard in plan.pool.shards)
    workers = max(1, min(plan.request.workers or usable_cores(), len(plan.pool.shards)))
    texts = plan.columns["text"] is not None
    steps = [
        ("scan", size / SCAN_RATE if texts else size / COPY_RATE),
        *([("clean", size / CLEAN_RATE)] if plan.cleaning else []),
        *([("measure", size / CLEAN_RATE)] if plan.measured else []),
        *([("score", size / SCORE_RATE)] if plan.reads_text_to_score else []),
        *([("choose", 0.1)] if plan.budget else []),
        *([("gather", size / COPY_RATE)] if plan.request.subset or plan.measures_text else []),
    ]
    rows = plan.pool.rows
    values: dict[str, Any] = {
        "method": plan.method.name,
        "rows": rows,
        "bytes": plan.pool.bytes,
        "shards": len(plan.pool.shards),
        "workers": workers,
        "steps": [{"name": name, "seconds": round(seconds / workers, 1)} for name, seconds in steps],
        "seconds": round(1.0 + sum(seconds for _, seconds in steps) / workers, 1),
        "memory_mb": PARENT_MB + (WORKER_MB * workers if workers > 1 else WORKER_MB) + _own_mb(plan),
        "roles": {role: found.column for role, found in plan.roles.items()},
        "output": plan.request.output,
    }
    lines = [
        f"{plan.method.name} on {_rows(rows)} rows in {len(plan.pool.files)} files, {plan.pool.bytes / 1e6:,.1f} MB, "
        f"{len(plan.pool.shards)} shards, {workers} workers",
        *(f"  {step['name']:<8} about {step['seconds']:,.1f} s" for step in values["steps"]),
        f"about {values['seconds']:,.0f} s and {values['memory_mb']:,} MB in all; nothing was written",
    ]
    return "\n".join(lines), values


def _own_mb(plan: Plan) -> int:
    """What the method's own data take, no more than the request allows; 0 where the pool must be read to know."""
    rows, known = plan.pool.rows, plan.method.bytes
    if rows is None or known is None or plan.budget is None:
        return 0
    made = plan.pool.derived.get("embedding") or plan.pool.derived.get("probs")
    files = [file.open().shape[1] for file in plan.bindings.files.values()]
    width = max([getattr(made, "width", 1), *files, *([WIDTH] if "embedding" in plan.measured else [])])
    count = rows if plan.budget.is_cost else plan.budget.rows(rows)
    return int(min(known(rows, width, count, **plan.parameters), plan.memory) / 1e6)


def _rows(rows: int | None) -> str:
    return "an unknown number of" if rows is None else f"{rows:,}"


def tell_result(manifest: dict[str, Any], folder: Path, as_json: bool) -> None:
    """Say what came of a run: one JSON object on standard output, or lines for a person on standard error."""
    if as_json:
        print(json.dumps(manifest | {"output": str(folder)}, allow_nan=False))
    else:
        for line in summary_lines(manifest, folder):
            print(line, file=sys.stderr)


def summary_lines(manifest: dict[str, Any], folder: Path) -> Iterator[str]:
    """What a person reads at the end of a run."""
    rows, summary = manifest["rows"], manifest.get("summary") or {}
    if "selections" in manifest:
        yield from _several_lines(manifest, folder)
        return
    if "budget" not in manifest:
        yield f"scored {rows['eligible']:,} of {rows['pool']:,} rows by {manifest['method']['name']}"
        yield f"scores  {folder / 'scores.parquet'}"
        return
    budget = manifest["budget"]
    spent = "" if budget["unit"] == "rows" else f" ({budget['spent']:,.0f} of {budget['limit']:,.0f} {budget['unit']})"
    by = "" if manifest["method"]["name"] == "all" else f" by {manifest['method']['name']}"
    yield f"kept {rows['kept']:,} of {rows['pool']:,} rows{by}{spent}"
    left_out = [f"{rows[name]:,} {words}" for name, words in LEFT_OUT.items() if rows.get(name)]
    if left_out:
        yield "left out: " + ", ".join(left_out)
    if summary.get("groups"):
        found = [row for row in summary["groups"]["rows"] if row["kept"]][:4]
        parts = ", ".join(
            f"{row['group']} {row['kept'] / rows['kept']:.1%} (pool {row['pool'] / rows['pool']:.1%})" for row in found
        )
        yield f"by {summary['groups']['column']}: {parts}"
    if summary.get("text"):
        text = summary["text"]
        whom = "the target" if len(text["targets"]) == 1 else "the targets, on average"
        yield f"KL reduction towards {whom}: {text['kl_reduction']:.3f} nats (0 is no nearer than the whole pool)"
    yield f"{manifest['seconds']:.1f} s; selection {folder / 'selection.parquet'}"
    yield f"report {folder / 'report.html'}"


def _several_lines(manifest: dict[str, Any], folder: Path) -> Iterator[str]:
    for found in manifest["selections"]:
        yield f"kept {found['rows']['kept']:,} of {found['rows']['pool']:,} rows in {folder / found['folder']}"
    yield f"{manifest['seconds']:.1f} s; each folder holds a selection and its report"


LEFT_OUT = {
    "excluded": "excluded",
    "not_in_earlier_selection": "not kept by the earlier selection",
    "had_already": "in the selection to start from",
    "without_text": "without text",
    "duplicates": "exact duplicates",
    "rules": "by rules for texts",
    "contaminated": "with text of test sets",
    "earlier_corpus": "in earlier corpora",
    "near_copies": "near copies",
}

"""What was compared, in clauses and numbers: task, pool, test set, methods, machine, and what to be warned of."""

import inspect
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.evidence.cells import FULL
from tamis.evidence.controls import Results
from tamis.evidence.kept import kept_rows

if TYPE_CHECKING:
    from tamis.evidence.bench import Bench
    from tamis.evidence.plan import Contender

LIKE = 0.9  # texts of as many tokens


def median(results: list[dict[str, Any]], name: str) -> int | None:
    """The median of a count over seeds."""
    return round(float(np.median([one[name] for one in results]))) if results else None


def methods(bench: "Bench") -> list[dict[str, Any]]:
    """All that was compared, the whole pool last: name, role, what it keeps, and the columns that it reads."""
    listed: list[dict[str, Any]] = [_method(one) for one in bench.plan.contenders]
    whole = {"name": FULL, "role": "full", "needs": [], "says": "Every row that may be chosen.", "reads": ""}
    return [*listed, whole] if bench.plan.study.full else listed


def _method(one: "Contender") -> dict[str, Any]:
    method = one.plan.method
    says = (inspect.getdoc(method.function) or "").partition("\n")[0]
    named = [need for need in method.needs if need in one.plan.roles and need != "embedding"]
    columns = [", ".join(dict.fromkeys(plan.roles[need].column for plan in one.plans)) for need in named]
    reads = ", ".join(f"{need}: {column}" for need, column in zip(named, columns, strict=True))
    return {"name": one.name, "role": one.role, "needs": list(method.needs), "says": says, "reads": reads}


def machine() -> dict[str, Any]:
    """The processor and how many cores may be used."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    chip = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return {"processor": chip, "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1}


def said(bench: "Bench") -> str:
    """The task in a clause: what is trained, on what, to tell what apart."""
    made, plan = bench.material, bench.plan
    clause = plan.task.describe()
    if made.width and "features" in plan.task.needs:
        several = f"{made.width:,} columns of numbers" if plan.features else f"vectors of {made.width:,} numbers"
        clause += f" on {several}"
    if "labels" in plan.task.needs:
        clause += f", which tells {len(made.classes):,} classes of {plan.roles['label'].column!r} apart"
    return clause


def pool_facts(bench: "Bench") -> dict[str, Any]:
    """The pool in numbers."""
    plan, made = bench.plan, bench.material
    role = {name: found.column for name, found in plan.roles.items()}
    return {
        "paths": plan.study.pool,
        "rows": made["pool"].table.num_rows,
        "eligible": len(bench.job.data(0)[0]),
        "label": role.get("label") if "labels" in plan.task.needs else None,
        "classes": len(made.classes) if "labels" in plan.task.needs else None,
        "features": made.width if "features" in plan.task.needs else None,
        "text": role.get("text"),
        "group": role.get("group") if made.groups else None,
        "targets": made.target_names,
        "fingerprint": plan.pool.fingerprint,
    }


def test_facts(bench: "Bench") -> dict[str, Any]:
    """What judges, in a clause and in numbers."""
    plan = bench.plan
    parts = [{"name": name, "rows": len(found)} for name, found in bench.job.data(0)[1].parts.items()]
    clauses = [plan.study.test] if plan.study.test else []
    if not plan.study.test and "target" in plan.task.needs:
        clauses.append("half of the target's texts, another half for each seed")
    elif not plan.study.test:
        clauses.append(f"{plan.study.holdout} of the pool, other rows for each seed")
    if "off-target" in dict(bench.job.data(0)[1].parts):
        clauses.append(plan.study.off_target or "texts of the pool that cannot be chosen")
    return {"says": " and ".join(clauses), "parts": parts, "same_for_all_seeds": not bench.moves}


def warnings_of(bench: "Bench", found: Results) -> list[str]:
    """What a reader of the verdicts should know: unequal lengths, and methods that are one under two names."""
    return [*_unequal_lengths(bench, found), *_same_choices(bench, found)]


def _unequal_lengths(bench: "Bench", found: Results) -> list[str]:
    """Budgets in rows of text at which a method keeps more or fewer tokens than random."""
    said: list[str] = []
    if "texts" not in bench.plan.task.needs:
        return said
    for budget in bench.plan.budgets:
        random = median(found.get(("random", budget.asked), []), "tokens_seen")
        for one in bench.plan.contenders if random is not None and not budget.is_cost else ():
            mine = median(found.get((one.name, budget.asked), []), "tokens_seen")
            if mine is not None and not LIKE < mine / max(random or 0, 1) < 1 / LIKE:
                times = f"{mine / max(random or 0, 1):.2g} times as many tokens as random"
                said.append(
                    f"at {budget.asked} {one.name} keeps {times}: length may be what differs, and a budget in tokens "
                    "would tell"
                )
    return said


def _same_choices(bench: "Bench", found: Results) -> list[str]:
    """Methods that keep the same rows, at every budget and seed; a schedule may visit them in other ways."""
    chosen: dict[str, list[str]] = {}
    for one in bench.plan.contenders:
        if one.plan.method.kind == "Schedule":
            continue
        rows = [
            np.sort(kept).tobytes()
            for budget in bench.plan.budgets
            for _, kept in sorted(kept_rows(bench, found.get((one.name, budget.asked), [])).items())
        ]
        if rows:
            chosen.setdefault(b"|".join(rows).hex(), []).append(one.name)
    return [
        f"the same rows are kept by {' and '.join(names)}: they are one choice under {len(names)} names"
        for names in chosen.values()
        if len(names) > 1
    ]

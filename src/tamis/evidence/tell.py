"""What `tamis bench` says: before, what will be done; afterwards, the verdicts."""

from pathlib import Path
from typing import Any

from tamis.evidence.evidence import SAME
from tamis.evidence.plan import StudyPlan


def describe(plan: StudyPlan) -> str:
    """A plan in a few lines."""
    study = plan.study
    names = [one.name for one in plan.contenders]
    cells = len(names) * len(plan.budgets) * study.seeds + study.seeds * study.full
    judged = study.test or f"{study.holdout} of the pool, held out"
    return "\n".join(
        [
            f"task     {study.task}: {plan.task.describe()}",
            f"methods  {', '.join(names)}" + (", and the whole pool" if study.full else ""),
            f"budgets  {', '.join(study.budgets)}; {study.seeds} seeds",
            f"judged   on {judged}",
            f"cells    {cells}, and those of random at equal total cost",
        ]
    )


def tell(evidence: dict[str, Any], folder: Path) -> str:
    """The verdicts as lines, and where the page is."""
    lines = [f"{evidence['task']['headline'][0]} of {evidence['task']['says']}"]
    own = [one for one in evidence["verdicts"] if not one["automatic"]] or evidence["verdicts"]
    wide = max((len(one["method"]) for one in own), default=0)
    budget = max((len(one["budget"]) for one in own), default=0)
    several = len(evidence["task"]["headline"]) > 1
    for one in own:
        metric = f"{one['metric']}  " if several else ""
        name = f"{one['method']:{wide}}  {one['budget']:>{budget}}  {one['comparison']:16}"
        same = (one["control"] or {}).get("same")
        lines.append(f"  {name}  {metric}{SAME if same else one['words']}")
    if evidence["failed"]:
        first = evidence["failed"][0]
        lines.append(f"{len(evidence['failed'])} cells failed, the first ({first['method']}) with: {first['error']}")
    return "\n".join([*lines, f"report {folder / 'report.html'}"])

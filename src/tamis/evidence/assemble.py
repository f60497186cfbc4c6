"""The evidence of a study: one plain object from the results of its cells, from which all files are made."""

import math
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

import tamis
from tamis.evidence.cells import FULL, WHOLE
from tamis.evidence.controls import Control, Results, cost, total
from tamis.evidence.effects import effects
from tamis.evidence.judge import judge
from tamis.evidence.kept import kept, kept_rows
from tamis.evidence.luck import as_good, luck_words, same_rows
from tamis.evidence.reach import reach
from tamis.evidence.statistics import mean_interval

if TYPE_CHECKING:
    from tamis.evidence.bench import Bench

EQUAL_BUDGET, EQUAL_COST = "equal budget", "equal total cost"
REACHED = 0.95  # of the way from nothing to the whole pool's metric, where no level was asked for
LIKE = 0.9  # texts of as many tokens
PARTS = ("select", "measure", "train", "test")


def assemble(bench: "Bench", controls: list[Control]) -> dict[str, Any]:
    """Everything that the study found; see `docs/bench.md` for the keys."""
    plan, results = bench.plan, bench.results
    found = bench.grouped()
    metrics = known_metrics(results.values(), plan.task.metrics)
    first = list(plan.task.headline) or [next(iter(metrics))]
    headline = [name for name in plan.study.metric or first if name in metrics] or [next(iter(metrics))]
    done = [one for one in results.values() if one["status"] == "done"]
    return {
        "tamis": tamis.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command(bench),
        "name": plan.study.name or " ".join(plan.study.pool),
        "claim": plan.study.claim,
        "request": plan.study.model_dump(exclude={"output", "force"}),
        "versions": {"python": platform.python_version()} | {n: version(n) for n in ("numpy", "pyarrow", "scipy")},
        "task": {
            "name": plan.study.task,
            "model": plan.study.model,
            "says": said(bench),
            "headline": headline,
            "metrics": [{"name": n, "higher_is_better": up, "words": words} for n, (up, words) in metrics.items()],
            "steps": bench.full_steps(),
            "timed": plan.study.timed,
        },
        "pool": pool_facts(bench),
        "test": test_facts(bench),
        "seeds": list(range(plan.study.seeds)),
        "budgets": [
            {"asked": one.asked, "rows": median(found.get(("random", one.asked), []), "rows")} for one in plan.budgets
        ],
        "methods": [
            {"name": one.name, "role": one.role, "needs": list(one.plan.method.needs)} for one in plan.contenders
        ]
        + [{"name": FULL, "role": "full", "needs": []}] * plan.study.full,
        "verdicts": verdicts(bench, found, controls, headline, metrics),
        "curves": curves(bench, found, metrics),
        "costs": costs(bench, found),
        "reach": reached(bench, found, headline[0], metrics[headline[0]][0]),
        "effects": effects(bench, found, metrics[headline[0]][0]),
        "kept": kept(bench, found),
        "failed": [
            {name: one[name] for name in ("method", "budget", "seed", "error", "traceback")}
            for one in sorted(results.values(), key=lambda one: (one["method"], one["budget"], one["seed"]))
            if one["status"] == "failed"
        ],
        "cells": len(results),
        "seconds": sum(one[f"{part}_seconds"] for one in done for part in ("select", "train", "test")),
        "cpu_seconds": sum(one[f"{part}_cpu"] for one in done for part in ("select", "train", "test")),
        "warnings": [*bench.console.warnings, *unequal_lengths(bench, found)],
    }


def methods(bench: "Bench") -> list[dict[str, Any]]:
    """All that was compared, the whole pool last."""
    found = bench.plan.contenders
    listed = [{"name": one.name, "role": one.role, "needs": list(one.plan.method.needs)} for one in found]
    return listed + [{"name": FULL, "role": "full", "needs": []}] * bench.plan.study.full


def unequal_lengths(bench: "Bench", found: Results) -> list[str]:
    """What to say of budgets in rows of text at which a method keeps more or fewer tokens than random."""
    said: list[str] = []
    if "texts" not in bench.plan.task.needs:
        return said
    for budget in bench.plan.budgets:
        random = median(found.get(("random", budget.asked), []), "tokens_seen")
        if random is None or budget.is_cost:
            continue
        for one in bench.plan.contenders:
            mine = median(found.get((one.name, budget.asked), []), "tokens_seen")
            if mine is not None and not LIKE < mine / max(random, 1) < 1 / LIKE:
                said.append(
                    f"at {budget.asked} {one.name} keeps {mine / max(random, 1):.2g} times as many tokens as random: "
                    "length may be what differs, and a budget in tokens would tell"
                )
    return said


def known_metrics(results: Iterable[dict[str, Any]], stated: Iterable[Any]) -> dict[str, tuple[bool, str]]:
    """Name, direction and words of each metric that any cell gave, in the task's order."""
    given = {name for one in results if one["status"] == "done" for name in one["metrics"]}
    found = {one.name: (one.higher_is_better, one.words) for one in stated if one.name in given}
    for one in results:
        for name, higher, words in one.get("known", ()):
            if name in given:
                found.setdefault(name, (higher, words))
    return found


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


def values_of(results: list[dict[str, Any]], metric: str, seeds: int) -> list[float]:
    """The metric of each seed, NaN where its cell failed."""
    by_seed = {one["seed"]: one["metrics"].get(metric) for one in results}
    return [math.nan if (value := by_seed.get(seed)) is None else value for seed in range(seeds)]


def verdicts(
    bench: "Bench", found: Results, controls: list[Control], headline: list[str], metrics: dict[str, tuple[bool, str]]
) -> list[dict[str, Any]]:
    """For each metric, budget and comparison the verdict on each method."""
    plan = bench.plan
    names = [one.name for one in plan.contenders if one.role != "reference"]
    automatic = [one.name for one in plan.contenders if one.role == "baseline"]
    given = {(one.method, one.budget): one for one in controls}
    made = []
    for metric in headline:
        for budget in plan.budgets:
            for comparison in (EQUAL_BUDGET, EQUAL_COST):
                groups = {}
                for name in names:
                    control = given.get((name, budget.asked))
                    against = found.get(("random", budget.asked), [])
                    if comparison == EQUAL_COST and control is not None:
                        against = of_control(bench, control)
                    mine = found.get((name, budget.asked), [])
                    groups[name] = tuple(values_of(one, metric, plan.study.seeds) for one in (mine, against))
                judged = judge(groups, metrics[metric][0], automatic, plan.study.difference)  # type: ignore[arg-type]
                for one in judged:
                    about: dict[str, Any] = {
                        "budget": budget.asked,
                        "comparison": comparison,
                        "metric": metric,
                        "control": None,
                    }
                    control = given.get((one["method"], budget.asked))
                    if comparison == EQUAL_COST and control is not None:
                        about["control"] = control_facts(bench, found, control)
                    made.append({"method": one["method"], **about, **one})
                    of_random = groups[one["method"]][1]
                    made[-1] |= _luck(bench, found, made[-1], of_random, metrics[metric][0])
    return made


def _luck(bench: "Bench", found: Results, entry: dict[str, Any], random: list[float], higher: bool) -> dict[str, Any]:
    """How alike the choices of all seeds are, and how many random ones would do as well."""
    choices = list(kept_rows(bench, found.get((entry["method"], entry["budget"]), [])).values())
    facts: dict[str, Any] = {"same_rows": same_rows(choices, len(bench.job.data(0)[0])), "as_good": None}
    if entry["mean"] is not None:
        facts["as_good"] = as_good(entry["mean"], random, higher)
    return facts | {"words": entry["words"] + luck_words(entry | facts)}


def of_control(bench: "Bench", control: Control) -> list[dict[str, Any]]:
    """The results of random as the control has it."""
    method = FULL if control.given == WHOLE else "random"
    steps = control.steps or bench.full_steps()
    return [
        one
        for one in bench.results.values()
        if one["status"] == "done"
        and (one["method"], one["budget"]) == (method, control.given)
        and one["steps"] == steps
    ]


def control_facts(bench: "Bench", found: Results, control: Control) -> dict[str, Any]:
    """What random had, and its cost as a share of the method's."""
    results = of_control(bench, control)
    wanted = cost(found[control.method, control.budget])
    ratio = cost(results) / wanted if results and wanted > 0 else None
    facts = {"budget": control.given, "rows": median(results, "rows"), "steps": control.steps, "cost_ratio": ratio}
    return facts | {"same": control.is_same, "exhausted": control.exhausted}


def median(results: list[dict[str, Any]], name: str) -> int | None:
    """The median of a count over seeds."""
    return round(float(np.median([one[name] for one in results]))) if results else None


def curves(bench: "Bench", found: Results, metrics: dict[str, tuple[bool, str]]) -> list[dict[str, Any]]:
    """Every metric of every method at every budget, with the interval of its mean, and what it cost."""
    made = []
    asked = {budget.asked for budget in bench.plan.budgets}
    for (method, budget), results in found.items():
        control = budget not in asked and method != FULL
        for metric in metrics:
            values = values_of(results, metric, bench.plan.study.seeds)
            mean, low, high = mean_interval(values)
            point: dict[str, Any] = {
                "method": method,
                "budget": budget,
                "rows": median(results, "rows"),
                "metric": metric,
            }
            point |= {"mean": mean, "low": low, "high": high, "cost": float(np.mean([total(one) for one in results]))}
            made.append(point | {"control": control, "values": [None if math.isnan(v) else v for v in values]})
    place = {one.name: number for number, one in enumerate(bench.plan.contenders)}
    return sorted(made, key=lambda one: (one["metric"], place.get(one["method"], len(place)), one["rows"]))


def costs(bench: "Bench", found: Results) -> list[dict[str, Any]]:
    """Means over seeds of what each part of a cell cost."""
    made = []
    asked = {budget.asked for budget in bench.plan.budgets} | {WHOLE}
    numbers = [f"{part}_{unit}" for part in PARTS for unit in ("seconds", "cpu")] + ["peak_mb"]
    for (method, budget), results in found.items():
        if budget not in asked:
            continue
        line: dict[str, Any] = {"method": method, "budget": budget}
        line |= {name: float(np.mean([one[name] for one in results])) for name in numbers}
        line |= {name: median(results, name) for name in ("rows", "rows_seen")}
        line["tokens_seen"] = median(results, "tokens_seen") if results[0]["tokens_seen"] is not None else None
        made.append(line | {"steps": results[0]["steps"], "total_cpu": float(np.mean([total(one) for one in results]))})
    place = {one.name: number for number, one in enumerate(bench.plan.contenders)}
    return sorted(made, key=lambda one: (place.get(one["method"], len(place)), one["rows"]))


def reached(bench: "Bench", found: Results, metric: str, higher: bool) -> dict[str, Any] | None:
    """What it costs each method to reach a level of the metric; 95 % of the whole pool's where none was asked for."""
    level, says = bench.plan.study.reach, "the level that was asked for"
    whole = found.get((FULL, WHOLE))
    if level is None:
        if not whole:
            return None
        mean = mean_interval(values_of(whole, metric, bench.plan.study.seeds)).mean
        if mean is None or mean <= 0:
            return None
        level = mean * REACHED if higher else mean / REACHED
        says = f"95 % of the whole pool's {metric}" if higher else f"the whole pool's {metric} divided by 0.95"
    cells: dict[str, list[tuple[int, int, float, float]]] = {}
    for one in bench.plan.contenders:
        for number, budget in enumerate(bench.plan.budgets):
            for result in found.get((one.name, budget.asked), []):
                value = result["metrics"].get(metric)
                value = math.nan if value is None else value
                cells.setdefault(one.name, []).append((result["seed"], number, total(result), value))
    methods = reach(cells, level, higher)
    for line in methods:
        line["budget"] = None if line["budget"] is None else bench.plan.budgets[line["budget"]].asked
    return {"metric": metric, "level": level, "says": says, "methods": methods}


def command(bench: "Bench") -> str:
    """The command line that does the study again, where it has one."""
    from tamis.evidence.command import said_command

    return said_command(bench.plan.study)

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
from tamis.evidence.command import said_command
from tamis.evidence.controls import Control, Results, cost, total
from tamis.evidence.effects import effects
from tamis.evidence.facts import machine, median, methods, pool_facts, said, test_facts, warnings_of
from tamis.evidence.kept import kept
from tamis.evidence.reach import reach
from tamis.evidence.statistics import mean_interval
from tamis.evidence.verdicts import others, values_of, verdicts

if TYPE_CHECKING:
    from tamis.evidence.bench import Bench

REACHED = 0.95  # of the way from nothing to the whole pool's metric, where no level was asked for
PARTS = ("select", "measure", "train", "test")


def assemble(bench: "Bench", controls: list[Control]) -> dict[str, Any]:
    """Everything that the study found, as plain values; `docs/bench.md` says what the keys are."""
    plan, results = bench.plan, bench.results
    found = bench.grouped()
    metrics = known_metrics(results.values(), plan.task.metrics)
    first_metric = next(iter(metrics))
    headline = plan.study.metric or [name for name in plan.task.headline if name in metrics] or [first_metric]
    done = [one for one in results.values() if one["status"] == "done"]
    return {
        "tamis": tamis.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": said_command(plan.study),
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
            "epochs": plan.study.epochs,
            "timed": plan.study.timed,
        },
        "pool": pool_facts(bench),
        "test": test_facts(bench),
        "seeds": list(range(plan.study.seeds)),
        "budgets": [
            {"asked": one.asked, "rows": median(found.get(("random", one.asked), []), "rows")} for one in plan.budgets
        ],
        "methods": methods(bench),
        "verdicts": verdicts(bench, found, controls, headline, metrics),
        "others": others(bench, found, [name for name in metrics if name not in headline], metrics),
        "curves": curves(bench, found, metrics),
        "costs": costs(bench, found),
        "reach": reached(bench, found, headline[0], metrics[headline[0]][0]),
        "effects": effects(bench, found, first_metric, metrics[first_metric][0]),
        "kept": kept(bench, found),
        "failed": [
            {name: one[name] for name in ("method", "budget", "seed", "error", "traceback")}
            for one in sorted(results.values(), key=lambda one: (one["method"], one["budget"], one["seed"]))
            if one["status"] == "failed"
        ],
        "cells": len(results),
        "seconds": sum(one[f"{part}_seconds"] for one in done for part in ("select", "train", "test")),
        "cpu_seconds": sum(one[f"{part}_cpu"] for one in done for part in ("select", "train", "test")),
        "warnings": [*bench.console.warnings, *warnings_of(bench, found)],
        "machine": machine(),
    }


def known_metrics(results: Iterable[dict[str, Any]], stated: Iterable[Any]) -> dict[str, tuple[bool, str]]:
    """Name, direction and words of each metric that any cell gave, in the task's order."""
    given = {name for one in results if one["status"] == "done" for name in one["metrics"]}
    found = {one.name: (one.higher_is_better, one.words) for one in stated if one.name in given}
    for one in results:
        for name, higher, words in one.get("known", ()):
            if name in given:
                found.setdefault(name, (higher, words))
    return found


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
            point |= {"mean": mean, "low": low, "high": high, "cost": cost(results)}
            made.append(point | {"control": control, "values": [None if math.isnan(v) else v for v in values]})
    place = {one.name: number for number, one in enumerate(bench.plan.contenders)}
    return sorted(made, key=lambda one: (one["metric"], place.get(one["method"], len(place)), one["rows"]))


def costs(bench: "Bench", found: Results) -> list[dict[str, Any]]:
    """Medians over seeds of what each part of a cell cost, which a busy moment of the machine does not move."""
    made = []
    asked = {budget.asked for budget in bench.plan.budgets} | {WHOLE}
    numbers = [f"{part}_{unit}" for part in PARTS for unit in ("seconds", "cpu")] + ["peak_mb"]
    for (method, budget), results in found.items():
        if budget not in asked:
            continue
        line: dict[str, Any] = {"method": method, "budget": budget}
        line |= {name: float(np.median([one[name] for one in results])) for name in numbers}
        line |= {name: median(results, name) for name in ("rows", "rows_seen")}
        line["tokens_seen"] = median(results, "tokens_seen") if results[0]["tokens_seen"] is not None else None
        line["steps"] = median(results, "steps") if results[0]["steps"] is not None else None
        made.append(line | {"total_cpu": cost(results)})
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

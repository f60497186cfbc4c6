"""The verdicts of a study: for each metric, budget and comparison what is said of each method."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.evidence.cells import FULL, WHOLE
from tamis.evidence.controls import Control, Results, cost, whole_of
from tamis.evidence.facts import median
from tamis.evidence.judge import judge
from tamis.evidence.kept import kept_rows
from tamis.evidence.luck import as_good, luck_words, same_rows
from tamis.evidence.statistics import mean_interval

if TYPE_CHECKING:
    from tamis.evidence.bench import Bench

EQUAL_BUDGET, EQUAL_COST = "equal budget", "equal total cost"
EQUAL = 0.999
REPEATED = " This is one measurement, of the same rows and the same test set for every seed: more seeds repeat it."
Metrics = dict[str, tuple[bool, str]]
"""Of each metric by name whether more of it is better, and its words."""


def values_of(results: list[dict[str, Any]], metric: str, seeds: int) -> list[float]:
    """The metric of each seed, NaN where its cell failed."""
    by_seed = {one["seed"]: one["metrics"].get(metric) for one in results}
    return [math.nan if (value := by_seed.get(seed)) is None else value for seed in range(seeds)]


def verdicts(
    bench: "Bench", found: Results, controls: list[Control], headline: list[str], metrics: Metrics
) -> list[dict[str, Any]]:
    """For each metric, budget and comparison the verdict on each method."""
    given = {(one.method, one.budget): one for one in controls}
    return [
        one
        for metric in headline
        for budget in bench.plan.budgets
        for comparison in (EQUAL_BUDGET, EQUAL_COST)
        for one in _judged(bench, found, given, metric, metrics[metric][0], budget.asked, comparison)
    ]


def _judged(
    bench: "Bench", found: Results, given: dict[tuple[str, str], Control], metric: str, higher: bool, budget: str,
    comparison: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """All methods at one budget, by one metric, in one comparison."""
    plan, seeds = bench.plan, bench.plan.study.seeds
    groups: dict[str, tuple[list[float], list[float]]] = {}
    known: dict[str, dict[str, Any] | None] = {}
    for one in plan.contenders:
        if one.role == "reference":
            continue
        control = given.get((one.name, budget)) if comparison == EQUAL_COST else None
        control = control and best_of(bench, found, control, metric, higher)
        against = of_control(bench, control) if control else found.get(("random", budget), [])
        mine = found.get((one.name, budget), [])
        groups[one.name] = values_of(mine, metric, seeds), values_of(against, metric, seeds)
        known[one.name] = control_facts(bench, found, control) if control else None
    automatic = [one.name for one in plan.contenders if one.role == "baseline"]
    made = []
    same = {name: _same(bench, found, name, budget) for name in groups}
    for one_judged in judge(groups, higher, automatic, plan.study.difference, same=same):
        name = one_judged["method"]
        about = {"method": name, "budget": budget, "comparison": comparison, "metric": metric, "control": known[name]}
        entry = {**about, **one_judged}
        made.append(entry | {"same_rows": same[name]} | _luck(bench, found, entry, same[name], groups[name][1], higher))
    return made


def _same(bench: "Bench", found: Results, name: str, budget: str) -> float | None:
    """What the choices of two seeds have in common."""
    choices = list(kept_rows(bench, found.get((name, budget), [])).values())
    return same_rows(choices, len(bench.job.data(0)[0]))


def _luck(
    bench: "Bench", found: Results, entry: dict[str, Any], same: float | None, random: list[float], higher: bool
) -> dict[str, Any]:
    """How many random choices would do as well as one that does not vary, and how many rows random needs."""
    facts: dict[str, Any] = {"same_rows": same, "as_good": None, "random_rows": None, "repeated": False}
    if entry["comparison"] == EQUAL_BUDGET:
        facts["random_rows"] = random_rows(bench, found, entry["metric"], higher, entry["mean"])
    whole = (entry["control"] or {}).get("budget") == WHOLE
    if entry["mean"] is not None and not whole:
        facts["as_good"] = as_good(entry["mean"], random, higher)
    if entry["constant"] and entry["difference"] and (facts["same_rows"] or 0) > EQUAL:
        return facts | {"repeated": True, "as_good": None, "words": entry["words"] + REPEATED}
    return facts | {"words": entry["words"] + luck_words(entry | facts)}


def others(bench: "Bench", found: Results, names: list[str], metrics: Metrics) -> list[dict[str, Any]]:
    """At equal budget how methods differ from random in metrics that get no verdict; each is judged by itself."""
    made = []
    seeds = bench.plan.study.seeds
    compared = [one for one in bench.plan.contenders if one.role != "reference"]
    for metric in names:
        for budget in bench.plan.budgets:
            for one in compared:
                mine, random = (
                    values_of(found.get((name, budget.asked), []), metric, seeds) for name in (one.name, "random")
                )
                judged = judge({one.name: (mine, random)}, metrics[metric][0])[0]
                about = {"budget": budget.asked, "comparison": EQUAL_BUDGET, "metric": metric}
                made.append(judged | about | {"automatic": one.role == "baseline"})
    return made


def random_rows(bench: "Bench", found: Results, metric: str, higher: bool, mean: float | None) -> int | None:
    """About how many rows random needs to do as well on average, between those at which it was tried; None beyond."""
    points = {}
    for (method, _), results in found.items():
        if method in ("random", FULL):
            value = mean_interval(values_of(results, metric, bench.plan.study.seeds)).mean
            if value is not None:
                points[median(results, "rows") or 1] = value if higher else -value
    rows = sorted(points)
    best = np.maximum.accumulate([points[row] for row in rows])
    wanted = None if mean is None else mean if higher else -mean
    if wanted is None or len(rows) < 2 or not best[0] <= wanted <= best[-1]:
        return None
    return round(float(np.exp(np.interp(wanted, best, np.log(rows)))))


def best_of(bench: "Bench", found: Results, control: Control, metric: str, higher: bool) -> Control:
    """The control, or the usual training on the whole pool where the longer one that random may take does harm."""
    usual = whole_of(found)
    if control.stretch <= 1 or not usual:
        return control
    shorter, longer = (
        mean_interval(values_of(results, metric, bench.plan.study.seeds)).mean
        for results in (usual, of_control(bench, control))
    )
    if shorter is None or longer is None or (longer >= shorter if higher else longer <= shorter):
        return control
    return replace(control, stretch=1.0, exhausted=True)


def of_control(bench: "Bench", control: Control) -> list[dict[str, Any]]:
    """The results of random as the control has it."""
    asked = (control.given, control.stretch)
    done = [one for one in bench.results.values() if (one["budget"], one["stretch"]) == asked]
    methods = (FULL, "random") if control.given == WHOLE else ("random",)
    found = ([one for one in done if one["method"] == name and one["status"] == "done"] for name in methods)
    return next(filter(None, found), [])


def control_facts(bench: "Bench", found: Results, control: Control) -> dict[str, Any]:
    """What random had, and its cost as a share of the method's."""
    results = of_control(bench, control)
    wanted = cost(found[control.method, control.budget])
    ratio = cost(results) / wanted if results and wanted > 0 else None
    steps = median(results, "steps") if control.stretch != 1 else None
    facts = {"budget": control.given, "rows": median(results, "rows"), "steps": steps, "cost_ratio": ratio}
    return facts | {"same": control.is_same, "exhausted": control.exhausted}

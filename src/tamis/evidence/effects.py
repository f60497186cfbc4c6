"""Where a method helps and where it harms: the metric within classes and groups, against random."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.evidence.controls import Results
from tamis.evidence.statistics import mean_interval

if TYPE_CHECKING:
    from tamis.evidence.bench import Bench

NAMES = {"class": "recall"}


def effects(bench: "Bench", found: Results, metric: str, higher: bool) -> list[dict[str, Any]]:
    """For each part of the test set the paired difference of a method and random; positive is better.

    `metric` is the task's first one, whatever gets a verdict: effects are values of it.
    """
    made = []
    for one in bench.plan.contenders:
        if one.role == "reference":
            continue
        for budget in bench.plan.budgets:
            mine = {result["seed"]: result for result in found.get((one.name, budget.asked), [])}
            random = {result["seed"]: result for result in found.get(("random", budget.asked), [])}
            both = sorted(set(mine) & set(random))
            for kind, name in _parts([mine[seed] for seed in both]):
                pairs = [(_value(mine[seed], kind, name), _value(random[seed], kind, name)) for seed in both]
                values = np.array([pair for pair in pairs if None not in pair], float)
                if not len(values):
                    continue
                differences = (values[:, 0] - values[:, 1]) * (1 if higher else -1)
                mean, low, high = mean_interval(differences)
                line: dict[str, Any] = {"kind": kind, "name": name, "method": one.name, "budget": budget.asked}
                line |= {"metric": NAMES.get(kind, metric), "mean": float(values[:, 0].mean())}
                line |= {"random_mean": float(values[:, 1].mean()), "difference": mean, "low": low, "high": high}
                made.append(line)
    return made


def _parts(results: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Kinds and names of all parts that any result speaks of, in order of appearance."""
    found = ((kind, name) for one in results for kind, each in one["effects"].items() for name in each)
    return list(dict.fromkeys(found))


def _value(result: dict[str, Any], kind: str, name: str) -> float | None:
    value: float | None = result["effects"].get(kind, {}).get(name)
    return value

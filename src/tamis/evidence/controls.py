"""Equal total cost: the budget, then the steps, at which random costs what another method costs."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tamis.budget import SHARE, Budget
from tamis.evidence.cells import FULL, WHOLE, Cell

SAME = 1.1
"""Costs that differ by less are the same: what a method costs more is then lost in the noise of the clock."""
LEAST = 0.02  # processor seconds, likewise
RUNG = 2**0.25
MOST_STEPS = 64
Results = dict[tuple[str, str], list[dict[str, Any]]]
"""Results of cells that were done, by method and budget."""


@dataclass
class Control:
    """What random is given to cost what `method` costs at `budget`; `exhausted` if even the whole pool costs less.

    It trains `stretch` times as long as the study has it.
    """

    method: str
    budget: str
    given: str
    stretch: float = 1.0
    exhausted: bool = False

    @property
    def is_same(self) -> bool:
        """Whether random at the equal budget costs as much already."""
        return self.given == self.budget and self.stretch == 1 and not self.exhausted


def total(result: dict[str, Any]) -> float:
    """Processor seconds of selecting, measuring and training."""
    return float(result["select_cpu"] + result["measure_cpu"] + result["train_cpu"])


def cost(results: list[dict[str, Any]]) -> float:
    """The median total of several seeds; NaN of none."""
    return float(np.median([total(one) for one in results])) if results else math.nan


def plan_controls(found: Results, methods: list[str], budgets: list[Budget], stepped: bool) -> list[Control]:
    """For each method and budget what random needs to cost as much, from what the cells so far have cost.

    Random climbs a ladder of budgets, each 2^¼ times the one below, up to the whole pool; then steps of optimisation
    double, where the task has some (`stepped`), up to 64 times. What takes fewer steps than random, as a schedule may
    that leaves out visits, and costs less, is compared with random that takes fewer steps too.
    """
    made = []
    for budget in budgets:
        for method in methods:
            wanted, equal = cost(found.get((method, budget.asked), [])), cost(found.get(("random", budget.asked), []))
            if math.isnan(wanted) or math.isnan(equal):
                continue
            if stepped and (share := _shorter(found, method, budget, equal - wanted)):
                made.append(Control(method, budget.asked, budget.asked, share))
            elif wanted <= SAME * equal + LEAST:
                made.append(Control(method, budget.asked, budget.asked))
            else:
                made.append(_climb(found, method, budget, wanted, stepped))
    return made


def _shorter(found: Results, method: str, budget: Budget, saved: float) -> float | None:
    """The share of its training that random may take to save as much; None where the method saves no steps."""
    mine, random = found[method, budget.asked], found["random", budget.asked]
    steps, usual = (float(np.median([one["steps"] or 0 for one in results])) for results in (mine, random))
    trained = float(np.median([one["train_cpu"] for one in random]))
    if SAME * steps >= usual or saved <= 0 or trained <= saved:
        return None
    return round(1 - saved / trained, 2) or None


def _climb(found: Results, method: str, budget: Budget, wanted: float, stepped: bool) -> Control:
    rows, costs = _curve(found)
    start = float(np.median([one["rows"] for one in found["random", budget.asked]]))
    most = rows[-1]
    share = start
    while share < most:
        share = min(share * RUNG, most)
        if np.interp(share, rows, costs) >= wanted:
            break
    else:
        share = most
    if share < most:
        return Control(method, budget.asked, _asked(budget, share / start))
    whole = whole_of(found)
    if not whole:  # what it costs is not known yet
        return Control(method, budget.asked, WHOLE)
    reached, trained = cost(whole), float(np.median([one["train_cpu"] for one in whole]))
    if reached >= wanted / SAME or not stepped or trained <= 0:
        return Control(method, budget.asked, WHOLE, exhausted=reached < wanted / SAME)
    times = min(2.0 ** (math.ceil(2 * math.log2(1 + (wanted - reached) / trained)) / 2), MOST_STEPS)
    exhausted = reached + (times - 1) * trained < wanted / SAME
    return Control(method, budget.asked, WHOLE, times, exhausted)


def whole_of(found: Results) -> list[dict[str, Any]]:
    """Results of the usual training on the whole pool, which a budget of 100 % is too; empty where none is done."""
    return found.get((FULL, WHOLE)) or found.get(("random", WHOLE), [])


def _curve(found: Results) -> tuple[list[float], list[float]]:
    """Rows and costs of random, ascending, as far as cells have shown."""
    points = {
        float(np.median([one["rows"] for one in results])): cost(results)
        for (method, _), results in found.items()
        if method in ("random", FULL) and results
    }
    rows = sorted(points)
    return rows, np.maximum.accumulate([points[row] for row in rows]).tolist()


def _asked(budget: Budget, times: float) -> str:
    """A budget so many times larger, as it is written; a share of few rows, which are whole, never beyond all of them.

    Examples:
        >>> from tamis.budget import parse
        >>> _asked(parse("10%"), 1.5), _asked(parse("10%"), 11.3), _asked(parse("5K tokens"), 1.5)
        ('15%', '100%', '7500 tokens')
    """
    amount = float(budget.amount) * times
    if budget.unit == SHARE:
        return f"{min(100 * amount, 100):.4g}%"
    return f"{round(amount)}" + ("" if budget.unit == "rows" else f" {budget.unit}")


def control_cells(controls: list[Control], seeds: range) -> list[Cell]:
    """The cells of all controls that are not cells of the study already."""
    wanted = {(one.given, one.stretch): one for one in controls if (one.given, one.stretch) != (one.budget, 1)}
    return [
        Cell("random" if given != WHOLE else FULL, given, seed, stretch=stretch, control=True)
        for given, stretch in wanted
        for seed in seeds
    ]

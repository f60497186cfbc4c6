"""Published directions, asked of studies: does a targeted choice beat others, does that fade, are large pools harder?

A direction is a number a seed, of which the paired t interval says whether it was reproduced: above 0 as published,
below 0 the opposite, else not reproduced at this scale.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.budget import parse
from tamis.evidence.statistics import Paired, paired

Evidence = Mapping[str, Any]
OUTCOMES = REPRODUCED, NOT_REPRODUCED, OPPOSITE = "reproduced", "not reproduced", "opposite"


class Finding(NamedTuple):
    """What a study says about a direction: the number of each seed, their interval, and its meaning."""

    outcome: str
    found: Paired
    values: list[float]


def advantages(evidence: Evidence, method: str, against: str = "random") -> tuple[list[float], NDArray[np.float64]]:
    """Sizes of the B budgets, and `float64 [s, B]`: by how much `method` is better than `against`, positive is better.

    The metric is the task's first. Seeds in which a cell of either failed are left out.

    Raises:
        ValueError: budgets of several units, whose sizes cannot be compared.
    """
    metric = evidence["task"]["headline"][0]
    more = next(one["higher_is_better"] for one in evidence["task"]["metrics"] if one["name"] == metric)
    budgets = [parse(budget["asked"]) for budget in evidence["budgets"]]
    if len({budget.unit for budget in budgets}) > 1:
        raise ValueError(f"budgets of several units: {', '.join(budget.asked for budget in budgets)}")
    columns = []
    for budget in budgets:
        ours, theirs = (_values(evidence, name, budget.asked, metric) for name in (method, against))
        columns.append(ours - theirs if more else theirs - ours)
    table = np.stack(columns, axis=1)
    return [float(budget.amount) for budget in budgets], table[np.isfinite(table).all(axis=1)]


def beats(evidence: Evidence, method: str, against: str = "random") -> Finding:
    """Whether `method` is better than `against` at equal budget: of each seed the mean advantage over the budgets."""
    _, table = advantages(evidence, method, against)
    return conclude(table.mean(axis=1))


def shrinks(evidence: Evidence, method: str, against: str = "random") -> Finding:
    """Whether the advantage falls as the budget grows: of each seed how much it loses with every doubling.

    That is minus the slope of the least-squares line of the advantage over the binary logarithm of the budget.

    Raises:
        ValueError: fewer than 3 budgets.
    """
    sizes, table = advantages(evidence, method, against)
    if len(sizes) < 3:
        raise ValueError(f"a slope needs at least 3 budgets, and there are {len(sizes)}")
    return conclude(-slopes(sizes, table))


def fades(small: Evidence, large: Evidence, method: str) -> tuple[Finding, list[float]]:
    """Whether `method` is worth less against random in a larger pool at the same budgets, and its mean advantages.

    Of each seed, the mean advantage over the budgets in the smaller pool less that in the larger one.
    """
    tables = [advantages(evidence, method)[1].mean(axis=1) for evidence in (small, large)]
    seeds = min(map(len, tables))
    return conclude(tables[0][:seeds] - tables[1][:seeds]), [float(table.mean()) for table in tables]


def slopes(sizes: Sequence[float], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """`float64 [s]`, the least-squares slope of each row over log2 of `sizes`.

    Examples:
        >>> slopes([1, 2, 4], np.array([[0.3, 0.2, 0.1]])).round(6).tolist()
        [-0.1]
    """
    x = np.array([math.log2(size) for size in sizes])
    x -= x.mean()
    return np.asarray(table @ x / (x @ x))


def conclude(values: NDArray[np.float64]) -> Finding:
    """The paired t interval of one number a seed (or a study), and what it means.

    Examples:
        >>> conclude(np.array([0.3, 0.2, 0.4])).outcome, conclude(np.array([0.3, -0.2, 0.1])).outcome
        ('reproduced', 'not reproduced')
    """
    found = paired(values)
    outcome = REPRODUCED if found.low > 0 else OPPOSITE if found.high < 0 else NOT_REPRODUCED
    return Finding(outcome, found, np.asarray(values).tolist())


def across(findings: Sequence[Finding]) -> Finding:
    """The same over studies, each of which counts with its mean: does the direction hold beyond these studies?"""
    return conclude(np.array([finding.found.mean for finding in findings]))


def _values(evidence: Evidence, method: str, budget: str, metric: str) -> NDArray[np.float64]:
    """`float64 [s]`, one a seed, not a number where the cell failed."""
    for point in evidence["curves"]:
        is_it = (point["method"], point["budget"], point["metric"]) == (method, budget, metric)
        if is_it and not point.get("control"):
            return np.array([math.nan if value is None else value for value in point["values"]], np.float64)
    raise ValueError(f"no values of {method} at {budget}")

"""What it cost to reach a level of the metric, with the seeds that never did shown as censored."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tamis.evidence.statistics import ROUNDING


class Tried(NamedTuple):
    """One cell: its seed, the index of its budget, its total processor seconds, and its metric (NaN if it failed)."""

    seed: int
    budget: int
    cost: float
    metric: float


class _Seed(NamedTuple):
    """The cheapest cell that reached the level, or None; and the largest cost that was tried."""

    first: Tried | None
    most: float


def reach(
    cells: Mapping[str, Sequence[Tried | tuple[int, int, float, float]]], level: float, higher_is_better: bool = True
) -> list[dict[str, Any]]:
    """For each method the least total cost at which a budget reaches the level, over its seeds.

    A seed reaches the level if one of its cells does, and then costs what the cheapest such cell cost. One that does
    not is censored: all that is known is that it costs more than its dearest cell. So `cost` is the median over the
    seeds that reached, and says little where these are few.

    Args:
        cells: of each method, in any order; cells whose metric is not finite do not count.
        level: the metric to reach, met also where only rounding (1e-12 of it) is missing.
        higher_is_better: whether to reach it from below.

    Returns:
        A mapping for each method: `seeds` that have a cell, how many `reached`, their median `cost` and the index of
        the `budget` at which most of them did, the smaller one of equals; `censored_above`, the median over the other
        seeds of the largest cost tried. What no seed gives is None.

    Examples:
        >>> reach({"random": [(0, 0, 1.0, 0.7), (0, 1, 2.0, 0.9), (1, 0, 1.5, 0.6)]}, level=0.8)
        [{'method': 'random', 'seeds': 2, 'reached': 1, 'cost': 2.0, 'budget': 1, 'censored_above': 1.5}]
    """
    return [{"method": name} | _method(list(map(Tried._make, found)), level, higher_is_better)
            for name, found in cells.items()]  # fmt: skip


def _method(cells: list[Tried], level: float, higher_is_better: bool) -> dict[str, Any]:
    seeds = [_seed(own, level, higher_is_better) for own in _by_seed(cells).values()]
    first = [seed.first for seed in seeds if seed.first]
    beyond = [seed.most for seed in seeds if not seed.first]
    budgets = Counter(cell.budget for cell in first)
    return {
        "seeds": len(seeds),
        "reached": len(first),
        "cost": float(np.median([cell.cost for cell in first])) if first else None,
        "budget": min(budgets, key=lambda budget: (-budgets[budget], budget)) if budgets else None,
        "censored_above": float(np.median(beyond)) if beyond else None,
    }


def _by_seed(cells: list[Tried]) -> dict[int, list[Tried]]:
    found: dict[int, list[Tried]] = {}
    for cell in cells:
        if math.isfinite(cell.metric):
            found.setdefault(cell.seed, []).append(cell)
    return found


def _seed(cells: list[Tried], level: float, higher_is_better: bool) -> _Seed:
    slack = ROUNDING * abs(level)
    there = [c for c in cells if (c.metric >= level - slack if higher_is_better else c.metric <= level + slack)]
    first = min(there, key=lambda cell: (cell.cost, cell.budget)) if there else None
    return _Seed(first, max(cell.cost for cell in cells))

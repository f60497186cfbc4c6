"""A choice that is the same for every seed was made once, whatever the seeds: would a lucky one do as well?"""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOSTLY = 0.5
Rows = NDArray[np.int64]


def same_rows(choices: list[Rows], pool: int) -> float | None:
    """What two seeds' choices have in common beyond chance, 0 to 1, in the mean over pairs of seeds.

    `o` is the share of the smaller choice that is in the other, f the share of the pool that is chosen:
    `(o − f) / (1 − f)`. None for fewer than two choices.

    Examples:
        >>> same_rows([np.array([0, 1]), np.array([1, 2])], pool=4)
        0.0
    """
    found = []
    for a, b in combinations(choices, 2):
        size = min(len(a), len(b))
        by_chance = max(len(a), len(b)) / pool if pool else 1.0
        if size and by_chance < 1:
            found.append((len(np.intersect1d(a, b)) / size - by_chance) / (1 - by_chance))
    return max(0.0, float(np.mean(found))) if found else None


def as_good(mean: float, random: list[float], higher_is_better: bool) -> float | None:
    """The share of single random choices that would do at least as well as `mean`.

    With r̄ and s the mean and deviation of random over n seeds: `P(T_{n−1} ≥ (mean − r̄) / (s √(1 + 1/n)))`, as of a
    prediction interval. None for fewer than two values, or where random does not vary.
    """
    from scipy.special import stdtr

    values = np.array(random)[np.isfinite(random)]
    if len(values) < 2 or (sd := float(values.std(ddof=1))) == 0:
        return None
    distance = (mean - float(values.mean())) / (sd * np.sqrt(1 + 1 / len(values)))
    return float(stdtr(len(values) - 1, -distance if higher_is_better else distance))


def luck_words(entry: dict[str, Any]) -> str:
    """What to add to a verdict on a choice that hardly varies; empty where there is nothing to add."""
    same, share = entry["same_rows"], entry["as_good"]
    if same is None or same < MOSTLY or share is None:
        return ""
    if entry["verdict"] == "no difference":
        return " Since it keeps much the same rows for every seed, more seeds would tell about these rows only."
    share = share if entry["verdict"] == "better" else 1 - share
    well = "well" if entry["verdict"] == "better" else "badly"
    most = "the same rows" if same > 0.999 else f"mostly ({100 * same:.0f} %) the same rows"
    often = f"about 1 random choice in {1 / share:,.0f}" if share > 0.001 else "fewer than 1 random choice in 1,000"
    return f" It keeps {most} for every seed, so this is about one choice: {often} would do as {well}."

"""The verdict on methods against random: one metric, one budget, one comparison."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamis.evidence.one_choice import is_luck
from tamis.evidence.power import detectable, seeds_needed
from tamis.evidence.statistics import LEVEL, Paired, bootstrap, holm, paired, without_rounding
from tamis.evidence.words import verdict_words

NO_DIFFERENCE = "no difference"


class _Pairs(NamedTuple):
    """Values `float64 [k]` of a method and of random in the seeds in which both have one, of `tried` seeds."""

    method: NDArray[np.float64]
    random: NDArray[np.float64]
    tried: int
    scale: float


def judge(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    higher_is_better: bool,
    automatic: Collection[str] = (),
    named: float | None = None,
    level: float = LEVEL,
    seed: int = 0,
    same: Mapping[str, float | None] | None = None,
) -> list[dict[str, Any]]:
    """For each method whether it is better than random, worse, or not told apart, with all that this rests on.

    A method is better or worse if its p-value, after Holm's correction over its family, is below 1 − level. `low` and
    `high` are the plain interval of the method alone. `detectable` and `seeds_needed` are of the level that the first
    method of a family must meet, 1 − (1 − level) / family, so that they speak of verdicts, and both are null where the
    differences do not vary.

    Args:
        groups: for each method its values `float64 [s]` and those of random `float64 [s]`, the seeds in one order. A
            value that is not finite stands for a cell that failed, and its pair is left out.
        higher_is_better: whether more of the metric is better; differences are turned so that positive is better.
        automatic: the baselines that nobody asked for, a family of their own.
        named: a difference of which to say how many seeds would show it; the observed one where it is None.
        level: of intervals.
        seed: of the bootstrap.
        same: the share of rows that the choices of two seeds have in common beyond chance, by method; where it is half
            or more, no verdict rests on what a single lucky choice would do as well (see `is_luck`).

    Returns:
        A mapping for each method, in the order given; numbers are Python's, and null where there is none to give.

    Raises:
        ValueError: values of unequal length.

    Examples:
        >>> found = judge({"top:quality": ([0.82, 0.84, 0.83, 0.85], [0.80, 0.81, 0.80, 0.83])}, higher_is_better=True)
        >>> found[0]["words"]
        'Better than random: +0.025 (95 % interval 0.016 to 0.034, 4 seeds).'
    """
    pairs = {name: _pairs(name, *values) for name, values in groups.items()}
    differences = {name: _differences(each, higher_is_better) for name, each in pairs.items()}
    found = {name: paired(each, level, pairs[name].scale) for name, each in differences.items() if len(each) > 1}
    adjusted, family = _corrected(found, set(automatic))
    verdicts = []
    for name in groups:
        entry: dict[str, Any] = {"method": name, "automatic": name in automatic, "family": family[name in automatic]}
        if name in found:
            lucky = is_luck(pairs[name].method, pairs[name].random, (same or {}).get(name) or 0.0)
            entry |= _numbers(found[name], adjusted[name], entry["family"], named, level, lucky)
            entry |= {"mean": float(pairs[name].method.mean()), "random_mean": float(pairs[name].random.mean())}
            interval = bootstrap(without_rounding(differences[name], pairs[name].scale), seed, level=level)
            entry["bootstrap"] = None if interval is None else list(interval)
        else:
            entry |= _NOTHING | {"seeds": len(differences[name]), "named": None if named is None else abs(named)}
        entry["words"] = verdict_words(entry, pairs[name].tried, higher_is_better, named is not None, level)
        verdicts.append(entry)
    return verdicts


_NOTHING = {
    name: None for name in "difference low high p p_holm mean random_mean sd detectable seeds_needed bootstrap".split()
} | {"verdict": NO_DIFFERENCE, "constant": False, "one_choice": False}


def _pairs(name: str, method: ArrayLike, random: ArrayLike) -> _Pairs:
    values = [np.asarray(each, dtype=np.float64).ravel() for each in (method, random)]
    if len(values[0]) != len(values[1]):
        raise ValueError(f"{name} has {len(values[0])} values, and random has {len(values[1])}")
    with np.errstate(over="ignore", invalid="ignore"):
        there = np.isfinite(values[0]) & np.isfinite(values[1]) & np.isfinite(values[0] - values[1])
    left = np.stack([each[there] for each in values])
    return _Pairs(left[0], left[1], len(there), float(np.abs(left).max(initial=0.0)))


def _differences(pairs: _Pairs, higher_is_better: bool) -> NDArray[np.float64]:
    return pairs.method - pairs.random if higher_is_better else pairs.random - pairs.method


def _corrected(found: Mapping[str, Paired], automatic: set[str]) -> tuple[dict[str, float], list[int]]:
    """Holm's p-values by name, and how many methods each of both families has: asked for, automatic."""
    adjusted: dict[str, float] = {}
    sizes = []
    for members in ([n for n in found if n not in automatic], [n for n in found if n in automatic]):
        adjusted |= dict(zip(members, holm([found[name].p for name in members]).tolist(), strict=True))
        sizes.append(len(members))
    return adjusted, sizes


def _numbers(
    found: Paired, p_holm: float, family: int, named: float | None, level: float, lucky: bool
) -> dict[str, Any]:
    size = abs(found.mean if named is None else named)
    strict = 1 - (1 - level) / family
    sure = p_holm < 1 - level
    return {
        "one_choice": sure and lucky,
        "verdict": NO_DIFFERENCE if lucky or not sure else "better" if found.mean > 0 else "worse",
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "seeds": found.seeds,
        "p": found.p,
        "p_holm": p_holm,
        "sd": found.sd,
        "detectable": None if found.constant else detectable(found.sd, found.seeds, level=strict),
        "named": size,
        "seeds_needed": None if found.constant else seeds_needed(size, found.sd, level=strict),
        "constant": found.constant,
    }

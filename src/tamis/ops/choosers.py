"""Choosers turn scores into priorities (highest first, NaN never, ties by row), or say how a greedy looks for rows.

They see no limits.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.registry import Parameter, Registry
from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chooser:
    """A way to choose by score, or with `of` = "SetFunction" a greedy.

    A `pointwise` one may be applied block by block; `draws` says that it is random.
    """

    name: str
    function: Callable[..., Any]
    pointwise: bool
    draws: bool
    parameters: dict[str, Parameter]
    of: str = "Score"


CHOOSERS = Registry("chooser")


def chooser(
    *, pointwise: bool = True, draws: bool = False, of: str = "Score"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `function(score, key, *, parameters) -> priority` as a chooser.

    Of a set function it is `function(set_function, key, count, *, parameters) -> set_function`.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__.replace("_", "-")
        parameters = {
            p.name: Parameter(p.name, p.annotation, p.default)
            for p in inspect.signature(function).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        }
        CHOOSERS.entries[name] = Chooser(name, function, pointwise, draws, parameters, of)
        return function

    return register


@chooser()
def top(score: Floats, key: NDArray[np.uint64]) -> Floats:
    """Largest scores first."""
    return score


@chooser()
def bottom(score: Floats, key: NDArray[np.uint64]) -> Floats:
    """Smallest scores first."""
    return -score


@chooser(pointwise=False)
def middle(score: Floats, key: NDArray[np.uint64]) -> Floats:
    """Nearest to the median rank first, of two as near the smaller; equal scores share a rank and keep row order.

    `O(n log n)` time, `O(n)` memory.
    """
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts + 1) / 2
    return np.asarray(-np.abs(rank - (len(score) - 1) / 2 + 0.125))[inverse]


@chooser()
def threshold(score: Floats, key: NDArray[np.uint64], *, low: float = -np.inf, high: float = np.inf) -> Floats:
    """Largest scores first, and never one below `low` or above `high`; both ends are included."""
    return np.where((score >= low) & (score <= high), score, np.nan)


@chooser(draws=True)
def weighted_draw(score: Floats, key: NDArray[np.uint64], *, temperature: float = 1.0) -> Floats:
    """Gumbel top-k: a draw without replacement with odds `exp(score / temperature)`; 0 is `top`.

    `priority = score / temperature - log(-log(u))`, with `u` in (0, 1) taken from the row's key; the first k are
    distributed as k successive draws without replacement (Vieira 2014, Kool et al. 2019). Refuses a temperature so
    near 0 that odds of different scores would be equal, because both overflow.
    """
    if temperature == 0:
        return score
    with np.errstate(over="ignore"):
        scaled = score / temperature
    if np.isinf(scaled).any():
        worst = score[np.argmax(np.isinf(scaled))]
        raise refusals.TEMPERATURE_TOO_LOW(f"temperature={temperature}", score=worst)
    return np.asarray(scaled + gumbel(key))


@chooser(of="SetFunction")
def greedy(function: SetFunction, key: NDArray[np.uint64], count: int) -> SetFunction:
    """The row with the largest gain, of all that are open."""
    return function


@chooser(of="SetFunction", draws=True)
def stochastic_greedy(
    function: SetFunction, key: NDArray[np.uint64], count: int, *, epsilon: float = 0.1
) -> SetFunction:
    """The row with the largest gain of a sample of `n / k ln(1 / epsilon)` open ones; see `tamis.ops.greedy`."""
    from tamis.ops.greedy import Stochastic

    if not 0 < epsilon < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"epsilon={epsilon}", accepted="a number between 0 and 1")
    return Stochastic(function, max(count, 1), key, epsilon)


def uniform(key: NDArray[np.uint64]) -> Floats:
    """Keys as numbers strictly between 0 and 1, 52 bits each (with 53 the largest would round to 1)."""
    return ((key >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def gumbel(key: NDArray[np.uint64]) -> Floats:
    """Standard Gumbel noise made from keys."""
    return np.asarray(-np.log(-np.log(uniform(key))))

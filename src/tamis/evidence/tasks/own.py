"""A task of one's own: `file.py:function` trains whatever it likes and says how good that is."""

import inspect
import math
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.evidence.task import Found, Metric, Task, Test, Train
from tamis.registry import nearest, own_function

STEPS = 1000
NEEDS = ("features", "labels", "texts", "target")


class Own(Task):
    """A function `function(train, test, *, seed, steps, …) -> {metric: value}`, called with the keywords it takes.

    The first metric gets the verdicts. More of a metric is better unless its name is in the attribute `lower` of the
    function. One number instead of a mapping is a metric called `value`. A function that takes `steps` gets the number
    of optimiser steps, by default its own default or else 1,000; one that does not has no steps to buy. An attribute
    `needs` names what must be there: `features`, `labels`, `texts` or `target`.

    All of it, also testing, counts as the cost of training, since nobody can tell the two apart: `evaluate` calls it,
    and `trains_in_evaluate` says so. What `train` and `test` offer is in `tamis.evidence.task`.

    Examples:
        >>> def task(train, test):
        ...     return {"kept": len(train), "loss": 0.5}
        >>> task.lower = ("loss",)
        >>> [metric.higher_is_better for metric in Own(task, "--task mine.py:task").metrics_of(["kept", "loss"])]
        [True, False]
    """

    name = "own"
    metrics: tuple[Metric, ...] = ()
    headline: tuple[str, ...] = ()
    trains_in_evaluate = True

    def __init__(self, function: Callable[..., Any], place: str, **parameters: Any) -> None:
        self.function, self.place, self.called = function, place, getattr(function, "__name__", "the task")
        self.lower = _names(function, "lower", place)
        self.needs = frozenset(_names(function, "needs", place, NEEDS))
        taken = inspect.signature(function).parameters
        every = any(one.kind is one.VAR_KEYWORD for one in taken.values())
        self.keywords = [name for name in ("seed", "steps") if every or name in taken]
        if "steps" in self.keywords:
            default = taken["steps"].default if "steps" in taken else None
            self.default_steps = default if isinstance(default, int) else STEPS
        self.parameters = parameters

    def describe(self) -> str:
        """The first line of the function's docstring, or its name."""
        said = (inspect.getdoc(self.function) or "").partition("\n")[0].rstrip(".")
        return f"{self.place.removeprefix('--task ')}{f' ({said})' if said else ''}"

    def metrics_of(self, names: list[str]) -> tuple[Metric, ...]:
        """What metrics of these names are: whether more is better is known before anything is measured."""
        return tuple(Metric(name, name not in self.lower, "as the task measures it") for name in names)

    def fit(self, train: Train, *, seed: int, steps: int | None) -> tuple[Train, dict[str, Any]]:
        """Nothing yet: the arguments of the call."""
        given = {"seed": seed, "steps": steps or self.default_steps}
        return train, {name: given[name] for name in self.keywords}

    def evaluate(self, model: tuple[Train, dict[str, Any]], test: Test) -> Found:
        """Call the function and set `metrics` to what it returned.

        Raises:
            TypeError, ValueError: for what is no finite number under a name, and for a `lower` that was not returned.
        """
        train, keywords = model
        found = _checked(self.function(train, test, **keywords, **self.parameters), self.called)
        for name in self.lower:
            if name not in found.metrics:
                raise ValueError(f"{self.called}.lower has {name!r}, and it returned {', '.join(found.metrics)}")
        self.metrics = self.metrics_of(list(found.metrics))
        return found


def load(path: Path, name: str, place: str) -> Callable[..., Any]:
    """The function of a user's file; refuses one that cannot be called with `train` and `test`."""
    function = own_function(path, name, place)
    try:
        signature = inspect.signature(function)
        typing.get_type_hints(function)
        named = [
            one.name
            for one in signature.parameters.values()
            if one.kind is one.KEYWORD_ONLY or one.name in ("seed", "steps")
        ]
        signature.bind(None, None, **dict.fromkeys(named))
    except (TypeError, ValueError, NameError) as error:
        said = f"it cannot be called with train and test ({error})"
        raise refusals.OWN_FUNCTION_UNUSABLE(place, said=said) from None
    return function


def _names(function: Callable[..., Any], attribute: str, place: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """An attribute of a function that holds one name or several, of those that are known."""
    given = getattr(function, attribute, ())
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if known and name not in known:
            said = f"its {attribute} has {name!r}{nearest(name, dict.fromkeys(known))}, and can have {', '.join(known)}"
            raise refusals.OWN_FUNCTION_UNUSABLE(place, said=said)
    return names


def _checked(result: Any, function: str) -> Found:
    """What a function returned as `Found`: a number, numbers by name, or `Found` itself."""
    given = result.metrics if isinstance(result, Found) else result
    values = dict(given) if isinstance(given, Mapping) else {"value": given}
    if not values:
        raise ValueError(f"{function} returned no metric; return at least one, such as {{'accuracy': 0.9}}")
    for name in values:
        if not isinstance(name, str):
            raise TypeError(f"{function} returned a metric called {name!r}; names of metrics are text")
    metrics = {name: _number(value, f"{function} returned {name} =") for name, value in values.items()}
    return Found(metrics, result.effects if isinstance(result, Found) else {})


def _number(value: Any, said: str) -> float:
    """A finite float of what may be a scalar of NumPy or torch."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{said} {value!r}, which is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{said} {number}, which is not finite")
    return number

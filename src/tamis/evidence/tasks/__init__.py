"""The tasks by name; the module of a task is imported only when a study asks for it."""

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.evidence.task import Task
from tamis.registry import Parameter, coerce, nearest, parameter_unknown

TASKS: dict[str, dict[str, str]] = {
    "classify": {"linear": "linear:Linear", "knn": "knn:Knn", "mlp": "mlp:Mlp", "cnn": "cnn:Cnn"},
    "language-model": {"ngram": "language_model:NgramModel", "transformer": "transformer:Transformer"},
    "cover": {"": "cover:Cover"},
}
"""Task: model: module and class. The first model is the one that is taken where none is named."""


def make_task(name: str, model: str | None = None, parameters: Mapping[str, Any] | None = None) -> Task:
    """The task called `name`, or `file.py:function` for one's own, with a model and parameters that were asked for.

    Parameters may be text from a command line; they are the keyword-only arguments of the task's class, or of one's
    own function.

    Raises:
        Refused: for an unknown name, model or parameter, and for a package that is missing.
    """
    given = parameters or {}
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        _no_model(name, model)
        from tamis.evidence.tasks.own import Own, load

        place = f"--task {name}"
        found = load(Path(path), function, place)
        return Own(found, place, **bound(found, given, place, skip=("seed", "steps")))
    if name not in TASKS:
        known = ", ".join([*TASKS, "file.py:function"])
        raise refusals.NAME_UNKNOWN(f"--task {name}", sort="task", near=nearest(name, TASKS), known=known)
    made = _class_of(name, model)
    said = " ".join([f"--task {name}", *([f"--model {model}"] if model else [])])
    task: Task = made(**bound(made.__init__, given, said))
    return task


def bound(
    function: Callable[..., Any], given: Mapping[str, Any], owner: str, skip: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What was given as keyword-only arguments of a function, each as the type that it is annotated with."""
    hints = typing.get_type_hints(function, include_extras=True)
    known = {
        one.name: Parameter(one.name, hints.get(one.name, Any), one.default)
        for one in inspect.signature(function).parameters.values()
        if one.kind is one.KEYWORD_ONLY and one.name not in skip
    }
    for key in given:
        if key not in known:
            raise parameter_unknown(owner, key, known)
    for key, one in known.items():
        if one.default is inspect.Parameter.empty and key not in given:
            raise refusals.INCOMPLETE(owner, name=key, meaning=f"--set {key}=VALUE")
    return {key: coerce(known[key], value, owner) for key, value in given.items()}


def _class_of(name: str, model: str | None) -> Callable[..., Task]:
    """The class of a task and its model, imported now."""
    models = TASKS[name]
    if "" in models:
        _no_model(name, model)
    chosen = next(iter(models)) if model is None else model
    if chosen not in models:
        known = ", ".join(models)
        raise refusals.NAME_UNKNOWN(f"--model {chosen}", sort="model", near=nearest(chosen, models), known=known)
    module, _, made = models[chosen].partition(":")
    found: Callable[..., Task] = getattr(importlib.import_module(f"{__name__}.{module}"), made)
    return found


def _no_model(name: str, model: str | None) -> None:
    if model is not None:
        raise refusals.TASK_WITHOUT_MODELS(f"--model {model}", task=name)

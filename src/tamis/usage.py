"""Words on a command line that cannot be used, as refusals of the catalogue."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

import click

from tamis import refusals
from tamis.errors import Refused

ARGUMENTS = {
    "pool": "the files or folders of the pool",
    "selection": "the output folder of a selection",
    "recipe": "a YAML file whose keys are the flags of tamis select",
}


def usage_refusal(error: click.ClickException, command: str) -> Exception:
    """The refusal that stands for an error of click in `command`, such as `select`."""
    parameter = getattr(error, "param", None)
    if isinstance(error, click.NoSuchOption):
        near = f" (did you mean {error.possibilities[0]!r}?)" if error.possibilities else ""
        return refusals.FLAG_UNKNOWN(command, name=error.option_name, near=near, command=command)
    if isinstance(error, click.MissingParameter) and parameter is not None:
        return missing(command, parameter)
    if parameter is not None and isinstance(parameter.type, click.Path):
        return refusals.PATH_UNUSABLE(f"{command} {_name(parameter)}", said=_said(error))
    if parameter is not None:
        return refusals.FLAG_UNUSABLE(_name(parameter), said=_said(error, parameter), command=command)
    place = error.option_name if isinstance(error, click.BadOptionUsage) else command
    return refusals.FLAG_UNUSABLE(place, said=_said(error), command=command)


def refuse_unquoted(budget: str | None, paths: Sequence[str]) -> None:
    """Refuse `--budget 2M tokens`, of which a shell makes the budget `2M` and a pool called `tokens`."""
    from tamis.budget import POWERS, UNITS
    from tamis.pool import open_pool

    here = [path for path in paths if "://" in path or Path(path).exists()]
    gone = [path for path in paths if path not in here]
    if not gone or not re.fullmatch(r"[0-9.]+[KMG]?", budget or ""):
        return
    known: set[str] = {*UNITS, *POWERS}
    if not known.issuperset(gone) and here:
        with contextlib.suppress(Refused):
            known |= set(open_pool(here).schema)
    if known.issuperset(gone):
        meant = " ".join([str(budget), *gone])
        raise refusals.BUDGET_UNQUOTED(f"--budget {budget}", unit=gone[-1], example=meant)


def missing(command: str, parameter: click.Parameter) -> Exception:
    """The refusal of a command line without this flag or word."""
    meaning = getattr(parameter, "help", None) or ARGUMENTS.get(str(parameter.name), "it")
    return refusals.INCOMPLETE(command, name=_name(parameter), meaning=meaning)


def _name(parameter: click.Parameter) -> str:
    """`--budget`, or `POOL` of a word without a flag."""
    return parameter.opts[0] if isinstance(parameter, click.Option) else str(parameter.name).upper()


def _said(error: click.ClickException, parameter: click.Parameter | None = None) -> str:
    """What click says, without capital and stop, and of numbers in words that everyone knows."""
    text = re.sub(r"^Option '\S+' ", "it ", error.message).rstrip(".")
    if parameter is not None and isinstance(parameter.type, click.IntRange):
        return f"{text.partition(' is not ')[0]} is not a whole number of at least {parameter.type.min}"
    return text[:1].lower() + text[1:]

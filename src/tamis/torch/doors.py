"""What the doors to training libraries share: the state that goes into their checkpoints, and what they refuse."""

import importlib.util
from collections.abc import Mapping
from typing import Any

from tamis import refusals
from tamis.torch.recorder import Recorder
from tamis.torch.samplers import FromSelection
from tamis.torch.visits import Visits

State = dict[str, Any]


def needs(where: str, packages: str, extra: str) -> None:
    """Refuse where none of some packages is installed."""
    if not any(importlib.util.find_spec(name) for name in packages.split()):
        package = " or ".join(packages.split())
        raise ImportError(str(refusals.PACKAGE_MISSING(where, package=package, extra=extra)))


def check_kinds(sampler: object, recorder: object) -> None:
    """Refuse what is no sampler or recorder of Tamis, as where they are given one for the other."""
    for name, one, kind, such in (
        ("sampler", sampler, Visits, "RS2(len(data), 0.5)"),
        ("recorder", recorder, Recorder, "Recorder(len(data), classes=10)"),
    ):
        if not (one is None or isinstance(one, kind)):
            why = f"is a {type(one).__name__}, and none of the {name}s of tamis.torch"
            raise refusals.TRAINER_SETTING(name, why=why, wanted=f"one such as {such}")


def state_of(sampler: Visits | None, recorder: Recorder | None, done: int) -> State:
    """The state of both, where this process has trained on `done` visits of the epoch; tensors, numbers and texts."""
    state: State = {}
    if sampler is not None:
        state["sampler"] = sampler.state_dict(done=done)
    if recorder is not None:
        state["recorder"] = recorder.state_dict()
    return state


def load_state(where: object, state: Mapping[str, Any], sampler: Visits | None, recorder: Recorder | None) -> None:
    """Have both go on from what `state_of` returned."""
    for name, one in {"sampler": sampler, "recorder": recorder}.items():
        if one is not None:
            if name not in state:
                raise refusals.CHECKPOINT_STATELESS(where, what=f"a {name}")
            one.load_state_dict(state[name])


def check_same(where: object, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with other numbers than those that a checkpoint was saved with."""
    for name, wanted in now.items():
        if (found := saved.get(name)) != wanted:
            raise refusals.CHECKPOINT_OF_OTHER(where, name=name, found=found, wanted=wanted)


def check_sampler(sampler: Visits, world: int, rows: int | None = None) -> None:
    """Refuse a sampler of other processes than those that train, or of another number of examples."""
    if sampler.world != world or (world > 1 and not sampler.even):
        found = f"world={sampler.world}" if sampler.even else f"world={sampler.world} without even=True"
        raise refusals.SAMPLER_PROCESSES(type(sampler).__name__, found=found, wanted=world)
    of_pool = isinstance(sampler, FromSelection) and not sampler.subset
    if rows is not None and sampler.n != rows and not (of_pool and sampler.n < rows):
        raise refusals.SAMPLER_ROWS(type(sampler).__name__, found=sampler.n, wanted=rows)

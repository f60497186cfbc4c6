"""A choice must not look at the examples that judge it: files that hold them cannot be opened while one is made."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tamis import refusals

_state: dict[str, Any] = {"watched": frozenset(), "opened": None, "hooked": False}


@contextmanager
def not_opening(paths: Sequence[str]) -> Iterator[None]:
    """Refuse that Python code opens any of these files meanwhile, also when the refusal is caught on the way.

    What opens files below Python, such as Arrow's own readers, is not seen.
    """
    if not _state["hooked"]:
        sys.addaudithook(_hook)
        _state["hooked"] = True
    _state["watched"], _state["opened"] = frozenset(map(os.path.realpath, paths)), None
    try:
        yield
        if _state["opened"]:
            raise refusals.STUDY_PEEKED("the method", path=_state["opened"])
    finally:
        _state["watched"] = frozenset()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _state["watched"] or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    if os.path.realpath(os.fsdecode(arguments[0])) in _state["watched"]:
        _state["opened"] = os.fsdecode(arguments[0])
        raise refusals.STUDY_PEEKED("the method", path=_state["opened"])

"""Errors in a method's own code, told by the method's name."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tamis import refusals
from tamis.errors import BadRow, TamisError
from tamis.registry import Method


@contextmanager
def guarded(method: Method) -> Iterator[None]:
    """While the functions of `method` run: what they raise becomes a breakage that names the method."""
    try:
        yield
    except (TamisError, BadRow, MemoryError):
        raise
    except Exception as error:
        if os.environ.get("TAMIS_DEBUG"):
            raise
        raise refusals.METHOD_FAILED(method.name, said=f"{type(error).__name__}: {error}") from error


@contextmanager
def rows_named(where: Callable[[int], str]) -> Iterator[None]:
    """A row that a function cannot use is refused by the name of its place in the pool."""
    try:
        yield
    except BadRow as error:
        raise error.refusal(where(error.row), **error.values) from None

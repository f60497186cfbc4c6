"""The two ways in which Tamis says no."""

from collections.abc import Callable
from typing import Any


class TamisError(Exception):
    """Base of both errors; its message is one sentence that names where, what and the fix.

    Args:
        message: the sentence.
        kind: its name in the catalogue of `tamis.refusals`, such as `column-missing`.

    `under_way` says whether work had begun, so that finished parts of it may lie in the output folder.
    """

    def __init__(self, message: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.under_way = False


class Refused(TamisError):
    """The request or its input cannot be used as it is: nothing was written, change it and ask again.

    Examples:
        >>> import tamis
        >>> tamis.select({"x": [1, 2]}, "top:x", budget=0)
        Traceback (most recent call last):
        ...
        tamis.errors.Refused: budget '0': it keeps nothing; ask for more than 0
    """


class Broken(TamisError):
    """Something failed while work was under way: finished shards are kept, the same request resumes."""

    def __init__(self, message: str = "", kind: str = "") -> None:
        super().__init__(message, kind)
        self.under_way = True


class BadRow(ValueError):
    """One of the rows that a function was given cannot be used; the engine says which row of the pool that is.

    Args:
        row: its place among the rows that the function was given.
        kind: an entry of the catalogue `tamis.refusals`, called with where the row is.
        values: what fills the sentence.
    """

    def __init__(self, row: int, kind: Callable[..., TamisError], **values: Any) -> None:
        self.row, self.refusal = row, kind
        self.values = values
        super().__init__(str(kind(f"row {row}", **values)))

"""Two threads for compiled kernels, which run without Python's lock."""

from collections.abc import Callable, Iterable
from typing import TypeVar

_Part = TypeVar("_Part")
_Found = TypeVar("_Found")

THREADS = 2


def in_threads(work: Callable[[_Part], _Found], parts: Iterable[_Part]) -> list[_Found]:
    """What `work` makes of each part, in the order of the parts, which must not depend on how many threads there are.

    Examples:
        >>> in_threads(len, ["a", "bc"])
        [1, 2]
    """
    from concurrent.futures import ThreadPoolExecutor

    parts = list(parts)
    if len(parts) < 2 or THREADS < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(work, parts))

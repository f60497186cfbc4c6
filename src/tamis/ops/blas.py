"""One thread for each matrix product, where products themselves run in threads."""

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

_NAMES = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads")
_lock = threading.Lock()
_inside = {"calls": 0, "before": 1}


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """While inside, NumPy's products use one thread each, if NumPy has its own OpenBLAS; else nothing changes.

    Two threads of ours that each wait for two of OpenBLAS's take up to four times the processor time of two on a busy
    machine, because OpenBLAS waits by spinning.

    Examples:
        >>> with one_blas_thread():
        ...     float(np.ones((2, 2), np.float32).dot(np.ones(2, np.float32)).sum())
        4.0
    """
    found = _openblas()
    if found is None:
        yield
        return
    ask, tell = found
    with _lock:
        _inside["calls"] += 1
        if _inside["calls"] == 1:
            _inside["before"] = ask()
            tell(1)
    try:
        yield
    finally:
        with _lock:
            _inside["calls"] -= 1
            if _inside["calls"] == 0:
                tell(_inside["before"])


@cache
def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """How to ask NumPy's OpenBLAS for the number of its threads, and to set it."""
    home = Path(np.__file__).parent
    for path in sorted([*home.parent.glob("numpy.libs/*openblas*"), *home.glob(".dylibs/*openblas*")]):
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in _NAMES:
            if hasattr(library, name.format("set")):
                return getattr(library, name.format("get")), getattr(library, name.format("set"))
    return None

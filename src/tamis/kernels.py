"""Compiled kernels: where they live, and how they are compiled once per machine.

Every kernel is a Numba function with an explicit signature, `@njit("...", cache=True, nogil=True)`, in a module whose
name starts with an underscore and ends in `_kernels`. Importing such a module compiles it, or loads it from the disk
cache that lies beside the module (or where `NUMBA_CACHE_DIR` says). Hence they are only imported inside functions.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import tamis


def is_cached(module: str) -> bool:
    """Whether the kernels of `module` were compiled on this machine before; looks for files and imports nothing."""
    folder = Path(tamis.__file__).parent.joinpath(*module.split(".")[1:-1])
    pattern = f"{module.rpartition('.')[2]}.*py{sys.version_info.major}{sys.version_info.minor}.nbi"
    if os.environ.get("NUMBA_CACHE_DIR"):
        return any(Path(os.environ["NUMBA_CACHE_DIR"]).glob(f"*/{pattern}"))
    return any((folder / "__pycache__").glob(pattern))


def compile_kernels(modules: Iterable[str]) -> None:
    """Import those of `modules` that may still have to be compiled, so that workers find them on disk."""
    for module in [module for module in modules if not is_cached(module)]:
        importlib.import_module(module)


@contextmanager
def announced(say: Callable[[str], None]) -> Iterator[None]:
    """Within it, the first import of kernels that were not compiled on this machine is said, whoever makes it."""
    watch = _Watch(say)
    sys.meta_path.insert(0, watch)
    try:
        yield
    finally:
        sys.meta_path.remove(watch)


class _Watch(MetaPathFinder):
    """Finds no module: it is only asked for each that is imported for the first time in this process."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.said = say, False

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:
        """None: others find it."""
        kernels = fullname.startswith("tamis.") and fullname.endswith("_kernels")
        if kernels and not self.said and not is_cached(fullname):
            self.said = True
            self.say("compiling kernels, once on this machine (up to 20 s)")

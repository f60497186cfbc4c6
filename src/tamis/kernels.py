"""Compiled kernels: where they live, and how they are compiled once per machine.

Every kernel is a Numba function with an explicit signature, `@njit("...", cache=True, nogil=True)`, in a module whose
name starts with an underscore and ends in `_kernels`. Importing such a module compiles it, or loads it from the disk
cache that lies beside the module (or where `NUMBA_CACHE_DIR` says). Hence they are only imported inside functions.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import tamis


def is_cached(module: str) -> bool:
    """Whether the kernels of `module` were compiled on this machine before; looks for files and imports nothing."""
    folder = Path(tamis.__file__).parent.joinpath(*module.split(".")[1:-1])
    pattern = f"{module.rpartition('.')[2]}.*py{sys.version_info.major}{sys.version_info.minor}.nbi"
    if os.environ.get("NUMBA_CACHE_DIR"):
        return any(Path(os.environ["NUMBA_CACHE_DIR"]).glob(f"*/{pattern}"))
    return any((folder / "__pycache__").glob(pattern))


def compile_kernels(modules: Iterable[str], say: Callable[[str], None]) -> None:
    """Import those of `modules` that may still have to be compiled, so that workers find them on disk."""
    cold = [module for module in modules if not is_cached(module)]
    if cold:
        say("compiling kernels, once on this machine (up to 10 s)")
    for module in cold:
        importlib.import_module(module)

"""Arrays that end where memory that cannot be touched begins, so that a write behind them is seen."""

import ctypes
import functools
import mmap

import numpy as np


def guarded(n: int, dtype: type) -> np.ndarray:
    """Bytes that end where an unreadable page begins."""
    size = max(n, 1) * np.dtype(dtype).itemsize
    pages = -(-size // mmap.PAGESIZE)
    everything = np.frombuffer(mmap.mmap(-1, (pages + 1) * mmap.PAGESIZE), np.uint8)
    last = ctypes.c_void_p(everything.ctypes.data + pages * mmap.PAGESIZE)
    assert ctypes.CDLL(None).mprotect(last, mmap.PAGESIZE, 0) == 0
    return everything[pages * mmap.PAGESIZE - size : pages * mmap.PAGESIZE].view(dtype)[:n]


class GuardingNumPy:
    """NumPy whose `empty` gives such arrays."""

    __getattr__ = staticmethod(functools.partial(getattr, np))
    empty = staticmethod(guarded)

"""Arrays in a safetensors file, mapped into memory: a length, a header of JSON, and raw numbers. No code can be in it.

Source: https://huggingface.co/docs/safetensors, section Format.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1"}
LONGEST_HEADER = 100_000_000


def read_tensors(path: str) -> dict[str, NDArray[Any]]:
    """All arrays of a file by name, read-only; pages are read as they are used.

    Raises `Refused` for what is no whole safetensors file, or holds numbers that NumPy has not, such as bfloat16.
    """
    try:
        content = np.memmap(path, np.uint8, "r")
        length = int.from_bytes(content[:8].tobytes(), "little")
        if len(content) < 8 or not 2 <= length <= min(LONGEST_HEADER, len(content) - 8):
            raise ValueError("its header is not as long as it says")
        header = json.loads(content[8 : 8 + length].tobytes())
        header.pop("__metadata__", None)
        return {name: _tensor(content[8 + length :], name, **entry) for name, entry in header.items()}
    except (ValueError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise refusals.MODEL_UNREADABLE(path, said=f"{Path(path).name} is no whole safetensors file: {error}") from None


def _tensor(content: NDArray[np.uint8], name: str, dtype: str, shape: list[int], data_offsets: list[int]) -> Any:
    if dtype not in TYPES:
        raise ValueError(f"{name} has numbers of type {dtype}")
    kind, (start, stop) = np.dtype(TYPES[dtype]), data_offsets
    if min(shape, default=0) < 0 or not 0 <= start <= stop <= len(content):
        raise ValueError(f"{name} lies outside of it")
    if stop - start != math.prod(shape) * kind.itemsize:
        raise ValueError(f"{name} has {stop - start} bytes, and a shape of {shape}")
    return np.frombuffer(content[start:stop], kind).reshape(shape)

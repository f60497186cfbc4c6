"""Files of finished work: written under a temporary name and renamed, so that what exists is whole."""

import io
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

IN_MEMORY = 1 << 20
BLOCK_BYTES = 32 << 20


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends without an error."""
    temporary = path.with_name(f"tmp-{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def as_given(path: object) -> str:
    """A path below the working directory relative to it, as it was most likely given."""
    return str(path).removeprefix(f"{os.getcwd()}{os.sep}")


def write_table(path: Path, columns: dict[str, Any]) -> None:
    """Columns as an uncompressed Arrow file, to be memory-mapped."""
    table = pa.table(columns)
    with (
        written_whole(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)


def read_table(path: Path) -> pa.Table:
    """The columns of an Arrow file, memory-mapped."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Named arrays as an npz file in zstd, which is much faster than the compression that npz has of its own."""
    stored = io.BytesIO()
    np.savez(stored, **arrays)  # type: ignore[arg-type]
    with written_whole(path) as temporary, pa.output_stream(str(temporary), compression="zstd") as sink:
        sink.write(stored.getbuffer())


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays that `write_arrays` wrote; no pickle is loaded."""
    with pa.input_stream(str(path), compression="zstd") as source:
        stored = io.BytesIO(source.read())
    with np.load(stored, allow_pickle=False) as arrays:
        return dict(arrays)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """One array as an npy file."""
    with written_whole(path) as temporary, temporary.open("wb") as sink:
        np.save(sink, array, allow_pickle=False)


def blank(folder: Path, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An array to fill: in memory when small, otherwise a memory-mapped file that the system may write back."""
    if shape[0] <= IN_MEMORY and np.dtype(dtype).itemsize * math.prod(shape) <= 8 * IN_MEMORY:
        return np.zeros(shape, dtype)
    folder.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)


def scratch(folder: Path, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """As `blank`, in a file without a name, which goes when the array does."""
    if np.dtype(dtype).itemsize * math.prod(shape) <= 8 * IN_MEMORY:
        return np.zeros(shape, dtype)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.asarray(np.memmap(file, dtype, mode="w+", shape=shape))


def concatenate(arrays: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    """`np.concatenate` that also takes nothing."""
    return np.concatenate([np.empty(0, dtype), *arrays]).astype(dtype, copy=False)

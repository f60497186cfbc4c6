"""What lies in `.npy` and `.npz` files: where each array starts, its type and shape; nothing is unpickled."""

import ast
import lzma
import struct
import zipfile
import zlib
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.lib import format as numpy_format
from numpy.typing import NDArray

MAGIC = b"\x93NUMPY"
HEADER_LIMIT = 10_000
GROWTH_DIGITS, ALIGNMENT = 21, 64
LOCAL_HEADER = 30
READ_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    LookupError,
    TypeError,
    RuntimeError,
    EOFError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""RuntimeError: an archive with a password; NotImplementedError, which is one, a compression that Python lacks."""


class Array(NamedTuple):
    """One array in a file.

    Args:
        entry: its name in an archive, empty in a `.npy` file.
        at: its first byte in the file; where `deflated`, in the entry when decompressed.
        dtype: its type, with its fields if it is structured.
        shape: its shape.
        fortran: whether its first axis is the innermost.
        deflated: whether it must be decompressed as a whole.
    """

    entry: str
    at: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    deflated: bool

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(self.dtype.itemsize * np.prod(self.shape[1:], dtype=np.int64))


def arrays_in(file: IO[bytes], size: int, archive: bool) -> list[Array]:
    """The arrays in an open file of `size` bytes; raises one of `READ_ERRORS` for what is cut or none."""
    if not archive:
        return [_whole(_header(file), size)]
    with zipfile.ZipFile(file) as found:
        return [_entry(found, file, info, size) for info in found.infolist()]


def _entry(archive: zipfile.ZipFile, file: IO[bytes], info: zipfile.ZipInfo, size: int) -> Array:
    """An array in an archive."""
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as stream:
        array = _header(stream)._replace(entry=name, deflated=info.compress_type != zipfile.ZIP_STORED)
    _whole(array, info.file_size)
    if array.deflated:
        return array
    file.seek(info.header_offset)
    lengths = struct.unpack("<HH", file.read(LOCAL_HEADER)[-4:])
    return _whole(array._replace(at=info.header_offset + LOCAL_HEADER + sum(lengths) + array.at), size)


def _header(stream: IO[bytes]) -> Array:
    """Type and shape of the array that starts here."""
    start = stream.read(8)
    if start[:6] != MAGIC:
        raise ValueError("it does not start as a NumPy file")
    wide = start[6] > 1
    length = struct.unpack("<I" if wide else "<H", stream.read(4 if wide else 2))[0]
    if length > HEADER_LIMIT:
        raise ValueError("its header is too long")
    header = ast.literal_eval(stream.read(length).decode("utf-8" if start[6] > 2 else "latin-1"))
    dtype, shape = numpy_format.descr_to_dtype(header["descr"]), tuple(header["shape"])
    if not all(isinstance(number, int) and number >= 0 for number in shape):
        raise ValueError(f"its shape is {shape}")
    return Array("", (12 if wide else 10) + length, dtype, shape, bool(header["fortran_order"]), False)


def _whole(array: Array, size: int) -> Array:
    """The array if it lies within `size` bytes."""
    if array.dtype.hasobject:
        raise ValueError("it holds Python objects, and those are never unpickled")
    if array.shape and array.at + array.shape[0] * array.row_bytes > size:
        raise ValueError("it is cut")
    return array


def rows_of(source: Any, file: IO[bytes] | None, array: Array, start: int, stop: int) -> NDArray[Any]:
    """Rows `start` … `stop` of an array in the Arrow file `source`, memory-mapped if that is.

    A deflated array is decompressed as a whole from `file`.
    """
    rows, shape = array.shape[0], array.shape
    if array.deflated:
        assert file is not None
        with zipfile.ZipFile(file) as archive, archive.open(f"{array.entry}.npy") as stream:
            whole = np.frombuffer(stream.read(), array.dtype, offset=array.at)
    elif array.fortran and len(shape) > 1:
        whole = np.frombuffer(_buffer(source, array.at, rows * array.row_bytes), array.dtype)
    else:
        found = _buffer(source, array.at + start * array.row_bytes, (stop - start) * array.row_bytes)
        return np.frombuffer(found, array.dtype).reshape(stop - start, *shape[1:])
    return whole.reshape(shape, order="F" if array.fortran else "C")[start:stop]


def _buffer(source: Any, at: int, count: int) -> pa.Buffer:
    source = source if isinstance(source, pa.NativeFile) else pa.PythonFile(source, "r")
    source.seek(at)
    return source.read_buffer(count)


def header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """The first bytes of a `.npy` file, as many for any number of rows."""
    described = {"descr": numpy_format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    text = repr(described) + " " * (GROWTH_DIGITS - len(repr(shape[0])))
    plain = text.isascii()
    front = 10 if plain else 12
    text = text + " " * (-(len(text.encode()) + 1 + front) % ALIGNMENT) + "\n"
    length = struct.pack("<H" if plain else "<I", len(text.encode()))
    return MAGIC + bytes([1 if plain else 3, 0]) + length + text.encode()

"""NumPy pools: a `.npy` file with vectors or fields, or a `.npz` archive with one array a column."""

import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cached_property, lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool import storage
from tamis.pool.arrays import EMBEDDING, array_column, column_of
from tamis.pool.base import (
    BLOCK_BYTES,
    SHARD_BYTES,
    ColumnarPool,
    Columns,
    File,
    Format,
    Shard,
    common_kinds,
    conform,
    file_of,
    first_line,
    refuse_equal_names,
    rows_alone,
    type_name,
    typed,
    unreadable,
)
from tamis.pool.npy import READ_ERRORS, Array, arrays_in, header, rows_of
from tamis.pool.storage import Found


class NumpyPool(ColumnarPool):
    """Files of arrays of one length."""

    format = "numpy"

    def read_columns(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types."""
        rows = shard.stop - shard.start
        if not columns:
            yield rows_alone(rows)
            return
        batch = self._batch(shard, list(columns))
        step = max(1, rows * BLOCK_BYTES // max(batch.nbytes, 1))
        for at in range(0, rows, step):
            yield typed(self, shard, batch.slice(at, step), columns, at)

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        """The given rows of `shard`, all columns, types and order of columns as in the first file."""
        found = self._batch(shard, list(self.schema)).take(pa.array(rows))
        yield conform(found, self.columns, self.files[shard.file].path)

    def _batch(self, shard: Shard, names: list[str]) -> pa.RecordBatch:
        """The rows of `shard`, of memory-mapped files without a copy."""
        file = self.files[shard.file]
        held: dict[str, NDArray[Any]] = {}
        arrays = []
        try:
            with storage.seekable(file.path) as source, storage.open_binary(file.path) as stream:
                for name in names:
                    array, field = contents(file)[name]
                    if array.entry not in held:
                        held[array.entry] = rows_of(source, stream, array, shard.start, shard.stop)
                    arrays.append(array_column(held[array.entry][field] if field else held[array.entry]))
        except (*READ_ERRORS, pa.ArrowException) as error:
            raise unreadable(file.path, error) from error
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def save(self, pieces: Iterable[pa.RecordBatch], path: Path) -> None:
        """Write rows as arrays with the types of the pool's files, compressed if those of the first file are."""
        first = list(dict.fromkeys(array for array, _ in contents(self.files[0]).values()))
        if self.suffix == ".npy":
            with path.open("wb") as file:
                self._write(pieces, [(first[0], file)])
            return
        with ExitStack() as stack:
            parts = [path.with_name(f"{path.name}.{number}.part") for number in range(len(first))]
            for part in parts:
                stack.callback(part.unlink, missing_ok=True)
            sinks = [stack.enter_context(part.open("w+b")) for part in parts]
            self._write(pieces, list(zip(first, sinks, strict=True)))
            deflated = zipfile.ZIP_DEFLATED if any(array.deflated for array in first) else zipfile.ZIP_STORED
            with zipfile.ZipFile(path, "w") as archive:
                for array, sink in zip(first, sinks, strict=True):
                    sink.seek(0)
                    info = zipfile.ZipInfo(f"{array.entry}.npy")
                    info.compress_type = deflated
                    with archive.open(info, "w", force_zip64=True) as entry:
                        shutil.copyfileobj(sink, entry)

    def _write(self, pieces: Iterable[pa.RecordBatch], outputs: list[tuple[Array, IO[bytes]]]) -> None:
        """Write each array of all pieces to a file of its own; the number of rows is put in at the end."""
        kinds = [self._dtype(array) for array, _ in outputs]
        for (array, sink), kind in zip(outputs, kinds, strict=True):
            sink.write(header(kind, (0, *array.shape[1:])))
        rows = 0
        for piece in pieces:
            rows += piece.num_rows
            for (array, sink), kind in zip(outputs, kinds, strict=True):
                sink.write(_values(piece, array, kind).tobytes())
        for (array, sink), kind in zip(outputs, kinds, strict=True):
            sink.seek(0)
            sink.write(header(kind, (rows, *array.shape[1:])))

    def _dtype(self, array: Array) -> np.dtype[Any]:
        """The type of an array of the first file, of text as wide as in any file."""
        same = [other for file in self.files for other, _ in contents(file).values() if other.entry == array.entry]
        return np.result_type(*(other.dtype for other in same)) if array.dtype.kind in "US" else array.dtype

    @cached_property
    def columns(self) -> pa.Schema:
        """Columns of the first file, in which all rows are given out."""
        return schema_of(self.files[0])

    @property
    def suffix(self) -> str:
        """How the name of a subset of this pool ends."""
        return storage.suffix(self.files[0].path)


@lru_cache(maxsize=64)
def contents(file: File) -> dict[str, tuple[Array, str]]:
    """The columns of a file by name: the array, and its field if it is structured."""
    archive = storage.suffix(file.path) == ".npz"
    with storage.open_binary(file.path) as stream:
        found = arrays_in(stream, file.bytes, archive)
    if archive:
        refuse_equal_names([array.entry for array in found], file.path)
        return {array.entry: (array, "") for array in found}
    array = found[0]
    if array.dtype.names:
        return {name: (array, name) for name in array.dtype.names}
    if len(array.shape) < 2:
        raise refusals.ARRAY_WITHOUT_NAME(file.path, shape=array.shape)
    return {EMBEDDING: (array, "")}


def schema_of(file: File) -> pa.Schema:
    """The Arrow schema of a file."""
    fields = []
    for name, (array, field) in contents(file).items():
        none = np.empty((0, *array.shape[1:]), array.dtype)
        fields.append((name, column_of(none[field] if field else none, name, file.path).type))
    return pa.schema(fields)


def _values(piece: pa.RecordBatch, array: Array, kind: np.dtype[Any]) -> NDArray[Any]:
    """The rows of an array as NumPy has them."""
    if array.dtype.names:
        made = np.empty(piece.num_rows, kind)
        for name in array.dtype.names:
            made[name] = _column(piece.column(name), kind[name], kind[name].shape)
        return made
    return _column(piece.column(array.entry or EMBEDDING), kind, array.shape[1:])


def _column(column: pa.Array, kind: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if shape:
        column = column.flatten()
    return np.asarray(column.to_numpy(zero_copy_only=False).astype(kind.base).reshape(-1, *shape))


def open_numpy(found: list[Found]) -> NumpyPool:
    """Plan the shards of NumPy files from their headers; refuses a file that is cut, and columns that differ."""
    files = [file_of(one) for one in found]
    shards: list[Shard] = []
    for index, file in enumerate(files):
        try:
            columns = contents(file)
        except READ_ERRORS as error:
            raise refusals.FILE_NOT_WHOLE(file.path, format="NumPy", said=first_line(error)) from None
        shards += _shards(index, _rows(file, columns), [array for array, _ in columns.values()])
    return NumpyPool(files, shards, common_kinds(found, [schema_of(file) for file in files], _exact_kind))


def _exact_kind(arrow: pa.DataType) -> str:
    """As `type_name`, with the width of vectors."""
    return str(arrow) if type_name(arrow) == "list" else type_name(arrow)


def _rows(file: File, columns: dict[str, tuple[Array, str]]) -> int:
    """Rows of a file; refuses arrays of several lengths."""
    rows: dict[str, int] = {}
    for name, (array, _) in columns.items():
        rows[name] = array.shape[0] if array.shape else -1
        if not array.shape:
            raise refusals.COLUMN_UNUSABLE(file.path, name=name, said="it is one value")
        other = next(iter(rows))
        if rows[name] != rows[other]:
            raise refusals.COLUMN_OF_OTHER_LENGTH(
                file.path, name=name, found=rows[name], other=other, expected=rows[other]
            )
    return next(iter(rows.values()), 0)


def _shards(index: int, rows: int, arrays: list[Array]) -> Iterator[Shard]:
    """Runs of rows of about 32 MB; a file with compressed arrays is one shard."""
    width = sum(array.row_bytes for array in dict.fromkeys(arrays)) or 1
    step = rows if any(array.deflated for array in arrays) else max(1, SHARD_BYTES // width)
    for at in range(0, rows, step or 1):
        count = min(step, rows - at)
        yield Shard(index, at, at + count, width * count, count, at)


FORMAT = Format("numpy", (".npy", ".npz"), False, open_numpy, NumpyPool)

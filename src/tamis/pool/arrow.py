"""Arrow IPC pools, files and streams: a shard is a run of record batches."""

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool import storage
from tamis.pool.arrow_messages import FEATHER_MAGIC, Layout, layout_of
from tamis.pool.base import (
    READ_ERRORS,
    SHARD_BYTES,
    ColumnarPool,
    Columns,
    File,
    Format,
    Shard,
    check_names,
    common_kinds,
    conform,
    file_of,
    first_line,
    rows_alone,
    typed,
    unreadable,
)
from tamis.pool.parquet import batch_rows, grouped
from tamis.pool.storage import Found
from tamis.pool.views import check_views, has_dictionary, taken


class ArrowPool(ColumnarPool):
    """Files of Arrow record batches, each as a file container or a stream."""

    format = "arrow"

    def read_columns(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types."""
        step, done = batch_rows(shard), 0
        for batch in self._batches(shard, list(columns) or list(self.schema)[:1]):
            if not columns:
                yield rows_alone(batch.num_rows)
                continue
            for at in range(0, batch.num_rows, step):
                piece = batch.slice(at, step)
                yield typed(self, shard, piece, columns, done)
                done += piece.num_rows

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        """The given rows of `shard`, all columns, types and order of columns as in the first file."""
        seen = 0
        for batch in self._batches(shard, None):
            chosen = rows[np.searchsorted(rows, seen) : np.searchsorted(rows, seen + batch.num_rows)] - seen
            seen += batch.num_rows
            if len(chosen):
                yield conform(taken(batch, chosen), self.columns, self.files[shard.file].path)

    def _batches(self, shard: Shard, names: list[str] | None) -> Iterator[pa.RecordBatch]:
        """The record batches of `shard`, checked: what lies in a file may point anywhere."""
        file = self.files[shard.file]
        rows = 0
        try:
            with storage.seekable(file.path) as source:
                for whole in _record_batches(source, layout(file), shard, names):
                    batch = whole if names is None else whole.select(names)
                    batch.validate(full=True)
                    for column in batch.columns:
                        check_views(column)
                    rows += batch.num_rows
                    yield batch
            if rows != shard.rows:
                raise pa.ArrowInvalid(f"{rows} of {shard.rows} rows could be read")
        except READ_ERRORS as error:
            raise unreadable(file.path, error) from error

    def save(self, pieces: Iterable[pa.RecordBatch], path: Path) -> None:
        """Write rows to a container as that of the pool's first file, with its schema and compression."""
        first = layout(self.files[0])
        options = pa.ipc.IpcWriteOptions(compression=first.codec, unify_dictionaries=True)
        make = pa.ipc.new_file if first.is_file else pa.ipc.new_stream
        with pa.OSFile(str(path), "wb") as sink, make(sink, self.columns, options=options) as writer:
            if first.is_file and any(map(has_dictionary, self.columns.types)):
                self._write_unified(pieces, writer, path)
                return
            for table in grouped(pieces):
                writer.write_table(table.combine_chunks())

    def _write_unified(self, pieces: Iterable[pa.RecordBatch], writer: Any, path: Path) -> None:
        """Write rows by way of a part beside `path`: in a file container a column has one dictionary for all rows."""
        part = path.with_name(f"{path.name}.part")
        try:
            self.save_part(pieces, part)
            with pa.memory_map(str(part)) as source:
                writer.write_table(pa.ipc.open_stream(source).read_all(), max_chunksize=65_536)
        finally:
            part.unlink(missing_ok=True)

    @cached_property
    def columns(self) -> pa.Schema:
        """Columns of the first file, in which all rows are given out."""
        return schema_of(self.files[0])

    @property
    def suffix(self) -> str:
        """How the name of a subset of this pool ends."""
        return ".arrow"


@lru_cache(maxsize=64)
def layout(file: File) -> Layout:
    """Where the record batches of a file are; looked for once, as long as the file stays the same."""
    with storage.seekable(file.path) as source:
        return layout_of(source, file.bytes)


def schema_of(file: File) -> pa.Schema:
    """The Arrow schema of a file."""
    with storage.seekable(file.path) as source:
        return pa.ipc.open_file(source).schema if layout(file).is_file else pa.ipc.open_stream(source).schema


def _record_batches(source: Any, found: Layout, shard: Shard, names: list[str] | None) -> Iterator[pa.RecordBatch]:
    """Record batches with the columns called `names`, decompressed, of memory-mapped files without a copy."""
    if found.is_file:
        schema = pa.ipc.open_file(source).schema
        mapped = isinstance(source, pa.MemoryMappedFile) and found.codec is None
        reader = pa.ipc.open_file(source, options=_only(schema, None if mapped else names))
        yield from (reader.get_batch(number) for number in range(shard.start, shard.stop))
    else:
        spliced = Spliced(source, found.spans(shard.start, shard.stop))
        schema = pa.ipc.open_stream(source).schema
        yield from pa.ipc.open_stream(spliced, options=_only(schema, names))


def _only(schema: pa.Schema, names: list[str] | None) -> pa.ipc.IpcReadOptions:
    """Options that leave all other columns unread; a file container is then copied, so not where that gains nothing."""
    fields = None if names is None else [schema.get_field_index(name) for name in names]
    return pa.ipc.IpcReadOptions(use_threads=False, included_fields=fields)


class Spliced:
    """Parts of an open file one after the other, as Arrow reads a stream. Nothing is copied where `source` is mapped.

    No part is read in one with the next: Arrow never asks for bytes of two messages at once.
    """

    closed = False

    def __init__(self, source: Any, spans: list[tuple[int, int]]) -> None:
        self.source = source if isinstance(source, pa.NativeFile) else pa.PythonFile(source, "r")
        self.spans = spans[::-1]

    def read_buffer(self, count: int) -> pa.Buffer:
        """The next `count` bytes, or what is left of the part."""
        while self.spans and self.spans[-1][0] == self.spans[-1][1]:
            self.spans.pop()
        if not self.spans:
            return pa.py_buffer(b"")
        start, stop = self.spans.pop()
        self.source.seek(start)
        found = self.source.read_buffer(min(count, stop - start))
        self.spans.append((start + found.size, stop) if found.size else (stop, stop))
        return found

    def read(self, count: int = -1) -> bytes:
        """The same as bytes."""
        return bytes(self.read_buffer(count).to_pybytes())

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def writable(self) -> bool:
        """It is not for writing."""
        return False

    def seekable(self) -> bool:
        """It is read from start to end."""
        return False

    def close(self) -> None:
        """The source stays open."""


def open_arrow(found: list[Found]) -> ArrowPool:
    """Plan the shards of Arrow files from their metadata; refuses a file that is cut, and schemas that differ."""
    files = [file_of(one) for one in found]
    looked = [_look_at(file, index) for index, file in enumerate(files)]
    kinds = common_kinds(found, [schema for schema, _ in looked])
    return ArrowPool(files, [shard for _, made in looked for shard in made], kinds)


def _look_at(file: File, index: int) -> tuple[pa.Schema, list[Shard]]:
    """Schema and shards of a file."""
    with storage.open_binary(file.path) as stream:
        if stream.read(len(FEATHER_MAGIC)) == FEATHER_MAGIC:
            raise refusals.FILE_FEATHER_ONE(file.path)
    try:
        columns, shards = schema_of(file), list(_shards(index, layout(file)))
        check_names(columns)
        return columns, shards
    except READ_ERRORS as error:
        raise refusals.FILE_NOT_WHOLE(file.path, format="Arrow IPC", said=first_line(error)) from None


def _shards(index: int, found: Layout) -> Iterator[Shard]:
    """Runs of record batches of about 32 MB as they are on disk; a larger record batch is a shard of its own."""
    start = rows = size = first = 0
    for number, batch in enumerate(found.batches):
        if size and size + batch.body > SHARD_BYTES:
            yield Shard(index, start, number, size, rows, first)
            start, first, rows, size = number, first + rows, 0, 0
        rows += batch.rows
        size += batch.body
    if rows:
        yield Shard(index, start, len(found.batches), size, rows, first)


FORMAT = Format("arrow", (".arrow", ".feather", ".ipc", ".arrows"), False, open_arrow, ArrowPool)

"""Parquet pools: a shard is a run of row groups, read in batches so that a large row group stays bounded."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool import storage
from tamis.pool.base import (
    BLOCK_BYTES,
    READ_ERRORS,
    SHARD_BYTES,
    ColumnarPool,
    Columns,
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
from tamis.pool.storage import Found
from tamis.pool.views import has_dictionary, taken


class ParquetPool(ColumnarPool):
    """Files of Parquet row groups."""

    format = "parquet"

    def read_columns(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types."""
        path = self.files[shard.file].path
        try:
            with storage.seekable(path) as source, _opened(source, path) as file:
                yield from _batches(self, file, shard, columns)
        except READ_ERRORS as error:
            raise unreadable(path, error) from error

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        """The given rows of `shard`, all columns, values untouched, types and order of columns as in the first file."""
        path = self.files[shard.file].path
        try:
            with storage.seekable(path) as source, _opened(source, path) as file:
                groups, rows = _groups_of(file, shard, rows)
                seen = 0
                for batch in _checked(file.iter_batches(batch_rows(shard), row_groups=groups, use_threads=False)):
                    chosen = rows[np.searchsorted(rows, seen) : np.searchsorted(rows, seen + batch.num_rows)] - seen
                    seen += batch.num_rows
                    if len(chosen):
                        yield conform(taken(batch, chosen), self.columns, path)
                _check_rows(seen, sum(file.metadata.row_group(group).num_rows for group in groups))
        except READ_ERRORS as error:
            raise unreadable(path, error) from error

    def save(self, pieces: Iterable[pa.RecordBatch], path: Path) -> None:
        """Write rows to a Parquet file with the schema and the compression of the pool's first file."""
        metadata = footer(self.files[0].path)
        codec = metadata.row_group(0).column(0).compression.lower() if metadata.num_row_groups else "zstd"
        write_parquet(path, pieces, self.columns, "none" if codec == "uncompressed" else codec)

    @cached_property
    def columns(self) -> pa.Schema:
        """Columns of the first file, in which all rows are given out."""
        return footer(self.files[0].path).schema.to_arrow_schema()


def footer(path: str) -> pq.FileMetaData:
    """What a Parquet file says of itself."""
    with storage.seekable(path) as source:
        return pq.read_metadata(source)


def _opened(source: Any, path: str) -> pq.ParquetFile:
    """A file to read; of a store, what lies side by side is asked for at once."""
    return pq.ParquetFile(source, pre_buffer=storage.is_url(path))


def _groups_of(file: pq.ParquetFile, shard: Shard, rows: NDArray[np.int64]) -> tuple[list[int], NDArray[np.int64]]:
    """The row groups of `shard` in which `rows` are, and where the rows are when only these are read."""
    counts = np.array([file.metadata.row_group(group).num_rows for group in range(shard.start, shard.stop)])
    starts = np.cumsum(counts) - counts
    groups, number = np.unique(np.searchsorted(starts, rows, side="right") - 1, return_inverse=True)
    before = np.cumsum(counts[groups]) - counts[groups]
    return [int(group) + shard.start for group in groups], rows - starts[groups][number] + before[number]


def batch_rows(shard: Shard) -> int:
    """Rows that make about 2 MB."""
    return max(64, min(65_536, (shard.rows or 0) * BLOCK_BYTES // max(shard.bytes, 1)))


def write_parquet(path: Path, pieces: Iterable[pa.RecordBatch], schema: pa.Schema, codec: str = "zstd") -> None:
    """Write rows to a Parquet file in row groups of about 32 MB."""
    with pq.ParquetWriter(path, schema, compression=codec) as writer:
        for table in grouped(pieces):
            writer.write_table(table)


def grouped(pieces: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Pieces joined to row groups of about 32 MB."""
    held: list[pa.RecordBatch] = []
    for piece in pieces:
        held.append(piece)
        if sum(batch.nbytes for batch in held) >= SHARD_BYTES:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _batches(pool: ParquetPool, file: pq.ParquetFile, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
    groups = list(range(shard.start, shard.stop))
    rows = shard.rows or 0
    done = 0
    if not columns:
        yield rows_alone(rows)
        return
    found = file.iter_batches(batch_rows(shard), row_groups=groups, columns=list(columns), use_threads=False)
    for batch in _checked(found):
        yield typed(pool, shard, batch, columns, done)
        done += batch.num_rows
    _check_rows(done, rows)


def _checked(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches whose codes all have a value: Arrow takes those of a damaged file as they are."""
    for batch in batches:
        for column in batch.columns:
            if has_dictionary(column.type):
                column.validate(full=True)
        yield batch


def _check_rows(found: int, due: int) -> None:
    """Raise where Arrow gave fewer rows than there are, as it does of lists in pages of a few bytes."""
    if found != due:
        raise pa.ArrowInvalid(f"{found} of {due} rows could be read")


def open_parquet(found: list[Found]) -> ParquetPool:
    """Plan the shards of Parquet files from their footers; refuses a file that is cut, and schemas that differ."""
    schemas, shards = [], []
    for index, metadata in enumerate(storage.each(_whole_footer, [one.path for one in found])):
        schemas.append(metadata.schema.to_arrow_schema())
        shards += _shards(index, metadata)
    return ParquetPool([file_of(one) for one in found], shards, common_kinds(found, schemas))


def _whole_footer(path: str) -> pq.FileMetaData:
    """The footer of a file; refuses one that is cut."""
    try:
        found = footer(path)
        check_names(found.schema.to_arrow_schema())
    except READ_ERRORS as error:
        raise refusals.FILE_NOT_WHOLE(path, format="Parquet", said=first_line(error)) from None
    return found


def _shards(index: int, metadata: pq.FileMetaData) -> list[Shard]:
    """Runs of row groups of about 32 MB decompressed; a larger row group is a shard of its own."""
    shards: list[Shard] = []
    start = rows = size = first = 0
    for group in range(metadata.num_row_groups):
        found = metadata.row_group(group)
        if size and size + found.total_byte_size > SHARD_BYTES:
            shards.append(Shard(index, start, group, size, rows, first))
            start, first, rows, size = group, first + rows, 0, 0
        rows += found.num_rows
        size += found.total_byte_size
    return [*shards, Shard(index, start, metadata.num_row_groups, size, rows, first)] if rows else shards


FORMAT = Format("parquet", (".parquet", ".pq"), False, open_parquet, ParquetPool)

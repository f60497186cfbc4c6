"""Parquet pools: a shard is a run of row groups, read in batches so that a large row group stays bounded."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tamis.errors import Broken, Refused
from tamis.pool.base import (
    BLOCK_BYTES,
    SHARD_BYTES,
    ColumnarPool,
    Columns,
    File,
    Shard,
    first_line,
    refuse_equal_names,
    stamp,
    type_name,
    typed,
)


class ParquetPool(ColumnarPool):
    """Files of Parquet row groups."""

    format = "parquet"

    def read(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types."""
        path = self.files[shard.file].path
        try:
            with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
                yield from _batches(self, file, shard, columns)
        except (OSError, pa.ArrowInvalid) as error:
            raise Broken(f"{path} cannot be read ({first_line(error)}): restore the file and run again") from error

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        """The given rows of `shard`, all columns, values untouched, types and order of columns as in the first file."""
        path = self.files[shard.file].path
        step = batch_rows(shard)
        try:
            with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
                seen = 0
                groups = list(range(shard.start, shard.stop))
                for batch in file.iter_batches(step, row_groups=groups, use_threads=False):
                    chosen = rows[np.searchsorted(rows, seen) : np.searchsorted(rows, seen + batch.num_rows)] - seen
                    seen += batch.num_rows
                    if len(chosen):
                        yield _conform(batch.take(pa.array(chosen)), self.columns, path)
        except (OSError, pa.ArrowInvalid) as error:
            raise Broken(f"{path} cannot be read ({first_line(error)}): restore the file and run again") from error

    def save(self, pieces: Iterable[pa.RecordBatch], path: Path) -> None:
        """Write rows to a Parquet file with the schema and the compression of the pool's first file."""
        metadata = pq.read_metadata(self.files[0].path)
        codec = metadata.row_group(0).column(0).compression.lower() if metadata.num_row_groups else "zstd"
        with pq.ParquetWriter(path, self.columns, compression="none" if codec == "uncompressed" else codec) as writer:
            for table in _grouped(pieces):
                writer.write_table(table)

    @cached_property
    def columns(self) -> pa.Schema:
        """Columns of the first file, in which all rows are given out."""
        return pq.read_schema(self.files[0].path)


def batch_rows(shard: Shard) -> int:
    """Rows that make about 2 MB."""
    return max(64, min(65_536, (shard.rows or 0) * BLOCK_BYTES // max(shard.bytes, 1)))


def _conform(batch: pa.RecordBatch, schema: pa.Schema, path: str) -> pa.RecordBatch:
    """`batch` with the columns of `schema`; refuses values that its types cannot hold."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    try:
        arrays = [pc.cast(batch.column(field.name), field.type) for field in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        said = f"its rows do not fit the types of the pool's first file ({first_line(error)})"
        raise Refused(f"{path}: {said}; write the files with one schema, or add --no-subset") from None


def _grouped(pieces: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
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
        yield pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
        return
    for batch in file.iter_batches(batch_rows(shard), row_groups=groups, columns=list(columns), use_threads=False):
        yield typed(pool, shard, batch, columns, done)
        done += batch.num_rows


def open_parquet(paths: list[tuple[Path, str]]) -> ParquetPool:
    """Plan the shards of Parquet files from their footers; refuses a file that is cut, and schemas that differ."""
    files, shards, schema = [], [], None
    for index, (path, name) in enumerate(paths):
        try:
            metadata = pq.read_metadata(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise Refused(f"{path} is not a whole Parquet file ({first_line(error)}): write it again") from None
        columns = metadata.schema.to_arrow_schema()
        refuse_equal_names(columns.names, str(path))
        found = {field.name: type_name(field.type) for field in columns}
        if schema is not None and found != schema:
            raise Refused(f"{path} does not have the columns of {paths[0][0]}: {_difference(schema, found)}")
        schema = found
        files.append(File(str(path), name, path.stat().st_size, stamp(path)))
        shards += _shards(index, metadata)
    return ParquetPool(files, shards, schema or {})


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


def _difference(one: dict[str, str], other: dict[str, str]) -> str:
    for name in one.keys() | other.keys():
        if one.get(name) != other.get(name):
            return f"{name!r} is {one.get(name, 'missing')} in one and {other.get(name, 'missing')} in the other"
    return "their order differs"

"""Pools in memory: an Arrow table, cut into runs of rows."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.pool.base import (
    SHARD_BYTES,
    ColumnarPool,
    Columns,
    File,
    Shard,
    refuse_equal_names,
    rows_alone,
    type_name,
    typed,
)
from tamis.pool.parquet import write_parquet
from tamis.pool.views import plain_schema

BLOCK_ROWS = 65_536


@dataclass
class MemoryPool(ColumnarPool):
    """One Arrow table."""

    table: pa.Table = None
    format = "arrow"

    def read_columns(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of 65,536 rows at most, with `columns` as the given types."""
        part = self.table.slice(shard.start, shard.stop - shard.start)
        if not columns:
            yield rows_alone(part.num_rows)
            return
        done = 0
        for batch in part.select(list(columns)).to_batches(BLOCK_ROWS):
            yield typed(self, shard, batch, columns, done)
            done += batch.num_rows

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        """The given rows of `shard`, all columns, views as plain strings."""
        part = self.table.slice(shard.start, shard.stop - shard.start).cast(self.columns)
        yield from part.take(pa.array(rows)).to_batches()

    def save(self, pieces: Iterable[pa.RecordBatch], path: Path) -> None:
        """Write rows to a Parquet file."""
        write_parquet(path, pieces, self.columns)

    @property
    def columns(self) -> pa.Schema:
        """Columns of the table, views as plain strings."""
        return plain_schema(self.table.schema)

    def where(self, shard: Shard, row: int) -> str:
        """File and place of row number `row` of `shard`, for a message."""
        return f"row {shard.start + row} of the table"


def open_table(table: pa.Table) -> MemoryPool:
    """A pool of the rows of `table`; nothing is copied."""
    refuse_equal_names(table.column_names, "the table")
    n, size = table.num_rows, table.nbytes
    step = max(1, min(n, n * SHARD_BYTES // max(size, 1)))
    shards = [
        Shard(0, at, min(at + step, n), size * step // max(n, 1), min(step, n - at), at) for at in range(0, n, step)
    ]
    schema = {field.name: type_name(field.type) for field in table.schema}
    return MemoryPool([File("", "", size, _content(table))], shards, schema, table=table)


def _content(table: pa.Table) -> str:
    """A digest of every value of `table`. `O(bytes)` time, nothing is copied."""
    found = hashlib.sha256()
    sink = pa.PythonFile(_Updating(found), "w")
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return found.hexdigest()[:20]


class _Updating(io.RawIOBase):
    """A file that digests what is written to it."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.found.update(data)
        return len(data)

"""Pools as Arrow files that workers map: all their columns, and those that are made of others."""

import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.engine.parts import written_whole
from tamis.engine.plan import Plan
from tamis.engine.vectors import COLUMN as EMBEDDING
from tamis.engine.vectors import VectorFile
from tamis.evidence.material import TEXT, VECTOR, Material
from tamis.pool import TYPES, Pool, Shard
from tamis.pool.vectors import Vectors
from tamis.pool.views import plain_type

Column = Callable[[Pool, Shard, int, int], pa.ChunkedArray]
"""Makes a column of a shard, given the pool's row at which it starts and how many rows it has."""


def copy_pool(pool: Pool, engine: Plan, path: Path, made: Material, file: VectorFile | None = None) -> None:
    """All columns of a pool, and those made of others, in one Arrow file; what an encoder costs is charged to `made`.

    `file` has the vectors of the pool's rows where they lie beside it.
    """
    plain = pa.schema([pa.field(one.name, _stored_type(one.type)) for one in pool.columns])
    extra = _made_columns(pool, engine, file, made)
    schema = pa.schema([*plain, *(field for field, _ in extra)])

    def tables() -> Iterator[pa.Table]:
        row = 0
        for shard in pool.shards:
            every = _rows(pool, shard)
            table = pa.Table.from_batches(pool.kept_batches(shard, every, plain), plain)
            for field, make in extra:
                table = table.append_column(field, make(pool, shard, row, len(every)).cast(field.type))
            yield table
            row += len(every)

    write_tables(path, schema, tables())


def copy_sample(
    pool: Pool, text: str | None, path: Path, file: VectorFile | None = None, more: Collection[str] = ()
) -> None:
    """The texts of a pool as `text`, its vectors, which `file` has where they lie beside it, and `more` columns.

    These have names that no other column has: `own_name`.
    """
    wanted: dict[str, Any] = {text: TYPES["text"]} if text is not None else {}
    wanted |= {EMBEDDING: None} if EMBEDDING in pool.derived else {}
    names = ["text"] * (text is not None) + [VECTOR] * (EMBEDDING in pool.derived)
    batches = (batch for shard in pool.shards for batch in pool.read(shard, wanted))
    pieces = [pa.Table.from_batches([batch]).rename_columns(names) for batch in batches]
    table = pa.concat_tables(pieces)
    if file is not None:
        table = table.append_column(VECTOR, _of_file(file, 0, table.num_rows))
    for field in (field for field in pool.columns if field.name in more):
        kept = pa.schema([pa.field(field.name, _stored_type(field.type))])
        found = [batch for shard in pool.shards for batch in pool.kept_batches(shard, _rows(pool, shard), kept)]
        table = table.append_column(own_name(field.name), pa.Table.from_batches(found, kept).column(0))
    write_tables(path, table.schema, iter([table]))


def own_name(column: str) -> str:
    """What a column of vectors that one method names is called in copies."""
    return f"tamis:own:{column}"


def _rows(pool: Pool, shard: Shard) -> NDArray[np.int64]:
    """All rows of a shard."""
    return np.arange(shard.rows if shard.rows is not None else sum(one.num_rows for one in pool.read(shard, {})))


def write_tables(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    """Tables one after the other as an uncompressed Arrow file, whole or not at all."""
    with (
        written_whole(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        for table in tables:
            writer.write_table(table, max_chunksize=65_536)


def _made_columns(pool: Pool, engine: Plan, file: VectorFile | None, made: Material) -> list[tuple[pa.Field, Column]]:
    """The columns that are made of others: the text of a template, vectors."""
    found: list[tuple[pa.Field, Column]] = []
    text = engine.roles.get("text")
    if text is not None and text.column in pool.derived:
        name = text.column
        found.append((pa.field(TEXT, TYPES["text"]), lambda pool, shard, *_: _read(pool, shard, name)))
    if file is not None:
        field = pa.field(VECTOR, pa.list_(pa.float32(), file.open().shape[1]))
        found.append((field, lambda pool, shard, row, rows: _of_file(file, row, rows)))
    elif EMBEDDING in pool.derived:
        vectors = pool.derived[EMBEDDING]
        width = getattr(vectors, "width", None) or len(next(pool.read(pool.shards[0], {EMBEDDING: None})).column(0)[0])
        charged = None if isinstance(vectors, Vectors) else made.measured
        field = pa.field(VECTOR, pa.list_(pa.float32(), width))
        found.append((field, lambda pool, shard, *_: _read(pool, shard, EMBEDDING, charged)))
    made.has_vectors |= any(field.name == VECTOR for field, _ in found)
    return found


def _read(pool: Pool, shard: Shard, name: str, charged: list[float] | None = None) -> pa.ChunkedArray:
    """A derived column of a shard; `charged` has processor seconds and seconds added that it takes."""
    start, cpu = time.perf_counter(), time.process_time()
    wanted: dict[str, Any] = {name: TYPES["text"] if name != EMBEDDING else None}
    column = pa.chunked_array([batch.column(0) for batch in pool.read(shard, wanted)])
    if charged is not None:
        charged[0] += time.process_time() - cpu
        charged[1] += time.perf_counter() - start
    return column


def _of_file(file: VectorFile, row: int, rows: int) -> pa.ChunkedArray:
    values = np.asarray(file.open()[row : row + rows], np.float32)
    return pa.chunked_array([pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])])


def _stored_type(kind: pa.DataType) -> pa.DataType:
    kind = plain_type(kind)
    return kind.value_type if pa.types.is_dictionary(kind) else kind

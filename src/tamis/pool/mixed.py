"""Pools of files of several formats with one schema; each file is read by the pool of its format."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool.base import TYPES, ColumnarPool, Columns, File, Pool, Shard, type_name
from tamis.pool.parquet import write_parquet
from tamis.pool.storage import Found
from tamis.pool.views import plain_type

UNTYPED = "csv"
OF_TEXT = ("text", "integer", "number", "boolean")


@dataclass
class MixedPool(ColumnarPool):
    """Files of several formats in one order; `parts` are the pools of each format by its name.

    `places` says of each file in which part it is, and at which place there.
    """

    parts: dict[str, Pool] = field(default_factory=dict)
    places: list[tuple[str, int]] = field(default_factory=list)
    format = "mixed"

    @property
    def formats(self) -> set[str]:
        """The formats of its files."""
        return set(self.parts)

    def part(self, shard: Shard) -> tuple[Pool, Shard]:
        """The pool that reads `shard`, and what it is called there."""
        name, place = self.places[shard.file]
        return self.parts[name], replace(shard, file=place)

    def read_columns(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types."""
        pool, local = self.part(shard)
        yield from pool.read_columns(local, columns)

    def first_values(self, column: str) -> list[Any]:
        """The first values of `column` in the first file that has some."""
        found = (self.parts[name].first_values(column) for name, _ in self.places)
        return next((values for values in found if values), [])

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        """The given rows of `shard` with the columns and types of `columns`."""
        yield from self.kept_batches(shard, rows, self.columns)

    def kept_counted(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[tuple[int, pa.RecordBatch | None]]:
        """As `kept`; the shard is read once more to count its rows."""
        count = sum(batch.num_rows for batch in self.read_columns(shard, {}))
        inside = rows[np.searchsorted(rows, 0) : np.searchsorted(rows, count)]
        yield from ((0, piece) for piece in self.kept(shard, inside))
        yield count, None

    def kept_batches(self, shard: Shard, rows: NDArray[np.int64], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """As `kept`, with the columns and types of `schema`."""
        pool, local = self.part(shard)
        yield from pool.kept_batches(local, rows, schema)

    def save(self, pieces: Iterable[pa.RecordBatch], path: Path) -> None:
        """Write rows to a Parquet file."""
        write_parquet(path, pieces, self.columns)

    @cached_property
    def columns(self) -> pa.Schema:
        """The columns of the first file that has Arrow types, else as guessed; wider where other files need it."""
        pools = list(dict.fromkeys(name for name, _ in self.places))
        pools.sort(key=lambda name: not isinstance(self.parts[name], ColumnarPool))
        schemas = {name: self.parts[name].columns for name in pools}
        first = schemas[pools[0]]
        fields = [self._field([schemas[name].field(column) for name in pools]) for column in first.names]
        return pa.schema(fields, first.metadata)

    def _field(self, fields: list[pa.Field]) -> pa.Field:
        """A column as the first pool has it whose type is that of all."""
        kind = self.schema[fields[0].name]
        found = next((one.type for one in fields if type_name(one.type) == kind), TYPES.get(kind, fields[0].type))
        found = plain_type(found)
        return fields[0].with_type(found.value_type if pa.types.is_dictionary(found) else found).with_nullable(True)

    def line(self, shard: Shard, row: int) -> str:
        """Where row number `row` of `shard` stands, for a message."""
        pool, local = self.part(shard)
        return pool.line(local, row)

    def to_json(self) -> dict[str, Any]:
        """All that a worker needs to read shards."""
        parts = {name: pool.to_json() for name, pool in self.parts.items()}
        return super().to_json() | {"parts": parts, "places": self.places}

    @classmethod
    def of_parts(cls, value: dict[str, Any], parts: dict[str, Pool]) -> "MixedPool":
        """What `to_json` described, given the pools of its parts."""
        pool = cls.from_json(value)
        assert isinstance(pool, MixedPool)
        pool.parts, pool.places = parts, [(name, place) for name, place in value["places"]]
        return pool


def open_mixed(found: list[Found], parts: dict[str, Pool]) -> MixedPool:
    """A pool of `found` in their order, given the pools of each format; refuses parts that have no schema in common."""
    left = {name: iter(enumerate(pool.files)) for name, pool in parts.items()}
    names = {one.path: name for name, pool in parts.items() for one in pool.files}
    files: list[File] = []
    places: list[tuple[str, int]] = []
    for one in found:
        name = names[one.path]
        place, file = next(left[name])
        files.append(file)
        places.append((name, place))
    shards = [
        replace(shard, file=index)
        for index, (name, place) in enumerate(places)
        for shard in parts[name].shards
        if shard.file == place
    ]
    mixed = {column: said for pool in parts.values() for column, said in pool.mixed.items()}
    notes = [note for pool in parts.values() for note in pool.notes]
    return MixedPool(files, shards, _common(parts), notes, mixed, parts=parts, places=places)


def _common(parts: dict[str, Pool]) -> dict[str, str]:
    """The type of each column in all parts."""
    typed = [name for name in parts if name != UNTYPED]
    first = parts[typed[0]]
    schema = dict(first.schema)
    for name in [*typed[1:], *(name for name in parts if name == UNTYPED)]:
        pool = parts[name]
        for column in dict.fromkeys([*schema, *pool.schema]):
            one, other = schema.get(column), pool.schema.get(column)
            kind = _unified(one, other, name == UNTYPED)
            if kind is None:
                said = f"{column!r} is {other or 'missing'} here and {one or 'missing'} there"
                raise refusals.POOL_COLUMNS_DIFFER(pool.files[0].path, other=first.files[0].path, said=said)
            schema[column] = kind
    return schema


def _unified(one: str | None, other: str | None, untyped: bool) -> str | None:
    """The type that holds values of both; of columns without types it is the first; None where there is none."""
    if one is None or other is None:
        return None
    if one == other or other == "null" or (untyped and one in OF_TEXT):
        return one
    if one == "null":
        return other
    return "number" if {one, other} == {"integer", "number"} else None

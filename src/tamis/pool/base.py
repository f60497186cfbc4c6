"""A pool: files cut into shards, which are read as batches of typed columns."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool import storage
from tamis.pool.storage import Found
from tamis.pool.views import plain_type

SHARD_BYTES = 32 << 20
BLOCK_BYTES = 2 << 20
Columns = Mapping[str, pa.DataType | None]
"""Names of columns and the types to read them in; None is as the format has it (of JSON, the text of the value)."""
READ_ERRORS = (OSError, ValueError, pa.ArrowException)
"""What Arrow raises for a file that is not whole, or not what it says."""

TYPES = {
    "text": pa.large_string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "bytes": pa.large_binary(),
}
WORDS = {
    TYPES["text"]: "text in UTF-8",
    TYPES["integer"]: "an integer of 64 bits",
    TYPES["number"]: "a number",
    TYPES["boolean"]: "true or false",
}


@dataclass(frozen=True)
class File:
    """One file: where it is, its name relative to the pool argument, and a stamp that changes with its content."""

    path: str
    name: str
    bytes: int
    stamp: str


@dataclass(frozen=True)
class Shard:
    """A run of row groups, bytes or rows of one file; the unit of work, of retry and of resume.

    Args:
        file: index of the file in the pool.
        start: first row group, byte or row.
        stop: one past the last.
        bytes: size of what is read, decompressed where that is known.
        rows: rows in it, where known before reading.
        first_row: the file's row at which it starts, where known before reading.
    """

    file: int
    start: int
    stop: int
    bytes: int
    rows: int | None = None
    first_row: int | None = None


class Derived(Protocol):
    """A column that is made of others while rows are read: a text of a chat, a vector of several numbers."""

    @property
    def sources(self) -> Columns:
        """The columns it is made of."""

    def make(self, pool: "Pool", shard: Shard, batch: pa.RecordBatch, first: int) -> pa.Array:
        """The column for the rows of `batch`, which starts at row `first` of `shard`; refuses the first wrong row."""

    def to_json(self) -> dict[str, Any]:
        """All that makes it again, with its `kind`."""


@dataclass
class Pool:
    """The examples one may choose from. Subclasses read one format.

    `mixed` says of each column that the schema calls mixed which two types were seen in it, and where; `derived` are
    columns that `read` makes of those in the files.
    """

    format: ClassVar[str]
    files: list[File]
    shards: list[Shard]
    schema: dict[str, str]
    notes: list[str] = field(default_factory=list)
    mixed: dict[str, str] = field(default_factory=dict)
    derived: dict[str, Derived] = field(default_factory=dict)

    def read(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types.

        Of derived columns the type is their own, whatever is given.
        """
        derived = {name: self.derived[name] for name in columns if name in self.derived}
        if not derived:
            yield from self.read_columns(shard, columns)
            return
        wanted: dict[str, pa.DataType | None] = {name: kind for name, kind in columns.items() if name not in derived}
        for made in derived.values():
            for name, kind in made.sources.items():
                wanted[name] = wanted.get(name) or kind
        first = 0
        for batch in self.read_columns(shard, wanted):
            arrays = [
                derived[name].make(self, shard, batch, first) if name in derived else batch.column(name)
                for name in columns
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
            first += batch.num_rows

    def read_columns(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """As `read`, of columns that are in the files."""
        raise NotImplementedError

    def first_values(self, column: str) -> list[Any]:
        """Those of the first 100 values of `column` that are not null, as Python has them (of JSON its text)."""
        for shard in self.shards:
            for batch in self.read_columns(shard, {column: None}):
                if batch.num_rows:
                    return batch.column(0).slice(0, 100).drop_null().to_pylist()  # type: ignore[no-any-return]
        return []

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[Any]:
        """The given rows of `shard` (ascending, counted from its start), whole and untouched, as pieces for `save`."""
        raise NotImplementedError

    def kept_counted(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[tuple[int, Any]]:
        """As `kept` for a shard whose rows are not known before reading: pieces, each with the rows it was taken of."""
        raise NotImplementedError

    def save(self, pieces: Iterable[Any], path: Path) -> None:
        """Write pieces of rows to a file in the pool's format and compression."""
        raise NotImplementedError

    def save_part(self, pieces: Iterable[Any], path: Path) -> None:
        """Write pieces to a part from which `load_part` gives them again."""
        raise NotImplementedError

    def load_part(self, path: Path) -> Iterator[Any]:
        """The pieces of a part."""
        raise NotImplementedError

    def kept_batches(self, shard: Shard, rows: NDArray[np.int64], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """As `kept`, as batches with the columns and types of `schema`; refuses what its types cannot hold."""
        raise NotImplementedError

    @property
    def columns(self) -> pa.Schema:
        """All columns with the Arrow types in which `kept_batches` can give them."""
        raise NotImplementedError

    @property
    def suffix(self) -> str:
        """How the name of a subset of this pool ends."""
        raise NotImplementedError

    def line(self, shard: Shard, row: int) -> str:
        """Where row number `row` of `shard` stands, for a message."""
        return f"row {(shard.first_row or 0) + row}"

    def check(self, shard: Shard) -> None:
        """Break when the file of `shard` is no longer the one that was planned."""
        file = self.files[shard.file]
        if file.path and storage.stamp(file.path) != file.stamp:
            raise refusals.FILE_CHANGED(file.path)

    def where(self, shard: Shard, row: int) -> str:
        """File and place of row number `row` of `shard`, for a message."""
        return f"{self.files[shard.file].path}, {self.line(shard, row)}"

    @property
    def stays_here(self) -> bool:
        """Whether only this process can read it: a table, or files in memory."""
        return any(not file.path or storage.stays_here(file.path) for file in self.files)

    @property
    def rows(self) -> int | None:
        """Rows in all, where known before reading."""
        counts = [shard.rows for shard in self.shards]
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return sum(file.bytes for file in self.files)

    @property
    def formats(self) -> set[str]:
        """The formats of its files."""
        return {self.format}

    @property
    def fingerprint(self) -> str:
        """Changes when a file's name or stamp does, or their order."""
        return digest([(file.name, file.stamp) for file in self.files])

    def key(self, shard: Shard) -> str:
        """Names a shard by what is in it, so that its results serve a pool that has grown by further shards."""
        file = self.files[shard.file]
        return digest([file.name, file.stamp, shard.start, shard.stop])

    def to_json(self) -> dict[str, Any]:
        """All that a worker needs to read shards."""
        return {
            "format": self.format,
            "files": [asdict(file) for file in self.files],
            "shards": [asdict(shard) for shard in self.shards],
            "schema": self.schema,
            "derived": {name: made.to_json() for name, made in self.derived.items()},
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Pool":
        """What `to_json` described, but for derived columns."""
        files, shards = [File(**file) for file in value["files"]], [Shard(**shard) for shard in value["shards"]]
        return cls(files, shards, value["schema"])


@dataclass(frozen=True)
class Format:
    """A format of files: how their names end, whether `.gz`, `.zst` or `.bz2` may follow, and what opens them."""

    name: str
    suffixes: tuple[str, ...]
    compressed: bool
    open: Callable[[list[Found]], Pool]
    pool: type[Pool]


class ColumnarPool(Pool):
    """A pool whose pieces are Arrow batches with the same columns; its subsets are Parquet unless it says otherwise."""

    def kept_batches(self, shard: Shard, rows: NDArray[np.int64], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """As `kept`, with the columns and types of `schema`."""
        path = self.files[shard.file].path
        yield from (conform(piece, schema, path) for piece in self.kept(shard, rows))

    def save_part(self, pieces: Iterable[pa.RecordBatch], path: Path) -> None:
        """Write rows to an Arrow stream."""
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, self.columns) as writer:
            for piece in pieces:
                writer.write_batch(piece)

    def load_part(self, path: Path) -> Iterator[pa.RecordBatch]:
        """The rows of a part in batches."""
        with pa.memory_map(str(path)) as source:
            yield from pa.ipc.open_stream(source)

    @property
    def suffix(self) -> str:
        """How the name of a subset of this pool ends."""
        return ".parquet"


def digest(value: object) -> str:
    """A short name for a value, the same on every machine; of bytes and arrays it takes the bytes themselves."""
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value).data
    content = value if isinstance(value, bytes | memoryview) else repr(value).encode()
    return hashlib.sha256(content).hexdigest()[:20]


def type_name(arrow: pa.DataType) -> str:
    """The vocabulary's name of an Arrow type: text, integer, number, boolean, bytes, list or other."""
    if pa.types.is_dictionary(arrow):
        return type_name(arrow.value_type)
    for name, tests in (
        ("text", (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)),
        ("boolean", (pa.types.is_boolean,)),
        ("integer", (pa.types.is_integer,)),
        ("number", (pa.types.is_floating, pa.types.is_decimal)),
        (
            "bytes",
            (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary),
        ),
        ("list", (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)),
    ):
        if any(test(arrow) for test in tests):
            return name
    return "other"


def as_type(array: pa.Array, target: pa.DataType | None) -> pa.Array:
    """`array` as `target`, or as it is but sound; raises `pa.ArrowInvalid` where that cannot be."""
    if target is None:
        array.validate(full=True)
        return array
    if pa.types.is_dictionary(array.type):
        array = pc.cast(array, plain_type(array.type)).dictionary_decode()
    if target == TYPES["text"]:
        array.validate(full=True)
    return array if array.type == target else pc.cast(array, target)


def conform(batch: pa.RecordBatch, schema: pa.Schema, path: str) -> pa.RecordBatch:
    """`batch` with the columns of `schema`; refuses values that its types cannot hold."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    try:
        arrays = [pc.cast(batch.column(field.name), field.type) for field in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise refusals.ROWS_DO_NOT_FIT(path, said=first_line(error)) from None


def file_of(found: Found) -> File:
    """What a pool keeps of a file."""
    return File(found.path, found.name, *(found.known or storage.state(found.path)))


def rows_alone(count: int) -> pa.RecordBatch:
    """A batch of so many rows without columns."""
    return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), count, [None]))


def check_names(fields: Iterable[pa.Field]) -> None:
    """Raise `UnicodeDecodeError` where the name of a field, or of one inside it, is not UTF-8."""
    for one in fields:
        str(one.name)
        check_names(one.type.field(number) for number in range(one.type.num_fields))


def unreadable(path: str, error: Exception) -> Exception:
    """The breakage of a file that could be opened and then not be read."""
    return refusals.FILE_UNREADABLE(path, said=first_line(error))


def typed(pool: Pool, shard: Shard, batch: pa.RecordBatch, columns: Columns, first: int) -> pa.RecordBatch:
    """`columns` of `batch`, which starts at row `first` of `shard`, as their types; refuses the first wrong row."""
    arrays = []
    for name, target in columns.items():
        try:
            arrays.append(as_type(batch.column(name), target))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            row = _first_wrong(batch.column(name), target)
            expected = "it is" if target is None else WORDS.get(target, str(target))
            place = pool.where(shard, first + row)
            raise refusals.VALUE_WRONG_TYPE(place, name=name, expected=expected, said=first_line(error)) from None
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _first_wrong(array: pa.Array, target: pa.DataType | None) -> int:
    """The first row of `array` that `as_type` does not take."""
    for row in range(len(array)):
        try:
            as_type(array.slice(row, 1), target)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return row
    return 0


def first_line(error: BaseException) -> str:
    """What an Arrow error says, without its trailing detail."""
    return (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0].strip(". ")


def difference(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """The first column whose type is not the same in both."""
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            return f"{name!r} is {one.get(name, 'missing')} in one and {other.get(name, 'missing')} in the other"
    return "their order differs"


def common_kinds(
    found: Sequence[Found], schemas: Sequence[pa.Schema], named: Callable[[pa.DataType], str] = type_name
) -> dict[str, str]:
    """The columns that all files have, with the vocabulary's names of their types.

    Refuses two columns of one name, and the first file whose columns are not those of the first one by what `named`
    calls their types.
    """
    first: dict[str, str] = {}
    for one, schema in zip(found, schemas, strict=True):
        refuse_equal_names(schema.names, one.path)
        kinds = {field.name: named(field.type) for field in schema}
        if one is not found[0] and kinds != first:
            raise refusals.POOL_COLUMNS_DIFFER(one.path, other=found[0].path, said=difference(first, kinds))
        first = kinds
    return {field.name: type_name(field.type) for field in schemas[0]}


def refuse_equal_names(names: list[str], place: str) -> None:
    """Refuse two columns of one name, which nothing could tell apart."""
    for name in names:
        if names.count(name) > 1:
            raise refusals.COLUMNS_OF_ONE_NAME(place, count=names.count(name), name=name)


def missing_column(name: str, schema: Mapping[str, str], place: str, flag: str) -> Exception:
    """The refusal of a column that is not there."""
    from tamis.registry import nearest

    columns = ", ".join(schema) or "none"
    return refusals.COLUMN_MISSING(place, name=name, near=nearest(name, schema), flag=flag, columns=columns)

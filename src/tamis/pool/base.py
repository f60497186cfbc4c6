"""A pool: files cut into shards, which are read as batches of typed columns."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.errors import Refused

SHARD_BYTES = 32 << 20
BLOCK_BYTES = 2 << 20
Columns = Mapping[str, pa.DataType]

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


@dataclass
class Pool:
    """The examples one may choose from. Subclasses read one format.

    `mixed` says of each column that the schema calls mixed which two types were seen in it, and where.
    """

    format: ClassVar[str]
    files: list[File]
    shards: list[Shard]
    schema: dict[str, str]
    notes: list[str] = field(default_factory=list)
    mixed: dict[str, str] = field(default_factory=dict)

    def read(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types."""
        raise NotImplementedError

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

    @property
    def columns(self) -> pa.Schema:
        """Columns of the batches that `kept` gives; JSON Lines have none."""
        raise NotImplementedError

    @property
    def suffix(self) -> str:
        """How the name of a subset of this pool ends."""
        raise NotImplementedError

    def line(self, shard: Shard, row: int) -> str:
        """Where row number `row` of `shard` stands, for a message."""
        return f"row {(shard.first_row or 0) + row}"

    def where(self, shard: Shard, row: int) -> str:
        """File and place of row number `row` of `shard`, for a message."""
        return f"{self.files[shard.file].path}, {self.line(shard, row)}"

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
        }


class ColumnarPool(Pool):
    """A pool whose pieces are Arrow batches with the same columns; its subsets are Parquet."""

    @property
    def columns(self) -> pa.Schema:
        """Columns of every piece."""
        raise NotImplementedError

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


def stamp(path: Path) -> str:
    """Changes when the file's size, modification time, first or last 64 KB do; reads no more than that."""
    state = path.stat()
    with path.open("rb") as file:
        head = file.read(1 << 16)
        file.seek(max(0, state.st_size - (1 << 16)))
        ends = hashlib.sha256(head + file.read(1 << 16)).hexdigest()
    return digest([state.st_size, state.st_mtime_ns, ends])


def type_name(arrow: pa.DataType) -> str:
    """The vocabulary's name of an Arrow type: text, integer, number, boolean, bytes, list or other."""
    if pa.types.is_dictionary(arrow):
        return type_name(arrow.value_type)
    for name, tests in (
        ("text", (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)),
        ("boolean", (pa.types.is_boolean,)),
        ("integer", (pa.types.is_integer,)),
        ("number", (pa.types.is_floating, pa.types.is_decimal)),
        ("bytes", (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)),
        ("list", (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)),
    ):
        if any(test(arrow) for test in tests):
            return name
    return "other"


def as_type(array: pa.Array, target: pa.DataType) -> pa.Array:
    """`array` as `target`, values unchanged; raises `pa.ArrowInvalid` where that cannot be."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if target == TYPES["text"]:
        array.validate(full=True)
    return array if array.type == target else pc.cast(array, target)


def typed(pool: Pool, shard: Shard, batch: pa.RecordBatch, columns: Columns, first: int) -> pa.RecordBatch:
    """`columns` of `batch`, which starts at row `first` of `shard`, as their types; refuses the first wrong row."""
    arrays = []
    for name, target in columns.items():
        try:
            arrays.append(as_type(batch.column(name), target))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            row = _first_wrong(batch.column(name), target)
            expected = WORDS.get(target, str(target))
            said = f"column {name!r} cannot be read as {expected} ({first_line(error)})"
            raise Refused(f"{pool.where(shard, first + row)}: {said}; mend or remove the row") from None
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _first_wrong(array: pa.Array, target: pa.DataType) -> int:
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


def refuse_equal_names(names: list[str], place: str) -> None:
    """Refuse two columns of one name, which nothing could tell apart."""
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"{place} has {names.count(name)} columns called {name!r}: rename all but one")


def missing_column(name: str, schema: Mapping[str, str], place: str, flag: str) -> Refused:
    """The refusal of a column that is not there."""
    from tamis.registry import nearest

    columns = ", ".join(schema) or "none"
    return Refused(f"{place} has no column {name!r}{nearest(name, schema)}: {flag} can name one of {columns}")

"""CSV and TSV pools: a shard is a range of whole records of a plain file, or all of a smaller or compressed one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool import storage
from tamis.pool.base import (
    BLOCK_BYTES,
    SHARD_BYTES,
    TYPES,
    Columns,
    Format,
    Pool,
    Shard,
    difference,
    file_of,
    first_line,
    type_name,
    unreadable,
)
from tamis.pool.csv_fields import fields_of, line_at, not_a_record, place_in, typed_field
from tamis.pool.csv_head import CALLED, Head, ending, guess_types, read_head, wider
from tamis.pool.csv_records import Part, RecordError, find_records, whole_records
from tamis.pool.storage import COMPRESSIONS, Found
from tamis.pool.text_file import TextPool, pieces_of

SAMPLE_BYTES = 1 << 20
COPY_BYTES = 1 << 20  # stays in the processor's cache
COMPILED_FROM_BYTES = SHARD_BYTES
WHOLE = 1 << 62
ARROW_TYPES = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}


@dataclass
class CsvPool(TextPool):
    """Files of records with the same header, plain or compressed.

    `header` is the first file's, as it stands; `delimiter` stands between fields. Types are guessed from the first
    rows, and every row is checked when it is read.
    """

    delimiter: str = ","
    header: str = ""
    format = "csv"

    def read_columns(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types."""
        path, names = self.files[shard.file].path, list(self.schema)
        wanted = list(columns) or names[:1]
        for part in self.parts(shard):

            def byte(at: int, part: Part = part) -> str:
                return place_in(path, part.at + at)

            def row(number: int, part: Part = part) -> str:
                return place_in(path, part.at + int(part.starts[number]))

            fields = fields_of(part, names, wanted, self.delimiter, byte)
            arrays = [
                typed_field(texts, name, target, row)
                for texts, (name, target) in zip(fields, columns.items(), strict=False)
            ]
            yield _batch(arrays, list(columns), len(part.starts))

    def parts(self, shard: Shard, size: int = 0) -> Iterator[Part]:
        """The records of `shard` in blocks of 2 MB, or of `size`; each must be done with before the next."""
        path = self.files[shard.file].path
        limit = shard.stop - shard.start
        try:
            with storage.open_plain(path) as stream:
                _skip(stream, path, shard.start)
                yield from whole_records(stream, shard.start, limit, size or BLOCK_BYTES, self.delimiter, self.large)
        except RecordError as error:
            raise not_a_record(path, error) from None
        except (OSError, pa.ArrowInvalid) as error:
            raise unreadable(path, error) from error

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[bytes]:
        """The given records of `shard`, byte for byte; nothing is parsed."""
        seen = 0
        for count, piece in self.kept_counted(shard, rows):
            seen += count
            if piece:
                yield piece
            if not len(rows) or seen > rows[-1]:
                return

    def kept_counted(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        """For each block its number of rows and, of `rows`, its records; the last one gets its newline."""
        seen = 0
        for part in self.parts(shard, COPY_BYTES):
            count = len(part.starts)
            chosen = rows[np.searchsorted(rows, seen) : np.searchsorted(rows, seen + count)] - seen
            piece = _copied(part, chosen)
            if piece and piece[-1:] not in b"\r\n":
                piece += self.newline.encode()
            seen += count
            yield count, piece

    def kept_batches(self, shard: Shard, rows: NDArray[np.int64], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """As `kept`, with the columns and types of `schema`; a column that the files have not is null."""
        seen = 0
        for count, piece in self.kept_counted(shard, rows):
            chosen = rows[np.searchsorted(rows, seen) : np.searchsorted(rows, seen + count)]
            seen += count
            if piece:
                yield self._conformed(piece, schema, _Rows(self, shard, chosen))

    def _conformed(self, piece: bytes, schema: pa.Schema, place: "_Rows") -> pa.RecordBatch:
        records = find_records(piece, self.delimiter)
        part = Part(memoryview(piece), 0, records.starts, records.ends)
        names = list(self.schema)
        place.starts = records.starts
        fields = dict(zip(names, fields_of(part, names, names, self.delimiter, place.of_byte), strict=True))
        arrays = []
        for field in schema:
            if field.name not in fields:
                arrays.append(pa.nulls(len(records.starts), field.type))
                continue
            kind = TYPES.get(type_name(field.type), field.type)
            values = typed_field(fields[field.name], field.name, kind, place.of_row)
            try:
                arrays.append(pc.cast(values, field.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise refusals.ROWS_DO_NOT_FIT(place.path, said=first_line(error)) from None
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    @property
    def large(self) -> bool:
        """Whether there are so many bytes that compiling is worth it."""
        packed = sum(file.bytes for file in self.files if storage.suffix(file.path) in COMPRESSIONS)
        return self.bytes + 3 * packed >= COMPILED_FROM_BYTES

    def head(self) -> bytes:
        """The first file's header as it stands."""
        ended = self.header.endswith(("\n", "\r"))
        return (self.header if ended else self.header + "\n").encode()

    @property
    def newline(self) -> str:
        """How the header ends."""
        end = self.header[len(self.header.rstrip("\r\n")) :]
        return end or "\n"

    @property
    def columns(self) -> pa.Schema:
        """The columns with the types guessed; what is neither numbers nor booleans is text."""
        return pa.schema([(name, ARROW_TYPES.get(kind, pa.string())) for name, kind in self.schema.items()])

    @property
    def suffix(self) -> str:
        """How the name of a subset of this pool ends."""
        path = self.files[0].path
        last = storage.suffix(path)
        return (".csv" if ending(path) == ".csv" else ".tsv") + (last if last in COMPRESSIONS else "")

    def line(self, shard: Shard, row: int) -> str:
        """Where row number `row` of `shard` stands, for a message: the number of its first line, counted from 1."""
        left = row
        for part in self.parts(shard, COPY_BYTES):
            if left < len(part.starts):
                return f"line {line_at(self.files[shard.file].path, part.at + int(part.starts[left]))}"
            left -= len(part.starts)
        return f"row {row}"

    def to_json(self) -> dict[str, Any]:
        """All that a worker needs to read shards."""
        return super().to_json() | {"delimiter": self.delimiter, "header": self.header}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Pool:
        """What `to_json` described, but for derived columns."""
        pool = super().from_json(value)
        assert isinstance(pool, CsvPool)
        pool.delimiter, pool.header = value["delimiter"], value["header"]
        return pool


class _Rows:
    """The places of rows that were copied out of a shard."""

    def __init__(self, pool: CsvPool, shard: Shard, rows: NDArray[np.int64]) -> None:
        self.pool, self.shard, self.rows = pool, shard, rows
        self.path = pool.files[shard.file].path
        self.starts = np.empty(0, np.int64)

    def of_row(self, number: int) -> str:
        """The place of the copied row `number`."""
        return self.pool.where(self.shard, int(self.rows[number]))

    def of_byte(self, at: int) -> str:
        """The place of the copied row in which byte `at` lies."""
        return self.of_row(int(np.searchsorted(self.starts, at, side="right")) - 1)


def _batch(arrays: list[pa.Array], names: list[str], rows: int) -> pa.RecordBatch:
    if names:
        return pa.RecordBatch.from_arrays(arrays, names=names)
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))


def _copied(part: Part, chosen: NDArray[np.int64]) -> bytes:
    """The bytes of the chosen records; neighbours are copied as one."""
    starts, ends = part.starts[chosen], part.ends[chosen]
    apart = np.flatnonzero(starts[1:] != ends[:-1])
    firsts = np.concatenate([starts[:1], starts[apart + 1]]).tolist()
    lasts = np.concatenate([ends[apart], ends[-1:]]).tolist()
    return b"".join([part.data[start:end] for start, end in zip(firsts, lasts, strict=True)])


def _skip(stream: Any, path: str, start: int) -> None:
    """Go to byte `start`; what is compressed is read up to there."""
    if storage.suffix(path) in COMPRESSIONS:
        for _ in pieces_of(stream, start):
            pass
    else:
        stream.seek(start)


def open_csv(found: list[Found]) -> CsvPool:
    """Plan the shards of CSV files and guess the types of their columns; refuses what is not a table with a header.

    Reads the first 1 MB of each file (of more than 16 files, 64 KB), and large plain files once whole to cut them.
    """
    pool = CsvPool([file_of(one) for one in found], [], {})
    size = SAMPLE_BYTES if len(found) <= 16 else SAMPLE_BYTES // 16
    for index, one in enumerate(found):
        head = read_head(one.path, size)
        kinds, odd = guess_types(one.path, head)
        if index == 0:
            pool.header, pool.delimiter, pool.schema = head.header, head.delimiter, kinds
            if head.delimiter != "," and ending(one.path) == ".csv":
                pool.notes.append(f"fields of {one.path} are divided by {CALLED[head.delimiter]}, as in its header")
        _refuse_another_head(pool, one.path, head)
        for name, kind in pool.schema.items():
            pool.schema[name] = wider(kind, kinds[name])
            if pool.schema[name] == "text" and {kind, kinds[name]} - {"null", "text"}:
                odd.setdefault(name, f"{kinds[name]} in {one.path} and {kind} before it")
        pool.mixed = odd | pool.mixed
        pool.shards += _shards(pool, index, head)
    return pool


def _refuse_another_head(pool: CsvPool, path: str, head: Head) -> None:
    """Refuse a file whose columns or delimiter are not the first one's."""
    first = pool.files[0].path
    names = list(pool.schema)
    if head.delimiter != pool.delimiter:
        here, there = CALLED[head.delimiter], CALLED[pool.delimiter]
        raise refusals.CSV_DELIMITERS_DIFFER(path, other=first, here=here, there=there)
    if head.names != names:
        said = difference(dict.fromkeys(names, "there"), dict.fromkeys(head.names, "there"))
        raise refusals.POOL_COLUMNS_DIFFER(path, other=first, said=said)


def _shards(pool: CsvPool, index: int, head: Head) -> list[Shard]:
    """One shard of unknown rows, or of a large plain file here ranges of about 32 MB with theirs."""
    path, size = pool.files[index].path, pool.files[index].bytes
    if storage.suffix(path) in COMPRESSIONS:
        return [Shard(index, head.start, WHOLE, 4 * size, first_row=0)] if head.more else []
    whole = Shard(index, head.start, size, size - head.start, first_row=0)
    if whole.bytes > 1.5 * SHARD_BYTES and not storage.is_url(path):
        return _cut(pool, whole)
    return [whole] if head.more else []


def _cut(pool: CsvPool, whole: Shard) -> list[Shard]:
    """Ranges of about 32 MB that end where records do; every byte is looked at."""
    shards: list[Shard] = []
    start, first, row = whole.start, 0, 0
    for part in pool.parts(whole):
        ends = part.at + part.ends
        while whole.stop - start > 1.5 * SHARD_BYTES and ends[-1] >= start + SHARD_BYTES:
            last = int(np.searchsorted(ends, start + SHARD_BYTES))
            stop, after = int(ends[last]), row + last + 1
            shards.append(Shard(whole.file, start, stop, stop - start, after - first, first))
            start, first = stop, after
        row += len(ends)
    if row > first:
        shards.append(Shard(whole.file, start, whole.stop, whole.stop - start, row - first, first))
    return shards


FORMAT = Format("csv", (".csv", ".tsv", ".tab"), True, open_csv, CsvPool)

"""JSON Lines pools: a shard is a range of bytes of a plain file, or a whole compressed one."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import cached_property, reduce
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool import storage
from tamis.pool.base import (
    BLOCK_BYTES,
    SHARD_BYTES,
    WORDS,
    Columns,
    Format,
    Shard,
    conform,
    file_of,
    first_line,
    unreadable,
)
from tamis.pool.json_array import check_end, compact, element_place, is_array, open_lines, without_column
from tamis.pool.json_lines import MARK, JsonLineError, Kind, line_spans, scan, to_arrow
from tamis.pool.json_types import as_written, readable, unexpected_field
from tamis.pool.storage import COMPRESSIONS, Found
from tamis.pool.text_file import TextPool, pieces_of

SAMPLE_BYTES, SAMPLE_LINES = 1 << 18, 200
COPY_BYTES = 1 << 20  # stays in the processor's cache
COMPILED_FROM_BYTES = 1 << 29
PYTHON_TYPES = {str: "text", bool: "boolean", int: "integer", float: "number", list: "list", type(None): "null"}


class JsonlPool(TextPool):
    """Files of one JSON object a line, plain or compressed."""

    format = "jsonl"

    def read_columns(self, shard: Shard, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The rows of `shard` in order, in batches of about 2 MB, with `columns` as the given types."""
        lines = 0
        for block in self.blocks(shard):
            try:
                scanned = scan(block, list(columns))
            except JsonLineError as error:
                said = without_column(self.files[shard.file].path, error.message)
                raise refusals.JSON_INVALID(self._line(shard, lines + error.line), said=said) from None
            arrays = []
            for name, target in columns.items():
                if target is None:
                    arrays.append(scanned.columns[name].values)
                    continue
                values = to_arrow(scanned.columns[name], target)
                if isinstance(values, int):
                    kind = Kind(int(scanned.columns[name].kinds[values])).name.lower()
                    place = self._line(shard, lines + int(scanned.lines[values]))
                    expected = WORDS.get(target, str(target))
                    if kind == "integer" and target == pa.float64():
                        expected = "a number that a float64 holds exactly (an integer up to 2^53)"
                    raise refusals.JSON_WRONG_KIND(place, name=name, kind=kind, expected=expected)
                arrays.append(values)
            rows = len(scanned.starts)
            if rows:
                yield _batch(arrays, list(columns), rows)
            lines += _line_count(block)

    def first_values(self, column: str) -> list[Any]:
        """Values in the first lines of the first file that has `column`, nulls left out; nothing is compiled for it."""
        for file in self.files:
            found = [_row(file.path, *line).get(column) for line in _sample(file.path)]
            if values := [value for value in found if value is not None]:
                return values
        return []

    def blocks(self, shard: Shard, size: int = BLOCK_BYTES) -> Iterator[memoryview]:
        """The bytes of `shard` in blocks of whole lines, of `size` or longer where a line is.

        All blocks lie in the same memory: fresh memory for each would cost more than to read it.
        """
        file = self.files[shard.file]
        try:
            with open_lines(file.path, shard.stop) as stream:
                if shard.start:
                    stream.seek(shard.start)
                yield from _whole_lines(stream, shard.stop - shard.start, size)
        except (OSError, pa.ArrowInvalid) as error:
            raise unreadable(file.path, error) from error

    def kept(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[bytes]:
        """The given lines of `shard`, byte for byte; nothing is parsed."""
        yield from (piece for _, piece in self.kept_counted(shard, rows) if piece)

    def kept_counted(self, shard: Shard, rows: NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        """For each block its number of rows and, of `rows`, its lines."""
        choose = _compiled_copy() if "numba" in sys.modules or self.bytes >= COMPILED_FROM_BYTES else _chosen_lines
        of_array = is_array(self.files[shard.file].path)
        seen = 0
        for block in self.blocks(shard, COPY_BYTES):
            count, lines = choose(block, seen, rows[np.searchsorted(rows, seen) :])
            seen += count
            yield count, compact(lines) if of_array else lines

    def kept_batches(self, shard: Shard, rows: NDArray[np.int64], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The given rows parsed by Arrow into the types of `schema`; refuses a field that it does not have."""
        from pyarrow import json as arrow_json

        path = self.files[shard.file].path
        options = arrow_json.ParseOptions(explicit_schema=readable(schema), unexpected_field_behavior="error")
        done = 0
        for piece in self.kept(shard, rows):
            try:
                reading = arrow_json.ReadOptions(use_threads=False, block_size=max(len(piece), 1))
                table = arrow_json.read_json(pa.BufferReader(piece), reading, options)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                if (found := unexpected_field(piece, schema)) is not None:
                    line, name = found
                    said = f"the first lines or files have no field {name!r}"
                    raise refusals.ROWS_DO_NOT_FIT(self.where(shard, int(rows[done + line])), said=said) from None
                raise refusals.ROWS_DO_NOT_FIT(path, said=first_line(error)) from None
            done += table.num_rows
            yield from (conform(batch, schema, path) for batch in table.to_batches())

    @cached_property
    def columns(self) -> pa.Schema:
        """The columns of the first lines of all files, with the types that Arrow finds in them."""
        from pyarrow import json as arrow_json

        lines = b"".join(line + b"\n" for file in self.files for _, line in _sample(file.path))
        reading = arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1)
        try:
            return as_written(arrow_json.read_json(pa.BufferReader(lines), reading).schema)
        except pa.ArrowInvalid as error:
            raise refusals.ROWS_DO_NOT_FIT(self.files[0].path, said=first_line(error)) from None

    @property
    def suffix(self) -> str:
        """How the name of a subset of this pool ends."""
        last = storage.suffix(self.files[0].path)
        return f".jsonl{last}" if last in COMPRESSIONS else ".jsonl"

    def line(self, shard: Shard, row: int) -> str:
        """Where row number `row` of `shard` stands, for a message: the number of its line, counted from 1."""
        path = self.files[shard.file].path
        if is_array(path):
            return element_place(path, row + 1).removeprefix(f"{path}, ")
        seen = lines = 0
        for block in self.blocks(shard):
            found = scan(block, []).lines
            if row < seen + len(found):
                return f"line {self._lines_before(shard) + lines + int(found[row - seen]) + 1}"
            seen += len(found)
            lines += _line_count(block)
        return f"row {row}"

    def _line(self, shard: Shard, line: int) -> str:
        path = self.files[shard.file].path
        if is_array(path):
            return element_place(path, line + 1)
        return f"{path}, line {self._lines_before(shard) + line + 1}"

    def _lines_before(self, shard: Shard) -> int:
        if not shard.start:
            return 0
        with storage.open_binary(self.files[shard.file].path) as stream:
            return sum(part.count(b"\n") for part in pieces_of(stream, shard.start))


def _batch(arrays: list[pa.Array], names: list[str], rows: int) -> pa.RecordBatch:
    if names:
        return pa.RecordBatch.from_arrays(arrays, names=names)
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))


def _whole_lines(stream: Any, limit: int, size: int) -> Iterator[memoryview]:
    buffer = bytearray(size)
    held = 0
    while limit > 0:
        if held == len(buffer):
            buffer = buffer + bytes(held)
        view = memoryview(buffer)
        got = stream.readinto(view[held : held + limit])
        limit = limit - got if got else 0
        cut = buffer.rfind(b"\n", held, held + got) + 1
        held += got
        if cut:
            yield view[:cut]
            view[: held - cut] = view[cut:held]
            held -= cut
    if held:
        yield view[:held]


def _chosen_lines(block: memoryview, seen: int, rows: NDArray[np.int64]) -> tuple[int, bytes]:
    """How many lines are not blank, and those of them that are in `rows`, counted from `seen`, each with a newline."""
    starts, ends = line_spans(block)
    chosen = rows[: np.searchsorted(rows, seen + len(starts))] - seen
    spans = zip(starts[chosen].tolist(), ends[chosen].tolist(), strict=True)
    return len(starts), b"\n".join([*(block[start:end] for start, end in spans), b""])


def _compiled_copy() -> Callable[[memoryview, int, NDArray[np.int64]], tuple[int, bytes]]:
    """The same at twice the speed, once Numba is there."""
    from tamis.pool._line_kernels import copy_lines

    out = np.empty(0, np.uint8)

    def chosen_lines(block: memoryview, seen: int, rows: NDArray[np.int64]) -> tuple[int, bytes]:
        nonlocal out
        if out.size <= len(block):
            out = np.empty(len(block) + 1, np.uint8)
        first = len(MARK) if block[: len(MARK)] == MARK else 0
        count, filled = copy_lines(np.frombuffer(block, np.uint8), first, seen, rows, out)
        return count, out[:filled].tobytes()

    return chosen_lines


def _line_count(block: memoryview) -> int:
    data = np.frombuffer(block, np.uint8)
    return sum(int(np.count_nonzero(data[at : at + COPY_BYTES] == 10)) for at in range(0, data.size, COPY_BYTES))


def open_jsonl(found: list[Found]) -> JsonlPool:
    """Plan the shards of JSON Lines files and guess the types of their columns from the first lines of each."""
    files, shards = [], []
    seen: dict[str, dict[str, str]] = {}
    sampled = storage.each(sample_kinds, [one.path for one in found])
    for index, (one, kinds_of) in enumerate(zip(found, sampled, strict=True)):
        file = file_of(one)
        files.append(file)
        if is_array(one.path):
            if storage.suffix(one.path) not in COMPRESSIONS:
                check_end(one.path, file.bytes)
            shards += [Shard(index, 0, 1 << 62, file.bytes, first_row=0)] if _sample(one.path) else []
        elif storage.suffix(one.path) in COMPRESSIONS:
            shards += [Shard(index, 0, 1 << 62, 4 * file.bytes, first_row=0)] if file.bytes else []
        else:
            shards += _shards(index, one.path, file.bytes)
        for column, kinds in kinds_of.items():
            seen[column] = kinds | seen.get(column, {})
    schema = {column: reduce(wider, kinds) for column, kinds in seen.items()}
    mixed = {column: _clash(seen[column]) for column, kind in schema.items() if kind == "mixed"}
    return JsonlPool(files, shards, schema, mixed=mixed)


def sample_kinds(path: str) -> dict[str, dict[str, str]]:
    """Of each column in the first lines its types and where each was first seen: every line is checked when read."""
    found: dict[str, dict[str, str]] = {}
    unit = "element" if is_array(path) else "line"
    for number, line in _sample(path):
        for name, value in _row(path, number, line).items():
            kind = PYTHON_TYPES.get(type(value), "other")
            found.setdefault(name, {}).setdefault(kind, f"{path}, {unit} {number}")
    return found


def _sample(path: str) -> list[tuple[int, bytes]]:
    """The first lines that are not blank and their numbers: 256 KB of them, or one that is longer."""
    block, more = b"", b""
    try:
        with open_lines(path) as stream:
            while not block[: block.rfind(b"\n") + 1].strip():
                block += more + stream.read(max(SAMPLE_BYTES, len(block)))
                if not (more := stream.read(1)):
                    break
    except (OSError, pa.ArrowInvalid) as error:
        raise refusals.FILE_NOT_WHOLE(path, format="readable", said=first_line(error)) from None
    lines = block.split(b"\n")
    whole = lines[:-1] if more else lines
    return [(number, line) for number, line in enumerate(whole, 1) if line.strip()][:SAMPLE_LINES]


def _clash(kinds: dict[str, str]) -> str:
    """Two of the types of a mixed column, and where each was seen."""
    known = [kind for kind in kinds if kind != "null"]
    other = next(kind for kind in known if wider(known[0], kind) == "mixed")
    return f"{known[0]} in {kinds[known[0]]} and {other} in {kinds[other]}"


def wider(one: str, other: str) -> str:
    """The type that holds values of both."""
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    return "number" if {one, other} == {"integer", "number"} else "mixed"


def _row(path: str, number: int, line: bytes) -> dict[str, object]:
    place = element_place(path, number) if is_array(path) else f"{path}, line {number}"
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise refusals.NOT_UTF8(place, byte=error.start + 1) from None
    except json.JSONDecodeError as error:
        said = without_column(path, f"invalid JSON: {error.msg} at column {error.colno}")
        raise refusals.JSON_INVALID(place, said=said) from None
    except RecursionError:
        raise refusals.JSON_INVALID(place, said="invalid JSON: nested too deeply") from None
    if not isinstance(row, dict):
        raise refusals.JSON_NOT_OBJECT(place)
    return row


def _shards(index: int, path: str, size: int) -> list[Shard]:
    """Ranges of about 32 MB that end after a newline; a server that gives no ranges has only whole files."""
    if size <= 1.5 * SHARD_BYTES or not storage.has_ranges(path):
        return [Shard(index, 0, size, size)] if size else []
    cuts = [0]
    with storage.open_binary(path) as stream:
        while size - cuts[-1] > 1.5 * SHARD_BYTES:
            stream.seek(cuts[-1] + SHARD_BYTES)
            at = stream.tell()
            while piece := stream.readline(BLOCK_BYTES):
                at += len(piece)
                if piece.endswith(b"\n"):
                    break
            cuts.append(at)
            if at >= size:
                break
    ends = [*cuts[1:], size] if cuts[-1] < size else cuts[1:]
    return [Shard(index, start, end, end - start) for start, end in zip(cuts, ends, strict=False) if end > start]


FORMAT = Format("jsonl", (".jsonl", ".ndjson", ".json"), True, open_jsonl, JsonlPool)

"""JSON Lines without Python objects: where the lines of a block lie, and named top-level fields as Arrow arrays.

A block is any contiguous bytes that hold whole lines; the last may lack its newline. A carriage return before the
newline is a blank, lines of blanks are skipped, and a byte order mark at the front of the block is passed over.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import accumulate
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MARK = b"\xef\xbb\xbf"
BLANK = b" \t\r"
STEP = 1 << 18
EXACT_DIGITS = 16  # integers of fewer are all below 2^53

Block: TypeAlias = bytes | bytearray | memoryview | NDArray[np.uint8] | pa.Buffer


class Kind(IntEnum):
    """What a line says of a field: nothing at all, or a value of one of these kinds."""

    MISSING = 0
    NULL = 1
    STRING = 2
    INTEGER = 3
    NUMBER = 4
    BOOLEAN = 5
    OBJECT = 6
    ARRAY = 7


KINDS_OF = {
    pa.int64(): [Kind.INTEGER],
    pa.float64(): [Kind.INTEGER, Kind.NUMBER],
    pa.bool_(): [Kind.BOOLEAN],
    pa.large_string(): [Kind.STRING],
}


class JsonLineError(ValueError):
    """A line that cannot be used: `line` counts all lines of the block from 0, blank ones too; `message` says why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class Field(NamedTuple):
    """One named field in every row.

    Args:
        kinds: uint8 `[n]`, members of `Kind`.
        values: `[n]` texts, null where missing or null: the content of strings, and the JSON text of anything else.
    """

    kinds: NDArray[np.uint8]
    values: pa.LargeStringArray


class Scanned(NamedTuple):
    """The rows of a block, which are its lines that are not blank.

    Args:
        starts: int64 `[n]`, offset in the block of the first byte of the line.
        ends: int64 `[n]`, one past its last byte, the newline excluded and a carriage return before it included.
        lines: int64 `[n]`, number of the line in the block, from 0 and with blank lines counted.
        columns: the wanted fields by name.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    lines: NDArray[np.int64]
    columns: dict[str, Field]


def scan(block: Block, columns: Sequence[str], *, starts_only: bool = False) -> Scanned:
    """Check every line of `block` against the JSON grammar and take the fields named in `columns` out of it.

    Each line must be one object. `NaN`, `Infinity` and `-Infinity` pass as numbers; of equal keys the last counts; keys
    are compared unescaped; a lone surrogate becomes U+FFFD. O(bytes) time, and memory of the block once more at most
    for values plus 24 bytes per row and 17 per row and column.

    Args:
        block: bytes, memoryview, uint8 array or Arrow buffer of whole lines.
        columns: names of the fields to take.
        starts_only: check, and tell where the rows are, but take no field.

    Raises:
        JsonLineError: for the first line that is not one complete object in UTF-8.

    Examples:
        >>> rows = scan(b'{"id": 7, "text": "a\\\\tb"}\\n\\n{"text": null}\\n', ["text", "id"])
        >>> rows.starts.tolist(), rows.ends.tolist(), rows.lines.tolist()
        ([0, 27], [25, 41], [0, 2])
        >>> rows.columns["text"].values.to_pylist(), rows.columns["id"].kinds.tolist()
        (['a\\tb', None], [3, 0])
    """
    data = _bytes(block)
    names = [] if starts_only else list(dict.fromkeys(columns))
    bad = _not_utf8(data)
    if bad is None:
        return _scan(data, names)
    line = data[:bad].tobytes()
    start = max(line.rfind(b"\n") + 1, _front(data))
    _scan(data[:start], [])
    raise JsonLineError(line.count(b"\n"), f"not UTF-8 at byte {bad - start + 1} of the line")


def line_spans(block: Block) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Offsets of the first byte and one past the last of each line that is not blank; nothing is parsed or compiled.

    The same as `Scanned.starts` and `Scanned.ends`. O(bytes) time, near the speed of memory.

    Examples:
        >>> starts, ends = line_spans(b"{}\\n \\n[]")
        >>> starts.tolist(), ends.tolist()
        ([0, 5], [2, 7])
    """
    data = _bytes(block)
    ends = np.concatenate([np.flatnonzero(part) + at for at, part in _newlines(data)] or [np.empty(0, np.int64)])
    first = _front(data)
    if data.size > first and data[-1] != 10:
        ends = np.append(ends, data.size)
    starts = np.empty_like(ends)
    starts[1:] = ends[:-1] + 1
    starts[:1] = first
    filled = ends > starts
    for row in np.flatnonzero(filled & (data[np.minimum(starts, data.size - 1)] <= 32)):
        filled[row] = bool(data[starts[row] : ends[row]].tobytes().strip(BLANK))
    return (starts, ends) if filled.all() else (starts[filled], ends[filled])


def to_arrow(field: Field, target: pa.DataType) -> pa.Array | int:
    """The values of `field` as `target`, or the first row whose kind or size does not fit it.

    `target` is int64 (of integers), float64 (of integers and numbers), bool or large_string (of strings). Missing and
    null are null. Floats are rounded as Python rounds them; integers beyond 2^53 do not fit float64.

    Examples:
        >>> field = scan(b'{"x": 1}\\n{"x": 2.5}\\n{}', ["x"]).columns["x"]
        >>> to_arrow(field, pa.float64()).to_pylist(), to_arrow(field, pa.int64())
        ([1.0, 2.5, None], 1)
    """
    fits = np.zeros(len(Kind), bool)
    fits[[Kind.MISSING, Kind.NULL, *KINDS_OF[target]]] = True
    wrong = ~fits[field.kinds]
    if wrong.any():
        return int(wrong.argmax())
    if target == pa.float64() and (row := _first_rounded(field)) is not None:
        return row
    try:
        return pc.cast(field.values, target)
    except pa.ArrowInvalid:
        return next(row for row, text in enumerate(field.values.to_pylist()) if text and _too_large(text))


def _first_rounded(field: Field) -> int | None:
    """The first row whose integer lies beyond 2^53, where float64 no longer holds every one."""
    sizes = pc.fill_null(pc.binary_length(field.values), 0)
    long = np.flatnonzero((field.kinds == Kind.INTEGER) & (sizes.to_numpy() >= EXACT_DIGITS))
    rows = zip(long.tolist(), field.values.take(pa.array(long)).to_pylist(), strict=True)
    return next((row for row, text in rows if is_rounded(text)), None)


def is_rounded(integer: str) -> bool:
    """Whether an integer lies beyond 2^53, where float64 no longer holds every one."""
    return len(integer) > 20 or abs(int(integer)) > 2**53


def _too_large(integer: str) -> bool:
    """Whether an integer does not fit into 64 bits."""
    return len(integer) > 20 or not -(2**63) <= int(integer) < 2**63


def _bytes(block: Block) -> NDArray[np.uint8]:
    """The block as an array, without a copy."""
    return np.frombuffer(block, np.uint8)


def _front(data: NDArray[np.uint8]) -> int:
    """Where the first line starts: behind the byte order mark if there is one."""
    return len(MARK) if data[: len(MARK)].tobytes() == MARK else 0


def _newlines(data: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Offset and mask of newlines, for pieces that stay in the processor's cache."""
    return ((at, data[at : at + STEP] == 10) for at in range(0, data.size, STEP))


def _not_utf8(data: NDArray[np.uint8]) -> int | None:
    """The place of the first byte that is not UTF-8."""
    from tamis.pool._bytes_kernels import WIDTH, is_utf8

    edge = np.zeros(WIDTH, np.uint8)
    pieces = [np.concatenate([edge, data, edge])]
    if data.size >= 2 * WIDTH:
        pieces = [np.concatenate([edge, data[:WIDTH]]), data, np.concatenate([data[-WIDTH:], edge])]
    if not all(is_utf8(piece) for piece in pieces):
        try:
            data.tobytes().decode()
        except UnicodeDecodeError as error:
            return error.start
    return None


def _scan(data: NDArray[np.uint8], names: list[str]) -> Scanned:
    """Scan UTF-8."""
    from tamis.pool import _json_kernels as kernels

    encoded = [name.encode(errors="surrogatepass") for name in names]
    bounds = np.array([0, *accumulate(map(len, encoded))], np.int64)
    room = 1 + sum(int(np.count_nonzero(part)) for _, part in _newlines(data))
    spans = np.empty((3, room), np.int64)
    kinds = np.zeros((len(names), room), np.uint8)
    places = np.empty((len(names), room), np.int64)
    offsets = np.zeros((len(names), room + 1), np.int64)
    wanted = np.frombuffer(b"".join(encoded), np.uint8)
    stack, scratch = np.empty(kernels.DEPTH, np.uint8), np.empty_like(wanted)
    rows, line, at, fault = kernels.scan_lines(
        data, _front(data), wanted, bounds, stack, scratch, spans, kinds, places, offsets
    )
    if fault:
        column = len(data[spans[0, rows] : at].tobytes().decode()) + 1
        what = kernels.FAULTS[fault]
        raise JsonLineError(line, what if fault == kernels.NOT_OBJECT else f"invalid JSON: {what} at column {column}")
    found = {}
    for name, kind, place, offset in zip(names, kinds[:, :rows], places, offsets[:, : rows + 1], strict=True):
        np.cumsum(offset, out=offset)
        texts = np.empty(offset[-1], np.uint8)
        kernels.fill(data, kind, place, offset, texts)
        found[name] = Field(kind, _texts(kind, offset, texts))
    return Scanned(spans[0, :rows], spans[1, :rows], spans[2, :rows], found)


def _texts(kinds: NDArray[np.uint8], offsets: NDArray[np.int64], texts: NDArray[np.uint8]) -> pa.LargeStringArray:
    """An Arrow array around its buffers."""
    absent = kinds <= Kind.NULL
    valid = pa.py_buffer(np.packbits(~absent, bitorder="little")) if absent.any() else None
    return pa.Array.from_buffers(pa.large_string(), kinds.size, [valid, pa.py_buffer(offsets), pa.py_buffer(texts)])

"""Where the messages of an Arrow IPC file or stream lie and how many rows each has, without reading their bodies.

Both containers hold the same messages: schema, dictionaries, record batches. A file also has a footer that says where
they are; a stream is followed from one to the next.
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

SCHEMA, DICTIONARY, BATCH = 1, 2, 3
CODECS = ("lz4", "zstd")
FILE_MAGIC, FEATHER_MAGIC = b"ARROW1", b"FEA1"
FILE_START, ENDING = 8, 10
CONTINUATION = 0xFFFFFFFF
BLOCK_BYTES = 24
MOST_ROWS = (1 << 31) - 1


class Message(NamedTuple):
    """One message.

    Args:
        kind: `SCHEMA`, `DICTIONARY` or `BATCH`.
        start: its first byte in the file.
        stop: one past the last byte of its body.
        body: bytes of its body.
        rows: rows of a record batch.
        codec: `lz4`, `zstd`, or None where buffers are not compressed.
    """

    kind: int
    start: int
    stop: int
    body: int
    rows: int
    codec: str | None


class Layout(NamedTuple):
    """The messages of one file; of a file container its record batches alone, since Arrow finds the rest itself."""

    is_file: bool
    messages: list[Message]

    @property
    def batches(self) -> list[Message]:
        """The record batches in order."""
        return [message for message in self.messages if message.kind == BATCH]

    @property
    def codec(self) -> str | None:
        """How the first record batch is compressed."""
        return next((message.codec for message in self.messages if message.kind == BATCH), None)

    def spans(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The bytes of a stream that are a stream of record batches `start` … `stop`, with all that precedes them."""
        found, seen = [], 0
        for message in self.messages:
            if message.kind != BATCH or start <= seen < stop:
                found.append((message.start, message.stop))
            seen += message.kind == BATCH
            if seen == stop:
                break
        return found


def layout_of(file: Any, size: int) -> Layout:
    """The layout of an open file of `size` bytes; raises `pa.ArrowInvalid` for what is cut or no Arrow IPC.

    `O(messages)`: of each only the metadata is read, a few hundred bytes.
    """
    try:
        if _bytes(file, 0, min(size, FILE_START)).startswith(FILE_MAGIC):
            return Layout(True, list(_of_file(file, size)))
        messages = list(_of_stream(file, size))
    except (struct.error, IndexError, OverflowError) as error:
        raise pa.ArrowInvalid(f"its metadata cannot be read, {error}") from None
    if not messages or messages[0].kind != SCHEMA:
        raise pa.ArrowInvalid("it does not start with a schema")
    return Layout(False, messages)


def _of_stream(file: Any, size: int) -> Iterator[Message]:
    """Messages one after the other, up to the end mark or the end of the file."""
    at = 0
    while at < size:
        found = _message(file, at, size)
        if found is None:
            return
        yield found
        at = found.stop


def _of_file(file: Any, size: int) -> Iterator[Message]:
    """The record batches that the footer lists."""
    ending = _bytes(file, max(size - ENDING, FILE_START), min(ENDING, size))
    if not ending.endswith(FILE_MAGIC):
        raise pa.ArrowInvalid("its end is missing")
    length = struct.unpack_from("<i", ending)[0]
    if not 0 < length <= size - FILE_START - ENDING:
        raise pa.ArrowInvalid("its footer cannot be found")
    data = _bytes(file, size - ENDING - length, length)
    for place in _blocks(data, _table(data, 0), 3):
        found = _message(file, place, size) if 0 < place < size else None
        if found is None or found.kind != BATCH:
            raise pa.ArrowInvalid("its footer does not say where its record batches are")
        yield found


def _message(file: Any, at: int, size: int) -> Message | None:
    """The message at byte `at`, None for the mark that ends a stream."""
    head = _bytes(file, at, min(8, size - at))
    length, start = struct.unpack_from("<I", head)[0], at + 4
    if length == CONTINUATION:
        length, start = struct.unpack_from("<I", head, 4)[0], at + 8
    if length == 0:
        return None
    if start + length > size:
        raise pa.ArrowInvalid(f"it is cut within the message at byte {at}")
    data = _bytes(file, start, length)
    message = _table(data, 0)
    kind, body = _value(data, message, 1, "<B"), _value(data, message, 3, "<q")
    stop = start + length + body
    if body < 0 or stop > size:
        raise pa.ArrowInvalid(f"it is cut within the message at byte {at}")
    if kind != BATCH:
        return Message(kind, at, stop, body, 0, None)
    batch = _table(data, _place(data, message, 2))
    rows, compression = _value(data, batch, 0, "<q"), _place(data, batch, 3)
    if not 0 <= rows <= MOST_ROWS:
        raise pa.ArrowInvalid(f"it has {rows} rows in the record batch at byte {at}")
    codec = CODECS[_value(data, _table(data, compression), 0, "<B")] if compression else None
    return Message(kind, at, stop, body, rows, codec)


def _bytes(file: Any, at: int, count: int) -> bytes:
    file.seek(at)
    return bytes(file.read(count))


def _table(data: bytes, at: int) -> int:
    """Where the flatbuffer table lies to which the offset at `at` points."""
    return at + int(struct.unpack_from("<I", data, at)[0])


def _place(data: bytes, table: int, number: int) -> int:
    """Where field `number` of a flatbuffer table lies, 0 where it is absent."""
    fields = table - struct.unpack_from("<i", data, table)[0]
    at = 4 + 2 * number
    if fields < 0 or at >= struct.unpack_from("<H", data, fields)[0]:
        return 0
    offset = struct.unpack_from("<H", data, fields + at)[0]
    return table + offset if offset else 0


def _value(data: bytes, table: int, number: int, form: str) -> int:
    """A number in a flatbuffer table, 0 where it is absent."""
    place = _place(data, table, number)
    return int(struct.unpack_from(form, data, place)[0]) if place else 0


def _blocks(data: bytes, footer: int, number: int) -> list[int]:
    """The offsets in one of the footer's lists of blocks."""
    place = _place(data, footer, number)
    if not place:
        return []
    start = _table(data, place)
    count = struct.unpack_from("<I", data, start)[0]
    if count * BLOCK_BYTES > len(data):
        raise pa.ArrowInvalid("its footer cannot be read")
    return [struct.unpack_from("<q", data, start + 4 + BLOCK_BYTES * number)[0] for number in range(count)]

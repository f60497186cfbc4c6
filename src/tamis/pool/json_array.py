"""Arrays of JSON objects read as JSON Lines: the same bytes, with newlines where elements end and nowhere else.

The brackets of the array become blanks, the commas between its elements newlines, and newlines between tokens blanks.
So the place of a byte is its place in the file, and every element is checked as a line is.
"""

import io
from itertools import islice
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.errors import Refused
from tamis.pool import storage
from tamis.pool.json_lines import MARK
from tamis.pool.storage import COMPRESSIONS

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

TAB, NEWLINE, RETURN, SPACE, QUOTE, COMMA, OPEN, CLOSE, BACKSLASH = b'\t\n\r ",[]\\'
BRACE_OPEN, BRACE_CLOSE = b"{}"
TO_BRACE = 32  # the bit by which a square bracket differs from a curly one
BLANKS = b" \t\r\n"
PEEK, STEP = 1 << 12, 1 << 18


def is_array(path: str) -> bool:
    """Whether a `.json` file starts with a bracket rather than with an object."""
    ending = storage.suffix(path)
    if storage.suffix(path[: -len(ending)] if ending in COMPRESSIONS else path) != ".json":
        return False
    with storage.open_plain(path) as stream:
        start = bytes(stream.read(PEEK)).removeprefix(MARK)
        while start and not start.strip(BLANKS):
            start = bytes(stream.read(PEEK))
    return start.lstrip(BLANKS)[:1] == b"["


def open_lines(path: str) -> IO[bytes]:
    """The bytes of a file of JSON Lines, decompressed as its suffix says; of an array as if it were such a file."""
    plain = storage.open_plain(path)
    return io.BufferedReader(ArrayLines(plain, path), STEP) if is_array(path) else plain


def element_place(path: str, element: int) -> str:
    """File, element and line of an element, counted from 1, for a message; the file is read up to there."""
    try:
        with open_lines(path) as lines:
            at = sum(map(len, islice(lines, element - 1)))
    except Refused:
        return f"{path}, element {element}"
    return _place(path, element, at)


def _place(path: str, element: int, at: int) -> str:
    """The same, given the byte behind which the element starts."""
    line = 1
    with storage.open_plain(path) as stream:
        while at > 0 and (piece := bytes(stream.read(min(at, STEP)))):
            line, at = line + piece.count(b"\n"), at - len(piece)
        while piece := bytes(stream.read(PEEK)):
            rest = piece.lstrip(BLANKS + b"[")
            line += piece[: len(piece) - len(rest)].count(b"\n")
            if rest:
                break
    return f"{path}, element {element}, line {line}"


def compact(lines: bytes) -> bytes:
    """JSON Lines without the blanks between tokens."""
    data = np.frombuffer(lines, np.uint8)
    return data[_inside_strings(data, 0, 0) | ~_blank(data) | (data == NEWLINE)].tobytes()


class ArrayLines(io.RawIOBase):
    """A stream of JSON Lines made of a stream that holds one array; refuses where it is none.

    Elements are told apart by strings, brackets and commas alone: what else is wrong stays in the line it is in.
    """

    def __init__(self, stream: IO[bytes], path: str) -> None:
        self.stream, self.path = stream, path
        self.at = self.depth = self.elements = 0
        self.odd_quotes = self.odd_slashes = 0
        self.started = self.done = self.filled = False

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, target: Any) -> int:
        """Fill `target`, at most 256 KB of it at a time."""
        view = memoryview(target).cast("B")[:STEP]
        got: int = self.stream.readinto(view)  # type: ignore[attr-defined]
        if not got and not self.done:
            raise self._refused("the array is not closed with ']'", self.at)
        if got:
            self._turn(np.frombuffer(view[:got], np.uint8))
            self.at += got
        return got

    def close(self) -> None:
        """Close the stream as well."""
        self.stream.close()
        super().close()

    def _refused(self, said: str, at: int) -> Exception:
        return refusals.JSON_ARRAY_INVALID(_place(self.path, self.elements + 1, at), said=said)

    def _turn(self, data: Bytes) -> None:
        """Turn a block of the file into lines, in place."""
        inside = _inside_strings(data, self.odd_quotes, self.odd_slashes)
        self.odd_slashes = _odd_run_at_end(data, self.odd_slashes)
        self.odd_quotes = int(inside[-1])
        brackets = data | TO_BRACE
        closes = (brackets == BRACE_CLOSE) & ~inside
        steps = ((brackets == BRACE_OPEN) & ~inside).astype(np.int32) - closes
        depth = np.cumsum(steps, dtype=np.int32) + np.int32(self.depth)
        self.depth = int(depth[-1])
        solid = ~_blank(data)
        if self.at == 0 and data[: len(MARK)].tobytes() == MARK:
            solid[: len(MARK)] = False
        if not self.started and solid.any():
            self.started = True
            first = int(np.argmax(solid))
            data[first], solid[first] = SPACE, False
        ends = np.flatnonzero(~inside & (((data == COMMA) & (depth == 1)) | (closes & (depth == 0))))
        self._check(data, solid, ends, closes & (depth == 0))
        data[~inside & ((data == NEWLINE) | (data == RETURN))] = SPACE
        data[ends] = NEWLINE

    def _check(self, data: Bytes, solid: Mask, ends: NDArray[np.int64], closing: Mask) -> None:
        """Refuse an element that is not there, an array closed by a brace, and what comes after it."""
        last = int(np.argmax(closing)) if closing.any() else len(data)
        ends = ends[ends <= last]
        after = 0 if self.done else last + 1
        if (self.done or closing.any()) and solid[after:].any():
            raise self._refused("expected nothing after the array", self.at + after + int(np.argmax(solid[after:])))
        if last < len(data) and data[last] != CLOSE:
            self.elements += len(ends) - 1
            raise self._refused("expected ',' or ']'", self.at + last)
        solid[ends] = False
        held = np.concatenate([[-int(self.filled)], np.cumsum(solid, dtype=np.int32)[ends]])
        empty = np.flatnonzero(np.diff(held) == 0)
        is_empty_array = not self.elements and last < len(data) and len(ends) == 1
        if len(empty) and not is_empty_array:
            self.elements += int(empty[0])
            raise self._refused("expected an object", self.at + int(ends[empty[0]]))
        self.elements += len(ends)
        tail = solid[int(ends[-1]) :] if len(ends) else solid
        self.filled = bool(tail.any()) or (self.filled and not len(ends))
        self.done = self.done or last < len(data)


def _blank(data: Bytes) -> Mask:
    return np.asarray((data == SPACE) | (data == NEWLINE) | (data == RETURN) | (data == TAB))


def _inside_strings(data: Bytes, odd_quotes: int, odd_slashes: int) -> Mask:
    """Which bytes are in strings, the opening quote included and the closing one not.

    `odd_quotes` and `odd_slashes` say of the bytes before whether a string is open and whether the last is an escape.
    """
    quotes = data == QUOTE
    slashes = np.flatnonzero(data == BACKSLASH)
    if odd_slashes and data[:1] != BACKSLASH:
        quotes[:1] = False
    if len(slashes):
        starts = np.flatnonzero(np.diff(slashes, prepend=-2) > 1)
        lengths = np.diff(starts, append=len(slashes))
        lengths[0] += odd_slashes if slashes[0] == 0 else 0
        behind = slashes[starts] + np.diff(starts, append=len(slashes))
        behind = behind[(lengths % 2 == 1) & (behind < len(data))]
        quotes[behind] = False
    return np.asarray((np.cumsum(quotes, dtype=np.int32) + odd_quotes) % 2 == 1)


def _odd_run_at_end(data: Bytes, odd_slashes: int) -> int:
    """Whether an odd number of backslashes ends `data`."""
    others = np.flatnonzero(data != BACKSLASH)
    return (len(data) - 1 - int(others[-1])) % 2 if len(others) else (len(data) + odd_slashes) % 2

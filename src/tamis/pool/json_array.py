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

Bytes = NDArray[np.uint8]

TAB, NEWLINE, RETURN, SPACE, QUOTE, COMMA, OPEN, CLOSE, BACKSLASH = b'\t\n\r ",[]\\'
BRACE_OPEN, BRACE_CLOSE = b"{}"
TO_BRACE = 32  # the bit by which a square bracket differs from a curly one
BLANKS = b" \t\r\n"
STRUCTURE, SPACING = (bytes(byte in wanted for byte in range(256)) for wanted in (b'"\\[]{},\r\n', b'"\\ \t\r'))
PEEK, STEP = 1 << 12, 1 << 18


def is_array(path: str) -> bool:
    """Whether a `.json` file starts with a bracket rather than with an object."""
    if storage.plain_suffix(path) != ".json":
        return False
    with storage.open_plain(path) as stream:
        start = bytes(stream.read(PEEK)).removeprefix(MARK)
        while start and not start.strip(BLANKS):
            start = bytes(stream.read(PEEK))
    return start.lstrip(BLANKS)[:1] == b"["


def open_lines(path: str, until: int | None = None) -> IO[bytes]:
    """The bytes of a file of JSON Lines, decompressed as its suffix says; of an array as if it were such a file."""
    plain = storage.open_plain(path, until)
    return io.BufferedReader(ArrayLines(plain, path), STEP) if is_array(path) else plain


def element_place(path: str, element: int) -> str:
    """File, element and line of an element, counted from 1, for a message; the file is read up to there."""
    try:
        with open_lines(path) as lines:
            at = sum(map(len, islice(lines, element - 1)))
    except Refused:
        return f"{path}, element {element}"
    return _place(path, element, at)


def check_end(path: str, size: int) -> None:
    """Refuse a plain file that does not end as an array does."""
    with storage.open_binary(path) as stream:
        stream.seek(max(0, size - PEEK))
        if not stream.read().rstrip(BLANKS).endswith(b"]"):
            raise refusals.JSON_ARRAY_INVALID(path, said="the array is not closed with ']'")


def without_column(path: str, said: str) -> str:
    """What is wrong with a line, without a column that means nothing in an element of several lines."""
    return said.partition(" at column ")[0] if is_array(path) else said


def _place(path: str, element: int | None, at: int) -> str:
    """Place of what comes behind byte `at`."""
    line = 1
    with storage.open_plain(path) as stream:
        while at > 0 and (piece := bytes(stream.read(min(at, STEP)))):
            line, at = line + piece.count(b"\n"), at - len(piece)
        while piece := bytes(stream.read(PEEK)):
            rest = piece.lstrip(BLANKS + b"[")
            line += piece[: len(piece) - len(rest)].count(b"\n")
            if rest:
                break
    return f"{path}, line {line}" if element is None else f"{path}, element {element}, line {line}"


def compact(lines: bytes) -> bytes:
    """JSON Lines without the blanks between tokens."""
    data = np.frombuffer(lines, np.uint8)
    marks = Marks(data, SPACING)
    blank = (marks.found == SPACE) | (marks.found == TAB) | (marks.found == RETURN)
    return bytes(np.delete(data, marks.places[blank & marks.outside]))


class Marks:
    """Where the bytes of a block are that matter, and which of them are outside strings.

    `odd_quotes` and `odd_slashes` say of the bytes before the block whether a string is open and whether the last byte
    is an escape; then of the bytes up to its end.
    """

    def __init__(self, data: Bytes, table: bytes, odd_quotes: int = 0, odd_slashes: int = 0) -> None:
        self.places = np.flatnonzero(np.frombuffer(data.tobytes().translate(table), np.uint8))
        self.found = data[self.places]
        quotes = self.found == QUOTE
        slashes = self.places[self.found == BACKSLASH]
        starts = np.flatnonzero(np.diff(slashes, prepend=-2) > 1)
        lengths = np.diff(starts, append=len(slashes))
        behind = slashes[starts] + lengths
        if odd_slashes and data[0] != BACKSLASH:
            behind, lengths = np.append(behind, 0), np.append(lengths, 1)
        elif odd_slashes:
            lengths[0] += 1
        behind = behind[lengths % 2 == 1]
        index = np.searchsorted(self.places, behind)
        quotes[index[np.append(self.places, -1)[index] == behind]] = False
        inside = (np.cumsum(quotes, dtype=np.int32) + odd_quotes) % 2
        self.outside = inside == 0
        self.odd_quotes = int(inside[-1]) if len(inside) else odd_quotes
        self.odd_slashes = int((behind == len(data)).any())


class ArrayLines(io.RawIOBase):
    """A stream of JSON Lines made of a stream that holds one array; refuses where it is none.

    Elements are told apart by strings, brackets and commas alone: what else is wrong stays in the line it is in.
    """

    def __init__(self, stream: IO[bytes], path: str) -> None:
        self.stream, self.path = stream, path
        self.at = self.depth = self.elements = 0
        self.odd_quotes = self.odd_slashes = 0
        self.begun = self.done = False

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, target: Any) -> int:
        """Fill `target`, at most 256 KB of it at a time."""
        view = memoryview(target).cast("B")[:STEP]
        got: int = self.stream.readinto(view)  # type: ignore[attr-defined]
        if not got and not self.done:
            raise self._refused("the array is not closed with ']'", self.at, None)
        if got:
            self._turn(np.frombuffer(view[:got], np.uint8))
            self.at += got
        return got

    def close(self) -> None:
        """Close the stream as well."""
        self.stream.close()
        super().close()

    def _refused(self, said: str, at: int, element: int | None) -> Exception:
        return refusals.JSON_ARRAY_INVALID(_place(self.path, element, at), said=said)

    def _turn(self, data: Bytes) -> None:
        """Turn a block of the file into lines, in place."""
        if self.done:
            self._refuse_more(data, 0)
            return
        marks = Marks(data, STRUCTURE, self.odd_quotes, self.odd_slashes)
        self.odd_quotes, self.odd_slashes = marks.odd_quotes, marks.odd_slashes
        brackets = marks.found | TO_BRACE
        opens, closes = (marks.outside & (brackets == bracket) for bracket in (BRACE_OPEN, BRACE_CLOSE))
        depth = self.depth + np.cumsum(opens.astype(np.int8) - closes.astype(np.int8), dtype=np.int32)
        last = np.flatnonzero(closes & (depth == 0))[:1]
        ends = np.flatnonzero(marks.outside & (marks.found == COMMA) & (depth == 1))
        if len(last):
            self.done = True
            self._refuse_more(data, int(marks.places[last[0]]) + 1)
            ends = np.append(ends, last)
        self._check(marks, ends, np.cumsum(opens & (depth == 2)))
        if self.depth == 0:
            data[marks.places[opens][:1]] = SPACE
        self.depth = int(depth[-1]) if len(depth) else self.depth
        breaks = (marks.found == NEWLINE) | (marks.found == RETURN)
        data[marks.places[breaks & marks.outside]] = SPACE
        data[marks.places[ends]] = NEWLINE

    def _refuse_more(self, data: Bytes, start: int) -> None:
        """Refuse what is not blank from `start` on."""
        more = data[start:].tobytes()
        if more.strip(BLANKS):
            at = self.at + start + len(more) - len(more.lstrip(BLANKS))
            raise self._refused("expected nothing after the array", at, None)

    def _check(self, marks: Marks, ends: NDArray[np.int64], begun: NDArray[np.int64]) -> None:
        """Refuse an element that is no object, and an array closed by a brace; `begun` counts elements that begin."""
        if self.done and marks.found[ends[-1]] != CLOSE:
            at = self.at + int(marks.places[ends[-1]])
            raise self._refused("expected ',' or ']'", at, self.elements + len(ends))
        is_empty_array = self.done and not self.elements and len(ends) == 1
        before = np.concatenate([[-int(self.begun)], begun[ends]])
        absent = np.flatnonzero(np.diff(before) == 0)
        if len(absent) and not is_empty_array:
            at = self.at + int(marks.places[ends[absent[0]]])
            raise self._refused("expected an object", at, self.elements + int(absent[0]) + 1)
        self.elements += len(ends)
        if len(begun):
            self.begun = bool(begun[-1] > before[-1])

"""CSV read slowly with Python's csv module, and a check that a pool of the same file gives the same rows."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np

from tamis import Refused
from tamis.pool import TYPES, Shard, open_pool
from tamis.pool.base import BLOCK_BYTES

NUMBER = r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|-?(nan|inf|infinity)"
INTEGER = r"0|-?[1-9][0-9]*"
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Wrong(ValueError):
    """What is no table: the line where that is seen is its argument."""


class Expected(NamedTuple):
    """Names of columns, rows with None where nothing stands, and the line at which each row starts."""

    names: list[str]
    rows: list[list[str | None]]
    lines: list[int]


class Outcome(NamedTuple):
    """How a file was taken: `read` or `refused`, and its rows, as many as Python's csv module finds in it."""

    told: str
    rows: int


def expect(content: bytes, delimiter: str) -> Expected:
    """What Python's csv module reads, blank rows left out; raises `Wrong` for what is no table."""
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Wrong("not UTF-8") from None
    quoted, closed = empty_in_quotes(text, delimiter)
    if not closed:
        raise Wrong("a quote is never closed")
    rows, lines = [], []
    for row, at, marks in zip(*numbered(text, delimiter), quoted, strict=True):
        if row:
            rows.append([field if field or mark else None for field, mark in zip(row, marks, strict=True)])
            lines.append(at)
    if not rows:
        raise Wrong("no header")
    names = [name or "" for name in rows[0]]
    if "" in names or len(set(names)) < len(names):
        raise Wrong("names are missing or there twice")
    if all(re.fullmatch(NUMBER, name, re.I | re.A) for name in names) and not all(name.isdigit() for name in names):
        raise Wrong("no header but numbers")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise Wrong(f"line {line}")
    return Expected(names, rows[1:], lines[1:])


def numbered(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """All rows, blank ones too, and the line at which each starts."""
    usual = csv.field_size_limit(sys.maxsize)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows, lines, line = [], [], 1
        for row in reader:
            rows.append(row)
            lines.append(line)
            line = reader.line_num + 1
        return rows, lines
    finally:
        csv.field_size_limit(usual)


def empty_in_quotes(text: str, delimiter: str) -> tuple[list[list[bool]], bool]:
    """Of each field of each row whether it starts with a quote, a character at a time; and whether all are closed."""
    rows: list[list[bool]] = []
    row: list[bool] = []
    at, size = 0, len(text)
    while at < size:
        start, inside = at, text[at] == '"'
        at += inside
        while inside and at < size:
            if text[at] == '"' and text[at + 1 : at + 2] == '"':
                at += 2
            else:
                inside = text[at] != '"'
                at += 1
        if inside:
            return [*rows, [*row, True]], False
        while at < size and text[at] not in (delimiter, "\n", "\r"):
            at += 1
        row.append(text[start : start + 1] == '"')
        if text[at : at + 1] == delimiter:
            at += 1
            if at < size and text[at] not in "\n\r":
                continue
            row.append(False)
        elif row == [False] and start == at:
            row = []
        at += 2 if text[at : at + 2] == "\r\n" else 1
        rows.append(row)
        row = []
    return rows, True


def value(text: str | None, kind: str) -> object:
    """A field as a value of a type; raises `ValueError` where it is none."""
    if text is None or kind in ("text", "null"):
        return text
    bare = text.strip(" \t")
    if kind == "integer" and re.fullmatch(INTEGER, bare, re.A) and -(2**63) <= int(bare) < 2**63:
        return int(bare)
    if kind == "number" and re.fullmatch(r"-?[0-9]+", bare, re.A) and abs(int(bare)) > 2**53:
        raise ValueError(text)
    if kind == "number" and re.fullmatch(NUMBER, bare, re.I | re.A):
        return float(bare)
    if kind == "boolean" and bare in BOOLEANS:
        return BOOLEANS[bare]
    raise ValueError(text)


def check(content: bytes, path: Path, **sizes: int) -> Outcome:
    """Write `content` to `path` and hold its pool against Python's csv module; an assertion fails where they differ.

    Args:
        content: of the file, not compressed.
        path: where it is written, with a suffix of CSV.
        sizes: values for names in `tamis.pool.csv`, such as `BLOCK_BYTES=64`, so that small files have many blocks.
    """
    path.write_bytes(content)
    with mock.patch.multiple("tamis.pool.csv", **({"BLOCK_BYTES": BLOCK_BYTES} | sizes)):
        delimiter = sniffed(content) if path.suffix == ".csv" else "\t"
        try:
            expected: Expected | None = expect(content, delimiter)
        except Wrong:
            expected = None
        try:
            pool = open_pool(path)
            if expected is None:
                list(_texts(pool))
        except Refused as error:
            assert str(path) in str(error)
            assert expected is None or not expected.rows or 2 * content[:200].count(0) >= len(content[:200]), error
            return Outcome("refused", len(expected.rows) if expected else counted(content, delimiter))
        assert expected is not None and pool.delimiter == delimiter
        assert list(pool.schema) == expected.names
        _check_texts(pool, expected)
        _check_copies(pool, content, expected)
        _check_values(pool, expected)
        return Outcome("read", len(expected.rows))


def counted(content: bytes, delimiter: str) -> int:
    """The rows of what is no table."""
    return max(0, sum(map(bool, numbered(content.decode("latin-1"), delimiter)[0])) - 1)


def sniffed(content: bytes) -> str:
    """What gives the first row the most fields; a bar only where nothing else gives two."""
    text = content.removeprefix("\ufeff".encode()).decode("latin-1")
    counts = {",": 1}
    for delimiter in ",;\t|":
        if delimiter == "|" and max(counts.values()) > 1:
            break
        rows = [row for row in numbered(text, delimiter)[0] if row]
        if len(rows) > 1 or (rows and empty_in_quotes(text, delimiter)[1]):
            counts[delimiter] = len(rows[0])
    return max(counts, key=lambda delimiter: counts[delimiter])


def _texts(pool) -> Iterator[tuple[Shard, list[list[str | None]]]]:
    """The rows of each shard, all fields as they stand."""
    for shard in pool.shards:
        rows: list[list[str | None]] = []
        for batch in pool.read(shard, dict.fromkeys(pool.schema)):
            assert batch.schema.types == [TYPES["text"]] * len(pool.schema)
            batch.validate(full=True)
            rows += [list(row.values()) for row in batch.to_pylist()]
        yield shard, rows


def _check_texts(pool, expected: Expected) -> None:
    """All fields of all shards, and the line of some rows."""
    found: list[list[str | None]] = []
    for shard, rows in _texts(pool):
        first = len(found)
        found += rows
        assert shard.rows in (None, len(rows)) and shard.first_row == first
        if rows:
            row = len(rows) // 2
            assert pool.where(shard, row) == f"{pool.files[0].path}, line {expected.lines[first + row]}"
    assert found == expected.rows


def _check_copies(pool, content: bytes, expected: Expected) -> None:
    """Every other row, copied, is the same row again."""
    start, copied = 0, pool.head()
    for shard in pool.shards:
        count = sum(rows for rows, _ in pool.kept_counted(shard, np.empty(0, np.int64)))
        rows = np.arange(start % 2, count, 2)
        copied += b"".join(pool.kept(shard, rows))
        start += count
    assert start == len(expected.rows)
    again = expect(copied, pool.delimiter)
    assert again.names == expected.names and again.rows == expected.rows[::2]


def _check_values(pool, expected: Expected) -> None:
    """Each column as the type guessed: the same values, or a refusal of the first field that is none."""
    for column, (name, kind) in enumerate(pool.schema.items()):
        fields = [row[column] for row in expected.rows]
        wanted, wrong = [], None
        for number, field in enumerate(fields):
            try:
                wanted.append(value(field, kind))
            except ValueError:
                wrong = number
                break
        found: list[object] = []
        target = TYPES.get(kind, TYPES["text"])
        try:
            for shard in pool.shards:
                for batch in pool.read(shard, {name: target}):
                    found += batch.column(0).to_pylist()
        except Refused as error:
            assert wrong is not None, error
            assert f"line {expected.lines[wrong]}: column {name!r}" in str(error)
            continue
        assert wrong is None and repr(found) == repr(wanted), (found, wanted)

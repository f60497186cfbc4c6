"""The records of CSV are where Python's csv module has them, found by either way and in blocks of any size."""

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.pool import csv_records
from tamis.pool.csv_records import RecordError, count_fields, count_lines, find_records, first_record, whole_records

from .csv_reference import empty_in_quotes, numbered

PIECES = [b"a", b'"', b",", b";", b"\n", b"\r", b'""', b'"a,b"', b"\r\n", b',"', b'",', b"\xef\xbb\xbf", b"\0", b"\xc3"]
PIECES += [b"x" * 31, b"y" * 33, b'"' + b"z" * 40 + b'"', b'"\n"']
SIZES = (1, 2, 7, 100)


def expect(content: bytes, delimiter: str) -> tuple[list[list[str]], bool]:
    """The rows that are not blank, and whether all quotes are closed."""
    text = content.decode("latin-1")
    return [row for row in numbered(text, delimiter)[0] if row], empty_in_quotes(text, delimiter)[1]


def check(content: bytes, delimiter: str) -> None:
    rows, closed = expect(content, delimiter)
    plain, compiled = (find_records(content, delimiter, compiled=way) for way in (False, True))
    for one, other in zip(plain, compiled, strict=True):
        assert one.tolist() == other.tolist() if hasattr(one, "tolist") else one == other, content
    records = [content[start:end] for start, end in zip(plain.starts.tolist(), plain.ends.tolist(), strict=True)]
    assert closed == (plain.opened < 0) and (closed or content[plain.opened : plain.opened + 1] == b'"')
    assert [expect(record, delimiter)[0] for record in records] == [[row] for row in (rows if closed else rows[:-1])]
    assert [count_fields(record, delimiter) for record in records] == [len(row) for row in rows[: len(records)]]
    if records and closed:
        assert first_record(content, delimiter, True) == (plain.starts[0], plain.ends[0])
    for compiled in (False, True):
        for size in SIZES:
            check_blocks(content, delimiter, size, compiled, records, plain.opened)


def check_blocks(content, delimiter, size, compiled, records, opened) -> None:
    found = []
    try:
        for part in whole_records(io.BytesIO(content), 0, 1 << 62, size, delimiter, compiled):
            assert content[part.at : part.at + len(part.data)] == part.data
            found += [bytes(part.data[start:end]) for start, end in zip(part.starts, part.ends, strict=True)]
        assert opened < 0
    except RecordError as error:
        assert error.at == opened and not error.long
    assert found == records


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join), st.sampled_from(",;\t"))
def test_pieces_of_csv(content, delimiter):
    check(content, delimiter)


@settings(max_examples=100)
@given(st.text('a",\n\r', max_size=80))
def test_texts_of_few_characters(text):
    check(text.encode(), ",")


def test_long_mutated_tables():
    rng = random.Random(7)
    base = b'id,text\r\n1,"one, ""two""\nthree"\r\n2,four five six seven eight nine ten eleven\r\n\r\n,""\r\n' * 3
    for _ in range(300):
        at = rng.randrange(len(base))
        check(base[:at] + rng.choice(PIECES) + base[at + rng.randrange(3) :], ",")


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("content", [b'a,"b', b"a,b\r", b'a,"b"', b"a,b"])
def test_what_more_bytes_could_change_is_not_complete(content, compiled):
    found = find_records(b"x,y\n" + content, ",", last=False, compiled=compiled)
    assert (found.starts.tolist(), found.stop, found.opened) == ([0], 4, -1)


def test_a_record_without_end_is_not_read_into_memory(monkeypatch):
    monkeypatch.setattr(csv_records, "LONGEST", 1000)
    stream = io.BytesIO(b'a,b\n1,"' + b"x" * 5000)
    with pytest.raises(RecordError) as caught:
        list(whole_records(stream, 10, 1 << 62, 100, ","))
    assert caught.value.long and caught.value.at == 14 and stream.tell() < 2500


@given(st.lists(st.text("a\r\n", max_size=6)))
def test_lines_are_counted_across_pieces(pieces):
    lines = io.StringIO("".join(pieces) + "a", newline="").readlines()
    assert count_lines(iter([piece.encode() for piece in pieces])) == len(lines) - 1

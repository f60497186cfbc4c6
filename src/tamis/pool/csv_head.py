"""How a CSV file starts: its encoding, its header, what stands between its fields, and the types of its columns."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import refusals
from tamis.pool import storage
from tamis.pool.base import first_line, refuse_equal_names
from tamis.pool.csv_fields import MARK, fields_of, not_a_record, place_in, shortened
from tamis.pool.csv_records import LONGEST, Part, RecordError, count_fields, find_records, first_record
from tamis.pool.csv_values import NUMBER, guess, odd_one

SNIFFED = ",;\t"
LAST_SNIFFED = "|"
DELIMITERS = {".csv": SNIFFED, ".tsv": "\t", ".tab": "\t"}
CALLED = {",": "a comma", ";": "';'", "\t": "a tab", "|": "'|'"}
OTHER_ENCODINGS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


class Head(NamedTuple):
    """The start of a file.

    Args:
        header: its first record as it stands, with a byte order mark and blank lines before it.
        names: of the columns.
        delimiter: what stands between fields.
        start: the byte at which rows start.
        rows: the first rows, whole.
        more: whether there is anything behind the header.
    """

    header: str
    names: list[str]
    delimiter: str
    start: int
    rows: Part
    more: bool


def ending(path: str) -> str:
    """How the name of a file ends, its compression left out."""
    return storage.plain_suffix(path)


def read_head(path: str, size: int) -> Head:
    """The header of a file and about `size` bytes of its rows, or one row that is longer; refuses what is no header."""
    block, more = b"", b""
    try:
        with storage.open_plain(path) as stream:
            while len(block) < LONGEST:
                block += more + stream.read(max(size, len(block)))
                more = stream.read(1)
                _refuse_other_encodings(path, block)
                if (head := _head_of(path, block, not more)) is not None:
                    return head
    except (OSError, pa.ArrowInvalid) as error:
        raise refusals.FILE_NOT_WHOLE(path, format="readable", said=first_line(error)) from None
    raise refusals.CSV_RECORD_TOO_LONG(f"{path}, line 1")


def _refuse_other_encodings(path: str, block: bytes) -> None:
    """Refuse UTF-16 and UTF-32, with their marks or without."""
    found = next((name for mark, name in OTHER_ENCODINGS.items() if block.startswith(mark)), "")
    front = block[:200]
    if not found and 2 * front.count(0) >= len(front) > 1 and front.strip(b"\0"):
        found = "UTF-16 or UTF-32"
    if found:
        raise refusals.CSV_ENCODING(f"{path}, line 1", found=found)


def _head_of(path: str, block: bytes, last: bool) -> Head | None:
    """The head of a file that starts with `block`, if it is long enough to tell."""
    front = len(MARK) if block.startswith(MARK) else 0
    text = memoryview(block)[front:]
    known = DELIMITERS.get(ending(path), SNIFFED)
    spans = {one: span for one in known if (span := first_record(text, one, last)) is not None}
    if not last and len(spans) < len(known):
        return None
    counts = {one: count_fields(text[slice(*span)], one) for one, span in spans.items()}
    delimiter = max(known, key=lambda one: counts.get(one, 1))
    if known == SNIFFED and delimiter in spans and counts[delimiter] == 1:
        start, end = spans[delimiter]
        if LAST_SNIFFED.encode() in text[start:end].tobytes():
            if (span := first_record(text, LAST_SNIFFED, last)) is None and not last:
                return None
            if span is not None and count_fields(text[slice(*span)], LAST_SNIFFED) > 1:
                delimiter, spans[LAST_SNIFFED] = LAST_SNIFFED, span
    if delimiter not in spans:
        raise _no_header(path, block, front, delimiter)
    start, end = spans[delimiter]
    records = find_records(text[end:], delimiter, last)
    at = front + end
    if records.opened >= 0:
        raise not_a_record(path, RecordError(at + records.opened, False))
    if not len(records.starts) and not last:
        return None
    names = _names(path, text[start:end], front + start, delimiter)
    header = block[:at].decode()
    rows = Part(text[end : end + records.stop], at, records.starts, records.ends)
    return Head(header, names, delimiter, at, rows, len(block) > at)


def _no_header(path: str, block: bytes, front: int, delimiter: str) -> Exception:
    """The refusal of a file without a record: it is empty, or a quote in its first one is never closed."""
    if not block[front:].strip(b"\r\n"):
        return refusals.CSV_HEADER_MISSING(path, said="")
    opened = find_records(memoryview(block)[front:], delimiter).opened
    return not_a_record(path, RecordError(front + opened, False))


def _names(path: str, header: memoryview, at: int, delimiter: str) -> list[str]:
    """The fields of the header; refuses one that is empty or there twice, and a header that is a row of numbers."""
    part = Part(header, at, np.zeros(1, np.int64), np.full(1, len(header)))
    numbers = [str(number) for number in range(count_fields(header, delimiter))]
    fields = fields_of(part, numbers, numbers, delimiter, lambda byte: place_in(path, at + byte))
    names = [field[0].as_py() or "" for field in fields]
    place = place_in(path, at)
    texts = pa.array(names, pa.large_string())
    if pc.all(pc.match_substring_regex(texts, NUMBER)).as_py() and not all(name.isdigit() for name in names):
        raise refusals.CSV_HEADER_MISSING(place, said=f" (its first line is {', '.join(names[:3])})")
    if "" in names:
        raise refusals.CSV_NAME_EMPTY(place, number=names.index("") + 1)
    refuse_equal_names(names, place)
    return names


def guess_types(path: str, head: Head) -> tuple[dict[str, str], dict[str, str]]:
    """The types of the columns by the first rows, and of texts that most are numbers which one is not, and where."""
    rows, kinds = head.rows, dict.fromkeys(head.names, "null")
    odd: dict[str, str] = {}
    if not len(rows.starts):
        return kinds, odd
    fields = fields_of(rows, head.names, head.names, head.delimiter, lambda byte: place_in(path, rows.at + byte))
    for name, texts in zip(head.names, fields, strict=True):
        kinds[name] = guess(texts)
        if kinds[name] == "text" and (row := odd_one(texts)) is not None:
            place = place_in(path, rows.at + int(rows.starts[row]))
            odd[name] = f"numbers but for {shortened(texts[row].as_py())} in {place}"
    return kinds, odd


def wider(one: str, other: str) -> str:
    """The type that holds values of both."""
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    return "number" if {one, other} == {"integer", "number"} else "text"

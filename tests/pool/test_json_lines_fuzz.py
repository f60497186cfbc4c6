"""The scanner agrees with Python's json on every line, whatever the bytes."""

import json
import os
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.pool.json_lines import JsonLineError, Kind, line_spans, scan

CASES = int(os.environ.get("TAMIS_FUZZ_CASES", "20000"))
COLUMNS = ["text", "id", "méta", "", "x"]
KINDS = {type(None): Kind.NULL, str: Kind.STRING, int: Kind.INTEGER, float: Kind.NUMBER, bool: Kind.BOOLEAN}
KINDS |= {dict: Kind.OBJECT, list: Kind.ARRAY}


def clean(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def parse(line: bytes) -> dict[str, Any]:
    value = json.loads(line.decode(), object_pairs_hook=lambda pairs: {clean(key): value for key, value in pairs})
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def expect(block: bytes) -> tuple[list[tuple[int, int, int, dict[str, Any]]], int | None]:
    """Start, end, line number and object of each row before the first bad line, and that line."""
    rows = []
    at = 3 if block.startswith(b"\xef\xbb\xbf") else 0
    for number, line in enumerate(block[at:].split(b"\n")):
        if line.strip(b" \t\r"):
            try:
                rows.append((at, at + len(line), number, parse(line)))
            except ValueError:
                return rows, number
        at += len(line) + 1
    return rows, None


def check(block: bytes) -> bool:
    """Compare the scan of a block with Python's; whether it is valid."""
    rows, bad = expect(block)
    if bad is not None:
        with pytest.raises(JsonLineError) as caught:
            scan(block, COLUMNS)
        assert caught.value.line == bad, block
        return False
    found = scan(block, COLUMNS)
    spans = list(zip(found.starts.tolist(), found.ends.tolist(), found.lines.tolist(), strict=True))
    assert spans == [row[:3] for row in rows], block
    assert [span.tolist() for span in line_spans(block)] == [found.starts.tolist(), found.ends.tolist()], block
    for name, field in found.columns.items():
        field.values.validate(full=True)
        for (*_, row), kind, value in zip(rows, field.kinds.tolist(), field.values.to_pylist(), strict=True):
            if name not in row:
                assert (kind, value) == (Kind.MISSING, None), block
                continue
            assert kind == KINDS[type(row[name])], block
            if kind == Kind.STRING:
                assert value == clean(row[name]), block
            elif kind == Kind.NULL:
                assert value is None, block
            else:
                assert value == value.strip(), block
                again = parse(b'{"x":' + value.encode() + b"}")["x"]
                assert repr(again) == repr(row[name]), block
    return True


texts = st.text(st.characters(codec=None), max_size=80) | st.sampled_from(
    ["\ud83d\ude00", "\ud83d", "\\u0041", "a" * 70]
)
keys = st.sampled_from(COLUMNS) | texts
numbers = st.integers() | st.floats()
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)


class Twice(dict):  # type: ignore[type-arg]
    """An object whose keys may repeat."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__({"-": None} if pairs else {})
        self.pairs = pairs

    def items(self) -> Any:
        return self.pairs


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    blank = st.text(" \t\r", max_size=3)
    if draw(st.integers(0, 9)) == 0:
        return draw(blank).encode()
    row = Twice(draw(st.lists(st.tuples(keys, values), max_size=6)))
    separators = (draw(blank) + "," + draw(blank), draw(blank) + ":" + draw(blank))
    ascii_only = draw(st.booleans())
    text = json.dumps(row, separators=separators, ensure_ascii=ascii_only)
    return (draw(blank) + clean(text) + draw(blank)).encode()


@settings(max_examples=300, deadline=None)
@given(st.lists(lines(), max_size=5), st.booleans(), st.booleans(), st.booleans())
def test_generated_blocks_agree_with_json(block: list[bytes], ended: bool, carriage: bool, mark: bool) -> None:
    newline = b"\r\n" if carriage else b"\n"
    assert check(b"\xef\xbb\xbf" * mark + newline.join(block) + newline * ended)


SEEDS = [
    b'{"id": 1, "text": "plain words, none of them rare, that go on past one vector", "x": [1, 2.5e-3, -0]}\n',
    b'{"text": "a\\tb\\"c\\\\d\\/\\u00e9\\ud83d\\ude00\\ud800 \\udc00x", "te\\u0078t": "last", "m\\u00e9ta": null}\n',
    '{"méta": {"a": [true, false, null, {}, []], "b": {"c": "ü漢😀"}}, "": "", "x": NaN}\n'.encode(),
    b' \t{"x" : -Infinity , "id":Infinity,"id":0 }\r\n',
    b"\n \t\r\n{}\n",
    b'{"x": 1E+10, "x": {"text": "inner"}, "id": [["text", "\\b\\f\\n\\r\\t"]]}\n',
    '{"text": "日本語のテキストはここにあります。漢字とかな交じり文、それも長い。", "id": "😀😀😀é"}\n'.encode(),
]
PIECES = [bytes([byte]) for byte in b'"\\{}[],:\n\r\t 01-+.eENItfnu\x00\x1f\x7f\x80\xbf\xc0\xc3\xe0\xed\xf0\xf4\xff']
PIECES += [b"\\u", b"\\ud83d", b"\\ude00", b"null", b"NaN", b"-Infinity", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf4\x90"]
PIECES += [b'"text":', b"[[[", b"]]]", b"\xe2\x80\xa8", b"\x0c", b"1.", b"01", "é".encode(), "😀".encode()]


def mutate(block: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randrange(len(block) + 1)
        until = min(len(block), at + rng.choice([0, 1, 1, 2, 8]))
        match rng.randrange(6):
            case 0 | 1:
                middle = rng.choice(PIECES)
            case 2:
                middle = rng.randbytes(1)
            case 3:
                middle = b""
            case 4:
                middle = block[at:until] * 2
            case _:
                middle = block[(start := rng.randrange(len(block) + 1)) : start + 12]
        block = block[:at] + middle + block[until:]
    return block


def test_mutated_blocks_agree_with_json() -> None:
    rng = random.Random(CASES)
    valid = sum(check(mutate(b"".join(rng.choices(SEEDS, k=rng.randint(1, 3))), rng)) for _ in range(CASES))
    assert CASES / 20 < valid < CASES * 0.8


def test_random_bytes_neither_crash_nor_hang() -> None:
    rng = random.Random(3)
    for _ in range(2000):
        check(rng.randbytes(rng.randrange(100)))
        check(b'{"text":"' + bytes(rng.choices(b'\\"u0d8{}[],: \n', k=rng.randrange(60))))

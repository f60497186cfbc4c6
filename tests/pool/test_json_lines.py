"""The scanner's edges: error messages, vector boundaries, spans, and casts."""

import json
import re
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tamis.pool.json_lines import Field, JsonLineError, Kind, line_spans, scan, to_arrow


def texts(block: bytes | memoryview, name: str = "text") -> Any:
    return scan(block, [name]).columns[name].values.to_pylist()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": 1 "b": 2}', "invalid JSON: expected ',' or '}' at column 9"),
        (b'{"a": [1 2]}', "invalid JSON: expected ',' or ']' at column 10"),
        (b'{"a": 1', "invalid JSON: expected ',' or '}' at column 8"),
        (b"{\"\xc3\xa4\": 'b'}", "invalid JSON: expected a value at column 7"),
        (b'{"a": }', "invalid JSON: expected a value at column 7"),
        (b'{"a": nul}', "invalid JSON: expected a value at column 7"),
        (b'{"a": [,]}', "invalid JSON: expected a value or ']' at column 8"),
        (b'{"a": [1,]}', "invalid JSON: expected a value at column 10"),
        (b'{"a" 1}', "invalid JSON: expected ':' at column 6"),
        (b"{a: 1}", "invalid JSON: expected a key in double quotes or '}' at column 2"),
        (b'{"a": 1,}', "invalid JSON: expected a key in double quotes at column 9"),
        (b'{"a": "b', "invalid JSON: expected the closing quote at column 9"),
        (b'{"a": "b\tc"}', "invalid JSON: control character in a string at column 9"),
        (b'{"a": "b\\xc"}', "invalid JSON: bad escape in a string at column 9"),
        (b'{"a": "b\\u12g4"}', "invalid JSON: bad escape in a string at column 9"),
        (b'{"a": -}', "invalid JSON: expected a digit at column 8"),
        (b'{"a": 1.}', "invalid JSON: expected a digit at column 9"),
        (b'{"a": 1e+}', "invalid JSON: expected a digit at column 10"),
        (b'{"a": 01}', "invalid JSON: expected ',' or '}' at column 8"),
        (b'{"a": 1} {"a": 2}', "invalid JSON: expected nothing more at column 10"),
        (b"text", "invalid JSON: expected '{' at column 1"),
        (b"  [1, 2]", "not an object"),
        (b'"text"', "not an object"),
        (b"null", "not an object"),
        (b"-1.5", "not an object"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 8 of the line"),
        (b'\xc3\xa4{"a": "\xe2\x82"}', "not UTF-8 at byte 10 of the line"),
    ],
)
@pytest.mark.parametrize("before", [b"", b"{}\n", b"\xef\xbb\xbf", b' \n{"text": "\xc3\xa4"}\r\n\r\n'])
@pytest.mark.parametrize("after", [b"", b"\n", b'\n{"a": "\xff\n{'])
def test_the_first_bad_line_is_named(before: bytes, line: bytes, message: str, after: bytes) -> None:
    with pytest.raises(JsonLineError) as caught:
        scan(before + line + after, ["a"])
    assert (caught.value.line, caught.value.message) == (before.count(b"\n"), message)
    assert str(caught.value) == f"line {before.count(10)}: {message}"


def test_an_earlier_syntax_error_wins_over_later_bytes_that_are_not_utf8() -> None:
    with pytest.raises(JsonLineError, match=r"line 1: invalid JSON: expected ',' or '}' at column 8"):
        scan(b'{}\n{"a": 1\n{"a": "\xff"}', [])


def test_depth_is_limited_without_recursion() -> None:
    assert scan(b'{"a":' + b"[" * 999 + b"]" * 999 + b"}", ["a"]).columns["a"].kinds.tolist() == [Kind.ARRAY]
    with pytest.raises(JsonLineError, match="line 0: invalid JSON: nested deeper than 1,000 at column 1005"):
        scan(b'{"a":' + b"[" * 10**6, [])
    with pytest.raises(JsonLineError, match="nested deeper than 1,000"):
        scan(b'{"a":' * 10**6, [])


@pytest.mark.parametrize("piece", ["\\n", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "é", "漢", "😀", '\\"', "\\\\", "/"])
def test_a_special_character_anywhere_relative_to_the_vectors(piece: str) -> None:
    rows = ['{"text":"' + "a" * before + piece + "b" * after + '"}' for before in range(70) for after in (0, 1, 31, 40)]
    wanted = [json.loads(row)["text"].replace("\ud83d", "\ufffd") for row in rows]
    assert texts("\n".join(rows).encode()) == wanted
    assert [texts(row.encode())[0] for row in rows] == wanted


def test_surrogates_pair_up_at_their_bounds_only() -> None:
    codes = ["d7ff", "d800", "dbff", "dc00", "dfff", "e000", "0000", "007f", "0080", "07ff", "0800", "ffff"]
    rows = [f'{{"text":"\\u{first}\\u{second}"}}' for first in codes for second in codes]
    wanted = [re.sub("[\ud800-\udfff]", "\ufffd", json.loads(row)["text"]) for row in rows]
    assert texts("\n".join(rows).encode()) == wanted


@pytest.mark.parametrize("length", range(66))
def test_control_characters_are_found_anywhere(length: int) -> None:
    for end in (b"", b" " * 40):
        with pytest.raises(JsonLineError, match=f"control character in a string at column {length + 7}"):
            scan(b'{"a":"' + b"a" * length + b"\x1f" + b'"}' + end, [])


def test_utf8_is_what_python_takes_for_it() -> None:
    leads = [
        b"a",
        *(
            bytes([byte])
            for byte in b"\x7f\x80\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xf8\xff"
        ),
    ]
    others = [bytes([byte]) for byte in b"a\x80\x8f\x90\x9f\xa0\xbf\xc2\xf0"]
    for number, sequence in enumerate(product(leads, others, others[:-2], [b"", *others[:2]])):
        bad = b"".join(sequence)
        line = b'{"text":"' + b"b" * (number % 37) + bad + b"c" * (number % 41) + b'"}'
        try:
            wanted = json.loads(line.decode())["text"]
        except UnicodeDecodeError as error:
            with pytest.raises(JsonLineError, match=rf"^line 0: not UTF-8 at byte {error.start + 1} of the line$"):
                scan(line, [])
        else:
            assert texts(line) == [wanted]


def test_nothing_is_read_beyond_the_block() -> None:
    line = b'{"text":"' + b"a" * 40 + b'\\ud83d\\ude00","x":[true,false,null,NaN,-Infinity,-1.5e+10],"y":{"":0}}'
    whole = memoryview(line)
    assert len(texts(whole)) == 1
    for size in range(1, len(line)):
        with pytest.raises(JsonLineError) as alone:
            scan(line[:size], ["text"])
        with pytest.raises(JsonLineError) as within:
            scan(whole[:size], ["text"])
        assert str(within.value) == str(alone.value)


def test_keys_are_compared_unescaped_and_the_last_wins() -> None:
    assert texts(b'{"te\\u0078t": "a", "text ": "b", "Text": "c"}') == ["a"]
    assert texts(b'{"text": "long one", "text": [1,  {"text": 2}]}') == ['[1,  {"text": 2}]']
    assert texts(b'{"text": "one", "tex\\u0074": null}') == [None]
    assert texts(b'{"\\ud83d\\ude00": "pair"}', "😀") == ["pair"]
    assert texts(b'{"a": "b"}', "\ud800") == [None]


def test_kinds_and_texts_of_every_kind() -> None:
    block = (
        b'{}\n{"x":null}\n{"x":"1"}\n{"x":-0}\n{"x":1e5}\n{"x":NaN}\n{"x":true}\n{"x": {"a" : 1} }\n{"x":[ ]}\n{"x":""}'
    )
    field = scan(block, ["x", "y", "x"]).columns["x"]
    assert [Kind(kind).name for kind in field.kinds] == (
        ["MISSING", "NULL", "STRING", "INTEGER", "NUMBER", "NUMBER", "BOOLEAN", "OBJECT", "ARRAY", "STRING"]
    )
    assert field.values.to_pylist() == [None, None, "1", "-0", "1e5", "NaN", "true", '{"a" : 1}', "[ ]", ""]
    assert field.values.buffers()[2].to_pybytes() == b'1-01e5NaNtrue{"a" : 1}[ ]'


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, pa.py_buffer, lambda b: np.frombuffer(b, np.uint8)])
def test_any_contiguous_bytes_make_a_block(wrap) -> None:  # type: ignore[no-untyped-def]
    block = b'\xef\xbb\xbf\n  \r\n {"text": "a"}\t\r\n\n{"text": "b"}'
    found = scan(wrap(block), ["text"])
    assert [block[start:end] for start, end in zip(found.starts, found.ends, strict=True)] == (
        [b' {"text": "a"}\t\r', b'{"text": "b"}']
    )
    assert found.lines.tolist() == [2, 4]
    assert found.columns["text"].values.to_pylist() == ["a", "b"]
    starts, ends = line_spans(wrap(block))
    assert (starts.tolist(), ends.tolist()) == (found.starts.tolist(), found.ends.tolist())
    only = scan(wrap(block), ["text"], starts_only=True)
    assert only.starts.tolist() == found.starts.tolist() and only.columns == {}


@pytest.mark.parametrize("block", [b"", b"\n", b" \r\n\t\n ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_a_block_may_hold_no_row(block: bytes) -> None:
    found = scan(block, ["text"])
    assert found.starts.size == found.ends.size == len(found.columns["text"].values) == 0
    assert [span.size for span in line_spans(block)] == [0, 0]


def test_line_spans_of_many_pieces() -> None:
    lines = [b"x" * (number % 977) for number in range(3000)]
    block = b"\n".join(lines)
    starts, ends = line_spans(block)
    assert [block[start:end] for start, end in zip(starts, ends, strict=True)] == [line for line in lines if line]


def cast(field: Field, target: pa.DataType) -> Any:
    values = to_arrow(field, target)
    return values if isinstance(values, int) else values.to_pylist()


def column(*values: str) -> Field:
    return scan("\n".join('{"x":' + value + "}" if value else "{}" for value in values).encode(), ["x"]).columns["x"]


def test_casts_are_exact_and_name_the_first_row_that_does_not_fit() -> None:
    floats = [
        "0.1",
        "1e400",
        "-1E-400",
        "2.2250738585072011e-308",
        "9007199254740993.0",
        "-9007199254740992",
        "-0",
        "7",
    ]
    assert cast(column(*floats, "null", ""), pa.float64()) == [*map(float, floats), None, None]
    assert str(cast(column("NaN", "-Infinity"), pa.float64())) == "[nan, -inf]"
    assert cast(column("9223372036854775807", "", "-9223372036854775808"), pa.int64()) == ([2**63 - 1, None, -(2**63)])
    assert cast(column("true", "null", "false"), pa.bool_()) == [True, None, False]
    assert cast(column('"a"', "", '""'), pa.large_string()) == ["a", None, ""]
    assert cast(column("-9223372036854775808", "", "9223372036854775808"), pa.int64()) == 2
    assert cast(column("1", "-" + "9" * 5000), pa.int64()) == 1
    assert cast(column("1", "1.0", "2.0"), pa.int64()) == 1
    assert cast(column("1", '"2"'), pa.float64()) == 1
    assert cast(column("9007199254740992", "", "9007199254740993", "1"), pa.float64()) == 2
    assert cast(column("1e20", "-9007199254740993"), pa.float64()) == cast(column("1", "1" * 5000), pa.float64()) == 1
    assert cast(column("", "1"), pa.bool_()) == 1
    assert cast(column("{}"), pa.large_string()) == 0

"""Columns that hold JSON as text, parsed by Arrow as values of one type."""

import json
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

LIMIT = (1 << 31) - 2
LONE = re.compile("[\ud800-\udfff]")


def literal(text: str) -> pa.Scalar:
    """`text` beside columns of text."""
    return pa.scalar(text, pa.large_string())


LEFT, RIGHT, NOTHING = literal('{"t":['), literal("]}\n"), literal("")


def as_text(array: pa.Array) -> pa.LargeStringArray:
    """Strings of any kind as large strings."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array if array.type == pa.large_string() else pc.cast(array, pa.large_string())


def parsed(texts: pa.LargeStringArray, kind: pa.DataType) -> pa.Array | None:
    """Every text as a value of `kind`, null as null; None where Arrow cannot read all so, or one is blank.

    Fields that `kind` does not have are passed over, and those that are not there are null. O(bytes) time, about 160 MB
    a second; memory of the texts once more and of the values.
    """
    from pyarrow import json as arrow_json

    lines = pc.binary_join_element_wise(LEFT, pc.fill_null(texts, "null"), RIGHT, NOTHING)
    size = pc.sum(pc.binary_length(lines)).as_py() or 0
    if not 0 < size < LIMIT:
        return None if size else pa.nulls(0, kind)
    reading = arrow_json.ReadOptions(use_threads=False, block_size=size + 1)
    schema = pa.schema([("t", pa.list_(kind))])
    options = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        found = arrow_json.read_json(pa.BufferReader(lines.buffers()[2].slice(0, size)), reading, options)["t"]
    except pa.ArrowInvalid:
        return None
    lists = found.combine_chunks()
    lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
    counts = pc.list_value_length(lists)
    if len(lists) != len(texts) or pc.min(counts).as_py() < 1 or pc.max(counts).as_py() > 1:
        return None
    return lists.flatten()


def load(text: str | None) -> Any:
    """The value of one text; None of null and blank text. Raises `ValueError` that says what is wrong."""
    if text is None or not text.strip():
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"invalid JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("invalid JSON: it is nested too deep") from None


def whole(text: str) -> str:
    """`text` with every half of a character of UTF-16 as U+FFFD, so that it has a form in UTF-8."""
    return LONE.sub("\ufffd", text)

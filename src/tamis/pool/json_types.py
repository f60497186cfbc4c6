"""Types of Arrow for values of JSON: which its reader can make, and which it only guesses."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa

TypeMap = Callable[[pa.DataType], pa.DataType]


def readable(schema: pa.Schema) -> pa.Schema:
    """Types that Arrow reads from JSON and casts to those of `schema`."""
    return pa.schema([field.with_type(_mapped(field.type, _readable)) for field in schema])


def as_written(schema: pa.Schema) -> pa.Schema:
    """A schema that Arrow guessed, with texts as texts: it takes those that look like dates for times.

    Examples:
        >>> as_written(pa.schema({"when": pa.timestamp("s"), "of": pa.list_(pa.timestamp("s"))})).types
        [DataType(string), ListType(list<item: string>)]
    """
    return pa.schema([field.with_type(_mapped(field.type, _as_written)) for field in schema])


def unexpected_field(lines: bytes, schema: pa.Schema) -> tuple[int, str] | None:
    """The first line, from 0, with a field that `schema` does not have at any depth, and its name, as in `a.b`.

    None where there is none, or Python cannot read a line before it.

    Examples:
        >>> schema = pa.schema({"a": pa.list_(pa.struct({"b": "int8"}))})
        >>> unexpected_field(b'{"a": [{"b": 1}]}\\n{"a": [{"c": 1}]}', schema)
        (1, 'a.c')
    """
    row = pa.struct(list(schema))
    for number, line in enumerate(lines.split(b"\n")):
        try:
            name = _beyond(json.loads(line), row) if line.strip() else None
        except (ValueError, RecursionError):
            return None
        if name is not None:
            return number, name
    return None


def _beyond(value: Any, kind: pa.DataType, path: str = "") -> str | None:
    """The name of the first field in `value` that `kind` does not have."""
    found: Iterable[str | None] = ()
    if isinstance(value, dict) and pa.types.is_struct(kind):
        known = {field.name: field.type for field in kind}
        found = (
            _beyond(inside, known[name], f"{path}{name}.") if name in known else path + name
            for name, inside in value.items()
        )
    elif isinstance(value, list) and hasattr(kind, "value_type"):
        found = (_beyond(inside, kind.value_type, path) for inside in value)
    return next((name for name in found if name is not None), None)


def _mapped(kind: pa.DataType, leaf: TypeMap) -> pa.DataType:
    """A type with `leaf` of all types inside it."""
    if pa.types.is_dictionary(kind):
        return _mapped(kind.value_type, leaf)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_mapped(field.type, leaf)) for field in kind])
    if any(test(kind) for test in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)):
        return pa.list_(kind.value_field.with_type(_mapped(kind.value_type, leaf)))
    return leaf(kind)


def _readable(kind: pa.DataType) -> pa.DataType:
    return pa.float32() if pa.types.is_float16(kind) else kind


def _as_written(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_timestamp(kind) else kind

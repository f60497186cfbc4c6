"""Types of Arrow for values of JSON: which its reader can make, and which it only guesses."""

from collections.abc import Callable

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

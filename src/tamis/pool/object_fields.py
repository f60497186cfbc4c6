"""Fields of objects as texts: of Arrow structs, or of JSON."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tamis import refusals
from tamis.pool.base import TYPES, type_name
from tamis.pool.json_turns import kind_of
from tamis.pool.json_values import as_text, load, whole

SCALARS = ("text", "integer", "number", "boolean")


def text_of(column: pa.Array, name: str, field: str, place: Callable[[int], str]) -> pa.LargeStringArray:
    """The field of a column `name` of objects as text `[n]`, null where it is missing; `a.b` is a field of a field."""
    if pa.types.is_struct(column.type):
        found = pc.struct_field(column, field.split("."))
        return scalar_text(found)
    values = []
    for row, text in enumerate(as_text(column).to_pylist()):
        try:
            values.append(_field(load(text), field))
        except ValueError as error:
            expected = f"an object with a field {field!r} of text or a number"
            raise refusals.VALUE_WRONG_TYPE(place(row), name=name, expected=expected, said=str(error)) from None
    return pa.array(values, pa.large_string())


def scalar_text(column: pa.Array) -> pa.LargeStringArray:
    """Texts, numbers and truth values as texts; integers and numbers as those of 64 bits."""
    if pa.types.is_null(column.type) or type_name(column.type) == "text":
        return as_text(column)
    return as_text(pc.cast(column, TYPES[type_name(column.type)]))


def fields_of(kind: pa.DataType, before: str = "") -> list[str]:
    """The fields of a struct that have a text, those of fields as `a.b`."""
    found = []
    for index in range(kind.num_fields):
        name, inner = f"{before}{kind.field(index).name}", kind.field(index).type
        if pa.types.is_struct(inner):
            found += fields_of(inner, f"{name}.")
        elif type_name(inner) in SCALARS or pa.types.is_null(inner):
            found.append(name)
    return found


def names_in(value: Any, before: str = "") -> list[str]:
    """As `fields_of`, of a value of JSON; a field that is null here may have a text elsewhere."""
    if not isinstance(value, dict):
        return []
    found = [f"{before}{name}" for name, inner in value.items() if not isinstance(inner, dict | list)]
    return found + [deep for name, inner in value.items() for deep in names_in(inner, f"{before}{name}.")]


def _field(value: Any, field: str) -> str | None:
    for name in field.split("."):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ValueError(f"it is {kind_of(value)}")
        value = value.get(name)
    if isinstance(value, float):
        return str(pc.cast(pa.scalar(value), pa.string()).as_py())
    if isinstance(value, dict | list):
        raise ValueError(f"the field is {kind_of(value)}")
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else whole(str(value))

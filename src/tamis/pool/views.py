"""Types of Arrow that need care: views, which polars writes and of which Arrow can take no rows, and dictionaries."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

PLAIN = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


def plain_type(kind: pa.DataType) -> pa.DataType:
    """`kind` with large strings and large binaries in the place of views, at any depth."""
    if kind in PLAIN:
        return PLAIN[kind]
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, plain_type(kind.value_type), kind.ordered)
    if pa.types.is_struct(kind):
        return pa.struct([plain_field(field) for field in kind])
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(plain_field(kind.value_field), kind.list_size)
    if pa.types.is_map(kind):
        return pa.map_(plain_field(kind.key_field), plain_field(kind.item_field), kind.keys_sorted)
    for test, make in ((pa.types.is_list, pa.list_), (pa.types.is_large_list, pa.large_list)):
        if test(kind):
            return make(plain_field(kind.value_field))
    return kind


def check_views(array: pa.Array) -> None:
    """Raise `pa.ArrowInvalid` for a view, at any depth, that lies outside its buffers.

    Arrow validates those of values alone, and its casts also look at those of nulls, which ends the process.
    """
    kind = array.type
    if kind in PLAIN:
        views, *data = array.buffers()[1:]
        every = pa.Array.from_buffers(pa.binary_view(), len(array), [None, views, *data], offset=array.offset)
        every.validate(full=True)
    elif isinstance(array, pa.DictionaryArray):
        check_views(array.dictionary)
    elif isinstance(array, pa.StructArray | pa.UnionArray):
        for number in range(kind.num_fields):
            check_views(array.field(number))
    elif isinstance(array, pa.ExtensionArray):
        check_views(array.storage)
    elif hasattr(array, "values"):
        check_views(array.values)


def plain_field(field: pa.Field) -> pa.Field:
    """`field` as its plain type."""
    kind = plain_type(field.type)
    return field if kind.equals(field.type) else field.with_type(kind)


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` with plain types; the same object where it has no views."""
    fields = [plain_field(field) for field in schema]
    return schema if fields == list(schema) else pa.schema(fields, schema.metadata)


def has_dictionary(kind: pa.DataType) -> bool:
    """Whether values of this type refer to a dictionary, at any depth."""
    if isinstance(kind, pa.ExtensionType):
        kind = kind.storage_type
    inside = [kind.field(number).type for number in range(kind.num_fields)]
    return pa.types.is_dictionary(kind) or any(map(has_dictionary, inside))


def taken(batch: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.RecordBatch:
    """The given rows of `batch`, as plain types."""
    schema = plain_schema(batch.schema)
    if schema is not batch.schema:
        arrays = [pc.cast(array, field.type) for array, field in zip(batch.columns, schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    return batch.take(pa.array(rows))

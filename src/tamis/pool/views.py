"""View types of Arrow, which polars writes: Arrow can cast them to plain strings and back, and take no rows of them."""

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
    for test, make in ((pa.types.is_list, pa.list_), (pa.types.is_large_list, pa.large_list)):
        if test(kind):
            return make(plain_field(kind.value_field))
    return kind


def plain_field(field: pa.Field) -> pa.Field:
    """`field` as its plain type."""
    kind = plain_type(field.type)
    return field if kind.equals(field.type) else field.with_type(kind)


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` with plain types; the same object where it has no views."""
    fields = [plain_field(field) for field in schema]
    return schema if fields == list(schema) else pa.schema(fields, schema.metadata)


def taken(batch: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.RecordBatch:
    """The given rows of `batch`, as plain types."""
    schema = plain_schema(batch.schema)
    if schema is not batch.schema:
        arrays = [pc.cast(array, field.type) for array, field in zip(batch.columns, schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    return batch.take(pa.array(rows))

"""Columns of Arrow from lists, arrays and series, without a copy where Arrow allows it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool.base import first_line

NUMBERS = "biuf"
EMBEDDING = "embedding"


def table_of_columns(columns: Mapping[Any, Any], place: str) -> pa.Table:
    """A table of named columns; refuses names that are no text, lengths that differ, and values that have no type."""
    made: dict[str, Any] = {}
    for name, values in columns.items():
        if not isinstance(name, str):
            raise refusals.COLUMN_NAME_NOT_TEXT(place, name=name, kind=type(name).__name__)
        made[name] = column_of(values, name, place)
        first = next(iter(made))
        if len(made[name]) != len(made[first]):
            found, expected = len(made[name]), len(made[first])
            raise refusals.COLUMN_OF_OTHER_LENGTH(place, name=name, found=found, other=first, expected=expected)
    return pa.table(made)


def table_of_array(array: NDArray[Any], place: str) -> pa.Table:
    """A table of a structured array's fields, or of one column `embedding` with the rows of an array `[n, …]`."""
    if array.dtype.names:
        return table_of_columns({name: array[name] for name in array.dtype.names}, place)
    if array.ndim < 2:
        raise refusals.ARRAY_WITHOUT_NAME(place, shape=array.shape)
    return table_of_columns({EMBEDDING: array}, place)


def column_of(values: Any, name: str, place: str) -> pa.Array | pa.ChunkedArray:
    """One column of a list, an array of NumPy, Arrow or torch, or a series of pandas or polars."""
    try:
        return _column(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise refusals.COLUMN_UNUSABLE(place, name=name, said=first_line(error)) from None


def _column(values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, np.ndarray):
        return array_column(values)
    if is_a(values, "pandas", "Series", "Index"):
        return pa.Array.from_pandas(values)
    if is_a(values, "polars", "Series") and str(values.dtype) == "Object":
        raise TypeError("Python objects have no type of Arrow")
    if hasattr(values, "__arrow_c_stream__"):
        return pa.chunked_array(values)
    if isinstance(values, list | tuple | range):
        return pa.array(values)
    if hasattr(values, "__array__"):
        return array_column(np.asarray(values))
    raise TypeError(f"a {type(values).__name__} is not one value a row")


def array_column(array: NDArray[Any]) -> pa.Array:
    """An array `[n]`, or one `[n, …]` of numbers as lists of one width; copied only where it is not contiguous."""
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim == 1:
        return pa.array(array)
    width = int(np.prod(array.shape[1:])) if array.ndim else 0
    if not width or array.dtype.kind not in NUMBERS:
        raise TypeError(f"an array of shape {array.shape} and type {array.dtype} is not one value or vector a row")
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise TypeError("vectors with masked values have no whole rows")
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(array).reshape(-1)), width)


def is_a(value: object, package: str, *names: str) -> bool:
    """Whether `value` is of a class of `package` with one of these names; the package is not imported for it."""
    return any(
        base.__name__ in names and f"{base.__module__}.".startswith(f"{package}.") for base in type(value).__mro__
    )

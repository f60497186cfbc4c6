"""Tables in memory from what people hold: Arrow, pandas, polars, `datasets`, dicts of columns, NumPy arrays."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tamis import refusals
from tamis.pool.arrays import column_of, is_a, table_of_array, table_of_columns
from tamis.pool.base import first_line, refuse_equal_names
from tamis.pool.huggingface import refuse_dataset, table_of_dataset


def as_table(source: Any, what: str = "pool") -> pa.Table | None:
    """The rows of `source` as an Arrow table, without a copy where Arrow allows it; None where it is no such object.

    No package is imported for it: objects are known by the names of their classes. A stream of batches is read once.
    Raises `Refused` for what has no rows of its own, for columns of several lengths, and for values of no Arrow type.

    Examples:
        >>> import numpy as np
        >>> as_table({"id": ["a", "b"], "vector": np.zeros((2, 3), "float32")}).schema.types
        [DataType(string), FixedSizeListType(fixed_size_list<item: float>[3])]
    """
    place = f"the {what}"
    if isinstance(source, pa.Table):
        return source
    if isinstance(source, np.ndarray):
        return table_of_array(source, place)
    for package, name, make in MAKERS:
        if is_a(source, package, name):
            return make(source, place)
    if isinstance(source, Mapping):
        return table_of_columns(source, place)
    if isinstance(source, list | tuple) and source and all(isinstance(row, Mapping) for row in source):
        raise refusals.ROWS_IN_LIST(place)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return _of_arrow(source, place)
    return None


def _of_arrow(source: Any, place: str) -> pa.Table:
    """The rows of anything that Arrow's C interface can export, such as readers of batches and results of DuckDB."""
    try:
        return pa.table(source)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise refusals.TABLE_UNUSABLE(place, said=first_line(error)) from None


def _of_pandas(frame: Any, place: str) -> pa.Table:
    """Columns of a pandas frame, before them those levels of its index that have a name of their own."""
    names = [str(name) for name in frame.columns]
    refuse_equal_names(names, place)
    levels = [(number, str(name)) for number, name in enumerate(frame.index.names) if name is not None]
    columns = {name: frame.index.get_level_values(number) for number, name in levels if name not in names}
    columns |= {name: frame.iloc[:, number] for number, name in enumerate(names)}
    return pa.table({name: column_of(values, name, place) for name, values in columns.items()})


def _of_polars(frame: Any, place: str) -> pa.Table:
    return table_of_columns({name: frame[name] for name in frame.columns}, place)


def _refuse_lazy(frame: Any, place: str) -> pa.Table:
    raise refusals.FRAME_IS_LAZY(place)


def _refuse_alone(series: Any, place: str) -> pa.Table:
    raise refusals.COLUMN_ALONE(place, kind=type(series).__name__)


MAKERS: tuple[tuple[str, str, Callable[[Any, str], pa.Table]], ...] = (
    ("pandas", "DataFrame", _of_pandas),
    ("polars", "DataFrame", _of_polars),
    ("polars", "LazyFrame", _refuse_lazy),
    ("datasets.arrow_dataset", "Dataset", table_of_dataset),
    ("datasets.dataset_dict", "DatasetDict", refuse_dataset),
    ("datasets.dataset_dict", "IterableDatasetDict", refuse_dataset),
    ("datasets.iterable_dataset", "IterableDataset", refuse_dataset),
    ("pandas", "Series", _refuse_alone),
    ("pandas", "Index", _refuse_alone),
    ("polars", "Series", _refuse_alone),
    ("pyarrow", "Array", _refuse_alone),
    ("pyarrow", "ChunkedArray", _refuse_alone),
)

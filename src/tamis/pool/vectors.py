"""Vectors: a column of lists of numbers, of JSON arrays, or several numeric columns, as one `float32 [n, d]`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool.base import TYPES, Columns, Pool, Shard, as_type, missing_column, type_name
from tamis.pool.json_turns import kind_of
from tamis.pool.json_values import as_text, load, parsed
from tamis.pool.roles import said_kind
from tamis.pool.shapes import arrow_type
from tamis.registry import nearest

NUMBERS = ("integer", "number")
ACCEPTED = "a column of lists of numbers, or several columns of numbers as in 'f*'"
JSON_NUMBERS = pa.list_(pa.float64())

Place = Callable[[int], str]


@dataclass(frozen=True)
class Vectors:
    """Vectors of `width` numbers: the lists in one column, or one number of each of several columns, in their order.

    Every number is finite, as float32, or NaN where there may be holes; a row without a vector, or with one of another
    width, is refused.
    """

    columns: Sequence[str]
    width: int
    several: bool = False
    holes: bool = False

    @property
    def sources(self) -> Columns:
        """The columns they are made of."""
        return dict.fromkeys(self.columns, TYPES["number"] if self.several else None)

    def make(self, pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int) -> pa.FixedSizeListArray:
        """`FixedSizeList<float32>[width]` of the rows of `batch`; no copy of lists that are of this type already."""

        def place(row: int) -> str:
            return pool.where(shard, first + row)

        if self.several:
            return self._side_by_side(batch, place)
        name = self.columns[0]
        return _checked(lists_of(batch.column(name), name, place), self.width, name, place, self.holes)

    def _side_by_side(self, batch: pa.RecordBatch, place: Place) -> pa.FixedSizeListArray:
        """One number of each column."""
        matrix = np.empty((batch.num_rows, self.width), np.float32)
        for index, name in enumerate(self.columns):
            column = as_type(batch.column(name), TYPES["number"])
            if column.null_count:
                row = int(np.argmin(column.is_valid().to_numpy(zero_copy_only=False)))
                raise refusals.NUMBER_NOT_FINITE(place(row), name=name, found="nothing")
            with np.errstate(over="ignore"):
                matrix[:, index] = column.to_numpy()
            _refuse_infinite(matrix[:, index : index + 1], name, place, self.holes)
        return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), self.width)

    def to_json(self) -> dict[str, Any]:
        """All that makes them again."""
        found = {"kind": "vectors", "columns": list(self.columns), "width": self.width, "several": self.several}
        return found | ({"holes": True} if self.holes else {})


def vectors_for(pool: Pool, given: str, place: str = "the pool", flag: str = "--embedding") -> Vectors:
    """The vectors that `--embedding` names: a column of lists, or columns of numbers as in `f*` or `width,height`.

    Refusals name `flag` in its place. The columns of a pattern stand in the order that they have in the pool. The width
    is that of the Arrow type, or of the first vector.
    Raises `Refused` for columns that are not there or hold no numbers.
    """
    if given in pool.schema:
        return _of_lists(pool, given, place, flag)
    columns = [name for name in pool.schema if fnmatchcase(name, given)]
    if "," in given and not columns:
        columns = [name.strip() for name in given.split(",") if name.strip()]
        for name in columns:
            if name not in pool.schema:
                raise missing_column(name, pool.schema, place, flag)
    if not columns and not set("*?[") & set(given):
        raise missing_column(given, pool.schema, place, flag)
    if not columns:
        near = nearest(given.rstrip("*"), pool.schema)
        raise refusals.COLUMNS_NOT_MATCHED(place, pattern=given, near=near, columns=", ".join(pool.schema) or "none")
    for name in columns:
        if pool.schema[name] not in (*NUMBERS, "boolean", "null"):
            kind, accepted = said_kind(name, pool.schema, pool.mixed), "columns of numbers"
            flag = f"{flag} {given!r}"
            raise refusals.COLUMN_WRONG_TYPE(place, name=name, kind=kind, flag=flag, accepted=accepted)
    return Vectors(columns, len(columns), several=True)


def _of_lists(pool: Pool, name: str, place: str, flag: str) -> Vectors:
    kind = said_kind(name, pool.schema, pool.mixed)
    try:
        width = _known_width(pool, name)
    except ValueError as error:
        kind = f"{kind} ({error})"
        width = None
    if not width:
        raise refusals.COLUMN_WRONG_TYPE(place, name=name, kind=kind, flag=flag, accepted=ACCEPTED)
    return Vectors([name], width)


def _known_width(pool: Pool, name: str) -> int | None:
    """The width that the type of a column says, or its first list; None where it can hold no lists."""
    if pool.schema[name] not in ("list", "text", "other"):
        return None
    arrow = arrow_type(pool, name) if pool.schema[name] != "text" else None
    if arrow is not None:
        arrow = arrow.storage_type if isinstance(arrow, pa.BaseExtensionType) else arrow
        if type_name(arrow) != "list" or type_name(arrow.value_type) not in NUMBERS:
            raise ValueError(f"of Arrow type {arrow}")
        if pa.types.is_fixed_size_list(arrow):
            return int(arrow.list_size)
    first = next(iter(pool.first_values(name)), None)
    if first is None:
        raise ValueError("its first rows have none")
    return len(first if arrow is not None else _numbers(load(first) if isinstance(first, str) else first) or ())


def lists_of(column: pa.Array, name: str, place: Place) -> pa.Array:
    """A column as lists of numbers, parsed if they are JSON; refuses the first row that is none."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if type_name(column.type) == "text":
        return _of_json(as_text(column), name, place)
    if pa.types.is_null(column.type):
        return column.cast(JSON_NUMBERS)
    if type_name(column.type) != "list" or type_name(column.type.value_type) not in NUMBERS:
        raise refusals.VECTOR_UNREADABLE(place(0), name=name, said=f"it is a {column.type}")
    return column


def _of_json(texts: pa.LargeStringArray, name: str, place: Place) -> pa.Array:
    found = parsed(texts, JSON_NUMBERS)
    if found is not None:
        return found
    rows: list[list[float | None] | None] = []
    for row, text in enumerate(texts.to_pylist()):
        try:
            rows.append(_numbers(load(text)))
        except ValueError as error:
            raise refusals.VECTOR_UNREADABLE(place(row), name=name, said=str(error)) from None
    return pa.array(rows, JSON_NUMBERS)


def _numbers(value: Any) -> list[float | None] | None:
    """A value of JSON as numbers; those that no double holds are infinite. Raises `ValueError` for what is none."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError(f"it is {kind_of(value)}")
    wrong = next((number for number in value if type(number) not in (int, float, type(None))), None)
    if wrong is not None:
        raise ValueError(f"it holds {kind_of(wrong)}")
    try:
        return [None if number is None else float(number) for number in value]
    except OverflowError:
        return [float("inf")] * len(value)


def _checked(lists: pa.Array, width: int, name: str, place: Place, holes: bool) -> pa.FixedSizeListArray:
    """`lists` as vectors of `width` finite numbers of 32 bits, or holes; refuses the first row that is none."""
    if lists.null_count:
        raise refusals.VECTOR_MISSING(place(int(np.argmax(lists.is_null().to_numpy(zero_copy_only=False)))), name=name)
    counts = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    if (other := counts != width).any():
        row = int(np.argmax(other))
        raise refusals.VECTOR_OF_OTHER_WIDTH(place(row), name=name, found=int(counts[row]), width=width)
    flat = lists.flatten()
    if flat.null_count:
        row = int(np.argmin(flat.is_valid().to_numpy(zero_copy_only=False))) // width
        raise refusals.NUMBER_NOT_FINITE(place(row), name=name, found="nothing")
    values = _as_float32(flat)
    _refuse_infinite(values.reshape(-1, width), name, place, holes)
    return pa.FixedSizeListArray.from_arrays(flat if flat.type == pa.float32() else pa.array(values), width)


def _as_float32(flat: pa.Array) -> NDArray[np.float32]:
    if pa.types.is_decimal(flat.type):
        flat = flat.cast(pa.float64())
    with np.errstate(over="ignore"):
        return np.asarray(flat.to_numpy(), np.float32)


def _refuse_infinite(matrix: NDArray[np.float32], name: str, place: Place, holes: bool = False) -> None:
    """Refuse the first row of `[n, d]` that is not finite in 32 bits; NaN is let be where there may be holes."""
    finite = ~np.isinf(matrix) if holes else np.isfinite(matrix)
    if not finite.all():
        row = int(np.argmin(finite.all(axis=1)))
        hole = not holes and bool(np.isnan(matrix[row]).any())
        found = "NaN" if hole else "an infinity, or a number too large for 32 bits,"
        raise refusals.NUMBER_NOT_FINITE(place(row), name=name, found=found)

"""Tags: a column of lists of text, of JSON arrays, or of text with `;` between the tags."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tamis import refusals
from tamis.pool.base import Columns, Pool, Shard, type_name
from tamis.pool.json_values import load

LISTS = pa.list_(pa.large_string())


@dataclass(frozen=True)
class TagLists:
    """Each row's tags, none where the row has nothing; blanks around a tag and empty tags are left out."""

    column: str

    @property
    def sources(self) -> Columns:
        """The column they are in."""
        return {self.column: None}

    def make(self, pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int) -> pa.ListArray:
        """`list<large_string>` of the rows of `batch`; refuses the first row that holds something else."""
        column = batch.column(self.column)
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        kind = type_name(column.type)
        if kind == "list" and type_name(column.type.value_type) == "text":
            return column.cast(LISTS)
        if kind not in ("text", "list", "null"):
            raise refusals.TAGS_UNREADABLE(pool.where(shard, first), name=self.column, said=f"it is a {column.type}")
        rows = []
        for row, value in enumerate(column.to_pylist()):
            try:
                rows.append(_tags(value))
            except ValueError as error:
                place = pool.where(shard, first + row)
                raise refusals.TAGS_UNREADABLE(place, name=self.column, said=str(error)) from None
        return pa.array(rows, LISTS)

    def to_json(self) -> dict[str, Any]:
        """All that makes them again."""
        return {"kind": "tags", "column": self.column}


def _tags(value: Any) -> list[str]:
    """The tags of one value; raises `ValueError` for what holds none."""
    if value is None:
        return []
    if isinstance(value, str):
        value = load(value) if value.lstrip().startswith("[") else value.split(";")
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ValueError("it is no list of text")
    return [tag.strip() for tag in value if tag.strip()]


def all_tags(column: pa.ChunkedArray) -> pa.Array:
    """Every tag that occurs, once, in the order of appearance."""
    return pc.unique(pc.list_flatten(column))

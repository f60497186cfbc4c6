"""Text that is made of columns by a template, as in `{instruction}\\n{output}` and `{messages.user}`."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tamis import refusals
from tamis.pool import objects, shapes
from tamis.pool.base import TYPES, Columns, Pool, Shard, missing_column
from tamis.pool.json_values import NOTHING, as_text, literal
from tamis.pool.roles import Role
from tamis.pool.turns import NEWLINE, ROLES, SYNONYMS, Turns, text_of, turns_of

AUTO = "auto"
GRAMMAR = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}


class Field(NamedTuple):
    """A column of a template, and of that column one role of its turns or one field of its objects, if any."""

    column: str
    part: str | None = None


Line = list[str | Field]


@dataclass(frozen=True)
class Template:
    """Text made of columns; `kinds` says what each of them is: text, a number, turns or an object.

    A line in which all columns are null or empty is left out. The text of a row is null where all columns are null, and
    empty where none has content.
    """

    template: str
    kinds: Mapping[str, str]

    @property
    def sources(self) -> Columns:
        """The columns it is made of."""
        return {column: TYPES.get(kind) for column, kind in self.kinds.items()}

    @cached_property
    def lines(self) -> list[Line]:
        """The template line by line: words, and columns between them."""
        return parse(self.template, self.kinds)

    def make(self, pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int) -> pa.Array:
        """The texts `[n]` of the rows of `batch`, which starts at row `first` of `shard`. O(bytes) time."""
        values = Values(self, pool, shard, batch, first)
        if len(self.lines) == 1 and len(self.lines[0]) == 1:
            return values.of(self.fields[0])
        columns = [values.of(field) for field in self.fields]
        found = dict(zip(self.fields, columns, strict=True))
        lines = [_line([found[part] if isinstance(part, Field) else part for part in line]) for line in self.lines]
        text = pc.binary_join_element_wise(*lines, NEWLINE, null_handling="skip")
        return _without_nothing(text, columns)

    @property
    def fields(self) -> list[Field]:
        """The fields in their order, each once."""
        return list(dict.fromkeys(part for line in self.lines for part in line if isinstance(part, Field)))

    def to_json(self) -> dict[str, Any]:
        """All that makes it again."""
        return {"kind": "template", "template": self.template, "kinds": dict(self.kinds)}


class Values:
    """The columns of one batch as texts; turns are taken apart once."""

    def __init__(self, made: Template, pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int) -> None:
        self.made, self.pool, self.shard, self.batch, self.first = made, pool, shard, batch, first
        self.turns: dict[str, Turns] = {}

    def place(self, row: int) -> str:
        """Where a row of the batch stands."""
        return self.pool.where(self.shard, self.first + row)

    def of(self, field: Field) -> pa.LargeStringArray:
        """The texts of one field, `[n]`."""
        kind, column = self.made.kinds[field.column], self.batch.column(field.column)
        if kind == "turns":
            if field.column not in self.turns:
                self.turns[field.column] = turns_of(column, field.column, self.place)
            return text_of(self.turns[field.column], field.part)
        if kind == "object":
            return objects.text_of(column, field.column, str(field.part), self.place)
        return as_text(pc.cast(column, TYPES[kind]) if kind != "text" else column)


def _line(parts: list[str | pa.Array]) -> pa.Array | pa.Scalar:
    """One line of every row: null where none of its columns has content."""
    columns = [part for part in parts if not isinstance(part, str)]
    if not columns:
        return literal("".join(part for part in parts if isinstance(part, str)))
    filled = [literal(part) if isinstance(part, str) else pc.fill_null(part, NOTHING) for part in parts]
    line = filled[0] if len(filled) == 1 else pc.binary_join_element_wise(*filled, NOTHING)
    return pc.if_else(_has_content(columns), line, pa.scalar(None, line.type))


def _has_content(columns: list[pa.Array]) -> pa.BooleanArray:
    """Whether a row has anything in one of these columns."""
    found = [pc.fill_null(pc.greater(pc.binary_length(column), 0), False) for column in columns]
    return _any(found)


def _without_nothing(text: pa.Array, columns: list[pa.Array]) -> pa.Array:
    """`text` without the words of the template where no column has content."""
    text = pc.if_else(_has_content(columns), text, NOTHING)
    return pc.if_else(_any([column.is_valid() for column in columns]), text, pa.scalar(None, text.type))


def _any(masks: list[pa.BooleanArray]) -> pa.BooleanArray:
    found = masks[0]
    for mask in masks[1:]:
        found = pc.or_(found, mask)
    return found


def written(template: str) -> str:
    """A template as a line of text, newlines written as `\\\\n`; both forms mean the same."""
    return template.replace("\n", "\\n").replace("\t", "\\t")


def parse(template: str, columns: Collection[str]) -> list[Line]:
    """A template line by line; `columns` says what is a column and what a part of one. Raises `Refused`."""
    template = re.sub(r"\\[nt\\]", lambda found: ESCAPES[found[0]], template)
    lines, line, at = [], Line(), 0
    for found in GRAMMAR.finditer(template):
        line.append(template[at : found.start()])
        at = found.end()
    return lines

"""Text that is made of columns by a template, as in `{instruction}\\n{output}` and `{messages.user}`."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tamis import refusals
from tamis.pool import object_fields
from tamis.pool.base import TYPES, Columns, Pool, Shard
from tamis.pool.json_values import NOTHING, as_text, literal
from tamis.pool.turns import NEWLINE, Turns, text_of, turns_of

PIECES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|([{}])|[^{}]+")


class Field(NamedTuple):
    """A column in a template, and what of it: one role of its turns, or one field of its objects."""

    column: str
    part: str | None = None


Line = tuple[str | Field, ...]


@dataclass(frozen=True)
class Template:
    """Text made of columns; `kinds` says what each of them holds: text, numbers, turns or objects.

    A line in which all columns are null or empty is left out. The text of a row is null where all columns are null, and
    empty where none of them has content.
    """

    template: str
    kinds: Mapping[str, str]

    @property
    def sources(self) -> Columns:
        """The columns it is made of."""
        return {column: TYPES.get(kind) for column, kind in self.kinds.items()}

    def make(self, pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int) -> pa.Array:
        """The texts `[n]` of the rows of `batch`, which starts at row `first` of `shard`. O(bytes) time."""
        lines = parse(self.template, tuple(self.kinds))
        values = _Values(self.kinds, pool, shard, batch, first)
        columns = {part: values.of(part) for line in lines for part in line if isinstance(part, Field)}
        if len(columns) == 1 and len(lines) == 1 and len(lines[0]) == 1:
            return next(iter(columns.values()))
        made = [_line([columns[part] if isinstance(part, Field) else part for part in line]) for line in lines]
        has_content = _has_content([*columns.values()])
        made[0] = pc.if_else(has_content, made[0], NOTHING)  # a row of nulls alone would be lost when nulls are skipped
        text = pc.binary_join_element_wise(*made, NEWLINE, null_handling="skip")
        text = pc.if_else(has_content, text, NOTHING)
        there = _any([column.is_valid() for column in columns.values()])
        return pc.if_else(there, text, pa.scalar(None, text.type))

    def to_json(self) -> dict[str, Any]:
        """All that makes it again."""
        return {"kind": "template", "template": self.template, "kinds": dict(self.kinds)}


class _Values:
    """The columns of one batch as texts; turns are taken apart once."""

    def __init__(self, kinds: Mapping[str, str], pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int) -> None:
        self.kinds, self.pool, self.shard, self.batch, self.first = kinds, pool, shard, batch, first
        self.turns: dict[str, Turns] = {}

    def place(self, row: int) -> str:
        """Where a row of the batch stands."""
        return self.pool.where(self.shard, self.first + row)

    def of(self, field: Field) -> pa.LargeStringArray:
        """The texts of one field, `[n]`."""
        name, kind, column = field.column, self.kinds[field.column], self.batch.column(field.column)
        if kind == "turns":
            if name not in self.turns:
                self.turns[name] = turns_of(column, name, self.place)
            return text_of(self.turns[name], field.part)
        if kind == "object":
            return object_fields.text_of(column, name, str(field.part), self.place)
        return as_text(column if kind == "text" else pc.cast(column, TYPES[kind]))


def _line(parts: list[str | pa.Array]) -> pa.Array | pa.Scalar:
    """One line of every row: null where none of its columns has content, the same words where it has no column."""
    columns = [part for part in parts if not isinstance(part, str)]
    if not columns:
        return literal("".join(part for part in parts if isinstance(part, str)))
    filled = [literal(part) if isinstance(part, str) else pc.fill_null(part, NOTHING) for part in parts]
    line = pc.binary_join_element_wise(*filled, NOTHING) if len(filled) > 1 else filled[0]
    return pc.if_else(_has_content(columns), line, pa.scalar(None, line.type))


def _has_content(columns: list[pa.Array]) -> pa.BooleanArray:
    """Whether a row has anything in one of these columns."""
    return _any([pc.fill_null(pc.greater(pc.binary_length(column), 0), False) for column in columns])


def _any(masks: list[pa.BooleanArray]) -> pa.BooleanArray:
    found = masks[0]
    for mask in masks[1:]:
        found = pc.or_(found, mask)
    return found


def written(template: str) -> str:
    """A template in one line: its newlines are written as a backslash and an n, which mean the same."""
    return template.replace("\n", "\\n")


@lru_cache(64)
def parse(template: str, columns: tuple[str, ...]) -> tuple[Line, ...]:
    """The lines of a template, each of words and fields of `columns`; refuses a brace alone, and a template of words.

    Examples:
        >>> parse("Q: {q}\\\\n{chat.user}", ("q", "chat"))
        (('Q: ', Field(column='q', part=None)), (Field(column='chat', part='user'),))
    """
    template = template.replace("\\n", "\n")
    lines: list[list[str | Field]] = [[]]
    for found in PIECES.finditer(template):
        if found[2]:
            raise refusals.TEMPLATE_BRACE(f"--template {written(template)!r}", at=found.start() + 1)
        if found[1] is not None:
            lines[-1].append(field_of(found[1].strip(), columns))
            continue
        words = {"{{": "{", "}}": "}"}.get(found[0], found[0]).split("\n")
        for number, text in enumerate(words):
            lines += [[]] if number else []
            lines[-1] += [text] if text else []
    if not any(isinstance(part, Field) for line in lines for part in line):
        raise refusals.TEMPLATE_WITHOUT_COLUMN(f"--template {written(template)!r}")
    return tuple(map(tuple, lines))


def field_of(name: str, columns: Collection[str]) -> Field:
    """The column that `name` means, or the longest that it begins with, and what of it; or one that is not there."""
    words = name.split(".")
    for count in range(len(words), 0, -1):
        if (column := ".".join(words[:count])) in columns:
            return Field(column, ".".join(words[count:]) or None)
    return Field(name)

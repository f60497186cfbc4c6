"""Known shapes of chat and instruction data: which columns they have, and the template that makes text of them."""

import json
from collections.abc import Collection
from typing import Any, NamedTuple

import pyarrow as pa

from tamis import refusals
from tamis.pool.base import ColumnarPool, Pool
from tamis.pool.json_turns import CONTENT_FIELDS, ROLE_FIELDS, read_turns
from tamis.pool.roles import said_kind
from tamis.pool.turns import are_turns, canonical

CONVERSATIONS = ("messages", "conversations", "conversation", "dialogue", "dialog")
OF_TURNS = (*CONVERSATIONS, "chosen", "rejected", "prompt", "completion")

SHAPES: dict[str, tuple[tuple[str, ...], ...]] = {
    "messages": (CONVERSATIONS,),
    "preference": (("chosen",), ("rejected",), ("prompt", "question", "")),
    "instruction": (("instruction",), ("input", "context", ""), ("output", "response", "completion", "answer")),
    "prompt": (("prompt", "input", "inputs"), ("completion", "response", "answer", "output", "target", "targets")),
    "question": (("question", "query", "problem"), ("answer", "response", "solution")),
}
"""For each shape the names that its columns can have; an empty one says that the column may be missing."""


class Shape(NamedTuple):
    """A shape that was found in a pool: its name, its columns, and the text that a model would be trained on."""

    name: str
    columns: tuple[str, ...]
    template: str


def find_shape(pool: Pool, taken: Collection[str] = ()) -> Shape | None:
    """The first known shape whose columns the pool has and nobody has `taken` for another role.

    The beginning of the pool is read where types do not say what a column holds.
    """
    return next((found for name in SHAPES if (found := shape_of(pool, name, taken)) is not None), None)


def shape_of(pool: Pool, name: str, taken: Collection[str] = ()) -> Shape | None:
    """The columns of the pool that make the shape of this name; None where one is missing or of another type."""
    known = {column.lower(): column for column in reversed(pool.schema) if column not in taken}
    known |= {column: column for column in pool.schema if column not in taken}
    columns: list[str] = []
    for names in SHAPES[name]:
        numbers = ("integer", "number", "boolean") if names is SHAPES[name][-1] else ()
        kinds = ("turns",) if name == "messages" else ("turns", "text", *numbers)
        fitting = (known[column] for column in names if column in known and kind_of(pool, known[column]) in kinds)
        found = next(fitting, None)
        if found is None and "" not in names:
            return None
        columns += [found] if found else []
    return Shape(name, tuple(columns), _template(pool, name, columns))


def _template(pool: Pool, name: str, columns: list[str]) -> str:
    """The default text of a shape; of a preference the chosen answer, behind its prompt unless it begins with it."""
    if name == "preference":
        chosen, _, *prompt = columns
        columns = [*(prompt if prompt and not _repeats(pool, chosen, prompt[0]) else ()), chosen]
    return "\\n".join("{" + column + "}" for column in columns)


def _repeats(pool: Pool, chosen: str, prompt: str) -> bool:
    """Whether the first chosen answer holds its prompt: it begins with it, or with a turn of the user or the system."""
    answers, prompts = pool.first_values(chosen), pool.first_values(prompt)
    if not answers:
        return False
    if kind_of(pool, chosen) == "turns":
        first = value_of(answers[0])
        roles = [role for role, _ in read_turns(first) or ()] if _are_turns(first) else []
        return bool(roles) and canonical(roles[0] or "") in ("user", "system")
    return bool(prompts) and bool(prompts[0]) and str(answers[0]).startswith(str(prompts[0]))


def kind_of(pool: Pool, column: str, of_turns: bool = False) -> str:
    """What a template can make of a column: text, integer, number, boolean, turns, object, or other for nothing.

    A column of text holds turns where its name, or `of_turns`, says so and its first value is a list of turns in JSON.
    """
    kind = pool.schema[column]
    named = of_turns or column.lower() in OF_TURNS
    if kind in ("integer", "number", "boolean") or (kind == "text" and not named):
        return kind
    arrow = arrow_type(pool, column) if kind in ("list", "other") else None
    if kind == "null" or (arrow is not None and pa.types.is_null(arrow)):
        return "turns" if named else "text"
    if kind not in ("text", "list", "other"):
        return "other"
    if arrow is not None:
        return "turns" if are_turns(arrow) else "object" if pa.types.is_struct(arrow) else "other"
    values = [value_of(value) for value in pool.first_values(column)]
    first = next((value for value in values if value not in (None, "", [])), None)
    if first is None and (kind == "list" or [] in values):
        return "turns"
    if isinstance(first, list) and _are_turns(first, lines=kind == "list"):
        return "turns"
    return "text" if kind == "text" else "object" if isinstance(first, dict) else "other"


def arrow_type(pool: Pool, column: str) -> pa.DataType | None:
    """The type of a column where the files say it, and not its values."""
    try:
        return pool.columns.field(column).type if isinstance(pool, ColumnarPool) else None
    except pa.ArrowInvalid:
        return None


def value_of(value: Any) -> Any:
    """What the JSON in a text says, if it is any."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _are_turns(value: Any, lines: bool = True) -> bool:
    """Whether a value of JSON is a list of turns; plain strings are such only where `lines` are."""
    fields = {*ROLE_FIELDS, *CONTENT_FIELDS}
    return isinstance(value, list) and all(
        turn is None or (lines and isinstance(turn, str)) or (isinstance(turn, dict) and not fields.isdisjoint(turn))
        for turn in value
    )


def unusable(pool: Pool, column: str, place: str) -> Exception:
    """The refusal of a column of which no template can make text."""
    kind = "a list" if pool.schema[column] == "list" else said_kind(column, pool.schema, pool.mixed)
    if kind_of(pool, column) == "object":
        kind = "an object"
    accepted = "text, numbers, a list of chat turns, or a field of an object as in {meta.title}"
    return refusals.COLUMN_WRONG_TYPE(place, name=column, kind=kind, flag="--template", accepted=accepted)

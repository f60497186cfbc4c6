"""Chat turns: who says what in every row, from Arrow lists or from JSON, and the texts that are made of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool.base import type_name
from tamis.pool.json_turns import CONTENT_FIELDS, MORE_FIELDS, ROLE_FIELDS, Turn, read_turns, shown
from tamis.pool.json_values import NOTHING, as_text, literal, load, parsed

ROLES = ("user", "assistant", "system", "tool")
SYNONYMS = {
    "human": "user",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "function": "tool",
}
JSON_TURNS = pa.list_(pa.struct([(name, pa.string()) for name in (*ROLE_FIELDS, *CONTENT_FIELDS, *MORE_FIELDS)]))
NEWLINE = literal("\n")

Place = Callable[[int], str]


class Turns(NamedTuple):
    """The turns of `n` rows, one row after the other.

    Args:
        counts: int64 `[n]`, turns of each row.
        absent: bool `[n]`, rows that have no list.
        roles: texts `[t]`, who says it, or null.
        contents: texts `[t]`, what is said, thought and called, or null.
    """

    counts: NDArray[np.int64]
    absent: pa.BooleanArray
    roles: pa.LargeStringArray
    contents: pa.LargeStringArray


def canonical(role: str) -> str:
    """`user`, `assistant`, `system` or `tool` for a known role, in any case and by any synonym; others as they are."""
    word = role.strip().lower()
    return SYNONYMS.get(word, word if word in ROLES else role)


def are_turns(kind: pa.DataType) -> bool:
    """Whether an Arrow type is a list of chat turns: of structs with a content, or of plain strings."""
    if not _is_list(kind):
        return False
    value = kind.value_type
    if pa.types.is_struct(value):
        names = [value.field(index).name for index in range(value.num_fields)]
        return any(name in names for name in CONTENT_FIELDS)
    return _is_text(value)


def text_of(turns: Turns, role: str | None = None) -> pa.LargeStringArray:
    """The text `[n]` of each row: its turns as `role: content`, one a line, or only what `role` says.

    Turns without content are left out. Null where there is no list. O(bytes) time.
    """
    keep = pc.fill_null(pc.greater(pc.binary_length(turns.contents), 0), False)
    if role is not None:
        keep = pc.and_(keep, pc.fill_null(pc.equal(_each(turns.roles, canonical), literal(canonical(role))), False))
    pieces = turns.contents
    if role is None and turns.roles.null_count < len(turns.roles):
        start = pc.fill_null(_each(turns.roles, lambda name: f"{canonical(name)}: " if name else ""), NOTHING)
        pieces = pc.binary_join_element_wise(start, pc.fill_null(pieces, NOTHING), NOTHING)
    return _lines(turns, pieces, keep)


def _lines(turns: Turns, pieces: pa.LargeStringArray, keep: pa.BooleanArray) -> pa.LargeStringArray:
    """The kept pieces of each row, joined by newlines."""
    kept = keep.to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(turns.counts)])
    if not kept.all():
        ends = np.concatenate([[0], np.cumsum(kept)])[ends]
        pieces = pieces.filter(keep)
    text = pc.binary_join(pa.LargeListArray.from_arrays(pa.array(ends), pieces), NEWLINE)
    return pc.if_else(turns.absent, pa.scalar(None, text.type), text) if turns.absent.true_count else text


def _each(roles: pa.LargeStringArray, change: Callable[[str], str]) -> pa.LargeStringArray:
    """Roles changed by a function, which is called once for each that is different."""
    coded = roles.dictionary_encode()
    return pa.array([change(role) for role in coded.dictionary.to_pylist()], pa.large_string()).take(coded.indices)


def turns_of(array: pa.Array, name: str, place: Place) -> Turns:
    """The turns in a column of lists, or of JSON as text; `place` says where a row stands, for a refusal."""
    if pa.types.is_null(array.type):
        return turns_of(array.cast(JSON_TURNS), name, place)
    if _is_text(array.type):
        return _of_json(as_text(array), name, place)
    found = _of_lists(array) if are_turns(array.type) else None
    if found is None:
        raise refusals.TURNS_UNREADABLE(place(0), name=name, said=f"it is a {array.type}")
    return found


def _of_lists(array: pa.Array) -> Turns | None:
    """The turns in an Arrow list; None where role or content is of a type that has no text."""
    flat, counts, absent = array.flatten(), _counts(array), array.is_null()
    if _is_text(flat.type):
        return Turns(counts, absent, pa.nulls(len(flat), pa.large_string()), as_text(flat))
    roles, contents = _first_of(flat, ROLE_FIELDS), _first_of(flat, CONTENT_FIELDS)
    if roles is None or contents is None:
        return None
    return Turns(counts, absent, roles, _with_more(flat, contents))


def _with_more(flat: pa.StructArray, contents: pa.LargeStringArray) -> pa.LargeStringArray:
    """The contents of turns with what was thought before them and the calls behind them, each on a line of its own."""
    more = {}
    for name in MORE_FIELDS:
        if flat.type.get_field_index(name) >= 0:
            texts = _shown(pc.struct_field(flat, name), name)
            if texts.null_count < len(texts):
                more[name] = pc.binary_join_element_wise(literal(f"[{name}] "), texts, NOTHING)
    if not more:
        return contents
    thought = [more.pop(MORE_FIELDS[0])] if MORE_FIELDS[0] in more else []
    lines = [*thought, _or_null(contents), *more.values()]
    joined = lines[0]
    for line in lines[1:]:
        joined = pc.coalesce(pc.binary_join_element_wise(joined, line, NEWLINE), joined, line)
    return joined


def _shown(column: pa.Array, name: str = "") -> pa.LargeStringArray:
    """Values of any type as text, null where there is nothing; Python looks at those that are neither null nor text."""
    if _is_text(column.type):
        return _or_null(as_text(column))
    known = column.is_valid()
    texts = [shown(value, name) or None for value in column.filter(known).to_pylist()]
    nothing = pa.nulls(len(column), pa.large_string())
    return pc.replace_with_mask(nothing, known, pa.array(texts, pa.large_string())) if texts else nothing


def _or_null(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Empty texts as null."""
    return pc.if_else(pc.equal(pc.binary_length(texts), 0), pa.scalar(None, pa.large_string()), texts)


def _first_of(structs: pa.StructArray, names: tuple[str, ...]) -> pa.LargeStringArray | None:
    """The first of these fields that is not null, as text; None where one of them has no text."""
    known = {structs.type.field(index).name for index in range(structs.type.num_fields)}
    found = [_said(pc.struct_field(structs, name)) for name in names if name in known]
    if any(column is None for column in found):
        return None
    return pc.coalesce(*found) if found else pa.nulls(len(structs), pa.large_string())


def _said(column: pa.Array) -> pa.LargeStringArray | None:
    """A field of turns as text: strings, whole numbers, or parts joined, of which those without text are JSON."""
    kind = column.type
    if _is_text(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind):
        return as_text(column)
    if not _is_list(kind) or not (_is_text(kind.value_type) or pa.types.is_struct(kind.value_type)):
        return None
    parts = column.flatten()
    texts = _texts_of(parts) if pa.types.is_struct(parts.type) else as_text(parts)
    roles = pa.nulls(len(parts), pa.large_string())
    return None if texts is None else text_of(Turns(_counts(column), column.is_null(), roles, texts))


def _texts_of(parts: pa.StructArray) -> pa.LargeStringArray | None:
    """The text of each part, or its JSON where it has none; None where what is called text is none."""
    if parts.type.get_field_index("text") < 0:
        return _shown(parts)
    texts = pc.struct_field(parts, "text")
    if not _is_text(texts.type):
        return _shown(parts) if pa.types.is_null(texts.type) else None
    texts = as_text(texts)
    others = pc.and_(parts.is_valid(), texts.is_null())
    return pc.replace_with_mask(texts, others, _shown(parts.filter(others))) if others.true_count else texts


def _counts(lists: pa.Array) -> NDArray[np.int64]:
    """The length of each list, 0 where there is none."""
    counts = pc.if_else(lists.is_null(), 0, pc.list_value_length(lists))
    return np.asarray(counts.to_numpy(zero_copy_only=False), np.int64)


def _of_json(texts: pa.LargeStringArray, name: str, place: Place) -> Turns:
    found = parsed(texts, JSON_TURNS)
    if found is not None and not _have_nothing(found):
        turns = _of_lists(found)
        assert turns is not None
        return turns
    rows = [_read(text, name, place, row) for row, text in enumerate(texts.to_pylist())]
    said = [turn for row in rows for turn in row or ()]
    return Turns(
        np.array([len(row or ()) for row in rows], np.int64),
        pa.array([row is None for row in rows], pa.bool_()),
        pa.array([role for role, _ in said], pa.large_string()),
        pa.array([content for _, content in said], pa.large_string()),
    )


def _have_nothing(lists: pa.ListArray) -> bool:
    """Whether a turn has no known field, so that it has to be looked at one by one."""
    flat = lists.flatten()
    fields = [flat.field(index).is_null() for index in range(flat.type.num_fields)]
    nothing = fields[0]
    for field in fields[1:]:
        nothing = pc.and_(nothing, field)
    return bool(nothing.true_count)


def _read(text: str | None, name: str, place: Place, row: int) -> list[Turn] | None:
    try:
        return read_turns(load(text))
    except ValueError as error:
        raise refusals.TURNS_UNREADABLE(place(row), name=name, said=str(error)) from None


def _is_text(kind: pa.DataType) -> bool:
    return type_name(kind) == "text"


def _is_list(kind: pa.DataType) -> bool:
    return type_name(kind) == "list"

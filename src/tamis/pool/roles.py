"""Roles: which column is the text, the id, the label …, given by flag or guessed when only one can be meant."""

from collections.abc import Mapping
from dataclasses import dataclass

from tamis import refusals
from tamis.pool.base import missing_column

GUESSES = {
    "text": ("text", "content", "document", "body", "raw_content"),
    "id": ("id", "_id", "doc_id", "uuid"),
    "group": ("group", "domain", "source", "subset"),
    "label": ("label", "y"),
    "image": ("image", "img", "jpeg", "jpg", "png", "picture"),
}
ACCEPTS = {
    "text": ("text",),
    "id": ("text", "integer"),
    "label": ("text", "integer", "boolean"),
    "group": ("text", "integer", "boolean"),
    "cost": ("integer", "number"),
    "score": ("integer", "number"),
    "mis_score": ("integer", "number"),
    "loss": ("integer", "number"),
    "reference_loss": ("integer", "number"),
    "weight": ("integer", "number"),
    "image": ("bytes", "text", "other"),
}
GUESSED = ACCEPTS | {"image": ("bytes", "other")}
IMAGES = "bytes, text (paths of files) or a struct with bytes or a path"
BY_USE = ("mis_score", "loss", "reference_loss")  # roles that have no flag of their own
NONE = "none"


@dataclass(frozen=True)
class Role:
    """A column and how it came to its role: `given` by the request, or `guessed`."""

    column: str
    how: str


def find_roles(
    schema: Mapping[str, str], given: Mapping[str, str | None], place: str, mixed: Mapping[str, str] | None = None
) -> dict[str, Role]:
    """The roles of a pool with `schema`: those `given`, then those that only one column can have; `none` is no column.

    Raises `Refused` for a column that is not there or whose type cannot serve; `mixed` is as in `Pool`.

    Examples:
        >>> find_roles({"id": "text", "text": "text", "n": "integer"}, {"score": "n"}, "pool")["id"].how
        'guessed'
    """
    roles = {}
    for role, column in given.items():
        if column is None or (column == NONE and column not in schema):
            continue
        accepted = ACCEPTS.get(role)
        if column not in schema:
            fitting = {name: kind for name, kind in schema.items() if not accepted or kind in (*accepted, "null")}
            raise missing_column(column, fitting or schema, place, flag_of(role))
        if accepted and schema[column] not in (*accepted, "null"):
            kind = said_kind(column, schema, mixed or {})
            needed = IMAGES if role == "image" else " or ".join(accepted)
            raise refusals.COLUMN_WRONG_TYPE(place, name=column, kind=kind, flag=flag_of(role), accepted=needed)
        roles[role] = Role(column, "given")
    for role, names in GUESSES.items():
        found = [name for name in names if schema.get(name) in GUESSED[role]]
        if given.get(role) is None and found:
            roles[role] = Role(found[0], "guessed")
    return roles


def flag_of(role: str) -> str:
    """The flag that gives a column a role.

    Examples:
        >>> flag_of("label"), flag_of("mis_score")
        ('--label', '--use mis_score')
    """
    return f"--use {role}" if role in BY_USE else f"--{role}"


def said_kind(column: str, schema: Mapping[str, str], mixed: Mapping[str, str]) -> str:
    """The type of a column for a message; of a mixed one, two types and where each was seen."""
    return f"mixed ({mixed[column]})" if column in mixed else schema[column]


def mixed_notes(mixed: Mapping[str, str], roles: Mapping[str, Role], place: str) -> list[str]:
    """What to say of columns that would have had a role by their names, if their values were of one type."""
    named = [(role, column) for role, names in GUESSES.items() for column in names if role not in roles]
    return [
        f"column {column!r} of {place} is mixed ({mixed[column]}), so it is not read as {role}"
        for role, column in named
        if column in mixed
    ]


def need_text(schema: Mapping[str, str], roles: Mapping[str, Role], place: str, flag: str = "--text") -> Role:
    """The text role, of the only text column if need be; refuses where several could be meant or there is none."""
    if "text" in roles:
        return roles["text"]
    found = [name for name, kind in schema.items() if kind == "text" and name not in {r.column for r in roles.values()}]
    if len(found) == 1:
        return Role(found[0], "guessed")
    if not found:
        columns = ", ".join(f"{name} ({kind})" for name, kind in schema.items()) or "none"
        raise refusals.TEXT_MISSING(place, columns=columns)
    raise refusals.TEXT_UNCLEAR(place, flag=flag, columns=", ".join(found))

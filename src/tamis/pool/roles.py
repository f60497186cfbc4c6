"""Roles: which column is the text, the id, the label …, given by flag or guessed when only one can be meant."""

from collections.abc import Mapping
from dataclasses import dataclass

from tamis.errors import Refused
from tamis.pool.base import missing_column

GUESSES = {
    "text": ("text", "content", "document", "body", "raw_content"),
    "id": ("id", "_id", "doc_id", "uuid"),
    "group": ("group", "domain", "source", "subset"),
    "label": ("label", "y"),
}
ACCEPTS = {
    "text": ("text",),
    "id": ("text", "integer"),
    "label": ("text", "integer", "boolean"),
    "group": ("text", "integer", "boolean"),
    "cost": ("integer", "number"),
    "score": ("integer", "number"),
    "weight": ("integer", "number"),
}


@dataclass(frozen=True)
class Role:
    """A column and how it came to its role: `given` by the request, or `guessed`."""

    column: str
    how: str


def find_roles(schema: Mapping[str, str], given: Mapping[str, str | None], place: str) -> dict[str, Role]:
    """The roles of a pool with `schema`: those `given`, then those that only one column can have.

    Raises `Refused` for a column that is not there or whose type cannot serve.

    Examples:
        >>> find_roles({"id": "text", "text": "text", "n": "integer"}, {"score": "n"}, "pool")["id"].how
        'guessed'
    """
    roles = {}
    for role, column in given.items():
        if column is None:
            continue
        if column not in schema:
            raise missing_column(column, schema, place, f"--{role}")
        accepted = ACCEPTS.get(role)
        if accepted and schema[column] not in (*accepted, "null"):
            raise Refused(f"column {column!r} of {place} is {schema[column]}: --{role} needs {' or '.join(accepted)}")
        roles[role] = Role(column, "given")
    for role, names in GUESSES.items():
        found = [name for name in names if schema.get(name) in ACCEPTS[role]]
        if role not in roles and found:
            roles[role] = Role(found[0], "guessed")
    return roles


def need_text(schema: Mapping[str, str], roles: Mapping[str, Role], place: str, flag: str = "--text") -> Role:
    """The text role, of the only text column if need be; refuses where several could be meant or there is none."""
    if "text" in roles:
        return roles["text"]
    found = [name for name, kind in schema.items() if kind == "text" and name not in {r.column for r in roles.values()}]
    if len(found) == 1:
        return Role(found[0], "guessed")
    if not found:
        columns = ", ".join(f"{name} ({kind})" for name, kind in schema.items()) or "none"
        raise Refused(f"{place} has no text column, and one is needed: its columns are {columns}")
    raise Refused(f"which column of {place} is the text? name it with {flag}: {', '.join(found)}")

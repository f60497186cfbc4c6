"""The text of a pool that has no column of text: a template that was asked for, or that of a known shape."""

from collections.abc import Collection

from tamis import refusals
from tamis.pool.base import Pool, missing_column
from tamis.pool.object_fields import fields_of, names_in
from tamis.pool.roles import Role
from tamis.pool.shapes import SHAPES, arrow_type, find_shape, kind_of, shape_of, unusable, value_of
from tamis.pool.template import Field, Template, parse, written
from tamis.pool.turns import ROLES, canonical
from tamis.registry import nearest

AUTO = "auto"


def find_text(
    pool: Pool, roles: dict[str, Role], template: str | None, column: str | None, place: str, flag: str = "--text"
) -> None:
    """Give `roles` a text that is made by a template, and the pool its column.

    That is where `template` asks for one, or where no column is the text, neither by its name nor because `column` was
    given, and the pool has a known shape; the pool's notes say so.
    """
    asked = template if template != AUTO else None
    if asked and column is not None:
        raise refusals.TEXT_GIVEN_TWICE(f"{flag} {column} and --template {written(asked)!r}")
    if not asked and ("text" in roles or column is not None):
        return
    found = template_for(pool, asked, place, {role.column for role in roles.values()}, flag)
    if found is not None:
        roles["text"] = derive_text(pool, found[0])
        pool.notes += [found[1]] if found[1] else []


def template_for(
    pool: Pool, given: str | None, place: str = "the pool", taken: Collection[str] = (), flag: str = "--text"
) -> tuple[Template, str | None] | None:
    """The template that makes the text of a pool, and what to say of it.

    `given` is a template with columns in braces, the name of a known shape, or `auto` (or None) for the shape that the
    pool has in columns that are not `taken` for another role. None where it has none. Raises `Refused` for columns that
    are not there or have no text.
    """
    if given is None or given == AUTO:
        shape = find_shape(pool, taken)
        if shape is None:
            return None
        made = template_of(pool, shape.template, place)
        columns = ", ".join(map(repr, shape.columns))
        how = f"by the template '{shape.template}' (--template or {flag} says otherwise)"
        return made, f"the text of {place} is made of {columns} {how}"
    if given in SHAPES:
        shape = shape_of(pool, given)
        if shape is None:
            columns = " and ".join(" or ".join(filter(None, names)) for names in SHAPES[given] if "" not in names)
            raise refusals.TEMPLATE_NOT_FITTING(f"--template {given}", place=place, columns=columns)
        given = shape.template
    elif "{" not in given:
        near, known = nearest(given, {AUTO: None, **SHAPES}), ", ".join((AUTO, *SHAPES))
        raise refusals.TEMPLATE_UNKNOWN(f"--template {given!r}", near=near, known=known)
    return template_of(pool, given, place), None


def template_of(pool: Pool, template: str, place: str) -> Template:
    """A template whose columns are all in the pool and have a text."""
    template = written(template)
    fields = [part for line in parse(template, tuple(pool.schema)) for part in line if isinstance(part, Field)]
    kinds: dict[str, str] = {}
    for field in fields:
        if field.column not in pool.schema:
            raise missing_column(field.column, pool.schema, place, "--template")
        kinds[field.column] = _kind(pool, field, place)
    return Template(template, kinds)


def _kind(pool: Pool, field: Field, place: str) -> str:
    """What a field's column holds; refuses what has no text, and a role or a field that it cannot have."""
    kind = kind_of(pool, field.column, field.part is not None and canonical(field.part) in ROLES)
    if kind == "turns" and field.part is not None and canonical(field.part) not in ROLES:
        near, known = nearest(field.part, dict.fromkeys(ROLES)), ", ".join(ROLES)
        raise refusals.TEMPLATE_ROLE_UNKNOWN(place, name=field.column, role=field.part, near=near, known=known)
    if kind == "object" and field.part is not None:
        fields = dict.fromkeys(_fields(pool, field.column))
        if field.part in fields:
            return kind
        near, known = nearest(field.part, fields), ", ".join(fields) or "none"
        raise refusals.TEMPLATE_FIELD_UNKNOWN(place, name=field.column, field=field.part, near=near, known=known)
    if field.part is not None and kind in ("text", "integer", "number", "boolean"):
        raise missing_column(f"{field.column}.{field.part}", pool.schema, place, "--template")
    if kind in ("object", "other"):
        raise unusable(pool, field.column, place)
    return kind


def _fields(pool: Pool, column: str) -> list[str]:
    """The fields of a column of objects: those of its type, or those that its first values have."""
    arrow = arrow_type(pool, column)
    if arrow is not None:
        return fields_of(arrow)
    return list(dict.fromkeys(name for value in pool.first_values(column) for name in names_in(value_of(value))))


def derive_text(pool: Pool, template: Template) -> Role:
    """Let `pool` make a text column by `template`; the column is called as the template is written."""
    pool.derived[template.template] = template
    return Role(template.template, "template")

"""The command that a newcomer can run next on a pool, as it stands."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tamis.look.columns import Column
from tamis.pool.roles import NONE, Role

QUALITY = ("quality", "quality_score", "score", "rating", "reward", "edu_score", "educational_score", "label_quality")


def suggest(
    paths: Sequence[str],
    columns: Iterable[Column],
    roles: Mapping[str, Role],
    given: Mapping[str, str | None],
    unusable: Iterable[str],
    rows: int,
) -> str:
    """`tamis select` on this pool: by a column of quality where there is one that can be used, else at random.

    Args:
        paths: the pool, as it was named.
        columns: all of its columns.
        roles: what was found.
        given: roles that were asked for; they are repeated.
        unusable: roles whose column would be refused, and which are set to none.
        rows: rows with different texts; few ones are not divided by ten.
    """
    unusable = set(unusable)
    by = _quality(list(columns), roles, given)
    budget = "10%" if rows >= 10 else "1"
    if list(paths) == ["<table>"]:
        more = "".join(f", {role}={NONE!r}" for role in sorted(unusable))
        return f"tamis.select(pool, {f'top:{by}' if by else 'random'!r}, budget={budget!r}{more})"
    words = ["tamis", "select", *paths, "--method", f"top:{by}" if by else "random"]
    for role, column in given.items():
        if column is not None and role != "score" and role not in unusable:
            words += [f"--{role}", column]
    for role in sorted(unusable):
        words += [f"--{role}", NONE]
    return shlex.join([*words, "--budget", budget, "-o", _free("out")])


def _quality(columns: list[Column], roles: Mapping[str, Role], given: Mapping[str, str | None]) -> str | None:
    """The column of quality: the one that was given as the score, or one with such a name and a number in each row."""
    taken = {found.column for role, found in roles.items() if role != "score"}
    asked = given.get("score")
    for column in columns:
        is_named = column.name == asked or (asked is None and column.name.lower() in QUALITY)
        whole = column.kind in ("integer", "number") and not column.nulls and not column.nan and not column.infinite
        if is_named and whole and not column.constant and column.name not in taken:
            return column.name
    return None


def _free(name: str) -> str:
    """A name that no file or folder here has."""
    number, found = 2, name
    while Path(found).exists():
        found, number = f"{name}{number}", number + 1
    return found

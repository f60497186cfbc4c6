"""Pools: where examples come from."""

from os import PathLike, fspath
from typing import Any, TypeAlias

import pyarrow as pa

from tamis import refusals
from tamis.errors import Broken, Refused
from tamis.pool import storage
from tamis.pool.base import TYPES, Columns, Derived, File, Pool, Shard
from tamis.pool.find import find_files
from tamis.pool.formats import FORMATS, format_of
from tamis.pool.memory import MemoryPool, open_table
from tamis.pool.mixed import MixedPool, open_mixed
from tamis.pool.objects import as_table
from tamis.pool.storage import Found

__all__ = ["TYPES", "Columns", "Derived", "File", "MemoryPool", "Pool", "Shard", "as_memory", "from_json", "open_pool"]

Source: TypeAlias = Any


def open_pool(source: Source, what: str = "pool") -> Pool:
    """A pool from a table in memory, or from files, folders and URLs of known formats.

    Rows are in the order given; a folder's files by byte order of their relative paths. Files and footers are looked
    at, rows are not. Raises `Refused` for what is missing, cut, empty, of an unknown format, or of two schemas.
    """
    table = as_memory(source, what)
    if table is not None:
        pool: Pool = open_table(table)
    else:
        paths = [source] if isinstance(source, str | PathLike) else source
        pool = _planned([fspath(path) for path in paths], what)
    if pool.rows == 0:
        raise refusals.POOL_EMPTY(_name(source), what=what)
    return pool


def as_memory(source: Source, what: str = "pool") -> pa.Table | None:
    """The table of a pool in memory, see `as_table`; None for paths; refuses what is neither."""
    paths = source if isinstance(source, list | tuple) else [source]
    if paths and all(isinstance(path, str | PathLike) for path in paths):
        return None
    table = as_table(source, what)
    if table is None:
        raise refusals.POOL_UNKNOWN_TYPE(f"the {what}", kind=_kind(source))
    return table


def from_json(value: dict[str, Any]) -> Pool:
    """The pool that `Pool.to_json` described."""
    from tamis.pool.derived import derived_from_json

    if value["format"] == MixedPool.format:
        pool: Pool = MixedPool.of_parts(value, {name: from_json(part) for name, part in value["parts"].items()})
    else:
        pool = FORMATS[value["format"]].pool.from_json(value)
    pool.derived = {name: derived_from_json(made) for name, made in value["derived"].items()}
    return pool


def _kind(source: object) -> str:
    """The type of what is no pool, and of a list what is in it."""
    each = source if isinstance(source, list | tuple) else ()
    inside = [type(item).__name__ for item in each if not isinstance(item, str | PathLike)]
    return f"a {type(source).__name__}" + (f" with a {inside[0]}" if inside else "")


def _name(source: Source) -> str:
    if isinstance(source, str | PathLike):
        return fspath(source)
    return " ".join(map(str, source)) if isinstance(source, list | tuple) else "the table"


def _planned(paths: list[str], what: str) -> Pool:
    """A pool of files; what breaks while it is looked at is refused, since nothing has begun."""
    try:
        return _open_files([storage.without_file_scheme(path) for path in paths], what)
    except Broken as error:
        raise Refused(str(error), error.kind) from None


def _open_files(paths: list[str], what: str) -> Pool:
    notes: list[str] = []
    files = find_files(paths, what, notes)
    if not files:
        raise refusals.POOL_EMPTY(" ".join(paths), what=what)
    by_format: dict[str, list[Found]] = {}
    for found in files:
        by_format.setdefault(str(format_of(found.path)), []).append(found)
    parts = {name: FORMATS[name].open(found) for name, found in by_format.items()}
    pool = open_mixed(files, parts) if len(parts) > 1 else next(iter(parts.values()))
    pool.notes += notes
    return pool

"""Pools: where examples come from."""

import os
from os import PathLike, fspath
from typing import Any, TypeAlias

import pyarrow as pa

from tamis import refusals
from tamis.pool import jsonl, parquet, storage
from tamis.pool.base import TYPES, Columns, Derived, File, Pool, Shard
from tamis.pool.memory import MemoryPool, open_table
from tamis.pool.storage import COMPRESSIONS, Found

__all__ = ["TYPES", "Columns", "Derived", "File", "MemoryPool", "Pool", "Shard", "from_json", "open_pool"]

Source: TypeAlias = Any
FORMATS = {found.name: found for found in (parquet.FORMAT, jsonl.FORMAT)}


def open_pool(source: Source, what: str = "pool") -> Pool:
    """A pool from an Arrow table, or from files, folders and URLs of a known format.

    Rows are in the order given; a folder's files by byte order of their relative paths. Files and footers are looked
    at, rows are not. Raises `Refused` for what is missing, cut, empty, of an unknown format, or of two schemas.
    """
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        pool: Pool = open_table(source)
    elif isinstance(source, str | PathLike):
        pool = _open_files([fspath(source)], what)
    elif isinstance(source, list | tuple) and source and all(isinstance(path, str | PathLike) for path in source):
        pool = _open_files([fspath(path) for path in source], what)
    else:
        raise refusals.POOL_UNKNOWN_TYPE(f"the {what}", kind=_kind(source))
    if pool.rows == 0:
        raise refusals.POOL_EMPTY(_name(source), what=what)
    return pool


def from_json(value: dict[str, Any]) -> Pool:
    """The pool that `Pool.to_json` described."""
    from tamis.pool.derived import derived_from_json

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


def _open_files(paths: list[str], what: str) -> Pool:
    notes: list[str] = []
    files = [found for path in paths for found in _files(path, what, notes)]
    for found in files:
        try:
            found.path.encode()
        except UnicodeEncodeError:
            raise refusals.FILE_NAME_NOT_UTF8(repr(os.fsencode(found.path)), what=what) from None
    formats: dict[str, list[Found]] = {}
    for found in files:
        formats.setdefault(str(file_format(found.path)), []).append(found)
    pool = FORMATS[next(iter(formats))].open(files)
    pool.notes += notes
    return pool


def _files(path: str, what: str, notes: list[str]) -> list[Found]:
    """The files of one argument with their names relative to it."""
    if storage.is_file(path):
        if file_format(path) is None:
            raise refusals.FILE_UNKNOWN_FORMAT(path, what=what, formats=known_suffixes())
        return [Found(path, path.rstrip("/").rpartition("/")[2])]
    if not storage.is_folder(path):
        raise refusals.POOL_MISSING(path, what=what, hint="")
    named = storage.below(path)
    known = [found for found in named if file_format(found.path)]
    for found in known:
        if not storage.is_url(found.path) and not os.path.isfile(found.path):
            said = "a link to nothing" if os.path.islink(found.path) else "no file"
            raise refusals.FILE_IS_LINK_TO_NOTHING(found.path, said=said, what=what)
    if not known:
        raise refusals.POOL_NO_FILES(path, what=what, formats=known_suffixes())
    if len(known) < len(named):
        notes.append(f"{len(named) - len(known)} files of {path} are of other formats and are left out")
    return known


def file_format(path: str) -> str | None:
    """The format of a file by its name."""
    ending = storage.suffix(path)
    compressed = ending in COMPRESSIONS
    if compressed:
        ending = storage.suffix(path[: path.lower().rindex(ending)])
    for found in FORMATS.values():
        if ending in found.suffixes and (found.compressed or not compressed):
            return found.name
    return None


def known_suffixes() -> str:
    """The endings of files that can be read, for a message."""
    return " ".join(ending for found in FORMATS.values() for ending in found.suffixes) + ", text also .gz .zst .bz2"

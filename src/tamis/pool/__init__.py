"""Pools: where examples come from."""

import os
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from tamis.errors import Refused
from tamis.pool.base import TYPES, Columns, File, Pool, Shard
from tamis.pool.jsonl import COMPRESSIONS, JsonlPool, open_jsonl
from tamis.pool.memory import MemoryPool, open_table
from tamis.pool.parquet import ParquetPool, open_parquet

__all__ = ["TYPES", "Columns", "File", "MemoryPool", "Pool", "Shard", "from_json", "open_pool"]

Source: TypeAlias = str | PathLike[str] | pa.Table | Sequence[str | PathLike[str]]
SUFFIXES = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
OPENERS: dict[str, Callable[[list[tuple[Path, str]]], Pool]] = {"parquet": open_parquet, "jsonl": open_jsonl}


def open_pool(source: Source, what: str = "pool") -> Pool:
    """A pool from an Arrow table, or from files and folders of Parquet or JSON Lines (plain, `.gz`, `.zst`).

    Rows are in the order given; a folder's files by byte order of their relative paths. Files and footers are looked
    at, rows are not. Raises `Refused` for what is missing, cut, empty, of an unknown format, or of two formats.
    """
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        pool: Pool = open_table(source)
    elif isinstance(source, str | PathLike):
        pool = _open_files([Path(source)], what)
    elif isinstance(source, Sequence) and source and all(isinstance(path, str | PathLike) for path in source):
        pool = _open_files([Path(path) for path in source], what)
    else:
        raise Refused(
            f"the {what} is a {_kind(source)}: give a path, several paths, or an Arrow table, such as "
            "pyarrow.Table.from_pandas(frame) or pyarrow.table(columns)"
        )
    if pool.rows == 0:
        raise Refused(f"the {what} {_name(source)} is empty: it needs at least one row")
    return pool


def from_json(value: dict[str, Any]) -> Pool:
    """The pool that `Pool.to_json` described."""
    kinds: dict[str, type[Pool]] = {"parquet": ParquetPool, "jsonl": JsonlPool}
    files, shards = [File(**file) for file in value["files"]], [Shard(**shard) for shard in value["shards"]]
    return kinds[value["format"]](files, shards, value["schema"])


def _kind(source: object) -> str:
    """The type of what is no pool, and of a list what is in it."""
    each = source if isinstance(source, list | tuple) else ()
    inside = [type(item).__name__ for item in each if not isinstance(item, str | PathLike)]
    return type(source).__name__ + (f" with a {inside[0]}" if inside else "")


def _name(source: Source) -> str:
    if isinstance(source, pa.Table):
        return "table"
    return str(source) if isinstance(source, str | PathLike) else " ".join(map(str, source))


def _open_files(paths: list[Path], what: str) -> Pool:
    notes: list[str] = []
    files = [found for path in paths for found in _files(path, what, notes)]
    for path, _ in files:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise Refused(f"the {what} has a file whose name is not UTF-8, {os.fsencode(path)!r}: rename it") from None
    formats = {file_format(path): path for path, _ in files}
    if len(formats) > 1:
        (one, first), (two, second) = list(formats.items())[:2]
        raise Refused(f"the {what} mixes formats: {first} is {one} and {second} is {two}; convert one or name one")
    pool = OPENERS[str(file_format(files[0][0]))](files)
    pool.notes += notes
    return pool


def _files(path: Path, what: str, notes: list[str]) -> list[tuple[Path, str]]:
    """The files of one argument with their names relative to it."""
    if path.is_file():
        if file_format(path) is None:
            raise Refused(f"{path} has an unknown format: a {what} is .parquet or .jsonl (.gz, .zst), so convert it")
        return [(path, path.name)]
    if not path.is_dir():
        raise Refused(f"there is no {what} at {path}: check the path")
    named = [(found, found.relative_to(path).as_posix()) for found in _inside(path, frozenset())]
    known = sorted((item for item in named if file_format(item[0])), key=lambda item: os.fsencode(item[1]))
    for found, _ in known:
        if not found.is_file():
            said = "a link to nothing" if found.is_symlink() else "no file"
            raise Refused(f"{found} in the {what} is {said}: mend or remove it")
    if not known:
        raise Refused(f"the folder {path} holds no .parquet or .jsonl file: name the {what}'s own folder")
    if len(known) < len(named):
        notes.append(f"{len(named) - len(known)} files of {path} are of other formats and are left out")
    return known


def _inside(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """All that is in a folder and its sub-folders but folders, and what starts with a dot or underscore.

    Links are followed, but not to a folder that one is in already.
    """
    own = folder.resolve()
    if own in above:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise Refused(f"the folder {folder} cannot be read ({error.strerror}): make it readable") from None
    for entry in entries:
        if entry.name[0] in "._":
            continue
        if entry.is_dir():
            yield from _inside(entry, above | {own})
        else:
            yield entry


def file_format(path: Path) -> str | None:
    """`parquet`, `jsonl` or None, from the name."""
    suffix = Path(path.stem).suffix if path.suffix in COMPRESSIONS else path.suffix
    found = SUFFIXES.get(suffix)
    return None if found == "parquet" and path.suffix in COMPRESSIONS else found

"""Pools: where examples come from."""

from collections.abc import Callable, Sequence
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
        raise Refused(f"the {what} is a {type(source).__name__}: give a path, several paths, or an Arrow table")
    if pool.rows == 0:
        raise Refused(f"the {what} {_name(source)} is empty: it needs at least one row")
    return pool


def from_json(value: dict[str, Any]) -> Pool:
    """The pool that `Pool.to_json` described."""
    kinds: dict[str, type[Pool]] = {"parquet": ParquetPool, "jsonl": JsonlPool}
    files, shards = [File(**file) for file in value["files"]], [Shard(**shard) for shard in value["shards"]]
    return kinds[value["format"]](files, shards, value["schema"])


def _name(source: Source) -> str:
    if isinstance(source, pa.Table):
        return "table"
    return str(source) if isinstance(source, str | PathLike) else " ".join(map(str, source))


def _open_files(paths: list[Path], what: str) -> Pool:
    notes: list[str] = []
    files = [found for path in paths for found in _files(path, what, notes)]
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
    inside = [found for found in path.rglob("*") if found.is_file()]
    named = [(found, found.relative_to(path).as_posix()) for found in inside]
    named = [(found, name) for found, name in named if not any(part[0] in "._" for part in name.split("/"))]
    known = sorted((item for item in named if file_format(item[0])), key=lambda item: item[1].encode())
    if not known:
        raise Refused(f"the folder {path} holds no .parquet or .jsonl file: name the {what}'s own folder")
    if len(known) < len(named):
        notes.append(f"{len(named) - len(known)} files of {path} are of other formats and are left out")
    return known


def file_format(path: Path) -> str | None:
    """`parquet`, `jsonl` or None, from the name."""
    suffix = Path(path.stem).suffix if path.suffix in COMPRESSIONS else path.suffix
    found = SUFFIXES.get(suffix)
    return None if found == "parquet" and path.suffix in COMPRESSIONS else found

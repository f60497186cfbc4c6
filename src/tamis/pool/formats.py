"""The formats of files that can be read, by the endings of their names."""

from tamis.pool import arrow, jsonl, numpy_file, parquet, storage
from tamis.pool.base import Format
from tamis.pool.storage import COMPRESSIONS

FORMATS: dict[str, Format] = {
    found.name: found
    for found in (
        parquet.FORMAT,
        jsonl.FORMAT,
        arrow.FORMAT,
        numpy_file.FORMAT,
    )
}


def format_of(path: str) -> str | None:
    """The format of a file by its name."""
    name = storage.base_name(path)
    ending = storage.suffix(name)
    compressed = ending in COMPRESSIONS
    if compressed:
        ending = storage.suffix(name[: -len(ending)])
    for found in FORMATS.values():
        if ending in found.suffixes and (found.compressed or not compressed):
            return found.name
    return None


def known_endings() -> str:
    """The endings of files that can be read, for a message."""
    return " ".join(ending for found in FORMATS.values() for ending in found.suffixes) + ", text also .gz .zst .bz2"

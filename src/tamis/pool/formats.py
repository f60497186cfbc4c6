"""The formats of files that can be read, by the endings of their names."""

from tamis.pool import arrow, csv, jsonl, numpy_file, parquet, storage
from tamis.pool.base import Format
from tamis.pool.storage import COMPRESSIONS

FORMATS: dict[str, Format] = {
    found.name: found
    for found in (
        parquet.FORMAT,
        jsonl.FORMAT,
        csv.FORMAT,
        arrow.FORMAT,
        numpy_file.FORMAT,
    )
}


def format_of(path: str) -> str | None:
    """The format of a file by its name."""
    ending = storage.plain_suffix(path)
    compressed = storage.suffix(path) in COMPRESSIONS
    for found in FORMATS.values():
        if ending in found.suffixes and (found.compressed or not compressed):
            return found.name
    return None


def known_endings() -> str:
    """The endings of files that can be read, for a message."""
    return " ".join(ending for found in FORMATS.values() for ending in found.suffixes) + ", text also .gz .zst .bz2"

"""Patterns such as `pool/2024-*/*.parquet` in the name of a pool, for stores, whose folders no shell can look into."""

import re
from fnmatch import fnmatchcase

from tamis.pool import remote, storage
from tamis.pool.storage import Found

SIGN = re.compile(r"[*?[]")


def matching(path: str) -> list[Found]:
    """The files that a pattern names, in the order and by the rules of `storage.below` for its part without signs.

    `*`, `?` and `[a-z]` stand for characters within one name, `**` for any number of folders. Web servers have none,
    since a `?` is part of their addresses and nobody says what they hold.
    """
    start = path.index("://") + 3 if storage.is_url(path) else 0
    first = SIGN.search(path, start)
    if first is None or remote.scheme_of(path) in remote.HTTP:
        return []
    cut = path.rfind("/", 0, first.start()) + 1
    folder, parts = path[:cut] or ".", path[cut:].split("/")
    if start == cut > 0 or not storage.is_folder(folder):
        return []
    depth = None if "**" in parts else len(parts)
    return [found for found in storage.below(folder, depth) if _fits(found.name.split("/"), parts)]


def _fits(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_fits(names[skipped:], parts[1:]) for skipped in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])

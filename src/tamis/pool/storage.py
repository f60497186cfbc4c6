"""Where files are: on this machine by path, elsewhere by URL through fsspec. Readers ask here and nowhere else."""

import functools
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa

from tamis import refusals

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2"}
ENDS = 1 << 16


class Found(NamedTuple):
    """A file of a pool argument: where it is, and its name relative to the argument."""

    path: str
    name: str


def is_url(path: str) -> bool:
    """Whether `path` names something on another machine or store, as in `s3://bucket/pool`."""
    scheme, colon, _ = path.partition("://")
    return bool(colon) and scheme.replace("+", "").isalnum()


@functools.cache
def filesystem(url: str) -> Any:
    """The fsspec filesystem of a URL's scheme and host; refuses when fsspec or the scheme's package is missing."""
    scheme = url.partition("://")[0]
    try:
        import fsspec

        return fsspec.core.url_to_fs(url)[0]
    except ImportError as error:
        said = f"pip install 'tamis[remote]' ({error})"
        raise refusals.URL_PACKAGE_MISSING(url, scheme=scheme, said=said) from None
    except ValueError as error:
        raise refusals.URL_UNKNOWN(url, said=str(error)) from None


def _root(url: str) -> str:
    """The part of a URL that decides its filesystem."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def open_binary(path: str) -> IO[bytes]:
    """The bytes of a file, seekable."""
    if is_url(path):
        return filesystem(_root(path)).open(path, "rb")  # type: ignore[no-any-return]
    return Path(path).open("rb")


def open_plain(path: str) -> IO[bytes]:
    """The bytes of a file, decompressed as its suffix says."""
    compression = COMPRESSIONS.get(suffix(path))
    if compression is None:
        return open_binary(path)
    return pa.input_stream(open_binary(path) if is_url(path) else path, compression=compression)  # type: ignore[no-any-return]


def suffix(path: str) -> str:
    """The last ending of a path or URL, in lower case."""
    return Path(path.partition("?")[0]).suffix.lower() if is_url(path) else Path(path).suffix.lower()


def size(path: str) -> int:
    """Bytes of a file."""
    return int(filesystem(_root(path)).size(path)) if is_url(path) else os.stat(path).st_size


def stamp(path: str) -> str:
    """Changes when the file does: its size, modification time (or the store's own tag), first and last 64 KB."""
    if is_url(path):
        found = filesystem(_root(path)).info(path)
        known = [found.get(key) for key in ("size", "ETag", "etag", "mtime", "LastModified", "last_modified")]
        return _digest(repr([str(value) for value in known]).encode())
    state = os.stat(path)
    with open(path, "rb") as file:
        head = file.read(ENDS)
        file.seek(max(0, state.st_size - ENDS))
        ends = hashlib.sha256(head + file.read(ENDS)).hexdigest()
    return _digest(repr([state.st_size, state.st_mtime_ns, ends]).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


@contextmanager
def seekable(path: str) -> Iterator[Any]:
    """A file as Arrow reads it at random: memory-mapped here, by ranges elsewhere."""
    if is_url(path):
        with open_binary(path) as file:
            yield file
    else:
        with pa.memory_map(path) as file:
            yield file


def is_file(path: str) -> bool:
    """Whether there is a file."""
    return bool(filesystem(_root(path)).isfile(path)) if is_url(path) else os.path.isfile(path)


def is_folder(path: str) -> bool:
    """Whether there is a folder, or in an object store something below that prefix."""
    return bool(filesystem(_root(path)).isdir(path)) if is_url(path) else os.path.isdir(path)


def below(folder: str) -> list[Found]:
    """All files below a folder, by byte order of their names relative to it.

    What starts with a dot or underscore is passed over; links are followed, but not to a folder that one is in.
    """
    if is_url(folder):
        system = filesystem(_root(folder))
        scheme = folder.partition("://")[0]
        base = system._strip_protocol(folder).rstrip("/") + "/"
        found = [
            Found(system.unstrip_protocol(path) if "://" not in path else path, path.removeprefix(base))
            for path in system.find(folder)
        ]
        found = [Found(path if is_url(path) else f"{scheme}://{path}", name) for path, name in found]
        hidden = [found for found in found if any(part[:1] in ("", ".", "_") for part in found.name.split("/"))]
        found = [one for one in found if one not in hidden]
    else:
        root = Path(folder)
        found = [Found(str(path), path.relative_to(root).as_posix()) for path in _inside(root, frozenset())]
    return sorted(found, key=lambda one: os.fsencode(one.name))


def _inside(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    own = folder.resolve()
    if own in above:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise refusals.FOLDER_UNREADABLE(folder, said=error.strerror) from None
    for entry in entries:
        if entry.name[0] in "._":
            continue
        if entry.is_dir():
            yield from _inside(entry, above | {own})
        else:
            yield entry

"""Where files are: on this machine by path, elsewhere by URL through fsspec. Readers ask here and nowhere else."""

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from tamis import refusals
from tamis.pool import remote

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2"}
ENDS, AT_ONCE = 1 << 16, 16
T = TypeVar("T")


class Found(NamedTuple):
    """A file of a pool argument: where it is, its name relative to the argument, and its size and stamp if known."""

    path: str
    name: str
    known: tuple[int, str] | None = None


def is_url(path: str) -> bool:
    """Whether `path` names something on another machine or store, as in `s3://bucket/pool`."""
    scheme, colon, _ = path.partition("://")
    return bool(colon) and scheme.replace("+", "").isalnum()


def without_file_scheme(path: str) -> str:
    """The path in a URL such as `file:///data/pool`, which is on this machine; anything else as it is."""
    if not path.lower().startswith("file://"):
        return path
    parts = urlsplit(path)
    if parts.netloc not in ("", "localhost"):
        raise refusals.URL_UNKNOWN(path, said="file:// with a host")
    return unquote(path[path.index("://") + 3 + len(parts.netloc) :])


def refuse_url(path: object, what: str, fix: str, flag: str = "") -> None:
    """Refuse the URL of what must be on this machine: an output, a tokenizer, a list of ids."""
    if is_url(str(path)):
        place = f"{flag}{path}" if flag.endswith("@") else f"{flag} {path}".strip()
        raise refusals.URL_NOT_LOCAL(place, what=what, fix=fix)


def stays_here(path: str) -> bool:
    """Whether only this process can read it, so that workers cannot: fsspec's files in memory."""
    return remote.scheme_of(path) == "memory"


def open_binary(path: str, until: int | None = None) -> IO[bytes]:
    """The bytes of a file, seekable; of a URL nothing is fetched in advance from `until` on."""
    if is_url(path):
        from tamis.pool.remote_file import RemoteFile

        return io.BufferedReader(RemoteFile(path, until), ENDS)
    return Path(path).open("rb")


def open_plain(path: str, until: int | None = None) -> IO[bytes]:
    """The bytes of a file, decompressed as its suffix says."""
    compression = COMPRESSIONS.get(suffix(path))
    if compression is None:
        return open_binary(path, until)
    return pa.input_stream(open_binary(path) if is_url(path) else path, compression=compression)  # type: ignore[no-any-return]


@contextmanager
def seekable(path: str) -> Iterator[Any]:
    """A file as Arrow reads it at random: memory-mapped here, by ranges elsewhere."""
    if is_url(path):
        from tamis.pool.remote_file import RemoteFile

        with RemoteFile(path, ranges=True) as file:
            yield file
    else:
        with pa.memory_map(path) as file:
            yield file


def has_ranges(path: str) -> bool:
    """Whether a file can be read from the middle on; some web servers send whole files only."""
    if remote.scheme_of(path) not in remote.HTTP:
        return True
    from tamis.errors import TamisError
    from tamis.pool.remote_file import RemoteFile

    try:
        with RemoteFile(path, ranges=True) as file:
            file.seek(1)
            file.read(1)
    except TamisError as error:
        if error.kind == refusals.URL_WITHOUT_RANGES.name:
            return False
        raise
    return True


def base_name(path: str) -> str:
    """The last part of a path; of a web address without its query."""
    if remote.scheme_of(path) in remote.HTTP:
        path = re.split(r"[?#]", path)[0]
    return path.rstrip("/").rpartition("/")[2]


def suffix(path: str) -> str:
    """The last ending of a path or URL, in lower case."""
    return Path(base_name(path)).suffix.lower()


def plain_suffix(path: str) -> str:
    """The last ending of a path or URL without that of its compression, in lower case."""
    name, last = base_name(path), suffix(path)
    return suffix(name[: -len(last)]) if last in COMPRESSIONS else last


def size(path: str) -> int:
    """Bytes of a file."""
    return state(path)[0] if is_url(path) else os.stat(path).st_size


def stamp(path: str) -> str:
    """Changes when the file does: its size, modification time (or the store's own tag), first and last 64 KB."""
    return state(path)[1]


def state(path: str) -> tuple[int, str]:
    """Size and stamp of a file."""
    if is_url(path):
        return _state_there(path)
    try:
        found = os.stat(path)
        with open(path, "rb") as file:
            ends = _ends(file, found.st_size)
    except OSError as error:
        raise refusals.FILE_UNREADABLE(path, said=error.strerror) from None
    return found.st_size, _digest([found.st_size, found.st_mtime_ns, ends])


def _state_there(url: str) -> tuple[int, str]:
    info = remote.look(url)
    if info is None:
        raise refusals.FILE_CHANGED(url)
    if info.get("size") is None:
        raise refusals.URL_WITHOUT_SIZE(url)
    found = remote.tag(info) or remote.tag(info, remote.TIMES)
    if found is None:
        with open_binary(url, 0) as file:
            found = _digest([info["size"], _ends(file, info["size"])])
    return int(info["size"]), found


def _ends(file: IO[bytes], size: int) -> str:
    head = file.read(ENDS)
    file.seek(max(0, size - ENDS))
    return hashlib.sha256(head + file.read(ENDS)).hexdigest()


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:20]


def is_file(path: str) -> bool:
    """Whether there is a file; what a web server has is one if its name has an ending."""
    if not is_url(path):
        return os.path.isfile(path)
    if remote.scheme_of(path) in remote.HTTP and not suffix(path):
        return False
    return (remote.look(path) or {}).get("type") == "file"


def is_folder(path: str) -> bool:
    """Whether there is a folder, or in an object store something below that prefix."""
    if not is_url(path):
        return os.path.isdir(path)
    found = remote.look(path)
    return found is not None and (found["type"] == "directory" or remote.scheme_of(path) in remote.HTTP)


def each(function: Callable[[str], T], paths: Iterable[str]) -> Iterator[T]:
    """`function` of every path, in their order; of URLs several at a time, since each waits for an answer."""
    paths = list(paths)
    if len(paths) < 2 or not is_url(paths[0]):
        yield from map(function, paths)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield from threads.map(function, paths)


def below(folder: str, depth: int | None = None) -> list[Found]:
    """All files below a folder, by byte order of their names relative to it; only `depth` levels of it.

    What starts with a dot or underscore is passed over; links are followed, but not to a folder that one is in.
    """
    if is_url(folder):
        found = [_listed(folder, name, info) for name, info in remote.listing(folder, depth)]
        found = [one for one in found if all(part[:1] not in ("", ".", "_") for part in one.name.split("/"))]
    else:
        root = Path(folder)
        found = [Found(str(path), path.relative_to(root).as_posix()) for path in _inside(root, frozenset(), depth)]
    return sorted(found, key=lambda one: os.fsencode(one.name))


def _listed(folder: str, name: str, info: dict[str, Any]) -> Found:
    found = remote.tag(info)
    return Found(f"{folder.rstrip('/')}/{name}", name, (int(info["size"]), found) if found else None)


def is_output(folder: Path) -> bool:
    """Whether a folder holds a selection rather than examples."""
    files = ("selection.parquet", "manifest.json")
    return (folder / ".tamis").is_dir() or all((folder / name).is_file() for name in files)


def _inside(folder: Path, above: frozenset[Path], depth: int | None) -> Iterator[Path]:
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
        if not entry.is_dir():
            yield entry
        elif (depth is None or depth > 1) and not is_output(entry):
            yield from _inside(entry, above | {own}, depth and depth - 1)

"""Images of a pool: the bytes of image files from a column of bytes, of paths, or of structs with both."""

import base64
import json
import posixpath
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tamis import refusals
from tamis.errors import Refused, TamisError
from tamis.pool import storage
from tamis.pool.base import TYPES, Columns, Pool, Shard
from tamis.pool.roles import IMAGES, Role

COLUMN = "(image)"
"""The name of the derived column, which no column of a file is likely to have."""
MOST_BYTES = 1 << 28
MOST_SHOWN = 80  # characters of a value in a message


class Absent(ValueError):
    """A value that leads to no image; the message says why, in a few words for the middle of a sentence."""


@dataclass(frozen=True)
class Images:
    """A derived column with the bytes of image files.

    Args:
        column: the column it is made of.
        how: `bytes`; `text`, which holds paths, URLs or `data:` URLs; or `struct`, with fields `bytes` and `path`, as
            Hugging Face's `datasets` has them (of JSON, an object).
    """

    column: str
    how: str

    @property
    def sources(self) -> Columns:
        """The column it is made of."""
        return {self.column: TYPES.get(self.how)}

    def make(self, pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int) -> pa.Array:
        """The bytes of the image of each row, as large binary; all of them are held at once."""
        return pa.array(self.some(pool, shard, batch, first, range(batch.num_rows)), TYPES["bytes"])

    def some(self, pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int, rows: Iterable[int]) -> Iterator[bytes]:
        """The bytes of the images of `rows` of `batch`, one after the other; refuses the first that is not there."""
        values = batch.column(self.column)
        for row in rows:
            try:
                yield self.content(pool, shard, values[row].as_py())
            except Absent as error:
                place = pool.where(shard, first + row)
                raise refusals.IMAGE_MISSING(place, name=self.column, said=error) from None

    def content(self, pool: Pool, shard: Shard, value: Any) -> bytes:
        """The bytes that one value leads to; raises `Absent`."""
        path = None
        if self.how == "struct":
            value, path = _fields(value)
        if isinstance(value, str) and self.how == "struct":
            value = _decoded(value)
        elif isinstance(value, str):
            value, path = None, value
        if isinstance(value, bytes):
            if not value:
                raise Absent("it has no bytes")
            return value
        if not path:
            raise Absent("it is empty")
        return _data(path) if path.startswith("data:") else _read(_places(pool, shard, path), path)

    def to_json(self) -> dict[str, Any]:
        """All that makes it again."""
        return {"kind": "images", "column": self.column, "how": self.how}


def images_for(pool: Pool, column: str, place: str = "the pool") -> Images:
    """The images of a column; raises `Refused` for a column whose type holds none."""
    how = {"bytes": "bytes", "text": "text", "null": "text"}.get(pool.schema[column], "struct")
    if how == "struct" and (kind := _other_type(pool, column)) is not None:
        raise refusals.COLUMN_WRONG_TYPE(place, name=column, kind=kind, flag="--image", accepted=IMAGES)
    return Images(column, how)


def _other_type(pool: Pool, column: str) -> pa.DataType | None:
    """The type of a column that is no struct with bytes or a path; None if it is one, or rows must be read to know."""
    try:
        kind = pool.columns.field(column).type
    except Refused:  # lines of JSON of which Arrow makes no columns
        return None
    names = {field.name for field in kind} if pa.types.is_struct(kind) else set()
    return None if names & {"bytes", "path"} else kind


def find_images(pool: Pool, roles: dict[str, Role], place: str) -> None:
    """Give the pool its derived column if there is an image role; a guess that turns out to be no image is dropped."""
    if "image" in roles:
        try:
            pool.derived[COLUMN] = images_for(pool, roles["image"].column, place)
        except Refused:
            if roles["image"].how == "given":
                raise
            del roles["image"]


def _fields(value: Any) -> tuple[Any, Any]:
    """The bytes and the path of a struct, or of the JSON text of an object."""
    if isinstance(value, str):
        value = json.loads(value)
    if value is not None and not isinstance(value, dict):
        raise Absent(f"a {type(value).__name__} where an object is needed")
    found = value or {}
    content, path = found.get("bytes"), found.get("path")
    if not isinstance(content, bytes | str | None) or not isinstance(path, str | None):
        raise Absent("its bytes or its path are of another type")
    return content, path


def _decoded(text: str) -> bytes:
    """Bytes in base64, as JSON holds them."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Absent("its bytes are not in base64") from None


def _data(url: str) -> bytes:
    """What a `data:` URL holds."""
    head, comma, body = url.partition(",")
    if not comma:
        raise Absent("a data: URL without data")
    return _decoded(urllib.parse.unquote(body)) if head.endswith(";base64") else urllib.parse.unquote_to_bytes(body)


def _places(pool: Pool, shard: Shard, path: str) -> list[str]:
    """Where the file of a path may be: in the folder of the file that names it, or in that of the pool argument."""
    if storage.is_url(path) or posixpath.isabs(path):
        return [path]
    file = pool.files[shard.file]
    folders = [posixpath.dirname(file.path), file.path.removesuffix(file.name).rstrip("/")]
    if not storage.is_url(file.path):
        return [posixpath.join(folder, path) for folder in dict.fromkeys(folders)]
    scheme = file.path.partition("://")[0]
    return [
        f"{scheme}://" + posixpath.normpath(posixpath.join(folder.partition("://")[2], path))
        for folder in dict.fromkeys(folders)
    ]


def _read(places: list[str], path: str) -> bytes:
    """The bytes of the first of `places` that is a file."""
    try:
        for place in places:
            if storage.is_file(place):
                with storage.open_binary(place) as file:
                    found = file.read(MOST_BYTES + 1)
                if len(found) > MOST_BYTES:
                    raise Absent(f"{_shown(path)} has more than {MOST_BYTES >> 20} MB")
                return found
    except (TamisError, Absent):
        raise
    except Exception as error:  # every store has its own errors
        said = (str(error).splitlines() or [type(error).__name__])[0]
        said = said if len(path) <= MOST_SHOWN else type(error).__name__  # it may hold the path
        raise Absent(f"{_shown(path)} cannot be read: {said}") from None
    raise Absent(f"there is no file {_shown(path)}")


def _shown(path: str) -> str:
    """A path in quotes, for a message: what was meant for bytes in base64 may be long."""
    return repr(path if len(path) <= MOST_SHOWN else path[: MOST_SHOWN - 1] + "…")

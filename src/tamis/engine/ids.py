"""Lists of ids on the command line: a comma list, or `@file` with one id a line."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.duplicates import find_rows
from tamis.engine.frame import Frame
from tamis.ops.hashing import hash_rows


def find_ids(frame: Frame, text: str | Sequence[str | int], flag: str) -> NDArray[np.int64]:
    """Rows of the ids in `text`, ascending; refuses an id that the pool does not have."""
    names = read_ids(text, flag)
    kind = frame.tables[0]["id"].type
    place = _place(flag, text) if isinstance(text, str) else flag
    ids = pa.array([_integer(name, kind, place) for name in names] if pa.types.is_integer(kind) else names, kind)
    rows = find_rows(lambda: frame.hashes("ids"), hash_rows(ids))
    if (rows < 0).any():
        name = names[int(np.argmax(rows < 0))]
        raise refusals.ID_MISSING(place, id=name, missing=int((rows < 0).sum()), asked=len(rows))
    return np.unique(rows)


def _place(flag: str, text: str) -> str:
    """The flag with its file; of a list, which may be long, the flag alone."""
    return f"{flag} {text}" if text.startswith("@") else flag


def _integer(name: str, kind: pa.DataType, place: str) -> int:
    """An id as the integer that it must be in this pool."""
    try:
        return pa.scalar(int(name), kind).as_py()  # type: ignore[no-any-return]
    except (ValueError, OverflowError):
        raise refusals.ID_NOT_INTEGER(place, id=name) from None


def read_ids(text: str | Sequence[str | int], flag: str) -> list[str]:
    """The ids themselves, as text; in a file only a newline ends an id, since other separators may belong to it."""
    if not isinstance(text, str):
        return [str(name) for name in text]
    if not text.startswith("@"):
        return [name.strip() for name in text.split(",") if name.strip()]
    try:
        content = Path(text[1:]).read_bytes().decode("utf-8-sig")
        return [name for line in content.split("\n") if (name := line.strip(" \t\r"))]
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise refusals.IDS_UNREADABLE(f"{flag} {text}", said=said) from None

"""Lists of ids on the command line: a comma list, or `@file` with one id a line."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.engine.duplicates import find_rows
from tamis.engine.frame import Frame
from tamis.errors import Refused
from tamis.ops.hashing import hash_rows


def find_ids(frame: Frame, text: str, flag: str) -> NDArray[np.int64]:
    """Rows of the ids in `text`, ascending; refuses an id that the pool does not have."""
    names = read_ids(text, flag)
    kind = frame.tables[0]["id"].type
    try:
        ids = pa.array([int(name) for name in names] if pa.types.is_integer(kind) else names, kind)
    except (ValueError, OverflowError):
        raise Refused(f"{flag} {text}: the pool's ids are integers, and these are not") from None
    rows = find_rows(lambda: frame.hashes("ids"), hash_rows(ids))
    if (rows < 0).any():
        missing = names[int(np.argmax(rows < 0))]
        count = f"{int((rows < 0).sum())} of {len(rows)} are not there"
        raise Refused(f"{flag}: the pool has no id {missing!r} ({count}): leave it out, or mend it")
    return np.unique(rows)


def read_ids(text: str, flag: str) -> list[str]:
    """The ids themselves, as text; in a file only a newline ends an id, since other separators may belong to it."""
    if not text.startswith("@"):
        return [name.strip() for name in text.split(",") if name.strip()]
    try:
        content = Path(text[1:]).read_bytes().decode("utf-8-sig")
        return [name for line in content.split("\n") if (name := line.strip(" \t\r"))]
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{flag} {text}: the file cannot be read ({error}): write @FILE with one id a line") from None

"""From an id to its row: by the hashes that the scan left, or by reading the ids of the pool."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.duplicates import find_rows
from tamis.look.folder import Finished
from tamis.ops.hashing import hash_rows
from tamis.pool import TYPES

LONGEST = 64


def find_id(done: Finished, name: Any) -> int:
    """The row of an id; refuses one that the pool does not have, and names one that differs in a single character."""
    column = done.role("id")
    if column is None:
        raise refusals.ID_OF_POOL_WITHOUT(f"--id {name}")
    kind = done.selection.schema.field("id").type if done.is_selection else None
    integers = pa.types.is_integer(kind) if kind is not None else done.pool.schema[column] == "integer"
    names = spelled_nearly(str(name)) if len(str(name)) <= LONGEST else [str(name)]
    wanted = _typed(names, integers)
    if integers and (not names or not _is_integer(names[0])):
        raise refusals.ID_NOT_INTEGER("--id", id=str(name))
    found = _rows_of(done, column, wanted)
    if found[0] >= 0:
        return int(found[0])
    near = f" (did you mean {wanted[int(np.argmax(found >= 0))].as_py()!r}?)" if (found >= 0).any() else ""
    raise refusals.ID_UNKNOWN(f"--id {name}", near=near)


def _rows_of(done: Finished, column: str, wanted: pa.Array) -> NDArray[np.int64]:
    """The row of each of the `wanted` ids, or -1."""
    if done.frame is not None:
        frame = done.frame
        return find_rows(lambda: frame.hashes("ids"), hash_rows(wanted))
    found, rows = np.full(len(wanted), -1, np.int64), done.located
    for number, shard in enumerate(rows.pool.shards):
        first = int(rows.starts[number])
        for batch in rows.pool.read(shard, {column: wanted.type}):
            at = np.flatnonzero(pc.is_in(batch.column(0), wanted).to_numpy(zero_copy_only=False))
            which = pc.index_in(batch.column(0).take(pa.array(at)), wanted).to_numpy()
            found[which[found[which] < 0]] = first + at[found[which] < 0]
            first += batch.num_rows
            if found[0] >= 0:
                return found
    return found


def _typed(names: list[str], integers: bool) -> pa.Array:
    if not integers:
        return pa.array(names, TYPES["text"])
    return pa.array([int(name) for name in names if _is_integer(name)], TYPES["integer"])


def _is_integer(text: str) -> bool:
    digits = text[1:] if text[:1] in ("-", "+") else text
    return digits.isascii() and digits.isdigit() and -(1 << 63) <= int(text) < 1 << 63


def spelled_nearly(name: str) -> list[str]:
    """`name`, then what differs from it by case or blanks, and by one character left out, swapped, changed or added.

    Characters are changed to letters and digits and to what is in `name`.

    Examples:
        >>> nearly = spelled_nearly("doc-1")
        >>> nearly[0], "doc-11" in nearly, "dco-1" in nearly, "Doc-1" in nearly
        ('doc-1', True, True, True)
    """
    signs = sorted({*"abcdefghijklmnopqrstuvwxyz0123456789-_", *name})
    cuts = [(name[:at], name[at:]) for at in range(len(name) + 1)]
    found = [name, name.strip(), name.lower(), name.upper(), name.capitalize()]
    found += [head + tail[1:] for head, tail in cuts if tail]
    found += [head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1]
    found += [head + sign + tail[1:] for head, tail in cuts if tail for sign in signs]
    found += [head + sign + tail for head, tail in cuts for sign in signs]
    return list(dict.fromkeys(found))

"""What an example is, as one number: two rows of which a model would read the same have the same hash."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.evidence.material import VECTOR, Material, Stored
from tamis.evidence.plan import StudyPlan
from tamis.ops.hashing import hash_rows, mix64


def put_content(plan: StudyPlan, made: Material, stored: Stored) -> None:
    """A hash of what a model would read of each row: its features, its text, or for one's own task all it has.

    Columns of roles but the text, and those of scores, are no part of what an example is.
    """
    table = stored.table
    text = "text" if stored.name.startswith(("target", "off")) else made.text
    if "features" in plan.task.needs:
        names = plan.features or [VECTOR]
    elif text is not None and text in table.column_names:
        names = [text]
    else:
        used = {role.column for name, role in plan.roles.items() if name not in ("embedding", "image", "text")}
        shared = [set(made[name].table.column_names) for name in ("pool", "test") if name in made]
        names = sorted(set.intersection(*shared) - _scores(plan) - used)
    found = np.zeros(table.num_rows, np.uint64)
    for number, name in enumerate(name for name in names if name in table.column_names):
        found = mix64(found ^ mix64(_hashed(table[name]) + np.uint64(number + 1)))
    stored.put("content", found)


def _scores(plan: StudyPlan) -> set[str]:
    """Columns of scores and costs, which are not what an example is."""
    return {
        role.column for one in plan.contenders for name, role in one.plan.roles.items() if name in ("score", "cost")
    }


def _hashed(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """A hash of each value; equal numbers have equal hashes, whatever their type."""
    kind = column.type
    if pa.types.is_fixed_size_list(kind) and pa.types.is_float32(kind.value_type):
        found = np.zeros(len(column), np.uint64)
        if len(column):
            bits = np.concatenate([matrix(chunk) for chunk in column.chunks]).view(np.uint32)
            for index in range(bits.shape[1]):
                found = mix64(found ^ bits[:, index])
        return found
    if pa.types.is_integer(kind):
        whole = pc.fill_null(column, 0).to_numpy()
        values = whole.astype(np.float64)
        words = np.where(np.abs(values) < 2.0**53, values.view(np.uint64), whole.astype(np.uint64))
        return mix64(np.where(column.is_null().to_numpy(), np.float64(np.nan).view(np.uint64), words))
    if pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values = pc.cast(column, pa.float64()).to_numpy() + 0.0  # -0 is 0
        return mix64(np.ascontiguousarray(values).view(np.uint64))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)):
        column = pa.chunked_array([[str(value) for value in column.to_pylist()]], pa.large_string())
    return hash_rows(column.combine_chunks())[:, 0] if len(column) else np.empty(0, np.uint64)


def matrix(vectors: pa.Array) -> NDArray[np.float32]:
    """`float32 [n, d]` of a column of lists of one length."""
    return np.asarray(vectors.flatten(), np.float32).reshape(len(vectors), vectors.type.list_size)

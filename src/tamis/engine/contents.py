"""What was read of each file of a pool, as digests by which the same rows are known again, wherever they lie."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.engine.bindings import MATRICES
from tamis.engine.frame import Frame
from tamis.engine.vectors import VectorFile
from tamis.ops.hashing import hash_rows
from tamis.pool.base import BLOCK_BYTES, digest
from tamis.pool.storage import stamp

UNREAD = ("id", "row", "tokens")  # ids are hashed as `id_key`; the others follow from the rest


def contents(frame: Frame) -> list[dict[str, Any]]:
    """For each file of the pool its name, bytes, rows and stamp, the names of its parts, and a digest of its content.

    The digest covers what the decision read (hashes of ids and texts, lengths, numbers, codes) in the order of the
    rows, however the file is cut into row groups or compressed. `O(bytes of the parts)` time, one part in memory.
    """
    found = []
    for index, file in enumerate(frame.pool.files):
        shards = [number for number, shard in enumerate(frame.pool.shards) if shard.file == index]
        found.append(
            {
                "name": file.name,
                "bytes": file.bytes,
                "rows": sum(int(frame.counts[number]) for number in shards),
                "stamp": file.stamp,
                "content": content(frame, shards),
                "parts": [frame.parts[number].stem for number in shards],
            }
        )
    return found


def vectors_record(file: VectorFile) -> dict[str, Any]:
    """Path, stamp and digest of a file of vectors beside the pool."""
    return {"path": file.path, "key": file.key, "stamp": stamp(file.path), "content": vectors_content(file)}


def vectors_content(file: VectorFile) -> str:
    """A digest of all vectors of a file. `O(bytes)` time, about 1.5 GB a second, blocks of 2 MB in memory."""
    vectors = file.open()
    made = hashlib.sha256(repr((vectors.shape, vectors.dtype.str)).encode())
    step = max(1, BLOCK_BYTES // max(vectors[:1].nbytes, 1))
    for start in range(0, len(vectors), step):
        made.update(np.ascontiguousarray(vectors[start : start + step]).data)
    return made.hexdigest()[:20]


def content(frame: Frame, shards: list[int]) -> str:
    """A digest of all columns of the rows of these shards."""
    known: dict[str, Any] = {}
    for number in shards:
        for name, values in columns_read(frame, number):
            known.setdefault(name, hashlib.sha256()).update(np.ascontiguousarray(values).data)
    return digest([(name, made.hexdigest()) for name, made in sorted(known.items())])


def columns_read(frame: Frame, number: int) -> Iterator[tuple[str, NDArray[Any]]]:
    """The columns of one shard as numbers, one after the other: texts and codes as their hashes, `uint64 [n, 2]`."""
    table = frame.tables[number]
    for name in table.column_names:
        if name.startswith("code:"):
            yield name, _code_hashes(table[name])
        elif name == "tags":
            lists = table[name].combine_chunks()
            yield "tags", hash_rows(pc.list_flatten(lists))
            yield "tags of a row", pc.fill_null(pc.list_value_length(lists), 0).to_numpy().astype(np.int64)
        elif name not in UNREAD:
            yield name, table[name].to_numpy()
    part = frame.parts[number]
    if part.with_name(f"{part.stem}.texts.npy").exists():
        yield "text", frame.text_hashes(number)
    for name in ("embedding", *MATRICES):
        if (vectors := part.with_name(f"{part.stem}.{name}.npy")).exists():
            yield name, np.load(vectors, allow_pickle=False)


def _code_hashes(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """The hash of each value, by way of the dictionary."""
    pieces = [np.empty((0, 2), np.uint64)]
    for chunk in column.chunks:
        names = hash_rows(pa.concat_arrays([chunk.dictionary.cast(pa.large_string()), pa.nulls(1, pa.large_string())]))
        pieces.append(names[pc.fill_null(chunk.indices, len(names) - 1).to_numpy(zero_copy_only=False)])
    return np.concatenate(pieces)

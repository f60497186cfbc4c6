"""The kept row that is most like another one, by the cosine of their vectors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.engine.vectors import COLUMN, VectorFile, vector_file
from tamis.look.folder import Finished

BLOCK_VALUES = 1 << 22


def nearest_kept(vectors_of_kept: NDArray[Any], vector: NDArray[Any]) -> tuple[int, float]:
    """The index of the vector with the largest cosine to `vector`, ties to the first, and that cosine.

    Args:
        vectors_of_kept: `float [k, d]`, in memory or memory-mapped.
        vector: `float [d]`.

    Returns:
        The cosine of a vector of zeros is 0. `O(k d)` time, blocks of 4,194,304 values in memory.

    Examples:
        >>> nearest_kept(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 2.0]))
        (1, 0.7071067811865475)
    """
    own = np.asarray(vector, np.float64)
    own = own / (np.linalg.norm(own) or 1.0)
    step = max(1, BLOCK_VALUES // max(len(own), 1))
    best, found = 0, -np.inf
    for start in range(0, len(vectors_of_kept), step):
        block = np.asarray(vectors_of_kept[start : start + step], np.float64)
        lengths = np.linalg.norm(block, axis=1)
        cosine = block @ own / np.where(lengths > 0, lengths, 1.0)
        at = int(np.argmax(cosine))
        if cosine[at] > found:
            best, found = start + at, float(cosine[at])
    return best, found


def neighbour(done: Finished, row: int) -> tuple[int, float] | None:
    """Rank and cosine of the kept row nearest to `row`, itself left out; None where there is no embedding.

    The vectors are those of the scan, or are read from the file or the columns that the manifest names.
    """
    if done.role(COLUMN) is None or not len(done.rows):
        return None
    others = np.flatnonzero(done.rows != row)
    vectors = _vectors(done, np.concatenate([done.rows[others], [row]]))
    if vectors is None or not len(others):
        return None
    at, cosine = nearest_kept(vectors[:-1], vectors[-1])
    return int(others[at]), cosine


def _vectors(done: Finished, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    given = str(done.role(COLUMN))
    file = vector_file(given, done.pool.schema)
    if isinstance(file, VectorFile):
        return np.asarray(file.open()[rows])
    if done.frame is not None and done.manifest["pool"]["scan"].get(COLUMN):
        return np.asarray(done.frame.vectors(None)[rows])
    name = COLUMN if COLUMN in done.pool.derived else given
    if name == given and COLUMN in done.manifest.get("measured", {}):
        return None  # made of texts on the way, and not kept
    if name not in done.pool.derived and name not in done.pool.schema:
        return None
    column = done.located.values(rows, {name: None})[name].combine_chunks()
    return np.asarray(column.flatten(), np.float32).reshape(len(rows), -1)

"""Single rows of a pool by their numbers, read from the shards that hold them."""

from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.pool import Pool
from tamis.pool.base import Columns
from tamis.pool.views import taken

Rows = NDArray[np.int64]


class Located:
    """The rows of a pool by number.

    Args:
        pool: the pool.
        counts: rows of each shard, where they are known; formats that do not say are counted by reading them.
    """

    def __init__(self, pool: Pool, counts: Rows | None = None) -> None:
        self.pool = pool
        self._counts = counts

    @cached_property
    def starts(self) -> Rows:
        """The row at which each shard starts, and at the end the rows in all, `int64 [shards + 1]`."""
        counts = self._counts
        if counts is None:
            counts = np.array([_count(self.pool, number) for number in range(len(self.pool.shards))], np.int64)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @cached_property
    def file_rows(self) -> Rows:
        """Rows of each file, `int64 [files]`."""
        found = np.zeros(len(self.pool.files), np.int64)
        np.add.at(found, [shard.file for shard in self.pool.shards], np.diff(self.starts))
        return found

    @property
    def rows(self) -> int:
        """Rows of the pool."""
        return int(self.starts[-1])

    def where(self, row: int) -> str:
        """File and place of a row, for a message."""
        shard = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.pool.where(self.pool.shards[shard], row - int(self.starts[shard]))

    def values(self, rows: Rows, columns: Columns) -> pa.Table:
        """`columns` of `rows`, in that order; reads the shards that hold them up to the last one wanted."""
        wanted, back = np.unique(rows, return_inverse=True)
        pieces = []
        for number in np.unique(np.searchsorted(self.starts, wanted, side="right") - 1).tolist():
            local = wanted[slice(*np.searchsorted(wanted, self.starts[number : number + 2]))] - self.starts[number]
            done = 0
            for batch in self.pool.read(self.pool.shards[number], columns):
                inside = local[slice(*np.searchsorted(local, [done, done + batch.num_rows]))] - done
                if len(inside):
                    pieces.append(taken(batch, inside))
                done += batch.num_rows
                if done > local[-1]:
                    break
        return pa.Table.from_batches(pieces).take(pa.array(back)) if pieces else pa.table({})


def _count(pool: Pool, number: int) -> int:
    shard = pool.shards[number]
    return shard.rows if shard.rows is not None else sum(batch.num_rows for batch in pool.read(shard, {}))

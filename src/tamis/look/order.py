"""The order in which a chooser took the eligible rows, made again from `scores.parquet`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.engine.frame import keys_of
from tamis.look.folder import Finished
from tamis.ops.choosers import CHOOSERS, Chooser
from tamis.ops.hashing import hash_rows, mix64
from tamis.pool import TYPES

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Block = tuple[Rows, Floats, Floats]


class Ordering:
    """The order by one column of scores: highest priority first, ties by row, NaN never.

    Args:
        done: an output folder with scores.
        index: which column of scores, that is, of which target.
    """

    def __init__(self, done: Finished, index: int = 0) -> None:
        self.done = done
        self.index = index

    @cached_property
    def chooser(self) -> Chooser:
        """What made priorities of scores."""
        return CHOOSERS.get(self.done.manifest["method"]["choose"])  # type: ignore[no-any-return]

    @property
    def is_drawn(self) -> bool:
        """Whether chance had a part in the order."""
        return self.chooser.draws and self.parameters.get("temperature", 1.0) > 0

    @property
    def parameters(self) -> dict[str, Any]:
        """The chooser's parameters as they were used."""
        given = self.done.manifest["method"]["parameters"]
        return {name: _number(given[name]) for name in self.chooser.parameters if name in given}

    def blocks(self, low: int = 0, high: int = 1 << 62) -> Iterator[Block]:
        """Eligible rows from `low` to below `high`, ascending, with their scores and priorities, in blocks."""
        if not self.chooser.pointwise:
            rows, scores, priority = self._whole
            at = slice(*np.searchsorted(rows, [low, high]))
            yield rows[at], scores[at], priority[at]
            return
        for rows, columns in self.done.scores(low, high):
            yield rows, columns[self.index], self._priority(rows, columns[self.index])

    @cached_property
    def _whole(self) -> Block:
        found = [(rows, columns[self.index]) for rows, columns in self.done.scores()]
        rows, scores = (np.concatenate([block[i] for block in found]) for i in (0, 1))
        return rows, scores, self._priority(rows, scores)

    def _priority(self, rows: Rows, scores: Floats) -> Floats:
        keys = self._keys(rows) if self.chooser.draws else np.zeros(len(rows), np.uint64)
        return np.asarray(self.chooser.function(scores, keys, **self.parameters), np.float64)

    def _keys(self, rows: Rows) -> NDArray[np.uint64]:
        seed = int(self.done.manifest["seed"])
        if self.done.role("id") is None:
            keys = keys_of(mix64(rows.astype(np.uint64)), seed)
        elif self.done.frame is not None:
            keys = self.done.frame.keys(seed)[rows]
        else:
            keys = keys_of(self._id_hashes[rows], seed)
        return mix64(keys + np.uint64(self.index)) if self.index else keys

    @cached_property
    def _id_hashes(self) -> NDArray[np.uint64]:
        """The first word of the hash of each id, read from the pool; `8 n` bytes."""
        pool, column = self.done.pool, str(self.done.role("id"))
        wanted = {column: TYPES.get(pool.schema[column], TYPES["text"])}
        batches = (batch for shard in pool.shards for batch in pool.read(shard, wanted))
        return np.concatenate([hash_rows(batch.column(0))[:, 0] for batch in batches])

    def of(self, rows: Rows, scores: Floats) -> Floats:
        """Priorities of eligible rows whose scores are known, so that nothing has to be read where that suffices."""
        return self._priority(rows, scores) if self.chooser.pointwise else self.at(rows)[1]

    def at(self, wanted: Rows) -> tuple[Floats, Floats]:
        """Score and priority of each of the rows `wanted`, NaN where one is not eligible."""
        order = np.argsort(wanted, kind="stable")
        found = np.full((2, len(wanted)), np.nan)
        low, high = (int(wanted[order[0]]), int(wanted[order[-1]]) + 1) if len(wanted) else (0, 0)
        for rows, scores, priority in self.blocks(low, high):
            if len(rows):
                mine = order[slice(*np.searchsorted(wanted[order], [rows[0], rows[-1] + 1]))]
                place = np.searchsorted(rows, wanted[mine])
                mine, place = mine[rows[place] == wanted[mine]], place[rows[place] == wanted[mine]]
                found[:, mine] = scores[place], priority[place]
        return found[0], found[1]

    def places(self, rows: Rows, priority: Floats) -> Rows:
        """How many eligible rows come before each of `rows`, which have these priorities. `O(n)` time for each."""
        found = np.zeros(len(rows), np.int64)
        for others, _, theirs in self.blocks():
            for index in range(len(rows)):
                found[index] += np.count_nonzero(theirs > priority[index])
                ties = others[theirs == priority[index]]
                found[index] += np.searchsorted(ties, rows[index])
        return found


def _number(value: Any) -> Any:
    """Parameters are plain JSON, in which an infinity is text."""
    return float(value) if value in ("inf", "-inf", "nan") else value

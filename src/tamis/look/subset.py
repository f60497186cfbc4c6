"""Whether a subset is the kept rows of a pool in pool order: both are read, block beside block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.look.rows import Located
from tamis.pool import open_pool, storage
from tamis.pool.text_file import TextPool
from tamis.pool.views import plain_type

Rows = NDArray[np.int64]


@dataclass
class Subset:
    """A subset at `path` of the rows `kept`, ascending, of a pool; `folder` is the output folder it lies in."""

    path: Path
    folder: Path
    rows: Located
    kept: Rows

    def check(self) -> None:
        """Raise for the first row that is not the next kept one; lines count byte for byte, columns by their values.

        `O(bytes)` time, two blocks in memory.
        """
        try:
            if isinstance(self.rows.pool, TextPool):
                self._check_lines(self.rows.pool)
            else:
                self._check_batches()
        except (OSError, EOFError, pa.ArrowInvalid) as error:
            raise refusals.OUTPUT_UNREADABLE(self.path, said=str(error).splitlines()[0]) from None

    def pieces(self) -> Iterator[Any]:
        """The kept rows as the pool gives them."""
        starts = self.rows.starts
        for number, shard in enumerate(self.rows.pool.shards):
            local = self.kept[slice(*np.searchsorted(self.kept, starts[number : number + 2]))] - starts[number]
            if len(local):
                yield from self.rows.pool.kept(shard, local)

    def _check_lines(self, pool: TextPool) -> None:
        line = 1
        with storage.open_plain(str(self.path)) as stream:
            for expected in (pool.head(), *self.pieces()) if pool.head() else self.pieces():
                found = _read(stream, len(expected))
                if found != expected:
                    raise self._line(pool, found, expected, line)
                line += expected.count(b"\n")
            if stream.read(1):
                raise refusals.SUBSET_TOO_LONG(self.path, expected=len(self.kept), folder=self.folder)

    def _line(self, pool: TextPool, found: bytes, expected: bytes, line: int) -> Exception:
        """The difference of two blocks that start at `line` of the subset."""
        ours, theirs = found.split(b"\n"), expected.split(b"\n")
        pairs = zip(ours, theirs, strict=False)
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(theirs)) - 1)
        row = line + at - 1 - pool.head().count(b"\n")
        if len(found) < len(expected) and at == len(ours) - 1 and not ours[at]:
            return refusals.SUBSET_TOO_SHORT(self.path, found=row, expected=len(self.kept), folder=self.folder)
        is_row = pool.format == "jsonl" and row < len(self.kept)  # elsewhere a row may have several lines
        what = self._said(row) if is_row else "what the pool has for the kept rows"
        return refusals.SUBSET_CHANGED(f"{self.path}, line {line + at:,}", expected=what, folder=self.folder)

    def _said(self, at: int) -> str:
        row = int(self.kept[at])
        return f"row {row:,} of the pool ({self.rows.where(row)}), which was kept"

    def _check_batches(self) -> None:
        subset = open_pool(self.path)
        if not subset.columns.equals(self.rows.pool.columns):
            raise refusals.OUTPUT_COLUMNS_CHANGED(
                self.path, found=_columns(subset.columns), expected=_columns(self.rows.pool.columns)
            )
        found = (piece for shard in subset.shards for piece in subset.kept(shard, np.arange(shard.rows or 0)))
        done = 0
        for ours, theirs in aligned(found, self.pieces()):
            if theirs is None:
                raise refusals.SUBSET_TOO_LONG(self.path, expected=len(self.kept), folder=self.folder)
            if ours is None:
                raise refusals.SUBSET_TOO_SHORT(self.path, found=done, expected=len(self.kept), folder=self.folder)
            if (at := first_other(ours, theirs)) is not None:
                where = f"{self.path}, row {done + at:,}"
                raise refusals.SUBSET_CHANGED(where, expected=self._said(done + at), folder=self.folder)
            done += ours.num_rows


def _read(stream: IO[bytes], count: int) -> bytes:
    """The next `count` bytes, or all there are."""
    found = stream.read(count)
    while len(found) < count and (more := stream.read(count - len(found))):
        found += more
    return found


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def aligned(
    one: Iterable[pa.RecordBatch], other: Iterable[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch | None, pa.RecordBatch | None]]:
    """Two streams of batches as pairs of equally many rows; at the end of one that is shorter, None beside the other.

    Examples:
        >>> short, long = pa.record_batch({"x": [1, 2]}), pa.record_batch({"x": [1, 2, 3]})
        >>> [(a and a.num_rows, b and b.num_rows) for a, b in aligned([short], [long])]
        [(2, 2), (None, 1)]
    """
    streams = [(batch for batch in stream if batch.num_rows) for stream in (one, other)]
    ours, theirs = (next(stream, None) for stream in streams)
    while ours is not None and theirs is not None:
        count = min(ours.num_rows, theirs.num_rows)
        yield ours.slice(0, count), theirs.slice(0, count)
        ours = ours.slice(count) if count < ours.num_rows else next(streams[0], None)
        theirs = theirs.slice(count) if count < theirs.num_rows else next(streams[1], None)
    if ours is not None or theirs is not None:
        yield ours, theirs


def first_other(one: pa.RecordBatch, other: pa.RecordBatch) -> int | None:
    """The first row in which two batches of one schema and size differ; NaN equals NaN.

    Examples:
        >>> batches = [pa.record_batch({"x": [1.0, float("nan"), x]}) for x in (2.0, 3.0)]
        >>> first_other(*batches), first_other(batches[0], batches[0])
        (2, None)
    """
    if all(_same(ours, theirs) for ours, theirs in zip(one.columns, other.columns, strict=True)):
        return None
    low, high = 0, one.num_rows  # rows before `low` are the same, one before `high` is not
    while high - low > 1:
        middle = (low + high) // 2
        halves = [
            (ours.slice(low, middle - low), theirs.slice(low, middle - low))
            for ours, theirs in zip(one.columns, other.columns, strict=True)
        ]
        low, high = (middle, high) if all(_same(*half) for half in halves) else (low, middle)
    return low


def _same(one: pa.Array, other: pa.Array) -> bool:
    """Whether two arrays hold the same values."""
    if pa.types.is_dictionary(one.type):
        one, other = (pc.cast(array, plain_type(array.type)).dictionary_decode() for array in (one, other))
    if one.equals(other):
        return True
    if pa.types.is_floating(one.type):
        whole = {2: pa.uint16(), 4: pa.uint32(), 8: pa.uint64()}[one.type.bit_width // 8]
        return bool(one.view(whole).equals(other.view(whole)))
    return bool(pa.types.is_nested(one.type) and repr(one.to_pylist()) == repr(other.to_pylist()))

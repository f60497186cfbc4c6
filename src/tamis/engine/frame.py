"""The columns of all rows of a pool, put together from the parts of its shards."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.engine.parts import blank, read_table
from tamis.engine.vectors import VectorFile, assemble
from tamis.ops.hashing import mix64
from tamis.pool import Pool
from tamis.vocabulary import Tags

BLOCK = 1 << 20


class Frame:
    """What the scan found, by row of the whole pool; columns of more than a million rows are memory-mapped."""

    def __init__(self, pool: Pool, parts: list[Path], work: Path) -> None:
        self.pool = pool
        self.parts = self.folded = parts
        self.work = work
        self.tables = [read_table(path) for path in parts]
        self.counts = np.array([table.num_rows for table in self.tables], np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)
        self.columns: dict[str, NDArray[Any]] = {}
        self.names: dict[str, list[str]] = {}
        self.measured: dict[str, NDArray[np.int64]] = {}

    @property
    def rows(self) -> int:
        """Rows of the pool."""
        return int(self.starts[-1])

    @cached_property
    def file_starts(self) -> NDArray[np.int64]:
        """The pool's row at which each of its files starts."""
        sizes = np.zeros(len(self.pool.files), np.int64)
        for shard, count in zip(self.pool.shards, self.counts, strict=True):
            sizes[shard.file] += count
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def has(self, name: str) -> bool:
        """Whether the scan brought this column."""
        return name in self.tables[0].column_names

    def column(self, name: str, dtype: Any) -> NDArray[Any]:
        """A numeric column of the scan as `dtype`."""
        key = f"{name}:{np.dtype(dtype).name}"
        if key not in self.columns:
            whole = blank(self.work, f"column{len(self.columns)}", (self.rows,), dtype)
            for start, table in zip(self.starts, self.tables, strict=False):
                whole[start : start + table.num_rows] = table[name].to_numpy()
            self.columns[key] = whole
        return self.columns[key]

    def codes(self, name: str) -> NDArray[np.int32]:
        """A column as codes from 0 in order of first appearance; null has a code of its own, called `(none)`."""
        key = f"code:{name}"
        if key not in self.columns:
            known: dict[str, int] = {}
            whole = blank(self.work, f"code-{len(self.names)}", (self.rows,), np.int32)
            for start, table in zip(self.starts, self.tables, strict=False):
                whole[start : start + table.num_rows] = _coded(table[key], known)
            self.columns[key], self.names[name] = whole, list(known)
        return self.columns[key]

    def keys(self, seed: int) -> NDArray[np.uint64]:
        """`hash(seed, id)` of each row, or `hash(seed, row)` where there are no ids."""
        if "key" not in self.columns:
            whole = blank(self.work, "key", (self.rows,), np.uint64)
            for start, table in zip(self.starts, self.tables, strict=False):
                if "id_key" in table.column_names:
                    base = table["id_key"].to_numpy()
                else:
                    base = mix64(np.arange(start, start + table.num_rows, dtype=np.uint64))
                whole[start : start + table.num_rows] = keys_of(base, seed)
            self.columns["key"] = whole
        return self.columns["key"]

    def ids(self, rows: NDArray[np.int64]) -> pa.Array:
        """The ids of `rows`, in that order; nulls where the pool has none."""
        if not self.has("id"):
            return pa.nulls(len(rows))
        shard = np.searchsorted(self.starts, rows, side="right") - 1
        order = np.argsort(shard, kind="stable")
        pieces = []
        for index in np.unique(shard):
            local = rows[order][shard[order] == index] - self.starts[index]
            pieces.append(self.tables[index]["id"].take(pa.array(local)))
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        chunks = [chunk for piece in pieces for chunk in piece.chunks]
        kind = self.tables[0]["id"].type
        return pa.chunked_array(chunks, kind).take(pa.array(back)).combine_chunks() if chunks else pa.array([], kind)

    def files(self, rows: NDArray[np.int64]) -> tuple[pa.Array, NDArray[np.int64]]:
        """Name of the file of each of `rows`, and the row in it."""
        index = np.searchsorted(self.file_starts, rows, side="right") - 1
        names = pa.array([file.name for file in self.pool.files], pa.string())
        return names.take(pa.array(index)), rows - self.file_starts[index]

    def vectors(self, file: VectorFile | None, name: str = "embedding") -> NDArray[Any]:
        """`float [n, d]`, of a file beside the pool or of its columns; memory-mapped where it is large."""
        key = f"vectors:{name}"
        if key not in self.columns:
            parts = [part.with_name(f"{part.stem}.{name}.npy") for part in self.parts]
            self.columns[key] = file.of_pool(self.rows) if file else assemble(parts, self.rows, self.work, name)
        return self.columns[key]

    def tags(self, rows: NDArray[np.int64]) -> Tags:
        """The tags of `rows`, coded in the order in which they first appear in these rows."""
        lists = pa.chunked_array([table["tags"].combine_chunks() for table in self.tables]).take(pa.array(rows))
        lists = lists.combine_chunks()
        flat = pc.list_flatten(lists)
        names = pc.unique(flat)
        codes = pc.index_in(flat, value_set=names).to_numpy(zero_copy_only=False)
        row = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
        pairs = np.unique(row * max(len(names), 1) + codes)
        row, codes = np.divmod(pairs, max(len(names), 1))
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(rows)))]).astype(np.int64)
        return Tags(starts, codes.astype(np.int32), names.to_pylist())

    def where(self, row: int) -> str:
        """File and place of a row, for a message."""
        index = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.pool.where(self.pool.shards[index], row - int(self.starts[index]))

    def hashes(self, which: str) -> Iterator[tuple[int, NDArray[np.uint64]]]:
        """For each shard its first row and its sorted hashes, `uint64 [n, 3]`, memory-mapped; see `tasks.scan`."""
        for start, part in zip(self.starts.tolist(), self.parts, strict=False):
            path = part.with_name(f"{part.stem}.{which}.npy")
            mode: Literal["r"] | None = "r" if path.stat().st_size > 4096 else None  # nothing cannot be mapped
            yield start, np.load(path, mmap_mode=mode, allow_pickle=False)

    def text_hashes(self, number: int) -> NDArray[np.uint64]:
        """The hash of each text of shard `number` in the order of its rows, `uint64 [n, 2]`; 0 where there is none."""
        part = self.parts[number]
        found = np.load(part.with_name(f"{part.stem}.texts.npy"), allow_pickle=False)
        hashes = np.zeros((int(self.counts[number]), 2), np.uint64)
        hashes[found[:, 2].astype(np.int64)] = found[:, :2]
        return hashes


def keys_of(base: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Keys of rows, from the first word of the hash of each id, or from `mix64(row)` where there are no ids."""
    salt = mix64(np.array([seed], np.uint64) + np.uint64(0xA0761D6478BD642F))[0]
    return mix64(base ^ salt)


def _coded(column: pa.ChunkedArray, known: dict[str, int]) -> NDArray[np.int32]:
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = values.chunk(0) if values.num_chunks else pa.array([], pa.dictionary(pa.int32(), pa.string()))
    names = [*values.dictionary.to_pylist(), "(none)"]
    used = pc.unique(pc.fill_null(values.indices, len(names) - 1)).to_pylist()
    for index in used:
        known.setdefault(names[index], len(known))
    mapping = np.array([known.get(name, 0) for name in names], np.int32)
    return np.asarray(mapping[pc.fill_null(values.indices, len(names) - 1).to_numpy()])

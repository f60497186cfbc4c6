"""`tamis inspect`: what a pool holds, and what looks wrong with it, before anything is chosen."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis.engine.duplicates import find_duplicates
from tamis.engine.parts import write_array
from tamis.errors import Refused
from tamis.look import suspicions
from tamis.look.columns import Column, RowSample, read_type
from tamis.look.suggest import suggest
from tamis.look.suspicions import Suspicion
from tamis.look.texts import TextSample
from tamis.ops.hashing import hash_rows
from tamis.pool import Pool, open_pool
from tamis.pool.base import ColumnarPool
from tamis.pool.images import COLUMN as IMAGE
from tamis.pool.images import Images, find_images
from tamis.pool.made_text import find_text
from tamis.pool.roles import Role, find_roles, need_text

QUANTILES = {"shortest": 0.0, "quarter": 0.25, "median": 0.5, "ninety_percent": 0.9, "longest": 1.0}
TOP_VALUES = 10
HASHED = ("text", "id")
Progress = Callable[[Iterable[Any], int, str], Iterator[Any]]


@dataclass
class Inspection:
    """What a pool holds. Quantiles are of `sample` rows, chosen by a hash, where the pool has more."""

    pool: list[str]
    format: str
    files: int
    bytes: int
    rows: int
    sample: int
    columns: list[dict[str, Any]]
    roles: dict[str, dict[str, Any]]
    text: dict[str, Any] | None
    tables: dict[str, dict[str, Any]]
    suspicions: list[Suspicion]
    notes: list[str]
    command: str

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """For a person."""
        from tamis.look.inspection_words import inspection_lines

        return inspection_lines(self)


@dataclass
class Pass:
    """One pass over a pool, in batches: columns, a sample of texts, and hashes of texts and ids on disk.

    Memory: 8 bytes a column for each of at most 65,536 sampled rows, 1,000 values a column, 10,000 texts of 2,000
    characters at most, and a batch. Disk: 24 bytes a row for texts and as many for ids, while it runs.
    """

    pool: Pool
    roles: dict[str, Role]
    columns: dict[str, Column]
    folder: Path
    rows: int = 0
    sample: RowSample = field(default_factory=RowSample)
    texts: TextSample = field(default_factory=TextSample)

    def run(self, shards: Iterable[Any]) -> None:
        """Read all shards, in order."""
        columnar = isinstance(self.pool, ColumnarPool)
        wanted = {name: read_type(column.kind, columnar) for name, column in self.columns.items()}
        for shard_number, shard in enumerate(shards):
            hashes: dict[str, list[NDArray[np.uint64]]] = {role: [] for role in HASHED if role in self.roles}
            for batch in self.pool.read(shard, wanted):
                self._add(batch, hashes)
            for role, pieces in hashes.items():
                if pieces:
                    found = np.concatenate(pieces)
                    order = np.argsort(np.ascontiguousarray(found[:, 0]), kind="stable")
                    write_array(self.folder / f"{role}{shard_number:08}.npy", found[order])

    def _add(self, batch: pa.RecordBatch, hashes: dict[str, list[NDArray[np.uint64]]]) -> None:
        stay, enter = self.sample.extend(self.rows, batch.num_rows)
        for name, column in self.columns.items():
            column.add(batch.column(name), self.rows, stay, enter)
        for role, pieces in hashes.items():
            pieces.append(self._hashed(batch.column(self.roles[role].column)))
        if "text" in self.roles:
            self.texts.add(batch.column(self.roles["text"].column), self.rows)
        self.rows += batch.num_rows

    def _hashed(self, array: pa.Array) -> NDArray[np.uint64]:
        """Two hash words and the row of every value that is there, as `find_duplicates` reads them."""
        there = array.is_valid()
        if pa.types.is_large_string(array.type):
            there = pc.greater(pc.binary_length(array).fill_null(0), 0)
        local = np.flatnonzero(there.to_numpy(zero_copy_only=False))
        return np.column_stack([hash_rows(array)[local], (local + self.rows).astype(np.uint64)])

    def repeated(self, role: str) -> NDArray[np.int64]:
        """Rows whose text or id an earlier row has, with that row; what is empty is like nothing else."""
        paths = sorted(self.folder.glob(f"{role}*.npy"))
        if not paths:
            return np.empty((0, 2), np.int64)
        return find_duplicates(lambda: ((0, np.load(path, mmap_mode="r", allow_pickle=False)) for path in paths))


def inspect_pool(source: Any, given: dict[str, str | None], progress: Progress | None = None) -> Inspection:
    """What a pool holds; `given` are columns of roles. `O(bytes)` time, one pass, bounded memory (see `Pass`)."""
    named = [str(path) for path in source] if isinstance(source, list | tuple) else [str(source)]
    paths = named if isinstance(source, str | Path | list | tuple) else ["<table>"]
    unreadable: dict[str, str] = {}
    while True:
        pool, roles = _opened(source, given, " ".join(paths))
        columns = {name: Column(name, kind) for name, kind in pool.schema.items() if name not in unreadable}
        if "text" in roles and roles["text"].column in pool.derived:
            columns[roles["text"].column] = Column(roles["text"].column, "text")
        if isinstance(images := pool.derived.get(IMAGE), Images) and "image" in roles:
            roles["image"] = Role(images.column, roles["image"].how)
        roles = {role: found for role, found in roles.items() if found.column in columns}
        with tempfile.TemporaryDirectory(prefix="tamis-inspect-") as folder:
            one = Pass(pool, roles, columns, Path(folder))
            shards = progress(pool.shards, len(pool.shards), "inspect") if progress else pool.shards
            try:
                one.run(shards)
            except Refused as error:
                unreadable |= _offenders(pool, columns, error)
                continue
            return _described(one, paths, given, unreadable)


def _opened(source: Any, given: dict[str, str | None], place: str) -> tuple[Pool, dict[str, Role]]:
    """The pool and its roles, as `tamis select` finds them; also a text that nobody named, where it can be only one."""
    pool = open_pool(source)
    asked = {role: column for role, column in given.items() if role != "template"}
    roles = find_roles(pool.schema, asked, place, pool.mixed)
    find_images(pool, roles, place)
    find_text(pool, roles, given.get("template"), given.get("text"), place)
    with suppress(Refused):
        if given.get("text") is None:
            roles["text"] = need_text(pool.schema, roles, place)
    return pool, roles


def _offenders(pool: Pool, columns: dict[str, Column], error: Refused) -> dict[str, str]:
    """Columns that cannot be read as their type, and the sentence that says where; raises what is not due to one."""
    columnar = isinstance(pool, ColumnarPool)
    found = {}
    for name, column in columns.items():
        try:
            for shard in pool.shards:
                for _ in pool.read(shard, {name: read_type(column.kind, columnar)}):
                    pass
        except Refused as refused:
            found[name] = str(refused)
    if not found or len(found) == len(columns):
        raise error from None
    return found


def _described(one: Pass, paths: list[str], given: dict[str, str | None], unreadable: dict[str, str]) -> Inspection:
    pool, roles, columns = one.pool, one.roles, one.columns
    by_column = {found.column: (role, found.how) for role, found in roles.items()}
    suspicious = [
        Suspicion(name, "unreadable", f"column {name!r} cannot be read: {said}") for name, said in unreadable.items()
    ]
    suspicious += _mixed(pool, unreadable)
    suspicious += [
        found
        for column in columns.values()
        for found in suspicions.of_column(column, by_column.get(column.name, (None, None))[0])
    ]
    suspicious += [*suspicions.of_pairs(columns.values())]
    text: dict[str, Any] | None = None
    tables: dict[str, dict[str, Any]] = {}
    unusable: set[str] = set()
    different = one.rows
    if "text" in roles:
        column = columns[roles["text"].column]
        suspicious += suspicions.of_text(column, one.texts)
        text = _text(one, column)
        different -= int(text["duplicates"])
    for role in ("label", "group"):
        if role in roles:
            tables[role] = _values(columns[roles[role].column])
    if "label" in roles:
        suspicious += suspicions.of_label(columns[roles["label"].column])
    if "id" in roles:
        found = list(_ids(one, columns[roles["id"].column]))
        suspicious += found
        unusable |= {"id"} if found else set()
    for name in unreadable:
        unusable |= set(find_roles({name: pool.schema[name]}, {}, "")) if name in pool.schema else {"text"}
    return Inspection(
        paths, pool.format, len(pool.files), pool.bytes, one.rows, len(one.sample.hashes),
        [_column(column, *by_column.get(name, (None, None))) for name, column in columns.items()]
        + [{"name": name, "type": pool.schema.get(name, "text"), "nulls": None, "role": None} for name in unreadable],
        {role: {"column": found.column, "how": found.how} for role, found in roles.items()},
        text, tables, suspicious, list(pool.notes),
        suggest(paths, columns.values(), roles, given, unusable, different),
    )  # fmt: skip


def _mixed(pool: Pool, unreadable: dict[str, str]) -> Iterator[Suspicion]:
    for name, said in pool.mixed.items():
        if name not in unreadable:
            yield Suspicion(name, "mixed", f"column {name!r} has mixed types: {said}")


def _column(column: Column, role: str | None, how: str | None) -> dict[str, Any]:
    """What is told of a column."""
    found: dict[str, Any] = {"name": column.name, "type": column.kind, "nulls": column.nulls, "role": role, "how": how}
    if column.kind in ("integer", "number"):
        median = column.quantile(0.5)
        found |= {"smallest": column.smallest, "median": median, "largest": column.largest}
        found |= {"nan": column.nan, "infinite": column.infinite}
    if column.kind == "text":
        found |= {"median_length": column.quantile(0.5), "longest": column.longest}
    found["values"] = len(column.values) if column.values is not None else None
    return found


def _text(one: Pass, column: Column) -> dict[str, Any]:
    repeated = one.repeated("text")
    return {
        "column": column.name,
        "characters": {name: column.quantile(share) for name, share in QUANTILES.items()} | {"longest": column.longest},
        "empty": column.empty + (column.nulls or 0),
        "duplicates": len(repeated),
        "scripts": one.texts.scripts(),
        "scripts_of": len(one.texts.texts),
    }


def _values(column: Column) -> dict[str, Any]:
    """The most frequent values of a column of labels or groups."""
    return {
        "column": column.name,
        "values": len(column.values) if column.values is not None else None,
        "top": [{"value": value, "rows": count} for value, count in column.most_frequent(TOP_VALUES)],
    }


def _ids(one: Pass, column: Column) -> Iterator[Suspicion]:
    repeated = one.repeated("id")
    example = ""
    if len(repeated):
        row, first = repeated[0].tolist()
        example = f"that of row {row:,}, which row {first:,} has"
    yield from suspicions.of_ids(column, len(repeated), example)

"""An output folder as it is looked at: its tables, its pool, and the parts of its scan where they are still there."""

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.folder import STATE
from tamis.engine.frame import Frame
from tamis.look.rows import Located
from tamis.pool import TYPES, Pool, open_pool
from tamis.pool.base import first_line
from tamis.pool.derived import derived_from_json

Block = tuple[NDArray[np.int64], list[NDArray[np.float64]]]


class Finished:
    """A finished output folder. Refuses one without a manifest.

    Args:
        folder: the output folder.
        pool: the pool, where it is no longer at the paths of the manifest, or was a table.
    """

    def __init__(self, folder: str | PathLike[str], pool: Any = None) -> None:
        self.path = Path(folder)
        self._given = pool
        if not self.file("manifest.json").is_file():
            raise refusals.SELECTION_MISSING(self.path, name="manifest.json", path=self.path)
        self.manifest: dict[str, Any] = read_manifest(self.file("manifest.json"))

    def file(self, name: str) -> Path:
        """A file of the folder."""
        return self.path / name

    @cached_property
    def selection(self) -> pa.Table:
        """The rows of `selection.parquet`, sorted by rank."""
        path = self.file("selection.parquet")
        if not path.is_file():
            raise refusals.SELECTION_MISSING(self.path, name=path.name, path=self.path)
        return read_parquet(path)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The kept rows, best first."""
        return np.asarray(self.selection["row"].to_numpy())

    def place(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rank of each of `rows`, -1 where it was not kept."""
        order = np.argsort(self.rows)
        at = np.minimum(np.searchsorted(self.rows[order], rows), max(len(order) - 1, 0))
        return np.where(self.rows[order[at]] == rows, order[at], -1) if len(order) else np.full(len(rows), -1)

    def reason_of(self, row: int) -> dict[str, Any] | None:
        """What `dropped.parquet` says of a row."""
        path = self.file("dropped.parquet")
        if not path.is_file():
            return None
        found = pq.read_table(path.absolute(), filters=[("row", "=", row)]).to_pylist()
        return found[0] if found else None

    @property
    def is_selection(self) -> bool:
        """Whether rows were kept; `tamis score` keeps none. Combined selections have no budget of their own."""
        return bool({"budget", "made_of"} & set(self.manifest))

    @property
    def is_copy(self) -> bool:
        """Whether this was written by `Selection.save` or `tamis combine`, which leave all but the selection out."""
        others = (self.file(name).exists() for name in ("scores.parquet", "duplicates.parquet"))
        return not any(others) and not list(self.path.glob("subset.*"))

    @cached_property
    def score_names(self) -> list[str]:
        """The columns of scores, one a target; none where the method makes an order, or where nothing was scored."""
        if self.manifest["method"].get("kind") not in ("Score", "Match") or not self.file("scores.parquet").is_file():
            return []
        with opened(self.file("scores.parquet")) as file:
            return [name for name in file.schema_arrow.names if name != "row"]

    def scores(self, low: int = 0, high: int = 1 << 62) -> Iterator[Block]:
        """The eligible rows from `low` to below `high`, block by block, and their scores, one array a column.

        Only the row groups are read whose statistics say that they may hold such rows.
        """
        path = self.file("scores.parquet")
        with opened(path) as file, readable(path):
            groups = [
                index for index in range(file.metadata.num_row_groups)
                if _overlaps(file.metadata.row_group(index).column(0).statistics, low, high)
            ]  # fmt: skip
            wanted = ["row", *self.score_names]
            for batch in file.iter_batches(1 << 20, row_groups=groups, columns=wanted) if groups else ():
                rows = batch.column(0).to_numpy()
                at = slice(*np.searchsorted(rows, [low, high]))
                yield rows[at], [batch.column(name).to_numpy(zero_copy_only=False)[at] for name in self.score_names]

    @cached_property
    def duplicates(self) -> NDArray[np.int64]:
        """Pairs (dropped row, kept row), `int64 [d, 2]`, by row."""
        if not self.file("duplicates.parquet").is_file():
            return np.empty((0, 2), np.int64)
        table = read_parquet(self.file("duplicates.parquet"))
        return np.column_stack([table["row"].to_numpy(), table["kept_row"].to_numpy()])

    def role(self, name: str) -> str | None:
        """The column of a role; of combined selections that of the first."""
        first = self.manifest.get("made_of", [{}])[0]
        found = self.manifest.get("roles", first.get("roles", {})).get(name)
        return found["column"] if found else None

    @property
    def paths(self) -> list[str]:
        """Where the pool is, by the request or by what was given instead."""
        given = self._given
        if isinstance(given, str | PathLike):
            return [fspath(given)]
        if isinstance(given, Sequence) and given and all(isinstance(path, str | PathLike) for path in given):
            return [fspath(path) for path in given]
        return list(self.manifest["pool"]["paths"])

    @cached_property
    def pool(self) -> Pool:
        """The pool, opened again with the columns that were made of others; refuses a table that is not given."""
        known = self.manifest["pool"]
        if self._given is None and known["paths"] == ["<table>"]:
            raise refusals.POOL_WAS_A_TABLE(self.path)
        pool = open_pool(known["paths"] if self._given is None else self._given)
        pool.derived |= {name: derived_from_json(made) for name, made in known.get("derived", {}).items()}
        return pool

    @cached_property
    def parts(self) -> list[Path] | None:
        """The parts of the pool's scan in the order of its rows; None where `.tamis` or the record of them is gone.

        Those of several steps or budgets lie in the folder above.
        """
        pool = self.manifest["pool"]
        names = [name for file in pool.get("contents", ()) for name in file["parts"]]
        for folder in (self.path, self.path.parent):
            found = [folder / STATE / pool["scan"]["part"] / f"{name}.arrow" for name in names]
            if found and all(part.is_file() for part in found):
                return found
        return None

    @cached_property
    def frame(self) -> Frame | None:
        """What the scan found, by row of the pool as it was; it can say nothing of files."""
        if self.parts is None:
            return None
        work = tempfile.mkdtemp(prefix="tamis-look-")
        weakref.finalize(self, shutil.rmtree, work, ignore_errors=True)
        return Frame(None, self.parts, Path(work))  # type: ignore[arg-type]

    @cached_property
    def located(self) -> Located:
        """The pool's rows by number; how many a shard has is known from the scan where the pool is unchanged."""
        known = self.frame.counts if self.is_unchanged and self.frame is not None else None
        return Located(self.pool, known if known is not None and len(known) == len(self.pool.shards) else None)

    def id_of(self, row: int) -> Any:
        """The id of a row; None where the pool has none."""
        column = self.role("id")
        if column is None:
            return None
        if self.is_selection and (rank := int(self.place(np.array([row]))[0])) >= 0:
            return self.selection["id"][rank].as_py()
        if self.frame is not None:
            return self.frame.ids(np.array([row]))[0].as_py()
        kind = TYPES.get(self.pool.schema[column], TYPES["text"])
        return self.located.values(np.array([row]), {column: kind})[column][0].as_py()

    def file_of(self, row: int) -> tuple[str, int] | tuple[None, None]:
        """Name of the file of a row and the row in it, by the manifest."""
        for file in self.manifest["pool"].get("contents", ()):
            if row < file["rows"]:
                return file["name"], row
            row -= file["rows"]
        return None, None

    @property
    def is_unchanged(self) -> bool:
        """Whether the pool's files have the names and stamps of those that were read."""
        return bool(self.pool.fingerprint == self.manifest["pool"]["fingerprint"])


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest; refuses what is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and {"pool", "rows", "method"} <= set(found):
            return found
        said = "it has no pool, rows and method"
    except (OSError, ValueError) as error:
        said = str(error)
    raise refusals.OUTPUT_UNREADABLE(path, said=said)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Refuse a file of an output folder that cannot be read."""
    try:
        yield
    except (OSError, pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise refusals.OUTPUT_UNREADABLE(path, said=first_line(error)) from None


def opened(path: Path) -> pq.ParquetFile:
    """A Parquet file of an output folder."""
    with readable(path):
        return pq.ParquetFile(Path(path).absolute(), memory_map=True)


def read_parquet(path: Path) -> pa.Table:
    """All rows of a small Parquet file of an output folder."""
    with opened(path) as file, readable(path):
        return file.read()


def _overlaps(statistics: Any, low: int, high: int) -> bool:
    """Whether a row group whose rows have these statistics may hold one from `low` to below `high`."""
    if statistics is None or not statistics.has_min_max:
        return True
    return bool(statistics.max >= low and statistics.min < high)

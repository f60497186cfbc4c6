"""A selection: which rows were kept, in which order, with which weight, and why."""

import json
import warnings
from collections.abc import Iterator
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tamis import refusals
from tamis.budget import parse
from tamis.pool.base import TYPES
from tamis.pool.storage import refuse_url

if TYPE_CHECKING:
    from tamis.pool import Pool, Source

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.null()),
        ("rank", pa.int64()),
        ("weight", pa.float32()),
        ("score", pa.float64()),
        ("gain", pa.float64()),
        ("target", pa.string()),
        ("reason", pa.string()),
        ("file", pa.string()),
        ("file_row", pa.int64()),
    ]
)

SHOWN, LONGEST = 5, 120  # rows and characters of a cell in a notebook
OF_ONE_CUT = ("summary", "quotas", "steps", "seconds", "command", "objective")  # of a manifest, true of one budget


class Selection:
    """Rows kept, best first; made by the engine, loaded from its folder, or combined of others.

    Examples:
        >>> import pyarrow as pa, tamis
        >>> pool = pa.table({"id": ["a", "b", "c"], "quality": [0.1, 0.9, 0.5]})
        >>> chosen = tamis.select(pool, "top:quality", budget=2)
        >>> chosen.ids, chosen.rows.tolist()
        (['b', 'c'], [1, 2])
        >>> chosen.apply(pool)["quality"].to_pylist()
        [0.9, 0.5]
    """

    def __init__(
        self, table: pa.Table, manifest: dict[str, Any], page: str | None = None, folder: Path | None = None
    ) -> None:
        self.table = table
        self.manifest = manifest
        self._page = page
        self._folder = folder

    @classmethod
    def load(cls, folder: str | Path) -> "Selection":
        """The selection in an output folder; refuses a folder without a finished one."""
        path = Path(folder)
        if several := _several(path):
            raise refusals.SEVERAL_SELECTIONS(path, folders=", ".join(several))
        for name in ("selection.parquet", "manifest.json"):
            if not (path / name).is_file():
                raise refusals.SELECTION_MISSING(path, name=name, path=path)
        page = path / "report.html"
        text = page.read_text(encoding="utf-8") if page.is_file() else None
        table = pq.read_table(path.absolute() / "selection.parquet")
        return cls(table, json.loads((path / "manifest.json").read_text(encoding="utf-8")), text, path.absolute())

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        rows = self.manifest.get("rows", {})
        return f"<Selection of {len(self):,} out of {rows.get('pool', 0):,} rows by {self.method}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: what was kept of what, and the best rows with their reasons."""
        shown = self.table.slice(0, SHOWN).select(["rank", "row", "id", "score", "target", "reason"])
        columns = [field.name for field in shown.schema if shown[field.name].null_count < len(shown)]
        head = "".join(f"<th>{escape(name)}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_shown(row[name]))}</td>" for name in columns) + "</tr>"
            for row in shown.to_pylist()
        )
        more = f"<p>… and {len(self) - SHOWN:,} more</p>" if len(self) > SHOWN else ""
        warned = "".join(f"<p>warning: {escape(text)}</p>" for text in self.manifest.get("warnings", ()))
        return f"<p><b>{escape(repr(self)[1:-1])}</b></p>{warned}<table><tr>{head}</tr>{body}</table>{more}"

    @property
    def method(self) -> str:
        """Name of the method that made it."""
        return str(self.manifest["method"]["name"])

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the pool, best first."""
        return np.asarray(self.table["row"].to_numpy())

    @property
    def ids(self) -> list[Any]:
        """Ids in the same order; None where the pool has none."""
        return list(self.table["id"].to_pylist())

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weights in the same order."""
        return np.asarray(self.table["weight"].to_numpy())

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores in the same order; NaN where the method gives none."""
        return np.asarray(self.table["score"].to_numpy())

    @property
    def gains(self) -> NDArray[np.float64]:
        """Gains in the same order; NaN where the method gives none."""
        return np.asarray(self.table["gain"].to_numpy())

    @cached_property
    def dropped(self) -> pa.Table | None:
        """Rows that were left out for what their texts are, with step, reason, and row kept instead; None if not asked.

        Columns `row`, `step`, `reason`, `value`, `kept_row` and `within`, by row.
        """
        path = None if self._folder is None else self._folder / "dropped.parquet"
        if path is None or not path.is_file():
            return None
        return pq.read_table(path, memory_map=False, read_dictionary=["step", "reason", "within"])

    def recut(self, budget: int | float | str) -> "Selection":
        """The best of these rows, by a smaller budget of rows: `100`, `0.01` or `"1%"` of the eligible rows.

        Raises `Refused` for a larger budget than was kept, and where a prefix would not keep the request's limits;
        `tamis recut` does those from the output folder. `O(k)` time.
        """
        asked = parse(budget)
        request = self.manifest.get("request", {})
        limited = [request.get(name) for name in ("quota", "floor", "must_keep")]
        if asked.is_cost or asked.is_auto or any(limited) or len(request.get("target", ())) > 1 or self._is_one_whole():
            raise refusals.RECUT_LIMITED(asked.place)
        rows = asked.rows(int(self.manifest["rows"].get("eligible", len(self))))
        if rows > len(self):
            raise refusals.RECUT_LARGER(asked.place, kept=len(self))
        kept = {name: found for name, found in self.manifest.items() if name not in OF_ONE_CUT}
        made = {
            "rows": self.manifest["rows"] | {"kept": rows},
            "budget": {"asked": asked.asked, "unit": "rows", "limit": float(rows), "spent": float(rows)},
            "request": request | {"budget": asked.asked},
        }
        return Selection(self.table.slice(0, rows), kept | made)

    def _is_one_whole(self) -> bool:
        """Whether a smaller budget would have kept other rows, or weighted them otherwise."""
        method, objective = self.manifest.get("method", {}), self.manifest.get("objective") or {}
        of_cost = self.manifest.get("budget", {}).get("unit", "rows") != "rows"
        whole = "count" in method.get("needs", ()) or method.get("choose") == "stochastic-greedy"
        return bool(whole or objective.get("stages") or (objective and of_cost) or (self.weights != 1).any())

    def apply(self, pool: "Source", path: str | Path | None = None) -> pa.Table | None:
        """The kept rows of `pool` in pool order, all columns: as a table, or written to `path` in the pool's format.

        To a path, lines of text are copied byte for byte; in a table they have the types of the pool's first rows.
        Raises `Refused` when the pool is not the one this was made from.
        """
        from tamis.engine.parts import written_whole
        from tamis.pool import open_pool

        refuse_url(path, "the file to write", "name a file, and copy it there afterwards")
        opened = open_pool(pool)
        if opened.fingerprint != self.manifest["pool"]["fingerprint"]:
            check_ids(self, opened)
        if path is None:
            return pa.Table.from_batches(kept_pieces(self, opened, opened.columns), opened.columns)
        pieces = kept_pieces(self, opened)
        target = Path(path)
        if target.exists():
            raise refusals.FILE_EXISTS(target)
        if _written_as(target.name) != _written_as(f"subset{opened.suffix}"):
            raise refusals.APPLY_TO_OTHER_FORMAT(target, suffix=opened.suffix)
        with written_whole(target) as temporary:
            opened.save(pieces, temporary)
        return None

    def report(self, path: str | Path) -> Path:
        """Write the report page to `path`."""
        if self._page is None:
            raise refusals.REPORT_MISSING(self.method)
        target = Path(path)
        target.write_text(self._page, encoding="utf-8")
        return target

    def save(self, folder: str | Path) -> Path:
        """Write `selection.parquet`, `manifest.json` and the report to a new or empty folder."""
        refuse_url(folder, "the folder to write", "name a folder, and copy it there afterwards")
        path = Path(folder)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise refusals.FOLDER_NOT_EMPTY(path)
        path.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.table, path.absolute() / "selection.parquet", compression="zstd")
        if self._page is not None:
            self.report(path / "report.html")
        (path / "manifest.json").write_text(json.dumps(self.manifest, indent=1))
        return path

    def __or__(self, other: "Selection") -> "Selection":
        """Rows of either; this one's first."""
        return self._combined(other, "union", ~np.isin(other.rows, self.rows), np.ones(len(self), bool))

    def __and__(self, other: "Selection") -> "Selection":
        """Rows of both, in this one's order."""
        return self._combined(other, "intersection", np.zeros(len(other), bool), np.isin(self.rows, other.rows))

    def __sub__(self, other: "Selection") -> "Selection":
        """Rows of this one that the other does not have."""
        return self._combined(other, "difference", np.zeros(len(other), bool), ~np.isin(self.rows, other.rows))

    def _combined(
        self, other: "Selection", name: str, of_other: NDArray[np.bool_], of_self: NDArray[np.bool_]
    ) -> "Selection":
        mine, theirs = (one.manifest["pool"]["fingerprint"] for one in (self, other))
        if mine != theirs:
            raise refusals.SELECTIONS_OF_TWO_POOLS(f"{name} of {self.method} and {other.method}")
        parts = [self.table.filter(pa.array(of_self)), other.table.filter(pa.array(of_other))]
        try:
            table = pa.concat_tables(parts, promote_options="default")
        except pa.ArrowInvalid:
            raise refusals.SELECTIONS_OF_TWO_POOLS(f"{name} of {self.method} and {other.method}") from None
        rank = table.schema.get_field_index("rank")
        table = table.set_column(rank, "rank", pa.array(np.arange(table.num_rows)))
        made = {
            "method": {"name": f"{name} of {self.method} and {other.method}"},
            "pool": self.manifest["pool"],
            "rows": {"pool": self.manifest["rows"]["pool"], "kept": table.num_rows},
            "made_of": [self.manifest, other.manifest],
        }
        return Selection(table, made)


def _written_as(name: str) -> tuple[str | None, str]:
    """The format and the compression that the name of a file promises."""
    from tamis.pool.formats import format_of
    from tamis.pool.storage import COMPRESSIONS, suffix

    return format_of(name), COMPRESSIONS.get(suffix(name), "")


def _several(path: Path) -> list[str]:
    """The sub-folders of a folder that holds selections of several budgets."""
    try:
        found = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        return [str(path / one["folder"]) for one in found["selections"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _shown(value: Any) -> str:
    """A cell of a notebook's table."""
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)[:LONGEST]


def check_ids(selection: Selection, pool: "Pool") -> None:
    """Refuse a pool whose ids at the selected rows are others; warn of one that has no ids to tell."""
    role = selection.manifest.get("roles", {}).get("id")
    if role is None or role["column"] not in pool.schema:
        warnings.warn("the pool's files are not those that the selection was made from, and no id tells", stacklevel=3)
        return
    kind = selection.table.schema.field("id").type
    order = np.argsort(selection.rows)
    wanted, ids = selection.rows[order], selection.table["id"].combine_chunks().take(pa.array(order))
    start = done = 0
    for shard in pool.shards:
        for batch in pool.read(shard, {role["column"]: TYPES["text" if pa.types.is_string(kind) else "integer"]}):
            local = wanted[done : np.searchsorted(wanted, start + batch.num_rows)] - start
            found = batch.column(0).take(pa.array(local)).cast(kind)
            if not found.equals(ids.slice(done, len(local))):
                raise refusals.POOL_OF_OTHER_IDS("the pool")
            start, done = start + batch.num_rows, done + len(local)


def kept_pieces(selection: Selection, pool: "Pool", schema: pa.Schema | None = None) -> Iterator[Any]:
    """The selection's rows of `pool`, shard by shard, as the pool's pieces or as batches of `schema`.

    Refuses a pool that has not the rows it was made from.
    """
    wanted = np.sort(selection.rows)
    known = int(selection.manifest["pool"]["rows"])
    if pool.rows is not None and pool.rows != known:
        raise refusals.POOL_OF_OTHER_SIZE("the pool", rows=pool.rows, known=known)
    start = 0
    for shard in pool.shards:
        if shard.rows is None and schema is None:
            for rows, piece in pool.kept_counted(shard, wanted - start):
                start += rows
                if piece:
                    yield piece
            continue
        count = sum(batch.num_rows for batch in pool.read(shard, {})) if shard.rows is None else shard.rows
        local = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, start + count)] - start
        start += count
        if len(local):
            yield from pool.kept(shard, local) if schema is None else pool.kept_batches(shard, local, schema)
    if start != known:
        raise refusals.POOL_OF_OTHER_SIZE("the pool", rows=start, known=known)

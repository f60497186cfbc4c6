"""`tamis compare`: what two selections share, and how they differ."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.look.folder import Finished, read_parquet
from tamis.look.words import fields, number, percent, table, wrapped
from tamis.ops.correlation import spearman
from tamis.ops.hashing import mix64

EXACT = 1 << 22
SAMPLE = 1 << 20
SHOWN = 5
Rows = NDArray[np.int64]


@dataclass
class Agreement:
    """Spearman's correlation of two columns of scores over `rows` eligible in both, all or a `sample` of them."""

    target: str | None
    spearman: float | None
    rows: int
    sample: int | None


@dataclass
class Share:
    """The share of a group among the kept rows of each selection."""

    group: str
    a: float
    b: float


@dataclass
class Comparison:
    """What two selections share. `expected` is how many rows two random choices of these sizes would share."""

    a: str
    b: str
    by: str
    kept_a: int
    kept_b: int
    both: int
    only_a: int
    only_b: int
    jaccard: float
    expected: float | None
    spearman_ranks: float | None
    scores: list[Agreement] = field(default_factory=list)
    group: str | None = None
    groups: list[Share] = field(default_factory=list)
    numbers: dict[str, tuple[float, float]] = field(default_factory=dict)
    first_only_a: list[Any] = field(default_factory=list)
    first_only_b: list[Any] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """For a person."""
        shares = f"{percent(self.both, self.kept_a)} of A, {percent(self.both, self.kept_b)} of B"
        found = [
            ("A", f"{self.a}: {self.kept_a:,} rows"),
            ("B", f"{self.b}: {self.kept_b:,} rows"),
            ("kept by both", f"{self.both:,} ({shares})"),
            ("only in A, in B", f"{self.only_a:,} and {self.only_b:,}"),
            ("Jaccard", f"{self.jaccard:.4f} (1 is the same rows)"),
        ]
        if self.expected is not None:
            found.append(
                ("by chance", f"two random choices of these sizes would share {number(round(self.expected, 1))}")
            )
        if self.spearman_ranks is not None:
            found.append(("ranks", f"Spearman {self.spearman_ranks:.4f} over the shared rows"))
        for score in self.scores:
            whom = f" for {score.target}" if score.target is not None else ""
            over = f"the {score.rows:,} rows eligible in both"
            over = over if score.sample is None else f"{score.sample:,} rows drawn from {over}"
            said = "not defined, since one is constant" if score.spearman is None else f"Spearman {score.spearman:.4f}"
            found.append((f"scores{whom}", f"{said}, over {over}"))
        found += [(name, f"{number(a)} in A, {number(b)} in B") for name, (a, b) in self.numbers.items()]
        for side, ids in (("A", self.first_only_a), ("B", self.first_only_b)):
            if ids:
                found.append((f"first only in {side}", ", ".join(map(str, ids))))
        lines = fields(found, indent=0)
        if self.groups:
            rows = [
                (one.group, f"{100 * one.a:.1f}%", f"{100 * one.b:.1f}%", f"{100 * (one.b - one.a):+.1f}")
                for one in self.groups[:10]
            ]
            lines += ["", *wrapped(f"shares of the kept rows by {self.group}, largest differences first:")]
            lines += table((str(self.group), "A", "B", "points"), rows)
        return lines

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)


class Chosen:
    """One of the two: a folder with its manifest, a selection in memory, or a `.parquet` selection on its own."""

    def __init__(self, source: Any) -> None:
        self.done: Finished | None = None
        self.manifest: dict[str, Any] = {}
        if isinstance(source, str | PathLike):
            self.name = str(source)
            path = Path(source)
            if path.is_dir():
                self.done = Finished(path)
                self.table, self.manifest = self.done.selection, self.done.manifest
            elif path.is_file():
                self.table = read_parquet(path)
                if (path.parent / "manifest.json").is_file() and path.name == "selection.parquet":
                    self.done = Finished(path.parent)
                    self.manifest = self.done.manifest
            else:
                raise refusals.SELECTION_MISSING(path, name="manifest.json", path=path)
        else:
            self.table, self.manifest, self.name = source.table, source.manifest, repr(source)
        for name in ("row", "rank"):
            if name not in self.table.column_names:
                raise refusals.NO_SELECTION(self.name, name=name)
        self.rows: Rows = np.asarray(self.table["row"].to_numpy())

    @property
    def pool(self) -> str | None:
        """The fingerprint of the pool."""
        found = self.manifest.get("pool", {}).get("fingerprint")
        return str(found) if found else None

    @property
    def files(self) -> list[tuple[str, int, int]] | None:
        """Name, bytes and rows of each file of the pool."""
        found = self.manifest.get("pool", {}).get("contents")
        return [(file["name"], file["bytes"], file["rows"]) for file in found] if found else None

    @property
    def ids(self) -> pa.Array | None:
        """The kept ids, best first; None where there are none."""
        if "id" not in self.table.column_names or self.table["id"].null_count:
            return None
        return self.table["id"].combine_chunks()

    def named(self, ranks: Rows) -> list[Any]:
        """Ids of the first few of these, or their rows."""
        few = ranks[:SHOWN]
        return list(self.ids.take(pa.array(few)).to_pylist()) if self.ids is not None else self.rows[few].tolist()


def compare_selections(a: Any, b: Any) -> Comparison:
    """What the selections `a` and `b` share; each is an output folder, a `.parquet` selection or a `Selection`.

    Rows of one pool are compared by number, those of different pools by id; refuses pools without ids. `O(k log k)`
    time for k kept rows, and for the scores `O(n log n)` up to 4,194,304 rows, of more a sample of about 1,048,576.
    """
    one, other = Chosen(a), Chosen(b)
    by, at = _matched(one, other)
    shared = np.flatnonzero(at >= 0)
    mine, theirs = np.arange(len(at)), np.setdiff1d(np.arange(len(other.rows)), at[shared])
    union = len(one.rows) + len(other.rows) - len(shared)
    rows = one.manifest.get("pool", {}).get("rows") if by == "row" else None
    made = Comparison(
        one.name, other.name, by, len(one.rows), len(other.rows), len(shared), len(one.rows) - len(shared), len(theirs),
        jaccard=len(shared) / union if union else 1.0,
        expected=len(one.rows) * len(other.rows) / rows if rows else None,
        spearman_ranks=spearman(shared.astype(float), at[shared].astype(float)),
        first_only_a=one.named(mine[at < 0]),
        first_only_b=other.named(theirs),
    )  # fmt: skip
    if by == "row" and one.done and other.done:
        made.scores = _agreements(one.done, other.done)
    made.group, made.groups = _groups(one.manifest, other.manifest)
    made.numbers = _numbers(one.manifest, other.manifest)
    return made


def _matched(one: Chosen, other: Chosen) -> tuple[str, Rows]:
    """By what rows are the same, and for each kept row of `one` its rank in `other`, or -1.

    Files that were only copied or touched have another fingerprint: they count as one pool where names, sizes and
    rows are the same and every shared id has the same row.
    """
    by_row = _ranks(pa.array(one.rows), pa.array(other.rows))
    if one.pool is not None and one.pool == other.pool:
        return "row", by_row
    if one.ids is None or other.ids is None:
        raise refusals.SELECTIONS_NOT_COMPARABLE(f"{one.name} and {other.name}")
    mine, theirs = one.ids, other.ids
    if mine.type != theirs.type:
        mine, theirs = pc.cast(mine, pa.string()), pc.cast(theirs, pa.string())
    by_id = _ranks(mine, theirs)
    alike = one.files is not None and one.files == other.files and (by_id >= 0).any() and (by_id == by_row).all()
    return ("row" if alike else "id"), by_id


def _ranks(mine: pa.Array, theirs: pa.Array) -> Rows:
    return np.asarray(pc.fill_null(pc.index_in(mine, value_set=theirs), -1).to_numpy(), np.int64)


def _agreements(one: Finished, other: Finished) -> list[Agreement]:
    """Of each pair of columns of scores: the only ones of both, or those of targets of one name."""
    names = [name for name in one.score_names if name in other.score_names]
    if len(one.score_names) == len(other.score_names) == 1:
        pairs: list[tuple[str | None, int, int]] = [(None, 0, 0)]
    else:
        pairs = [(name, one.score_names.index(name), other.score_names.index(name)) for name in names]
    if not pairs or not all(done.file("scores.parquet").is_file() for done in (one, other)):
        return []
    least = min(int(done.manifest["rows"]["eligible"]) for done in (one, other))
    bound = None if least <= EXACT else np.uint64(int(2**64 * SAMPLE / least))
    found = list(_both(one, other, bound))
    rows = sum(count for count, _, _ in found)
    sample = None if bound is None else sum(scores.shape[1] for _, scores, _ in found)
    made = []
    for name, mine, theirs in pairs:
        ours = np.concatenate([scores[mine] for _, scores, _ in found])
        yours = np.concatenate([scores[theirs] for _, _, scores in found])
        made.append(Agreement(name, spearman(ours, yours), rows, sample))
    return made


def _both(
    one: Finished, other: Finished, bound: np.uint64 | None
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64]]]:
    """Block by block how many rows are eligible in both, and the scores of those below the `bound` of their hash."""
    for rows, mine in one.scores():
        theirs = list(other.scores(int(rows[0]), int(rows[-1]) + 1)) if len(rows) else []
        if not theirs:
            continue
        yours = np.concatenate([block for block, _ in theirs])
        at = np.minimum(np.searchsorted(yours, rows), max(len(yours) - 1, 0))
        shared = yours[at] == rows if len(yours) else np.zeros(len(rows), np.bool_)
        count = int(np.count_nonzero(shared))
        if bound is not None:
            shared &= mix64(rows.astype(np.uint64)) < bound
        columns = [np.concatenate([block[i] for _, block in theirs]) for i in range(len(other.score_names))]
        yield count, np.stack([column[shared] for column in mine]), np.stack([column[at[shared]] for column in columns])


def _groups(one: dict[str, Any], other: dict[str, Any]) -> tuple[str | None, list[Share]]:
    """Shares of the groups of one column that both manifests have, largest differences first."""
    mine, theirs = ((manifest.get("summary") or {}).get("groups") or {} for manifest in (one, other))
    if not mine or mine["column"] != theirs.get("column"):
        return None, []
    kept = [max(int(manifest["rows"]["kept"]), 1) for manifest in (one, other)]
    counts = [{row["group"]: row["kept"] for row in found["rows"]} for found in (mine, theirs)]
    names = counts[0] | counts[1]
    shares = [Share(name, counts[0].get(name, 0) / kept[0], counts[1].get(name, 0) / kept[1]) for name in names]
    shares = [share for share in shares if share.a or share.b]
    return str(mine["column"]), sorted(shares, key=lambda share: (-abs(share.a - share.b), share.group))


def _numbers(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """What the manifests of both say of amounts, lengths and likeness to the target."""
    mine, theirs = _told(one), _told(other)
    return {name: (mine[name], theirs[name]) for name in mine if name in theirs}


def _told(manifest: dict[str, Any]) -> dict[str, float]:
    """Amounts of a manifest under names that are equal only where they can be compared."""
    budget, summary, made = manifest.get("budget") or {}, manifest.get("summary") or {}, {}
    if budget.get("unit", "rows") != "rows":
        made[str(budget["unit"])] = float(budget["spent"])
    if summary.get("lengths"):
        made["median characters"] = float(summary["lengths"]["median"]["kept"])
    if summary.get("text"):
        targets = ", ".join(target["name"] for target in manifest["targets"])
        made[f"KL reduction towards {targets}, nats"] = float(summary["text"]["kl_reduction"])
    return made

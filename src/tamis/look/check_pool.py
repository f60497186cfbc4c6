"""What the pool must be for an output folder: the files, rows, ids and values from which was chosen."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.contents import vectors_content
from tamis.engine.vectors import VectorFile
from tamis.look import again
from tamis.look.folder import Finished
from tamis.look.subset import Subset
from tamis.look.words import counted
from tamis.pool import TYPES, storage

FULL_BYTES = 64 << 20
COLUMN = "column"  # the family of methods whose scores are a column as it stands


def check_places(done: Finished) -> str | None:
    """The pool has the files that were read, each with its rows, and the kept rows lie where the selection says."""
    pool, rows = done.pool, done.located
    known = done.manifest["pool"].get("contents")
    if known is None:
        _check_count(done, " ".join(done.paths), rows.rows, int(done.manifest["pool"]["rows"]))
    else:
        _check_files([file.name for file in pool.files], [file["name"] for file in known])
        for number, (file, record) in enumerate(zip(pool.files, known, strict=True)):
            found, expected = int(rows.file_rows[number]), int(record["rows"])
            if found != expected:
                first = again.first_difference(done, number)
                raise refusals.POOL_ROWS_CHANGED(file.path or "the table", found=found, expected=expected, first=first)
    what = f"the pool: {counted(len(pool.files), 'file')} with {counted(rows.rows, 'row')}"
    if not done.is_selection:
        return what
    starts = np.concatenate([[0], np.cumsum(rows.file_rows)])
    index = np.searchsorted(starts, done.rows, side="right") - 1
    names = pa.array([file.name for file in pool.files], pa.string()).take(pa.array(index))
    other = pc.not_equal(done.selection["file"].combine_chunks(), names).to_numpy(zero_copy_only=False)
    for name, wrong, expected in (
        ("file", other, names),
        (
            "file_row",
            done.selection["file_row"].to_numpy() != done.rows - starts[index],
            pa.array(done.rows - starts[index]),
        ),
    ):
        if wrong.any():
            at = int(np.argmax(wrong))
            where = f"{done.file('selection.parquet')}, row {at:,}"
            found = done.selection[name][at].as_py()
            raise refusals.OUTPUT_VALUE_CHANGED(where, name=name, found=found, expected=expected[at].as_py())
    return f"{what}, and the kept rows lie where the selection says"


def _check_count(done: Finished, where: str, found: int, expected: int) -> None:
    if found != expected:
        raise refusals.POOL_ROWS_CHANGED(where, found=found, expected=expected, first="")


def _check_files(found: list[str], expected: list[str]) -> None:
    if found == expected:
        return
    missing = [name for name in expected if name not in found]
    new = [name for name in found if name not in expected]
    said = (
        f"its file {missing[0]} is missing" if missing
        else f"it has the further file {new[0]}" if new
        else f"its files are in another order, {found[0]} first"
    )  # fmt: skip
    raise refusals.POOL_FILES_CHANGED("the pool", said=said)


def check_values(done: Finished) -> str | None:
    """The ids, scores and costs of the kept rows are those of the pool."""
    if not done.is_selection or not len(done.rows):
        return None
    pool, wanted, parts = done.pool, {}, []
    ident, score, cost = done.role("id"), _score_column(done), _cost_column(done)
    if ident is not None:
        wanted[ident] = TYPES.get(pool.schema.get(ident, "text"), TYPES["text"])
    for name in filter(None, (score, cost and cost[0])):
        wanted.setdefault(name, TYPES["text"] if cost and name == cost[0] and cost[1] else TYPES["number"])
    if not wanted:
        return None
    found = done.located.values(done.rows, wanted)
    if ident is not None:
        expected = done.selection["id"].combine_chunks()
        _check_column(done, "its id", pc.cast(found[ident].combine_chunks(), expected.type), expected)
        parts.append("ids")
    if score is not None:
        _check_column(
            done, score, pc.cast(found[score].combine_chunks(), pa.float64()), done.selection["score"].combine_chunks()
        )
        parts.append("scores")
    if cost is not None:
        amounts = cost[2](found[cost[0]])
        spent, told = float(np.sum(amounts)), float(done.manifest["budget"]["spent"])
        if not np.isclose(spent, told, rtol=1e-9, atol=0):
            path = done.file("manifest.json")
            raise refusals.OUTPUT_VALUE_CHANGED(path, name="budget.spent", found=told, expected=f"{spent:.12g}")
        parts.append("costs")
    return f"the kept rows: {' and '.join(parts)} are those of the pool"


def _score_column(done: Finished) -> str | None:
    """The column that the scores are, of methods whose scores are one."""
    method = done.manifest["method"]
    is_column = method.get("family") == COLUMN and method.get("needs") == ["score"]
    return done.role("score") if is_column and done.score_names else None


def _cost_column(done: Finished) -> tuple[str, bool, Callable[[Any], NDArray[Any]]] | None:
    """The column of the costs, whether it is a text, and what makes costs of it; None where each row costs 1."""
    from tamis.ops import ngrams

    unit = done.manifest.get("budget", {}).get("unit", "rows")
    text, spec = done.role("text"), done.manifest["pool"].get("scan", {})
    if unit == "rows" or "recut" in done.manifest or (unit == "tokens" and spec.get("tokens") != "default"):
        return None
    measures: dict[str, Callable[[Any], Any]] = {
        "chars": lambda column: pc.utf8_length(column).fill_null(0).to_numpy(),
        "bytes": lambda column: pc.binary_length(column).fill_null(0).to_numpy(),
        "tokens": lambda column: ngrams.token_counts(column.combine_chunks()),
    }
    if unit in measures:
        return (text, True, measures[unit]) if text else None
    return unit, False, lambda column: column.to_numpy()


def _check_column(done: Finished, name: str, found: pa.Array, expected: pa.Array) -> None:
    if found.equals(expected):
        return
    wrong = pc.fill_null(pc.not_equal(found, expected), True).to_numpy(zero_copy_only=False)
    at = int(np.argmax(wrong))
    where = done.located.where(int(done.rows[at]))
    raise refusals.POOL_VALUE_CHANGED(
        where, name=name, found=repr(found[at].as_py()), expected=repr(expected[at].as_py())
    )


def check_subset(done: Finished) -> str | None:
    """The subset is the kept rows in pool order with the pool's values."""
    if not done.is_selection or done.is_copy or not done.manifest.get("request", {}).get("subset"):
        return None
    path = done.file(f"subset{done.pool.suffix}")
    if not path.is_file():
        raise refusals.OUTPUT_FILE_MISSING(path)
    Subset(path, done.path, done.located, np.sort(done.rows)).check()
    return f"{path.name}: the kept rows in pool order, with the pool's values"


def check_contents(done: Finished, full: bool) -> str:
    """Each file is the one that was read: by its stamp, or by reading it again where the stamp is another."""
    pool, known = done.pool, done.manifest["pool"].get("contents")
    _check_vectors(done, full)
    if known is None:
        if done.is_unchanged:
            return "the pool's files have the names, sizes, times and ends of those that were read"
        raise refusals.POOL_FILE_CHANGED(" ".join(done.paths), first=" (names, sizes, times or ends are others)")
    changed = [i for i, record in enumerate(known) if record["stamp"] != pool.files[i].stamp]
    every = full or pool.bytes <= FULL_BYTES
    read = list(range(len(known))) if every else changed
    if read:
        for index, content in zip(read, again.contents_now(done, read), strict=True):
            if content != known[index]["content"]:
                place = pool.files[index].path or "the table"
                raise refusals.POOL_FILE_CHANGED(place, first=again.first_difference(done, index))
    if every:
        return "the pool's files, read again: what was read of them is the same in every row"
    if changed:
        others = " (sizes, times and ends of the others are as they were)" if len(changed) < len(known) else ""
        return f"{len(changed):,} of the pool's files have other stamps; read again, their rows are the same{others}"
    return "the pool's files have the sizes, times and ends of those that were read (--full reads them again)"


def _check_vectors(done: Finished, full: bool) -> None:
    """A file of vectors beside the pool is the one that was read."""
    known = done.manifest["pool"].get("vectors")
    if known is None:
        return
    path, file = known["path"], VectorFile(known["path"], known["key"])
    if not storage.is_file(path):
        raise refusals.POOL_FILES_CHANGED("the pool", said=f"its file {path} is missing")
    if (full or storage.stamp(path) != known["stamp"]) and vectors_content(file) != known["content"]:
        raise refusals.POOL_FILE_CHANGED(path, first="")


CHECKS: tuple[Callable[[Finished], str | None], ...] = (check_places, check_values, check_subset)

"""What an output folder must be in itself: its tables agree with each other and with the manifest."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.look.folder import Finished, read_parquet
from tamis.look.order import Ordering
from tamis.ops.choosers import CHOOSERS
from tamis.selection import SCHEMA

MUST_KEEP = "must-keep"
CLEANING = ("rules", "contaminated", "earlier_corpus", "near_copies")


def check_selection(done: Finished) -> str | None:
    """Schema, ranks, distinct rows within the pool, finite weights, and the manifest's counts."""
    if not done.is_selection:
        return None
    path, table, manifest = done.file("selection.parquet"), done.selection, done.manifest
    expected = (
        SCHEMA.set(SCHEMA.get_field_index("id"), table.schema.field("id")) if "id" in table.schema.names else SCHEMA
    )
    if not table.schema.equals(expected) or not _is_id(table.schema.field("id").type):
        found = ", ".join(f"{field.name} {field.type}" for field in table.schema)
        wanted = ", ".join(f"{field.name} {field.type}" for field in SCHEMA).replace(
            "id null", "id of integers or strings"
        )
        raise refusals.OUTPUT_COLUMNS_CHANGED(path, found=found, expected=wanted)
    _count(done, "selection.parquet", table.num_rows, int(manifest["rows"]["kept"]))
    for name in ("row", "rank", "weight", "file", "file_row", *(["id"] if done.role("id") else [])):
        if table[name].null_count:
            at = int(np.argmax(table[name].is_null().to_numpy()))
            raise refusals.OUTPUT_VALUE_CHANGED(_at(done, at), name=name, found="null", expected="set")
    _equal(done, "rank", table["rank"].to_numpy(), np.arange(table.num_rows))
    _check_rows(done, int(manifest["rows"]["pool"]))
    weight = table["weight"].to_numpy()
    if not np.isfinite(weight).all():
        at = int(np.argmin(np.isfinite(weight)))
        raise refusals.OUTPUT_VALUE_CHANGED(_at(done, at), name="weight", found=weight[at], expected="a finite number")
    _check_budget(done)
    return (
        f"selection.parquet: {table.num_rows:,} distinct rows of {manifest['rows']['pool']:,}, ranks and weights sound"
    )


def _is_id(kind: pa.DataType) -> bool:
    return bool(pa.types.is_null(kind) or pa.types.is_string(kind) or pa.types.is_integer(kind))


def _check_rows(done: Finished, count: int) -> None:
    rows = done.rows
    outside = (rows < 0) | (rows >= count)
    if outside.any():
        at = int(np.argmax(outside))
        expected = f"between 0 and {count - 1:,}"
        raise refusals.OUTPUT_VALUE_CHANGED(_at(done, at), name="row", found=f"{rows[at]:,}", expected=expected)
    order = np.argsort(rows, kind="stable")
    twice = order[1:][rows[order[1:]] == rows[order[:-1]]]
    if len(twice):
        at = int(twice.min())
        first = int(np.argmax(rows == rows[at]))
        raise refusals.SELECTION_ROW_TWICE(_at(done, at), row=int(rows[at]), rank=first)


def _check_budget(done: Finished) -> None:
    """The kept rows are what was spent, where the budget is in rows, and nothing is over the limit."""
    budget, kept = done.manifest.get("budget"), len(done.rows)
    if budget is None or "recut" in done.manifest:
        return
    if budget["unit"] == "rows" and budget["spent"] != kept:
        path = done.file("manifest.json")
        raise refusals.OUTPUT_VALUE_CHANGED(path, name="budget.spent", found=budget["spent"], expected=f"{kept:,}")
    if budget["spent"] > budget["limit"] * (1 + 1e-9):
        path, limit = done.file("manifest.json"), f"at most {budget['limit']:,.12g}"
        raise refusals.OUTPUT_VALUE_CHANGED(path, name="budget.spent", found=budget["spent"], expected=limit)


def check_scores(done: Finished) -> str | None:
    """Every kept row is in `scores.parquet` with its score, and `scores.parquet` has the manifest's rows."""
    if done.is_copy:
        return "a saved or combined selection: scores, duplicates and a subset are not here to be checked"
    path = done.file("scores.parquet")
    if not path.is_file():
        raise refusals.OUTPUT_FILE_MISSING(path)
    names = done.score_names
    order = np.argsort(done.rows) if done.is_selection else np.empty(0, np.int64)
    kept = done.rows[order] if done.is_selection else order
    target = _targets(done, order, names)
    given = done.selection["score"].to_numpy()[order] if done.is_selection else np.empty(0)
    count, last, seen = 0, -1, 0
    for rows, columns in done.scores():
        if len(rows) and (rows[0] <= last or (np.diff(rows) <= 0).any() or rows[-1] >= done.manifest["rows"]["pool"]):
            raise refusals.OUTPUT_COLUMNS_CHANGED(path, found="not in the order of rows", expected="ascending by row")
        high = int(np.searchsorted(kept, rows[-1], side="right")) if len(rows) else seen
        place = np.searchsorted(rows, kept[seen:high])
        missing = rows[place] != kept[seen:high]
        if missing.any():
            raise _not_eligible(done, int(order[seen:high][missing].min()))
        for at, name, expected in _other_scores(columns, place, target[seen:high], given[seen:high]):
            rank = int(order[seen + at])
            found = f"{given[seen + at]:.17g}"
            where = f"{_at(done, rank)}, row {done.rows[rank]:,} of the pool"
            said = f"{expected} (from {name} of scores.parquet)"
            raise refusals.OUTPUT_VALUE_CHANGED(where, name="score", found=found, expected=said)
        count, last, seen = count + len(rows), int(rows[-1]) if len(rows) else last, high
    if seen < len(kept):
        raise _not_eligible(done, int(order[seen:].min()))
    _count(done, "scores.parquet", count, int(done.manifest["rows"]["eligible"]))
    what = "scores agree" if names else "the method gives no scores"
    return f"scores.parquet: {count:,} eligible rows, every kept row is one of them, {what}"


def _targets(done: Finished, order: NDArray[np.int64], names: list[str]) -> NDArray[np.int64]:
    """For each kept row the column of its score; -1 for the best of several."""
    if len(names) < 2 or not done.is_selection:
        return np.zeros(len(order), np.int64)
    found = pc.index_in(done.selection["target"], value_set=pa.array(names)).fill_null(-1)
    return np.asarray(found.to_numpy()[order], np.int64)


def _other_scores(
    columns: list[NDArray[np.float64]], place: NDArray[np.int64], target: NDArray[np.int64], given: NDArray[np.float64]
) -> list[tuple[int, str, str]]:
    """The first kept row whose score is not the one in `scores.parquet`: its place, the source and the score there."""
    if not len(place):
        return []
    if not columns:
        wrong = ~np.isnan(given)
        return [(int(np.argmax(wrong)), "the method's order", "null")] if wrong.any() else []
    found = np.stack([column[place] for column in columns])
    expected = np.where(target < 0, found.max(axis=0), found[np.maximum(target, 0), np.arange(len(place))])
    wrong = expected != given
    at = int(np.argmax(wrong))
    return [(at, f"column {int(target[at]) + 1}", f"{expected[at]:.17g}")] if wrong.any() else []


def _not_eligible(done: Finished, rank: int) -> Exception:
    row = int(done.rows[rank])
    pairs = done.duplicates[done.duplicates[:, 0] == row]
    said = f"a duplicate of row {pairs[0, 1]:,}" if len(pairs) else "not among the eligible rows of scores.parquet"
    return refusals.SELECTION_ROW_NOT_ELIGIBLE(_at(done, rank), row=row, said=said)


def check_order(done: Finished) -> str | None:
    """The kept rows are in the chooser's order of the scores; without limits, no better one was dropped."""
    if not done.is_selection or done.is_copy or len(done.score_names) != 1:
        return None
    if done.manifest["method"]["choose"] not in CHOOSERS.entries:
        return None
    ordering = Ordering(done)
    own = np.flatnonzero(pc.not_equal(done.selection["reason"].fill_null(""), MUST_KEEP).to_numpy())
    rows = done.rows[own]
    priority = ordering.of(rows, done.selection["score"].to_numpy()[own])
    late = (priority[1:] > priority[:-1]) | ((priority[1:] == priority[:-1]) & (rows[1:] < rows[:-1]))
    if late.any():
        at = int(np.argmax(late)) + 1
        where, chooser = _at(done, int(own[at])), ordering.chooser.name
        raise refusals.SELECTION_OUT_OF_ORDER(where, row=int(rows[at]), before=int(rows[at - 1]), chooser=chooser)
    if not is_unlimited(done) or not len(rows):
        return f"the kept rows are in the order of {ordering.chooser.name}"
    for others, scores, theirs in ordering.blocks():
        better = np.flatnonzero((theirs > priority[-1]) | ((theirs == priority[-1]) & (others < rows[-1])))
        left_out = better[~np.isin(others[better], done.rows)]
        if len(left_out):
            row, score = int(others[left_out[0]]), float(scores[left_out[0]])
            path, chooser = done.file("selection.parquet"), ordering.chooser.name
            raise refusals.SELECTION_LEAVES_OUT(path, row=row, score=score, chooser=chooser, kept=int(rows[-1]))
    return (
        f"the kept rows are in the order of {ordering.chooser.name}, and no dropped row comes before the last of them"
    )


def is_unlimited(done: Finished) -> bool:
    """Whether nothing but the budget in rows keeps a row with a better place out."""
    request, method = done.manifest.get("request", {}), done.manifest["method"]
    limits = request.get("quota") or request.get("floor") or done.manifest["budget"]["unit"] != "rows"
    return not limits and "text" not in method.get("needs", ["text"])  # a method that reads texts may not admit some


def check_duplicates(done: Finished) -> str | None:
    """No row was kept that was left out as a duplicate; the manifest's counts add up."""
    if done.is_copy:
        return None
    counts = done.manifest["rows"]
    if not done.file("duplicates.parquet").is_file():
        raise refusals.OUTPUT_FILE_MISSING(done.file("duplicates.parquet"))
    _count(done, "duplicates.parquet", len(done.duplicates), int(counts["duplicates"]))
    if done.is_selection and len(both := np.flatnonzero(np.isin(done.rows, done.duplicates[:, 0]))):
        raise _not_eligible(done, int(both[0]))
    known = sum(int(count) for name, count in counts.items() if name not in ("pool", "kept"))
    if known != counts["pool"]:
        path = done.file("manifest.json")
        raise refusals.OUTPUT_VALUE_CHANGED(
            path, name="rows.pool", found=counts["pool"], expected=f"{known:,}, the sum"
        )
    return (
        f"duplicates.parquet: {len(done.duplicates):,} rows left out, none of them kept"
        if len(done.duplicates)
        else None
    )


def _count(done: Finished, name: str, found: int, expected: int) -> None:
    if found != expected:
        raise refusals.OUTPUT_ROWS_CHANGED(done.file(name), found=found, expected=expected)


def _equal(done: Finished, name: str, found: NDArray[np.int64], expected: NDArray[np.int64]) -> None:
    if (found != expected).any():
        at = int(np.argmax(found != expected))
        raise refusals.OUTPUT_VALUE_CHANGED(_at(done, at), name=name, found=found[at], expected=expected[at])


def _at(done: Finished, rank: int) -> str:
    return f"{done.file('selection.parquet')}, row {rank:,}"


def check_dropped(done: Finished) -> str | None:
    """Rows of `dropped.parquet` are as many as the manifest counts for each step, and none of them is kept."""
    counts, path = done.manifest["rows"], done.file("dropped.parquet")
    asked = [name for name in CLEANING if name in counts]
    if done.is_copy or not asked:
        return None
    if not path.is_file():
        raise refusals.OUTPUT_FILE_MISSING(path)
    table = read_parquet(path)
    found = dict(zip(*(column.to_pylist() for column in pc.value_counts(table["step"]).flatten()), strict=True))
    for name in asked:
        _count(done, f"dropped.parquet, step {name}", found.get(name, 0), int(counts[name]))
    if done.is_selection and len(both := np.flatnonzero(np.isin(done.rows, table["row"].to_numpy()))):
        raise _not_eligible(done, int(both[0]))
    return f"dropped.parquet: {table.num_rows:,} rows left out for what their texts are, none of them kept"


CHECKS: tuple[Callable[[Finished], str | None], ...] = (
    check_selection, check_scores, check_order, check_duplicates, check_dropped,
)  # fmt: skip

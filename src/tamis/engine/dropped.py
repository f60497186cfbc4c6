"""What is told of rows that were left out for what their texts are: `dropped.parquet`, and the report's part of it."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tamis.engine.clean import Cleaned, Dropped
from tamis.engine.cleaning import Cleaning
from tamis.engine.frame import Frame
from tamis.ops import contamination_scores
from tamis.ops.performance_gain import gains

SCHEMA = pa.schema([
    ("row", pa.int64()), ("step", pa.string()), ("reason", pa.string()), ("value", pa.float64()),
    ("kept_row", pa.int64()), ("within", pa.string()),
])  # fmt: skip
ROWS = 65_536
SHOWN = 3
SHARES = (0.25, 0.5, 0.75, 1.0)


def write_dropped(path: Path, cleaned: Cleaned) -> None:
    """`dropped.parquet`, by row: the step and the reason, what was measured, and the row that is kept in its place.

    `within` names the corpus or test set of `kept_row`; it is null where that is a row of the pool.
    """
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for batch in _batches(cleaned.dropped):
            writer.write_batch(batch)


def _batches(dropped: list[Dropped]) -> Iterator[pa.RecordBatch]:
    rows = np.concatenate([np.empty(0, np.int64), *(one.rows for one in dropped)])
    which = np.repeat(np.arange(len(dropped)), [len(one.rows) for one in dropped])
    place = np.concatenate([np.empty(0, np.int64), *(np.arange(len(one.rows)) for one in dropped)])
    order = np.argsort(rows, kind="stable")
    for start in range(0, len(order), ROWS):
        block = order[start : start + ROWS]
        value, kept = np.full(len(block), np.nan), np.full(len(block), -1, np.int64)
        for number in np.unique(which[block]):
            mine, one = which[block] == number, dropped[number]
            if len(one.value):
                value[mine] = one.value[place[block][mine]]
            if len(one.kept):
                kept[mine] = one.kept[place[block][mine]]
        names = [
            pa.array([getattr(one, field) for one in dropped], pa.string()) for field in ("step", "reason", "within")
        ]
        step, reason, within = (found.take(pa.array(which[block])) for found in names)
        columns = [
            pa.array(rows[block]), step, reason, pa.array(value, mask=np.isnan(value)), pa.array(kept, mask=kept < 0),
            within,
        ]  # fmt: skip
        yield pa.record_batch(columns, schema=SCHEMA)


def shown_rows(cleaned: Cleaned) -> NDArray[np.int64]:
    """The first rows of each reason, and those kept in their place, whose texts the report shows."""
    found = [np.empty(0, np.int64)]
    for one in cleaned.dropped:
        found.append(one.rows[:SHOWN])
        if len(one.kept) and one.within is None:
            found.append(one.kept[:SHOWN])
    return np.concatenate(found)


def examples_of(cleaned: Cleaned, frame: Frame, texts: dict[int, str]) -> list[dict[str, Any]]:
    """The texts of the first rows of each reason, and of those kept in their place."""
    found = []
    for one in cleaned.dropped:
        rows, kept = one.rows[:SHOWN].tolist(), one.kept[:SHOWN].tolist() if one.within is None else []
        ids = frame.ids(one.rows[:SHOWN]).to_pylist()
        shown = [
            {
                "row": row,
                "id": ids[place],
                "text": texts.get(row) or "",
                "value": float(one.value[place]) if len(one.value) else None,
                "kept_row": kept[place] if kept else None,
                "kept_text": texts.get(kept[place]) if kept else None,
            }
            for place, row in enumerate(rows)
        ]
        found += [{"reason": one.reason, "rows": len(one.rows), "examples": shown}] if shown else []
    return found


def tell_cleaning(
    frame: Frame, cleaning: Cleaning, cleaned: Cleaned, eligible: NDArray[np.bool_]
) -> dict[str, Any] | None:
    """What each reason left out, in rows and tokens; what remains; and what the pool holds of each test set."""
    if not cleaning:
        return None
    tokens = frame.column("tokens", np.int64)
    reasons = [
        {"step": one.step, "reason": one.reason, "rows": len(one.rows), "tokens": int(tokens[one.rows].sum())}
        for one in cleaned.dropped
    ]
    left = int(sum(int(tokens[block][eligible[block]].sum()) for block in _blocks(len(tokens))))
    kept = {"rows": int(np.count_nonzero(eligible)), "tokens": left}
    whole = {"rows": frame.rows, "tokens": int(sum(int(tokens[block].sum()) for block in _blocks(len(tokens))))}
    return {"pool": whole, "reasons": reasons, "left": kept, "tests": list(_tests(cleaning, cleaned))}


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + (1 << 20)) for start in range(0, n, 1 << 20)]


def _tests(cleaning: Cleaning, cleaned: Cleaned) -> Iterator[dict[str, Any]]:
    """Of each test set the items that the pool holds, by ConTAM's longest match, and the gain if scores are known."""
    if cleaned.tests is None or cleaned.hits is None:
        return
    longest = contamination_scores.scores(cleaned.tests, cleaned.hits).longest_match
    first = 0
    for test in cleaning.tests:
        mine = longest[first : first + len(test.texts)]
        first += len(test.texts)
        known = mine[~np.isnan(mine)]
        found: dict[str, Any] = {
            "name": test.name,
            "path": test.path,
            "items": len(mine),
            "too_short": len(mine) - len(known),
            "held": [{"share": share, "items": int(np.count_nonzero(known >= share))} for share in SHARES],
            "any": int(np.count_nonzero(known > 0)),
        }
        yield found | ({"gain": _gain(mine, test.scores)} if test.score else {})


def _gain(longest: NDArray[np.float64], scores: NDArray[np.float64]) -> dict[str, Any]:
    """What the items that the pool holds add to the mean score of a model, at the threshold where that is most."""
    known = ~(np.isnan(longest) | np.isnan(scores))
    if len(np.unique(scores[known])) < 2:
        return {"items": int(np.count_nonzero(known)), "note": "the known scores of all items are the same"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few items: the page says how many there are
        found = gains(longest[known], scores[known])
    best = found.best
    if best < 0:
        return {"items": found.items, "note": "no threshold leaves a tenth of the items clean, and not all"}
    columns = {name: float(getattr(found, name)[best]) for name in ("threshold", "gain", "fraction", "low", "high")}
    return {"items": found.items, "p": found.p} | columns

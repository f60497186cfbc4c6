"""What the report shows of a finished choice: summary, and the texts at the top, at the border and at the bottom."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.engine.choose import Choice, weights_of
from tamis.engine.clean import Cleaned
from tamis.engine.dropped import examples_of, tell_cleaning
from tamis.engine.dropped import shown_rows as dropped_rows
from tamis.engine.frame import Frame
from tamis.engine.plan import Plan
from tamis.engine.scores import Scores
from tamis.measure.pictures import has_pillow
from tamis.ops.ranking import extreme
from tamis.report import summary as summaries

SHOWN = 5
POSITIONS = ("top", "border", "below", "bottom")
NOTHING = np.empty(0, np.int64)
WITHOUT_MEANING = ("random", "all")
"""Methods whose scores say nothing of a row."""


@dataclass
class Outcome:
    """All that came of a run. `order` is the method's own, if it makes one; `pairs` are duplicates (row, kept row)."""

    plan: Plan
    frame: Frame
    targets: list[Frame]
    eligible: NDArray[np.bool_]
    pairs: NDArray[np.int64]
    counts: dict[str, int]
    scores: Scores | None
    choice: Choice
    order: Any
    cleaned: Cleaned

    @property
    def has_several_scores(self) -> bool:
        """Whether there is one column of scores a target."""
        return self.scores is not None and len(self.scores.columns) > 1

    def scores_of(self, rows: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """The score of each row for its target; the best one where the target is -1."""
        if self.scores is None:
            return None
        columns = np.stack([column[rows] for column in self.scores.columns], axis=1)
        own = columns[np.arange(len(rows)), np.maximum(target, 0)]
        return np.where(target < 0, columns.max(axis=1), own)


def shown_rows(done: Outcome) -> dict[str, NDArray[np.int64]]:
    """Rows whose texts or images the report shows: the best, the last kept, the first dropped, and the lowest."""
    kept = done.choice.rows
    show = {"top": kept[:SHOWN], "border": kept[SHOWN:][-SHOWN:], "below": NOTHING, "bottom": NOTHING}
    show["cleaned"] = NOTHING
    nothing = done.plan.columns["text"] is None and done.plan.columns["image"] is None
    if nothing or not done.plan.request.examples:
        return dict.fromkeys(show, NOTHING)
    if done.scores is not None and done.plan.method.name not in WITHOUT_MEANING:
        dropped = np.array(done.eligible)
        dropped[kept] = False
        best_is_largest = done.plan.chooser is None or done.plan.chooser.name != "bottom"
        show["below"] = extreme(done.scores.columns[0], dropped, SHOWN, largest=best_is_largest)
        dropped[show["below"]] = False
        show["bottom"] = extreme(done.scores.columns[0], dropped, SHOWN, largest=not best_is_largest)
    show["cleaned"] = dropped_rows(done.cleaned)
    return show


def examples(
    done: Outcome, show: dict[str, NDArray[np.int64]], texts: dict[int, str], images: dict[int, str]
) -> dict[str, Any]:
    """What the report says of each shown row, and a `note` of what it cannot show."""
    kept = len(done.choice.rows)
    first = {"top": 0, "border": max(kept - SHOWN, SHOWN)}
    found: dict[str, Any] = {}
    if done.plan.columns["image"] is not None and not has_pillow():
        found["note"] = "Images are not shown, since the package Pillow is missing: pip install 'tamis[images]'"
    found["cleaned"] = examples_of(done.cleaned, done.frame, texts)
    for name in POSITIONS:
        rows = show[name]
        ranks = range(first[name], first[name] + len(rows)) if name in first else [None] * len(rows)
        target = np.array([-1 if rank is None else done.choice.target[rank] for rank in ranks], np.int64)
        scores = done.scores_of(rows, target)
        ids = done.frame.ids(rows).to_pylist()
        found[name] = [
            {
                "rank": rank,
                "row": int(row),
                "id": ids[index],
                "score": None if scores is None else float(scores[index]),
                "target": done.plan.targets[target[index]].name
                if done.has_several_scores and target[index] >= 0
                else None,
                "group": _group(done, int(row)),
                "reason": None,
                "text": texts.get(int(row)) or "",
                "image": images.get(int(row)),
            }
            for index, (rank, row) in enumerate(zip(ranks, rows.tolist(), strict=True))
        ]
    return found


def _group(done: Outcome, row: int) -> str | None:
    column = done.plan.group_column
    return done.frame.names[column][done.frame.codes(column)[row]] if column else None


def cut_side(done: Outcome) -> str | None:
    """On which side of one value all kept rows lie, `above` or `below`; None when no single value divides them."""
    plan = done.plan
    assert plan.budget is not None and plan.chooser is not None
    limited = plan.quota or plan.floor or plan.request.must_keep or plan.budget.is_cost or done.has_several_scores
    drawn = plan.chooser.draws and plan.chooser_parameters.get("temperature", 1) > 0
    sides = {"top": "above", "threshold": "above", "bottom": "below", "weighted-draw": None if drawn else "above"}
    return None if limited else sides.get(plan.chooser.name)


def summarise(done: Outcome, pool_fold: Any, target_folds: list[Any], kept_fold: Any) -> dict[str, Any]:
    """All that the report draws; the folds are n-gram counts of pool, targets and kept rows, or None."""
    plan, frame, choice = done.plan, done.frame, done.choice
    column = plan.group_column
    names = [target.name for target in plan.targets]
    has_text = plan.columns["text"] is not None
    with_text = [found for found, target in zip(done.targets, plan.targets, strict=True) if target.text is not None]
    lengths = [found.column("length", np.int64) for found in with_text]
    return {
        "groups": summaries.groups(column, frame.names[column], frame.codes(column), choice.rows)
        if column and frame.codes(column) is not None
        else None,
        "lengths": summaries.lengths(
            frame.column("length", np.int64), choice.rows, np.concatenate(lengths) if lengths else None
        )
        if has_text
        else None,
        "scores": _scores(done),
        "gains": _gains(done),
        "weights": summaries.weights(weights_of(choice)),
        "text": summaries.text(names, pool_fold, target_folds, kept_fold) if kept_fold is not None else None,
        "targets": [
            {"target": name, "asked": float(asked), "kept": int(np.count_nonzero(choice.target == index))}
            for index, (name, asked) in enumerate(zip(names, choice.target_shares, strict=True))
        ]
        if plan.method.kind == "Match" and choice.target_shares is not None
        else [],
        "duplicates": _duplicates(done),
        "cleaning": tell_cleaning(frame, plan.cleaning, done.cleaned, done.eligible),
    }


def _scores(done: Outcome) -> list[dict[str, Any]]:
    if done.scores is None or done.plan.method.name in WITHOUT_MEANING:
        return []
    side, choice, found = cut_side(done), done.choice, []
    for index, column in enumerate(done.scores.columns):
        name = done.plan.targets[index].name if done.has_several_scores else None
        rows = choice.rows[choice.target == index] if done.has_several_scores else choice.rows
        found.append(summaries.scores(name, column, done.eligible, rows, side))
    return found


def _gains(done: Outcome) -> dict[str, Any] | None:
    """What each row added; only of a set function, whose gains all are of one value."""
    if done.plan.method.kind != "SetFunction" or done.order is None:
        return None
    gains = done.choice.of_order(done.order.gains)
    return None if gains is None else summaries.gains(gains.astype(np.float64))


def _duplicates(done: Outcome) -> dict[str, Any] | None:
    pairs = done.pairs[:SHOWN]
    if not len(pairs):
        return None
    ids, kept = (done.frame.ids(pairs[:, side]).to_pylist() for side in (0, 1))
    examples = [
        {"row": int(row), "kept_row": int(kept_row), "id": ids[index], "kept_id": kept[index]}
        for index, (row, kept_row) in enumerate(pairs.tolist())
    ]
    return {"dropped": len(done.pairs), "examples": examples}

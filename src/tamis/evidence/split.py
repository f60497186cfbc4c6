"""Which rows may be chosen and which ones judge, for each seed; no example is on both sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.evidence.material import Material
from tamis.evidence.plan import StudyPlan
from tamis.ops.hashing import mix64

SALT = np.uint64(0x5E1EC7ED)
OTHERS = 1_000  # texts of the pool that are held out to judge a language model on
SHOWN = 3
Rows = NDArray[np.int64]


@dataclass
class Split:
    """For one seed: `train` rows of the pool, `parts` of the test set as (stored set, rows), and rows of targets.

    `moves` says whether other seeds have another split.
    """

    train: Rows
    parts: dict[str, list[tuple[str, Rows]]]
    targets: list[Rows]
    moves: bool


def split(plan: StudyPlan, made: Material, seed: int) -> Split:
    """The split of one seed: a given test set is the same for all, what is held out of the pool is drawn anew.

    Rows of equal content go to one side together. Classes are held out in proportion.
    """
    pool = made["pool"]
    every = np.arange(pool.table.num_rows)
    on_targets = "target" in plan.task.needs or (plan.task.name == "cover" and bool(plan.targets))
    targets = [np.arange(made[f"target-{number}"].table.num_rows) for number in range(len(plan.targets))]
    parts: dict[str, list[tuple[str, Rows]]] = {}
    train = every
    if on_targets and plan.test is not None and plan.task.name == "language-model":
        parts["target"] = [("test", np.arange(made["test"].table.num_rows))]
    elif on_targets:
        halves = [_half(plan, made, number, seed) for number in range(len(targets))]
        parts["target"] = [(f"target-{number}", held) for number, (_, held) in enumerate(halves)]
        targets = [kept for kept, _ in halves]
    if plan.task.name == "language-model":
        if plan.off_target is not None:
            parts["off-target"] = [("off-target", np.arange(made["off-target"].table.num_rows))]
        else:
            share = min(float(plan.holdout), OTHERS / max(len(every), 1))
            held = _held_out(pool.content, None, share, seed)
            parts["off-target"] = [("pool", every[held])]
            train = every[~held]
    elif plan.test is not None:
        parts = {"test": [("test", np.arange(made["test"].table.num_rows))]} | parts
    else:
        labels = pool.array("labels") if "labels" in plan.task.needs else None
        held = _held_out(pool.content, labels, float(plan.holdout), seed)
        parts = {"test": [("pool", every[held])]} | parts
        train = every[~held]
    if plan.study.overlap == "drop":
        train = train[~np.isin(pool.content[train], _judging(made))]
    for name, rows in {"pool": len(train), **{name: _count(found) for name, found in parts.items()}}.items():
        if not rows:
            raise refusals.STUDY_NOTHING_LEFT(" ".join(plan.study.pool), part=name)
    moves = any(stored == "pool" or stored.startswith("target") for found in parts.values() for stored, _ in found)
    return Split(train, parts, targets, moves)


def check_overlap(plan: StudyPlan, made: Material) -> int:
    """How many examples of given test sets are in the pool; refuses any unless the study says what to do with them."""
    pool = np.sort(made["pool"].content)
    inside = 0
    for name in ("test", "off-target"):
        if name not in made or plan.study.overlap == "keep":
            continue
        content = made[name].content
        at = np.minimum(np.searchsorted(pool, content), len(pool) - 1)
        found = np.flatnonzero(pool[at] == content)
        inside += len(found)
        if len(found) and plan.study.overlap == "refuse":
            where = plan.study.test if name == "test" else plan.study.off_target
            first = [_pair(made, name, int(row)) for row in found[:SHOWN]]
            rows = made[name].table.num_rows
            raise refusals.STUDY_OVERLAP(where, count=len(found), rows=rows, first=", ".join(first))
    return inside


def _pair(made: Material, name: str, row: int) -> str:
    other = int(np.argmax(made["pool"].content == made[name].content[row]))
    return f"row {row} is row {other} of the pool"


def _judging(made: Material) -> NDArray[np.uint64]:
    """The content of all test sets that were given."""
    return np.concatenate([np.empty(0, np.uint64)] + [made[n].content for n in ("test", "off-target") if n in made])


def _count(found: list[tuple[str, Rows]]) -> int:
    return sum(len(rows) for _, rows in found)


def _half(plan: StudyPlan, made: Material, number: int, seed: int) -> tuple[Rows, Rows]:
    """The rows of a target that methods may see, and those that judge."""
    content = made[f"target-{number}"].content
    held = _held_out(content, None, 0.5, seed)
    if len(content) < 4 or not held.any() or held.all():
        raise refusals.STUDY_TARGET_SMALL(f"the target {plan.targets[number].name!r}", rows=len(content))
    return np.flatnonzero(~held), np.flatnonzero(held)


def _held_out(
    content: NDArray[np.uint64], labels: NDArray[np.int64] | None, share: float, seed: int
) -> NDArray[np.bool_]:
    """A share of the rows, of each class alike, drawn by their content: equal rows are drawn together."""
    drawn = mix64(np.asarray(content) ^ mix64(np.array([seed], np.uint64) + SALT)[0])
    held = np.zeros(len(drawn), bool)
    for code in [None] if labels is None else np.unique(labels):
        rows = np.arange(len(drawn)) if code is None else np.flatnonzero(labels == code)
        count = round(share * len(rows))
        if count:
            bound = np.partition(drawn[rows], count - 1)[count - 1]
            held[rows[drawn[rows] <= bound]] = True
    if labels is not None:  # equal rows of different classes
        held = np.isin(drawn, drawn[held])
    return held

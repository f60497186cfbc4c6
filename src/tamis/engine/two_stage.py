"""Set functions beyond memory: parts of the pool are chosen from one by one, then from what they kept together.

Greedy on random parts and then on the union of what they keep (Mirzasoleiman et al. 2013, Barbosa et al. 2015).
"""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis import refusals
from tamis.engine.bindings import MATRICES
from tamis.engine.frame import Frame
from tamis.engine.guard import guarded, rows_named
from tamis.engine.needs import masses, need_column
from tamis.engine.parts import read_arrays, write_arrays
from tamis.engine.plan import Plan
from tamis.engine.scores import method_result
from tamis.engine.setwise import Growing
from tamis.limits import Limits
from tamis.ops.hashing import mix64
from tamis.ops.listed import fitting
from tamis.pool.base import digest
from tamis.registry import accepted
from tamis.vocabulary import Order, Points, SetFunction

if TYPE_CHECKING:
    from tamis.engine.run import Run

Rows = NDArray[np.int64]
SAMPLE = 10_000
CANDIDATES = 8  # times the budget, of which the last choice is made where all rows can be covered by it
LISTED = 8  # candidates that each row must be able to list for that
BOUND = "(1 - 1/e) / 2 of the best set, in the mean"
LIKE_THE_POOL = ", as far as parts are like the pool"  # where a set is worth what it is to the rows that one sees
INCLUDED = "included"  # what cards say whose formula counts what the method is given
SALT = np.uint64(0x9E6C63D0676A9A99)


class Seen(NamedTuple):
    """Rows that a method sees, those that one has already among them, and those that must be kept."""

    rows: Rows
    had: Rows
    must: Rows


class Union(NamedTuple):
    """What parts kept: its set function, the rows that it sees, and the best choice of a single part."""

    function: SetFunction
    rows: Rows
    rival: Rows | None


def bytes_of(plan: Plan, frame: Frame, rows: int, count: int) -> float:
    """What the method's own data take for so many rows, and the copy of matrices; 0 where its card does not say.

    Beside n, d, k and its parameters a formula may ask for what follows from the pool: `classes`, the width of the
    probabilities, `alike`, the share of pairs of rows that have the same label, and `supplied`, the needs that are
    given.
    """
    formula = plan.method.bytes
    if formula is None:
        return 0.0
    given = _matrices(plan, frame)
    square = plan.parameters.get("metric") == "precomputed"  # of each row its entries for these rows alone
    widths = {word: rows if square and word == "embedding" else found.shape[1] for word, found in given.items()}
    d = max((width for word, width in widths.items() if word != "probs"), default=widths.get("probs", 1))
    known = {"classes": widths.get("probs", 0), "alike": _alike(plan, frame), "supplied": plan.supplied}
    known = plan.parameters | accepted(formula, known)
    own = float(formula(rows, d, max(1, min(count or rows, rows)), **known))
    if INCLUDED in plan.method.memory:
        return own
    copied = [word for word, found in given.items() if rows < len(found) or found.dtype != np.float32]
    return own + 4.0 * rows * sum(widths[word] for word in copied)


def _matrices(plan: Plan, frame: Frame) -> dict[str, NDArray[Any]]:
    """The matrices of which the method sees rows; a match that is made of vectors is none of them."""
    words = [word for word in ("embedding", *MATRICES) if word in plan.supplied]
    words = [word for word in words if word != "match" or word in plan.roles]
    return {word: frame.vectors(plan.bindings.files.get(word), word) for word in words}


def _alike(plan: Plan, frame: Frame) -> float:
    """The share of pairs of rows of the pool that have the same label; 1 where the method asks for none."""
    if "label" not in plan.supplied:
        return 1.0
    counts = np.bincount(frame.codes(plan.roles["label"].column))
    return float(np.square(counts / max(frame.rows, 1)).sum())


def beyond_memory(plan: Plan, frame: Frame, rows: int, count: int) -> bool:
    """Whether the method cannot see so many rows at once within the memory that the request allows."""
    return bytes_of(plan, frame, rows, count) > plan.memory


def refuse_beyond_memory(plan: Plan, frame: Frame, rows: int, count: int) -> None:
    """Refuse a method that cannot be done in parts where the request does not allow the memory it takes."""
    if beyond_memory(plan, frame, rows, count):
        raise _over(plan, bytes_of(plan, frame, rows, count))


def _over(plan: Plan, wanted: float) -> Exception:
    """The refusal of more memory than the request allows."""
    return refusals.MEMORY_OVER(plan.method.name, wanted=said_bytes(wanted), allowed=said_bytes(plan.memory))


def said_bytes(count: float) -> str:
    """Bytes for a person, with two digits.

    Examples:
        >>> said_bytes(3_540_000_000), said_bytes(120)
        ('3.5 GB', '120 bytes')
    """
    for power, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if count >= power:
            return f"{count / power:,.2g} {name}" if count < 10 * power else f"{count / power:,.0f} {name}"
    return f"{count:.0f} bytes"


def part_rows(plan: Plan, frame: Frame, rows: int, count: int) -> int:
    """The most rows that the method can see at once."""
    low, high = 1, rows
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if beyond_memory(plan, frame, middle, count) else (middle, high)
    return low


def parts_of(plan: Plan, frame: Frame, rows: Rows, size: int) -> list[Rows]:
    """Random parts of at most `size` rows, equal to within one row, by key: the same however rows are ordered."""
    order = np.argsort(mix64(frame.keys(plan.request.seed)[rows] ^ SALT), kind="stable")
    return [np.sort(rows[part]) for part in np.array_split(order, math.ceil(len(rows) / size))]


def in_parts(
    run: "Run", frame: Frame, targets: list[Frame], seen: Seen, limits: Limits, least: Limits | None, count: int
) -> Union | Order:
    """A set function of what the greedy keeps of parts of the rows.

    Parts keep as many rows as memory allows in all, at least the budget, and of the budget's quotas and floors their
    share. Methods that take `points` choose from them by all rows of the pool, others by how many rows each stands for.
    Where not even the budget's rows can be seen at once, the order in which the parts took them is the result.
    """
    plan = run.plan
    fixed = np.union1d(seen.had, seen.must)
    size = part_rows(plan, frame, len(seen.rows), count) - len(fixed)
    if size < 2:
        raise _over(plan, bytes_of(plan, frame, 2 + len(fixed), count))
    parts = parts_of(plan, frame, np.setdiff1d(seen.rows, fixed), size)
    room = size // len(parts)  # rows of each part that can be seen together
    groups = sum(len(one.left) - 1 for one in (limits, least) if one is not None)  # shares of theirs are rounded up
    points = _points(plan, frame, seen.rows, max(room * len(parts), CANDIDATES * count))
    least_each = math.ceil((count if points is None else CANDIDATES * count) / len(parts))
    each = min(count, max(least_each, room - groups))
    room = room if points is None else max(room, each)
    share = _scaled(limits, each / count), _scaled(least, each / count) if least is not None else None
    folder = run.folder.parts / f"parts-{digest([tamis.__version__, plan.asked, digest(seen.rows), count, size])}"
    folder.mkdir(parents=True, exist_ok=True)
    run.used.add(folder.name)
    found: list[dict[str, NDArray[Any]]] = []
    with run.timed("parts", f"choose about {each:,} rows of each of {len(parts):,} parts of the pool") as step:
        step.rows_in, step.shards = len(seen.rows), len(parts)
        for number, part in run.console.progress(list(enumerate(parts)), len(parts), "parts", "part"):
            path = folder / f"{number}.npz.zst"
            if not path.exists():
                write_arrays(path, _of_part(plan, frame, targets, part, fixed, share, each, max(each, room)))
                step.computed += 1
            found.append(read_arrays(path))
        step.reused = len(parts) - step.computed
        step.rows_out = sum(len(one["rows"]) for one in found)
    kept = np.concatenate([one["rows"][: len(one["mass"])] for one in found])
    merged = each <= room and (limits.cost is None or bool(limits.costs(kept).sum() >= limits.left.sum()))
    stages = {"parts": len(parts), "part_rows": max(map(len, parts)), "kept_of_each": each, "merged": merged}
    run.objective = {"stages": stages, "bound": None}
    if not merged:
        place = np.concatenate([np.arange(len(one["rows"])) for one in found])
        order = np.argsort(place, kind="stable")
        rows, gains = (np.concatenate([one[name] for one in found])[order] for name in ("rows", "gains"))
        return Order(rows, gains)
    union = np.concatenate([fixed, kept])
    order = np.argsort(union)
    if points is None:
        own = masses(plan, frame, fixed) + sum(one["of fixed"] for one in found)
        mass = np.concatenate([own, *(one["mass"] for one in found)])[order]
    else:
        mass = masses(plan, frame, points.rows)
    function = method_result(plan, frame, targets, union[order], seen.had, count, mass, points)
    plain = limits.cost is None and limits.bin is None and least is None and each == count
    rival = (
        _best_part(found, count - len(seen.must)) if plain and function.submodular and not function.divided else None
    )
    if rival is not None and function.monotone and plan.chooser is not None and not plan.chooser.draws:
        run.objective["bound"] = BOUND + (LIKE_THE_POOL if "mass" in plan.method.needs else "")
    return Union(function, union[order], rival)


def _points(plan: Plan, frame: Frame, rows: Rows, candidates: int) -> Points | None:
    """All rows, as what a last choice among so many candidates is judged by; None where the method cannot use them."""
    able = "points" in plan.method.optional and "embedding" in plan.supplied
    if not able or plan.parameters.get("metric") == "precomputed":
        return None
    vectors = need_column(plan, frame, "embedding")
    listed = fitting(plan.memory, len(rows), candidates, vectors.shape[1])
    listed = min(listed, plan.parameters.get("neighbours") or listed)
    return Points(vectors, rows, listed) if listed >= LISTED else None


def _best_part(found: list[dict[str, NDArray[Any]]], count: int) -> Rows | None:
    """The first `count` rows of the part that has gained most with so many; None where that has fewer rows."""
    best = max(found, key=lambda one: float(one["gains"][:count].sum()))
    return best["rows"][:count] if len(best["rows"]) >= count else None


def _scaled(limits: Limits, share: float) -> Limits:
    """Limits of a part: a share of everything, rounded up."""
    left = np.ceil(np.maximum(limits.left, 0.0) * share)
    return Limits(left, limits.cost, limits.bin, fill=True)


def _of_part(
    plan: Plan, frame: Frame, targets: list[Frame], part: Rows, fixed: Rows, share: tuple[Limits, Limits | None],
    each: int, most: int,
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """What the greedy keeps of one part, given the rows that are kept anyway, and how many rows each stands for.

    A budget of costs buys more than `each` rows where they are cheap; the first `most` stand for the part.

    Those that are kept anyway count in the union, and here only stand for rows of the part.
    """
    rows = np.union1d(part, fixed)
    mass = np.where(np.isin(rows, fixed), 0.0, masses(plan, frame, rows))
    function: SetFunction = method_result(plan, frame, targets, rows, fixed, each, mass)
    limits, least = (_scaled(one, 1.0) if one is not None else None for one in share)
    assert limits is not None
    with guarded(plan.method), rows_named(lambda place: frame.where(int(rows[place]))):
        growing = Growing(function, rows, fixed, borrow=True)
        growing.walk(limits, least)
    taken, own = np.array(growing.taken, np.int64), len(fixed)
    places = np.concatenate([growing.before, taken[:most]])
    stands = growing.function.weights(places) if len(places) else None
    if stands is None:  # those that are kept share the mass of the part
        stands = mass[places] * (mass.sum() / max(float(mass[places].sum()), 1e-300))
    stands, gains = stands.astype(np.float64), np.array(growing.gains, np.float64)
    return {"rows": rows[taken], "gains": gains, "mass": stands[own:], "of fixed": stands[:own]}


def compared(
    run: "Run", frame: Frame, targets: list[Frame], seen: Seen, chosen: Rows, count: int
) -> dict[str, Any] | None:
    """The objective of the chosen rows and of as many random ones, on a random sample of the pool.

    None where the sample does not fit into memory beside them.
    """
    plan = run.plan
    order = np.argsort(mix64(frame.keys(plan.request.seed)[seen.rows] ^ (SALT + np.uint64(1))), kind="stable")
    room = part_rows(plan, frame, len(seen.rows), count) - 2 * len(chosen)
    if room < len(chosen):
        return None
    sample = seen.rows[order[: min(SAMPLE, room)]]
    random = seen.rows[order[-len(chosen) :]]
    rows = np.unique(np.concatenate([sample, chosen, random]))
    mass = masses(plan, frame, rows) * np.isin(rows, sample)
    function = method_result(plan, frame, targets, rows, seen.had, count, mass)
    values = {}
    for name, these in (("chosen", chosen), ("random", random)):
        growing = Growing(function.fresh(), rows, seen.had)
        growing.keep(these)
        values[name] = float(np.sum(growing.gains))
    return {"sample_rows": len(sample), **values}

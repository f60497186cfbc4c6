"""Set functions beyond memory: parts of the pool are chosen from one by one, then from what they kept together.

Greedy on random parts and then on the union of what they keep (Mirzasoleiman et al. 2013, Barbosa et al. 2015).
"""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import tamis
from tamis import refusals
from tamis.engine.frame import Frame
from tamis.engine.guard import guarded, rows_named
from tamis.engine.needs import masses
from tamis.engine.parts import read_arrays, write_arrays
from tamis.engine.plan import Plan
from tamis.engine.scores import method_result
from tamis.engine.setwise import Growing
from tamis.limits import Limits
from tamis.ops.hashing import mix64
from tamis.pool.base import digest
from tamis.vocabulary import Order, SetFunction

if TYPE_CHECKING:
    from tamis.engine.run import Run

Rows = NDArray[np.int64]
SAMPLE = 10_000
SALT = np.uint64(0x9E6C63D0676A9A99)


class Seen(NamedTuple):
    """Rows that a method sees, those that one has already among them, and those that must be kept."""

    rows: Rows
    had: Rows
    must: Rows


def bytes_of(plan: Plan, frame: Frame, rows: int, count: int) -> float:
    """What the method's own data take for so many rows; 0 where its card does not say."""
    if plan.method.bytes is None:
        return 0.0
    widths = [need_width(plan, frame, word) for word in ("embedding", "probs", "match") if word in plan.supplied]
    known = {name: value for name, value in plan.parameters.items()}
    return float(plan.method.bytes(rows, max(widths, default=1), max(1, min(count or rows, rows)), **known))


def need_width(plan: Plan, frame: Frame, word: str) -> int:
    """Numbers a row of a matrix."""
    found = frame.vectors(plan.bindings.files.get(word), word) if word != "match" or "match" in plan.roles else None
    return 1 if found is None else int(found.shape[1])


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
) -> tuple[SetFunction, Rows] | Order:
    """A set function of what the greedy keeps of parts of the rows, and these rows.

    Parts keep as many rows as memory allows in all, at least the budget.

    Parts keep what the budget's quotas and floors ask of them. Where not even the budget's rows can be seen at once,
    the order in which the parts took them is the result.
    """
    plan = run.plan
    fixed = np.union1d(seen.had, seen.must)
    size = part_rows(plan, frame, len(seen.rows), count) - len(fixed)
    if size < 2:
        raise _over(plan, bytes_of(plan, frame, 2 + len(fixed), count))
    parts = parts_of(plan, frame, np.setdiff1d(seen.rows, fixed), size)
    each = min(count, max(math.ceil(count / len(parts)), size // len(parts)))
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
                write_arrays(path, _of_part(plan, frame, targets, part, fixed, share, each))
                step.computed += 1
            found.append(read_arrays(path))
        step.reused = len(parts) - step.computed
        step.rows_out = sum(len(one["rows"]) for one in found)
    stages = {"parts": len(parts), "part_rows": max(map(len, parts)), "kept_of_each": each}
    if step.rows_out > size:
        place = np.concatenate([np.arange(len(one["rows"])) for one in found])
        order = np.argsort(place, kind="stable")
        rows, gains = (np.concatenate([one[name] for one in found])[order] for name in ("rows", "gains"))
        run.objective = {"stages": stages | {"merged": False}, "bound": None}
        return Order(rows, gains)
    union = np.concatenate([fixed, *(one["rows"] for one in found)])
    mass = np.concatenate([np.ones(len(fixed)), *(one["mass"] for one in found)])
    order = np.argsort(union)
    function = method_result(plan, frame, targets, union[order], seen.had, count, mass[order])
    bound = "(1 - 1/e) / 2 of the best set, in the mean" if each == count and function.submodular else None
    run.objective = {"stages": stages | {"merged": True}, "bound": bound}
    return function, union[order]


def _scaled(limits: Limits, share: float) -> Limits:
    """Limits of a part: a share of everything, rounded up."""
    left = np.ceil(np.maximum(limits.left, 0.0) * share)
    return Limits(left, limits.cost, limits.bin, fill=True)


def _of_part(
    plan: Plan, frame: Frame, targets: list[Frame], part: Rows, fixed: Rows, share: tuple[Limits, Limits | None],
    each: int,
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """What the greedy keeps of one part, given the rows that are kept anyway, and how many rows each stands for."""
    rows = np.union1d(part, fixed)
    function: SetFunction = method_result(plan, frame, targets, rows, fixed, each)
    limits, least = (_scaled(one, 1.0) if one is not None else None for one in share)
    assert limits is not None
    with guarded(plan.method), rows_named(lambda place: frame.where(int(rows[place]))):
        growing = Growing(function, rows, fixed, borrow=True)
        growing.walk(limits, least)
    made = growing.order()
    mass = np.ones(len(made.rows)) if made.weights is None else made.weights.astype(np.float64)
    gains = made.gains if made.gains is not None else np.zeros(len(made.rows))
    return {"rows": made.rows, "mass": mass, "gains": gains}


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

"""Charts of evidence as inline SVG: intervals on an axis, lines over budgets and costs, stacked bars.

Pure functions from numbers to strings. As in `charts`, widths are percentages and heights pixels. Colours come from
the class of a method (`random`, `m0` …), and each method has a marker of its own, so that no colour is needed to tell
methods apart.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from tamis.report.charts import decades, figure, nice
from tamis.report.words import harmless, raw

SHAPES = {
    "circle": "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
    "square": "M-4-4h8v8h-8z",
    "triangle": "M0-5.2L5 3.8H-5z",
    "diamond": "M0-5.6L5.6 0L0 5.6L-5.6 0z",
    "point": "M0 5.2L5-3.8H-5z",
    "plus": "M-1.8-5h3.6v3.2H5v3.6H1.8V5h-3.6V1.8H-5v-3.6h3.2z",
    "star": "M0-6L1.6-2L5.8-1.9L2.5.8L3.6 5L0 2.6L-3.6 5L-2.5.8L-5.8-1.9L-1.6-2z",
    "cross": "M-4.8-2.3L-2.3-4.8L0-2.5L2.3-4.8L4.8-2.3L2.5 0L4.8 2.3L2.3 4.8L0 2.5L-2.3 4.8L-4.8 2.3L-2.5 0z",
}
EDGE = 2.0  # percent that stay free at both ends of an axis
NARROW = 240  # pixels of the narrowest axis that stands below rows of a table


class Style(NamedTuple):
    """How a method looks everywhere: class of its colour, marker, and whether the marker is hollow."""

    kind: str
    shape: str = "circle"
    hollow: bool = False


@dataclass(frozen=True)
class Axis:
    """A horizontal axis from `low` to `high`; `place` says where a value lies, in percent."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        a, x, b = (math.log(max(v, 1e-12)) if self.log else v for v in (self.low, value, self.high))
        inside = (x - a) / (b - a) if b > a else 0.5
        return EDGE + (100 - 2 * EDGE) * min(max(inside, 0.0), 1.0)

    def ticks(self) -> list[float]:
        """At most seven round values on the axis, with room for their labels; 0 is one where it lies within."""
        if self.log and len(found := decades(self.low, self.high)) > 2:
            return self._apart(found)
        tries = [nice(self.low, self.high, count) for count in range(10, 0, -1)]
        if self.log:
            return self._apart(next((found for found in tries if len(found) < 8), tries[-1]))
        return next((found for found in tries if self._fits(found)), tries[-1])

    def _fits(self, ticks: Sequence[float]) -> bool:
        """Whether labels below an axis `NARROW` pixels wide leave a gap between them."""
        digits = max((len(f"{abs(v):.0f}") for v in ticks), default=1) + _places(ticks) + 2
        gaps = [self.place(b) - self.place(a) for a, b in pairwise(ticks)]
        return len(ticks) < 8 and all(gap / 100 * NARROW >= 6.2 * digits + 3 for gap in gaps)

    def _apart(self, values: Sequence[float]) -> list[float]:
        """Values that leave each other room for a label."""
        found: list[float] = []
        for value in values:
            if not found or self.place(value) - self.place(found[-1]) > 18:
                found.append(value)
        return found

    def places(self) -> int:
        """Places after the point that tell the ticks apart."""
        return _places(self.ticks())


def _places(ticks: Sequence[float]) -> int:
    return max(0, 0, *(-math.floor(math.log10(b - a) + 1e-9) for a, b in pairwise(ticks)))


@dataclass(frozen=True)
class Point:
    """A value with its interval at `x`; `name` is its path in the evidence, `words` what a resting pointer shows."""

    x: float
    mean: float
    low: float | None = None
    high: float | None = None
    name: str = ""
    words: str = ""
    hollow: bool = False
    silent: bool = False  # only a bend of the line: its marker belongs to another one


@dataclass(frozen=True)
class Line:
    """The points of a method in the order in which its line joins them."""

    style: Style
    points: list[Point] = field(default_factory=list)


def around_zero(intervals: Sequence[tuple[float | None, float | None, float | None]]) -> Axis:
    """An axis that holds 0, every difference, and every interval but those far longer than most.

    Args:
        intervals: low, difference and high of each.
    """
    middles = [m for _, m, _ in intervals if m is not None] + [0.0]
    ends = sorted(max(abs(v) for v in (a, b) if v is not None) for a, _, b in intervals if (a, b) != (None, None))
    most = 4 * ends[len(ends) // 2] if ends else math.inf
    low, high = min(middles), max(middles)
    for a, _, b in intervals:
        low = min(low, max(a, -most)) if a is not None else low
        high = max(high, min(b, most)) if b is not None else high
    pad = 0.04 * (high - low) if high - low > 1e-9 else 0.01
    return Axis(low - pad, high + pad)


def key(style: Style) -> Markup:
    """A method's marker for a legend or a table."""
    return Markup(f'<svg class="keymark" width="16" height="12" aria-hidden="true">{_mark(style, "8", 6)}</svg>')


def _mark(style: Style, x: str, y: float, hollow: bool = False, words: str = "") -> str:
    kind = f"mk {style.kind}" + (" hollow" if hollow or style.hollow else "")
    title = f"<title>{escape(harmless(words))}</title>" if words else ""
    path = f'<path class="{kind}" d="{SHAPES[style.shape]}">{title}</path>'
    return f'<svg x="{x}" y="{y:g}" overflow="visible">{path}</svg>'


def whiskers(marks: Sequence[tuple[Style, float | None, float | None, float | None]], axis: Axis) -> Markup:
    """Differences as dots with their intervals, one below the other; an arrow where an interval leaves the axis.

    Args:
        marks: style, low, difference and high of each.
        axis: shared by all rows of a table.
    """
    body, y = "", 9
    for style, low, middle, high in marks:
        if middle is None:
            continue
        if low is not None and high is not None:
            a, b = axis.place(low), axis.place(high)
            body += f'<line class="wk {style.kind}" x1="{a:.2f}%" x2="{b:.2f}%" y1="{y}" y2="{y}"/>'
            for x, out, way in ((a, low < axis.low, -1), (b, high > axis.high, 1)):
                d = f"M{-4 * way}-4L{2 * way} 0L{-4 * way} 4" if out else "M0-4V4"
                body += f'<svg x="{x:.2f}%" y="{y}" overflow="visible"><path class="wk {style.kind}" d="{d}"/></svg>'
        body += _mark(style, f"{axis.place(middle):.2f}%", y)
        y += 15
    return Markup(f'<svg class="wh" width="100%" height="{max(y - 6, 18)}" aria-hidden="true">{body}</svg>')


def foot(axis: Axis, form: Callable[[float], str]) -> Markup:
    """The axis below rows of whiskers: ticks and their labels."""
    ticks = axis.ticks()
    body = '<line class="base" x1="0" x2="100%" y1="1" y2="1"/>'
    for value in ticks:
        x = axis.place(value)
        body += f'<line class="tick" x1="{x:.2f}%" x2="{x:.2f}%" y1="1" y2="5"/>'
        body += f'<text x="{x:.2f}%" y="18" text-anchor="middle">{escape(form(value))}</text>'
    return Markup(f'<svg class="wh foot" width="100%" height="22" aria-hidden="true">{body}</svg>')


def panel(
    lines: Sequence[Line],
    slots: Sequence[tuple[str, str]],
    level: tuple[str, float, str] | None,
    form: Callable[[float, float], str],
    title: str,
    desc: str,
) -> Markup:
    """Values over budgets, which stand at equal distances; methods stand side by side where they share a budget.

    Args:
        lines: one a method; `x` of its points is the position of the budget.
        slots: what to write below each budget, in two lines.
        level: a horizontal line: its words, value and path.
        form: writes a value, given the distance of two ticks.
        title: what the chart shows.
        desc: the same in words.
    """
    width = 100 / max(1, len(slots))
    step = min(3.0, 0.7 * width / max(1, len(lines)))
    shift = {id(line): (i - (len(lines) - 1) / 2) * step for i, line in enumerate(lines)}

    def place(line: Line, point: Point) -> float:
        return width * (point.x + 0.5) + shift[id(line)]

    below = ""
    for i, (upper, lower) in enumerate(slots):
        at = f'x="{width * (i + 0.5):.2f}%" text-anchor="middle"'
        below += f'<text class="ink" {at} y="{_FOOT + 19}">{escape(harmless(upper))}</text>'
        below += f'<text {at} y="{_FOOT + 35}">{escape(harmless(lower))}</text>'
    return figure("panel", _FOOT + 40, title, desc, _frame(lines, level, form, place) + below)


def prices(lines: Sequence[Line], form: Callable[[float, float], str], title: str, desc: str) -> Markup:
    """Values over what they cost in seconds, on a logarithmic axis; `x` of a point is its cost."""
    costs = [p.x for line in lines for p in line.points]
    axis = Axis(min(costs) / 1.15, max(costs) * 1.15, log=True)
    below = ""
    for value in axis.ticks():
        x = axis.place(value)
        below += f'<line class="tick" x1="{x:.2f}%" x2="{x:.2f}%" y1="{_FOOT}" y2="{_FOOT + 4}"/>'
        below += f'<text x="{x:.2f}%" y="{_FOOT + 19}" text-anchor="middle">{seconds(value)}</text>'
    frame = _frame(lines, None, form, lambda _, point: axis.place(point.x))
    return figure("panel", _FOOT + 24, title, desc, frame + below)


def seconds(value: float) -> str:
    """Seconds on an axis: "50 ms", "2 s", "10 min"."""
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if value >= size * (1 if unit == "s" else 2):
            return f"{value / size:.3g} {unit}"
    return f"{1000 * value:.3g} ms"


_TOP, _FOOT = 22, 240


def _frame(
    lines: Sequence[Line],
    level: tuple[str, float, str] | None,
    form: Callable[[float, float], str],
    place: Callable[[Line, Point], float],
) -> str:
    """Grid, level, lines, whiskers and markers, each layer above the one before."""
    points = [p for line in lines for p in line.points]
    low, high = _heights(points, level)

    def y(value: float) -> float:
        return _FOOT - (min(max(value, low), high) - low) / (high - low) * (_FOOT - _TOP)

    marks = nice(low, high, 4)
    gap = marks[1] - marks[0] if len(marks) > 1 else high - low
    grid = "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text x="-8" y="{y(v) + 4:.1f}" text-anchor="end">{escape(form(v, gap))}</text>'
        for v in marks
    )
    grid += f'<line class="base" x1="0" x2="100%" y1="{_FOOT}" y2="{_FOOT}"/>'
    words = ""
    if level:
        at, hook = y(level[1]), f'data-name="{escape(level[2])}" data-value="{raw(level[1])}"'
        grid += f'<line class="level" x1="0" x2="100%" y1="{at:.1f}" y2="{at:.1f}" {hook}/>'
        words = f'<text class="ink halo" x="0" dx="4" y="{at - 6:.1f}">{escape(level[0])}</text>'
    ways = stems = dots = ""
    for line in lines:
        placed = [(place(line, p), p) for p in line.points]
        for (a, p), (b, q) in pairwise(placed):
            ends = f'x1="{a:.2f}%" x2="{b:.2f}%" y1="{y(p.mean):.1f}" y2="{y(q.mean):.1f}"'
            ways += f'<line class="ln {line.style.kind}" {ends}/>'
        for x, p in placed:
            if p.silent:
                continue
            if p.low is not None and p.high is not None:
                ends = f'x1="{x:.2f}%" x2="{x:.2f}%" y1="{y(p.low):.1f}" y2="{y(p.high):.1f}"'
                stems += f'<line class="wk {line.style.kind}" {ends}/>'
            hook = f'<g data-name="{escape(p.name)}" data-value="{raw(p.mean)}">'
            dots += f"{hook}{_mark(line.style, f'{x:.2f}%', round(y(p.mean), 1), p.hollow, p.words)}</g>"
    return grid + ways + stems + words + dots


def _heights(points: Sequence[Point], level: tuple[str, float, str] | None) -> tuple[float, float]:
    """The range of values, with every mean and with intervals as far as they do not dwarf the means."""
    means = [p.mean for p in points] + ([level[1]] if level else [])
    low, high = min(means), max(means)
    halves = sorted((p.high - p.low) / 2 for p in points if p.low is not None and p.high is not None)
    most = max(high - low, 3 * halves[len(halves) // 2] if halves else 0.0) or abs(high) or 1.0
    ends = [v for p in points for v in (p.low, p.high) if v is not None]
    low, high = max(min([low, *ends]), low - most), min(max([high, *ends]), high + most)
    pad = 0.05 * (high - low) or 0.05 * most
    return low - pad, high + pad


def stack(parts: Sequence[tuple[str, float]], top: float) -> Markup:
    """One bar of several parts, class and size of each; a bar longer than `top` is broken off."""
    body, at = "", 0.0
    for kind, size in parts:
        width = min(size, max(0.0, top - at))
        if width > 0:
            place = f'x="{100 * at / top:.2f}%" width="{100 * width / top:.2f}%"'
            body += f'<rect class="{kind}" {place} height="11" y="4"/>'
        at += size
    if at > top * 1.0001:
        body += '<svg x="100%" y="9.5" overflow="visible"><path class="broken" d="M-13-8L-17 8M-7-8L-11 8"/></svg>'
    return Markup(f'<svg class="pair" width="100%" height="19" aria-hidden="true">{body}</svg>')


def shares(kind: str, own: float, random: float, top: float, pool: float | None = None) -> Markup:
    """Two bars: the share that random keeps above the share that the method keeps; a tick at that of the pool."""
    scale = 100 / top if top > 0 else 0
    body = f'<rect class="fill random" width="{random * scale:.2f}%" height="7" y="1"/>'
    body += f'<rect class="fill {kind}" width="{own * scale:.2f}%" height="9" y="9"/>'
    if pool is not None:
        x = f"{pool * scale:.2f}%"
        body += f'<line class="target" x1="{x}" x2="{x}" y1="0" y2="19"/>'
    return Markup(f'<svg class="pair" width="100%" height="19" aria-hidden="true">{body}</svg>')


def reached(style: Style, cost: float | None, above: float | None, axis: Axis) -> Markup:
    """Where on the axis of costs a method reaches a level; an arrow to the right from where it had not."""
    body = '<line class="grid" x1="0" x2="100%" y1="9.5" y2="9.5"/>'
    if above is not None:
        a = axis.place(above)
        body += f'<line class="wk open {style.kind}" x1="{a:.2f}%" x2="100%" y1="9.5" y2="9.5"/>'
        body += f'<svg x="100%" y="9.5" overflow="visible"><path class="wk {style.kind}" d="M-6-4L0 0L-6 4"/></svg>'
        body += f'<svg x="{a:.2f}%" y="9.5" overflow="visible"><path class="wk {style.kind}" d="M0-4V4"/></svg>'
    if cost is not None:
        body += _mark(style, f"{axis.place(cost):.2f}%", 9.5)
    return Markup(f'<svg class="pair" width="100%" height="19" aria-hidden="true">{body}</svg>')

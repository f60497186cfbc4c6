"""Inline SVG charts: pure functions from numbers to strings.

Widths are percentages and heights pixels, so a chart fits any screen and its labels keep their size; what must stretch
sits in a nested SVG. Colours come from the classes `pool`, `kept`, `target` of the page.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

from markupsafe import Markup, escape

from tamis.report.words import amount, harmless, raw, share, tick

Numbers = Sequence[float]

MOST_DOTS = 1000


def figure(kind: str, height: int, title: str, desc: str, body: str) -> Markup:
    return Markup(
        f'<svg class="chart {kind}" width="100%" height="{height}" role="img"><title>{escape(harmless(title))}</title>'
        f"<desc>{escape(harmless(desc))}</desc>{body}</svg>"
    )


def nice(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round values from `low` to `high`."""
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return [low] if math.isfinite(low) else []
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
    return [round(i * step, 12) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten from `low` to `high`; 1, 2, 5 steps where there would be fewer than three."""
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for steps in ((1,), (1, 2, 5)):
        ticks = [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]
        if len(ticks) > 2:
            break
    return ticks


def _place(value: float, edges: Numbers, log: bool) -> float:
    """Where a value lies between the first and last edge, in percent; every bin is equally wide."""
    bins = len(edges) - 1
    i = min(max(bisect_right(edges, value) - 1, 0), bins - 1) if edges[-1] > edges[0] else 0
    at = [math.log(x) if log and edges[i] > 0 else x for x in (edges[i], max(value, edges[0]), edges[i + 1])]
    inside = (at[1] - at[0]) / (at[2] - at[0]) if at[2] > at[0] else 0.5
    return 100 * (i + min(max(inside, 0.0), 1.0)) / bins


def _axis(edges: Numbers, ticks: Numbers, log: bool, foot: int) -> str:
    """Base line, tick labels below it; labels at the ends stay inside the chart."""
    body = f'<line class="base" x1="0" x2="100%" y1="{foot}" y2="{foot}"/>'
    for value in ticks:
        x = _place(value, edges, log)
        anchor = "start" if x < 4 else "end" if x > 96 else "middle"
        body += f'<line class="tick" x1="{x:.2f}%" x2="{x:.2f}%" y1="{foot}" y2="{foot + 4}"/>'
        body += f'<text x="{x:.2f}%" y="{foot + 19}" text-anchor="{anchor}">{tick(value)}</text>'
    return body


def _grid(marks: Sequence[tuple[float, str]], top: int, foot: int) -> str:
    """Horizontal lines at heights 0 to 1, labelled in the left margin."""
    body = ""
    for height, text in marks:
        y = foot - height * (foot - top)
        body += f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        body += f'<text x="-8" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    return body


def _stretch(bins: int, top: int, foot: int, body: str) -> str:
    """A nested drawing area `bins` wide and 100 high that fills the plot."""
    return (
        f'<svg x="0" y="{top}" width="100%" height="{foot - top}" viewBox="0 0 {bins} 100" '
        f'preserveAspectRatio="none" overflow="visible">{body}</svg>'
    )


def dots(parts: Sequence[tuple[str, int]], title: str, desc: str) -> Markup:
    """The whole as a sieve of at most `MOST_DOTS` dots, one class a part; every part that occurs has a dot at least.

    Args:
        parts: class and rows of each part, drawn in this order.
        title: what the picture shows.
        desc: the same in words.
    """
    counts = _apportion([rows for _, rows in parts], MOST_DOTS)
    columns = 50 if sum(counts) > 250 else 25
    rows = max(1, -(-sum(counts) // columns))
    body, at = "", 0
    for (name, _), count in zip(parts, counts, strict=True):
        if count:
            marks = "".join(f"M{10 * (i % columns) + 5} {10 * (i // columns) + 5}h0" for i in range(at, at + count))
            body += f'<path class="dot {name}" d="{marks}"/>'
        at += count
    return Markup(
        f'<svg class="dots" viewBox="0 0 {10 * columns} {10 * rows}" role="img"><title>{escape(title)}</title>'
        f"<desc>{escape(desc)}</desc>{body}</svg>"
    )


def _apportion(rows: Sequence[int], most: int) -> list[int]:
    """Whole dots by largest remainder, at least one for each part that is not empty."""
    total = sum(rows)
    if total <= most:
        return list(rows)
    exact = [most * n / total for n in rows]
    counts = [max(int(x), n > 0) for x, n in zip(exact, rows, strict=True)]
    by_rest = sorted(range(len(rows)), key=lambda i: exact[i] - counts[i], reverse=True)
    for i in by_rest:
        counts[i] += sum(counts) < most and rows[i] > 0
    while sum(counts) > most:
        counts[max(range(len(counts)), key=counts.__getitem__)] -= 1
    return counts


def pair(pool: float, kept: float, target: float | None, top: float) -> Markup:
    """Two bars, share of the pool above share of what is kept, and a tick at the share of the target."""
    scale = 100 / top if top > 0 else 0
    body = f'<rect class="pool" width="{pool * scale:.2f}%" height="7" y="1"/>'
    body += f'<rect class="kept" width="{kept * scale:.2f}%" height="9" y="9"/>'
    if target is not None:
        x = f"{target * scale:.2f}%"
        body += f'<line class="target" x1="{x}" x2="{x}" y1="0" y2="19"/>'
    return Markup(f'<svg class="pair" width="100%" height="19" aria-hidden="true">{body}</svg>')


def bar(kind: str, value: float, top: float) -> Markup:
    """One bar of the given class."""
    width = 100 * value / top if top > 0 else 0
    rect = f'<rect class="{kind}" width="{width:.2f}%" height="9" y="5"/>'
    return Markup(f'<svg class="pair" width="100%" height="19" aria-hidden="true">{rect}</svg>')


def move(before: float, after: float, top: float) -> Markup:
    """A line from the pool's distance to the distance of what is kept, on an axis from 0 to `top`."""
    a, b = (f"{96 * max(v, 0) / top + 2 if top > 0 else 2:.2f}%" for v in (before, after))
    body = '<line class="grid" x1="0" x2="100%" y1="9.5" y2="9.5"/>'
    body += f'<line class="way" x1="{a}" x2="{b}" y1="9.5" y2="9.5"/>'
    body += f'<circle class="pool" cx="{a}" cy="9.5" r="5"/><circle class="kept" cx="{b}" cy="9.5" r="6"/>'
    return Markup(f'<svg class="pair" width="100%" height="19" aria-hidden="true">{body}</svg>')


def outlines(series: Sequence[tuple[str, str, Numbers]], edges: Numbers, title: str, desc: str) -> Markup:
    """Distributions over the same bins as step outlines of equal area: class, hook name and counts of each.

    The height of a step is the share of its series that falls into the bin; the axis is logarithmic when all edges
    but the first are above 0.
    """
    bins, top, foot = len(edges) - 1, 12, 200
    shares = [[c / (sum(counts) or 1) for c in counts] for _, _, counts in series]
    highest = max((s for one in shares for s in one), default=0) or 1
    log = edges[1] > 0 and all(map(math.isfinite, edges))
    body = ""
    for (kind, name, counts), heights in zip(series, shares, strict=True):
        way = "".join(f"V{100 - 100 * h / highest:.1f}H{i + 1}" for i, h in enumerate(heights))
        close = "V100z" if kind == "pool" else "V100"
        body += f'<path class="step {kind}" data-name="{name}" data-value="{raw(counts)}" d="M0 100{way}{close}"/>'
    marks = [(v / highest, share(v)) for v in nice(0, highest, 3) if v > 0]
    ticks = decades(edges[0] or edges[1], edges[-1]) if log else nice(edges[0], edges[-1])
    frame = _grid(marks, top, foot) + _stretch(bins, top, foot, body) + _axis(edges, ticks, log, foot)
    return figure("outlines", foot + 24, title, desc, frame)


def line(at: tuple[str, Numbers], heights: tuple[str, Numbers], title: str, desc: str) -> tuple[Markup, bool]:
    """A line through heights at places from 1 on, and whether the heights are logarithmic as the places are.

    Both come with their hook names. Logarithmic heights below a millionth of the largest lie on the base line.
    """
    (at_name, places), (name, values) = at, heights
    top, foot, last = 12, 200, places[-1]
    low, high = min(values), max(values)
    least = max(min((v for v in values if v > 0), default=0.0), 1e-6 * high)
    log = low >= 0 and high > 50 * least > 0
    low, high = (least, high) if log else (min(low, 0.0), max(high, 0.0))

    def height(value: float) -> float:
        if high <= low:
            return 0.0
        return math.log(max(value, low) / low) / math.log(high / low) if log else (value - low) / (high - low)

    def along(place: float) -> float:
        return math.log(place) / math.log(last) if last > 1 else 0.5

    way = " ".join(f"{1000 * along(x):.1f} {100 - 100 * height(y):.1f}" for x, y in zip(places, values, strict=True))
    body = f'<path class="step kept" data-name="{name}" data-value="{raw(list(values))}" d="M{way}"/>'
    body = f'<g data-name="{at_name}" data-value="{raw(list(places))}">{body}</g>'
    levels = decades(low, high) if log else nice(low, high, 4)
    levels = levels[:: -(-len(levels) // 5)]
    frame = _grid([(height(v), tick(v)) for v in levels if log or v or low < 0], top, foot)
    frame += _stretch(1000, top, foot, body) + _axis([1, last], decades(1, last), True, foot)
    return figure("line", foot + 24, title, desc, frame), log


def histogram(
    counts: Sequence[tuple[str, str, Numbers]], edges: Numbers, cut: float | None, title: str, desc: str
) -> tuple[Markup, bool]:
    """Counts as bars drawn over each other with a line at the cut, and whether their heights are logarithmic."""
    bins, top, foot = len(edges) - 1, 26, 190
    filled = [c for _, _, one in counts for c in one if c > 0]
    highest = max(filled, default=1)
    log = highest > 50 * min(filled, default=1)

    def height(count: float) -> float:
        return math.log1p(count) / math.log1p(highest) if log else count / highest

    body = ""
    for kind, name, one in counts:
        bars = "".join(f"M{i + 0.05:g} 100V{100 - 100 * height(c):.1f}h.9V100z" for i, c in enumerate(one) if c > 0)
        body += f'<path class="{kind}" data-name="{name}" data-value="{raw(one)}" d="{bars}"/>'
    levels = decades(1, highest) if log else [v for v in nice(0, highest, 3) if v > 0 and v == int(v)]
    if len(levels) > 5:
        levels = levels[::2]
    frame = _grid([(height(v), tick(v)) for v in levels], top, foot)
    frame += _stretch(bins, top, foot, body) + _axis(edges, nice(edges[0], edges[-1]), False, foot)
    if cut is not None and math.isfinite(cut):
        x = _place(cut, edges, False)
        shift, anchor = (6, "start") if x < 60 else (-6, "end")
        frame += f'<line class="cut" x1="{x:.2f}%" x2="{x:.2f}%" y1="6" y2="{foot}"/>'
        frame += f'<text class="cut" x="{x:.2f}%" dx="{shift}" y="16" text-anchor="{anchor}">cut {amount(cut)}</text>'
    return figure("histogram", foot + 24, title, desc, frame), log

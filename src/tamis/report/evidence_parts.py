"""What each section of the report of a study needs: pure functions from evidence to rows and charts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tamis.report import curves
from tamis.report.curves import Axis, Line, Point, Style
from tamis.report.evidence_words import (
    COST,
    ROWS,
    best_first,
    budget_words,
    costs_unit,
    decimals,
    fixed,
    higher_is_better,
    main_metric,
    metric_words,
    places_of,
)
from tamis.report.words import amount, plural

Record = Mapping[str, Any]
Styles = Mapping[str, Style]

MOST_COLOURS = 8
PARTS = ("select", "measure", "train", "test")


def styles_of(evidence: Record) -> Styles:
    """The look of every method: random grey, baselines dark grey, the first eight methods in colours of their own."""
    shapes = list(curves.SHAPES)
    found: dict[str, Style] = defaultdict(lambda: Style("rest", "cross"))
    found |= {"random": Style("random"), "full": Style("full", "diamond")}
    automatic = {str(v.get("method")) for v in evidence.get("verdicts") or [] if v.get("automatic")}
    roles = {str(m.get("name")): m.get("role") for m in evidence.get("methods") or []}
    for part in ("verdicts", "curves", "costs"):
        for one in evidence.get(part) or []:
            roles.setdefault(str(one.get("method")), "baseline" if one.get("method") in automatic else "method")
    baselines = others = 0
    for name, role in roles.items():
        if name in found:
            continue
        if role == "baseline":
            found[name] = Style("base", shapes[1 + baselines % 7])
            baselines += 1
        else:
            kind = f"m{others}" if others < MOST_COLOURS else "rest"
            found[name] = Style(kind, shapes[others % len(shapes)])
            others += 1
    return found


def verdict_tables(evidence: Record, styles: Styles) -> tuple[list[Record], list[Record]]:
    """Verdicts of asked methods and of automatic baselines: one table a metric, one line a method and budget."""
    verdicts = list(enumerate(evidence.get("verdicts") or []))
    main = main_metric(evidence)
    metrics = sorted(dict.fromkeys(str(v.get("metric")) for _, v in verdicts), key=lambda m: m != main)
    asked: list[Record] = []
    automatic: list[Record] = []
    for metric in metrics:
        mine = [(i, v) for i, v in verdicts if str(v.get("metric")) == metric]
        axis = curves.around_zero([(v.get("low"), v.get("difference"), v.get("high")) for _, v in mine])
        for found, flag in ((asked, False), (automatic, True)):
            if part := [(i, v) for i, v in mine if bool(v.get("automatic")) is flag]:
                found.append(_verdict_table(evidence, styles, metric, part, axis))
    return asked, automatic


def _verdict_table(
    evidence: Record, styles: Styles, metric: str, verdicts: Sequence[tuple[int, Record]], axis: Axis
) -> Record:
    sizes = {str(b.get("asked")): b.get("rows") for b in evidence.get("budgets") or []}
    methods: dict[str, dict[str, dict[str, tuple[int, Record]]]] = {}
    for i, v in verdicts:
        budgets = methods.setdefault(str(v.get("method")), {})
        budgets.setdefault(str(v.get("budget")), {})[str(v.get("comparison"))] = (i, v)
    n, order = places_of(evidence, metric), best_first(evidence)
    methods = dict(sorted(methods.items(), key=lambda one: order.get(one[0], len(order))))
    rows = {
        name: [
            {"budget": budget, "rows": sizes.get(budget), "plot": _pair(styles[name], pair, axis)}
            | {"cells": {key: _cell(*pair[key], n) for key in (ROWS, COST) if key in pair}}
            for budget, pair in budgets.items()
        ]
        for name, budgets in methods.items()
    }
    step = axis.places()
    metrics: list[Record] = (evidence.get("task") or {}).get("metrics") or []
    words = next((m.get("words") for m in metrics if m.get("name") == metric), None)
    return {
        "metric": metric,
        "words": words,
        "higher": higher_is_better(evidence, metric),
        "methods": rows,
        "both": any(COST in row["cells"] for budgets in rows.values() for row in budgets),
        "zero": f"{axis.place(0):.2f}%",
        "foot": curves.foot(axis, signed(step)),
    }


def _pair(style: Style, pair: Mapping[str, tuple[int, Record]], axis: Axis) -> Any:
    marks = [
        (style._replace(hollow=key == COST), v.get("low"), v.get("difference"), v.get("high"))
        for key in (ROWS, COST)
        if key in pair and not (key == COST and ROWS in pair and (pair[key][1].get("control") or {}).get("same"))
        for v in (pair[key][1],)
    ]
    return curves.whiskers(marks, axis)


def _cell(i: int, verdict: Record, n: int) -> Record:
    return {"path": f"verdicts.{i}", "v": verdict, "signed": signed(n), "plain": plain(n)}


def signed(n: int) -> Any:
    return lambda value: fixed(value, n, sign=True)


def plain(n: int) -> Any:
    return lambda value: fixed(value, n)


def panels(evidence: Record, styles: Styles) -> list[Record]:
    """For each headline metric: its values over budgets, and over what they cost."""
    points = [(i, c) for i, c in enumerate(evidence.get("curves") or []) if c.get("mean") is not None]
    headline = list((evidence.get("task") or {}).get("headline") or []) or [main_metric(evidence)]
    found: list[Record] = []
    for metric in headline:
        mine = [(i, c) for i, c in points if c.get("metric") == metric]
        if not [c for _, c in mine if c.get("method") != "full"]:
            continue
        over_budget, over_cost = (draw(evidence, styles, metric, mine) for draw in (_over_budget, _over_cost))
        found.append(
            {"metric": metric, "higher": higher_is_better(evidence, metric)}
            | {"budget": over_budget, "cost": over_cost, "names": _drawn(evidence, (c for _, c in mine))}
            | {"control": any(c.get("control") and c.get("cost") for _, c in mine)}
            | {"full": any(c.get("method") == "full" for _, c in mine)}
        )
    return found


def _drawn(evidence: Record, points: Iterable[Record]) -> list[str]:
    """Methods in the order of a legend: random, the best first, baselines; the whole pool is told apart."""
    names, order = dict.fromkeys(str(c.get("method")) for c in points), best_first(evidence)
    return sorted((n for n in names if n != "full"), key=lambda n: order.get(n, len(order)))


def _form(value: float, gap: float) -> str:
    return fixed(value, decimals(5 * gap))


def _over_budget(evidence: Record, styles: Styles, metric: str, points: Sequence[tuple[int, Record]]) -> Any:
    asked = [str(b.get("asked")) for b in evidence.get("budgets") or []]
    sizes = {str(b.get("asked")): b.get("rows") for b in evidence.get("budgets") or []}
    lines = []
    for name in _drawn(evidence, (c for _, c in points)):
        own = [(i, c) for i, c in points if c.get("method") == name and not c.get("control")]
        own = [(i, c) for i, c in own if str(c.get("budget")) in asked]
        placed = [_point(i, c, asked.index(str(c.get("budget")))) for i, c in own]
        if placed:
            lines.append(Line(styles[name], sorted(placed, key=lambda p: p.x)))
    if not lines:
        return None
    full = next(((i, c) for i, c in points if c.get("method") == "full"), None)
    level = None
    if full:
        spread = [p.high - p.low for line in lines for p in line.points if p.high is not None and p.low is not None]
        words = f"whole pool {fixed(full[1]['mean'], decimals(max(spread, default=0) / 2))}"
        level = (words, full[1]["mean"], f"curves.{full[0]}.mean")
    slots = _slots(asked, sizes)
    title = f"{metric_words(metric)} over the budget"
    desc = f"Means over seeds with 95 % intervals, {len(lines)} {plural(len(lines), 'method')}, {len(asked)} budgets."
    return curves.panel(lines, slots, level, _form, title, desc)


def _slots(asked: Sequence[str], sizes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What stands below each budget, short enough for a phone: the budget and its rows; every second one of many."""
    found = []
    for i, one in enumerate(asked):
        name, rows = budget_words(one), sizes.get(one)
        room = max(6, 48 // len(asked))
        upper = name if len(name) <= room else amount(int(one)) if one.isdigit() else name[: room - 1] + "…"
        lower = "" if rows is None or one.isdigit() else f"{amount(rows)} rows" if len(asked) < 5 else amount(rows)
        found.append((upper, lower) if len(asked) < 8 or i % 2 == 0 else ("", ""))
    return found


def _over_cost(evidence: Record, styles: Styles, metric: str, points: Sequence[tuple[int, Record]]) -> Any:
    priced = [(i, c) for i, c in points if (c.get("cost") or 0) > 0]
    lines = []
    for name in [*_drawn(evidence, (c for _, c in priced)), "full"]:
        own = [(i, c) for i, c in priced if c.get("method") == name]
        own.sort(key=lambda p: (p[1].get("rows") or 0, p[1]["cost"]))
        bends = [p for p in priced if p[1].get("method") == "full"] if name == "random" else []
        line = [_point(i, c, c["cost"]) for i, c in own]
        line += [replace(_point(i, c, c["cost"]), silent=True) for i, c in bends if line]
        if line:
            lines.append(Line(styles[name], line))
    if not lines:
        return None
    title = f"{metric_words(metric)} over the total cost"
    return curves.prices(lines, _form, title, "Means over seeds against processor seconds of a run, logarithmic.")


def _point(i: int, c: Record, x: float) -> Point:
    low, high = c.get("low"), c.get("high")
    n = decimals((high - low) / 2) if low is not None and high is not None else 3
    name = "whole pool" if c.get("method") == "full" else c.get("method")
    words = f"{name} at {budget_words(c.get('budget'))}: {fixed(c['mean'], n)}"
    words += f" ({fixed(low, n)} to {fixed(high, n)})" if low is not None else ""
    words += f", {curves.seconds(c['cost'])}" if c.get("cost") else ""
    return Point(x, c["mean"], low, high, f"curves.{i}.mean", words, bool(c.get("control")))


def cost_rows(evidence: Record) -> Record | None:
    """What cells cost, one group a budget, and the scale of their bars: the whole pool may be broken off."""
    rows = [(f"costs.{i}", c) for i, c in enumerate(evidence.get("costs") or [])]
    if not rows:
        return None
    sizes = {path: sum(c.get(f"{part}_cpu") or 0 for part in PARTS) for path, c in rows}
    others = [sizes[path] for path, c in rows if c.get("method") != "full"]
    top = max(sizes.values())
    broken = top / max(others) if others and max(others) > 0 and top > 3 * max(others) else None
    scale = 1.15 * max(others) if broken else top
    groups: dict[str, list[Record]] = {}
    order = best_first(evidence)
    for path, c in sorted(rows, key=lambda row: order.get(str(row[1].get("method")), len(order))):
        bar = curves.stack([(part, c.get(f"{part}_cpu") or 0) for part in PARTS], scale or 1)
        clock = sum(c.get(f"{part}_seconds") or 0 for part in PARTS if part != "test")
        groups.setdefault(str(c.get("budget")), []).append({"path": path, "c": c, "bar": bar, "clock": clock})
    asked = [str(b.get("asked")) for b in evidence.get("budgets") or []]
    groups = {key: groups[key] for key in sorted(groups, key=lambda b: asked.index(b) if b in asked else len(asked))}
    has = {key: any(c.get(key) for _, c in rows) for key in ("tokens_seen", "steps", "measure_cpu", "peak_mb")}
    unit, form = costs_unit(evidence)
    return {"groups": groups, "broken": broken, "has": has, "unit": unit, "form": form}


def reach_rows(evidence: Record, styles: Styles) -> Record | None:
    """What it cost each method to reach a level; seeds that did not are an arrow, never a number."""
    reach = evidence.get("reach") or {}
    methods = reach.get("methods") or []
    costs = [v for m in methods for v in (m.get("cost"), m.get("censored_above")) if v]
    if not costs:
        return None
    axis, order = Axis(min(costs) / 1.3, max(costs) * 1.6, log=True), best_first(evidence)
    rows = []
    for i, m in sorted(enumerate(methods), key=lambda one: order.get(str(one[1].get("method")), len(order))):
        seeds, reached = m.get("seeds") or 0, m.get("reached") or 0
        cost = m.get("cost") if reached and 2 * reached >= seeds else None
        plot = curves.reached(styles[str(m.get("method"))], cost, m.get("censored_above"), axis)
        rows.append({"path": f"reach.methods.{i}", "m": m, "missed": seeds - reached, "told": cost, "plot": plot})
    none = not any(m.get("reached") for m in methods)
    foot, title = curves.foot(axis, curves.seconds), _reach_title(reach)
    return {"rows": rows, "foot": foot, "none": none, "reach": reach, "title": title}


def _reach_title(reach: Record) -> str:
    """What is reached, as a heading: "Cost to reach 95 % of the whole pool's accuracy"."""
    name = str(reach.get("metric"))
    words = str(reach.get("says") or "a level").replace(name, metric_words(name))
    return f"Cost to reach {words}"

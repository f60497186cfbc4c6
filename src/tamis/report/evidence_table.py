"""`table.md` of a study: its answer, its verdicts and its costs as Markdown."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tamis.report.evidence_answer import answer
from tamis.report.evidence_words import (
    COST,
    ROWS,
    best_first,
    budget_words,
    costs_unit,
    fixed,
    lucky,
    metric_words,
    places_of,
)
from tamis.report.words import amount, harmless, plural, size

Record = Mapping[str, Any]

_PARTS = ("select", "measure", "train", "test", "total")
_NAMES = {"total": "Total cost"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def markdown(evidence: Mapping[str, Any]) -> str:
    """The evidence in Markdown: title, answer, what to do next, verdicts, costs, and how it was judged.

    Equal evidence gives equal text. Names and texts are escaped, so that none of them can act as Markdown or HTML.

    Args:
        evidence: what a study asked, measured and concluded, as in `verdicts.json`.
    """
    said = answer(evidence)
    parts = [
        f"# {plain(''.join(said.headline))}",
        " ".join(map(plain, [*_compared(evidence), *said.sure])),
        "\n".join(f"- {plain(line)}" for line in said.advice),
        _verdicts(evidence),
        _costs(evidence),
        _JUDGED if evidence.get("verdicts") else "",
        _command(evidence),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: Any) -> str:
    """Text on one line in which nothing acts as Markdown or HTML, and hidden characters are spelled out."""
    return _SPECIAL.sub(r"\\\1", " ".join(harmless(str(text)).split())).replace("&", "&amp;")


def _compared(evidence: Record) -> list[str]:
    """What was compared, in a sentence."""
    pool, task, seeds = (evidence.get(key) or {} for key in ("pool", "task", "seeds"))
    what = str(task.get("says") or task.get("name") or "")
    where = f"{evidence.get('name') or 'the pool'}"
    if pool.get("rows") is not None:
        where += f", {amount(pool['rows'])} rows"
    count = f", {len(seeds)} {plural(len(seeds), 'seed')}" if seeds else ""
    return [f"On {where}{count}; each choice was judged by {what}." if what else f"On {where}{count}."]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """A Markdown table whose first columns stand to the left and whose others stand to the right."""
    lines = [head, ["---" if i < left else "---:" for i in range(len(head))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _verdicts(evidence: Record) -> str:
    """One line a method, budget and metric: both comparisons side by side; baselines last."""
    lines: dict[tuple[str, str, str, bool], dict[str, Record]] = {}
    for v in evidence.get("verdicts") or []:
        key = (str(v.get("metric")), str(v.get("method")), str(v.get("budget")), bool(v.get("automatic")))
        lines.setdefault(key, {})[str(v.get("comparison"))] = v
    if not lines:
        return ""
    several = len({metric for metric, *_ in lines}) > 1
    rows, order = [], best_first(evidence)
    ranked = sorted(lines.items(), key=lambda line: (line[0][3], order.get(line[0][1], len(order))))
    for (metric, method, budget, automatic), pair in ranked:
        n = places_of(evidence, metric)
        rows.append(
            [f"{plain(method)} (baseline)" if automatic else plain(method), plain(budget_words(budget))]
            + ([plain(metric_words(metric))] if several else [])
            + [part for key in (ROWS, COST) for part in _pair(pair.get(key) or {}, n)]
        )
    head = ["Method", "Budget", *(["Metric"] if several else [])]
    head += ["Equal budget", "Difference (95 % interval)", "Equal total cost", "Difference (95 % interval)"]
    return _table(head, rows, len(head))


def _pair(verdict: Record, n: int) -> list[str]:
    """The verdict, and its difference with the interval."""
    if verdict.get("difference") is None:
        return [plain(verdict.get("verdict") or "–"), "–"]
    word = plain(verdict.get("verdict") or "–") + (", not certain (one choice)" if lucky(verdict) else "")
    text = fixed(verdict["difference"], n, sign=True)
    if verdict.get("low") is not None and verdict.get("high") is not None:
        text += f" ({fixed(verdict['low'], n)} to {fixed(verdict['high'], n)})"
    return [word, text]


def _costs(evidence: Record) -> str:
    """One line a method and budget: processor seconds by part, memory, and what training saw."""
    costs = evidence.get("costs") or []
    if not costs:
        return ""
    unit, form = costs_unit(evidence)
    tokens = any(c.get("tokens_seen") for c in costs)
    parts = [part for part in _PARTS if part != "measure" or any(c.get("measure_cpu") for c in costs)]
    rows = []
    for c in costs:
        name = "whole pool" if c.get("method") == "full" else plain(c.get("method"))
        times = [_time(c.get(f"{part}_cpu"), form) for part in parts]
        row = [name, plain(budget_words(c.get("budget"))), *times]
        row += [size(c["peak_mb"] * 1e6) if c.get("peak_mb") is not None else "–", _count(c.get("rows_seen"))]
        rows.append(row + ([_count(c.get("tokens_seen"))] if tokens else []))
    head = ["Method", "Budget", *(f"{_NAMES.get(part, part.capitalize())}, {unit}" for part in parts), "Peak memory"]
    return _table([*head, "Rows seen", *(["Tokens seen"] if tokens else [])], rows, 2)


def _time(value: float | None, form: Callable[[float], str]) -> str:
    return "–" if value is None else form(value).replace("<", "&lt;")


def _count(value: float | None) -> str:
    return "–" if value is None else amount(value)


_JUDGED = (
    "Differences from random, positive is better, paired by seed; 95 % intervals from the t distribution; verdicts "
    "after Holm’s correction over methods at 5 %.\n"
    "At equal total cost random is given more, or fewer steps beside what takes fewer, until its processor seconds of "
    "select, measure and train are as many; the total cost leaves out testing, which is the same for all."
)


def _command(evidence: Record) -> str:
    command = " ".join(harmless(str(evidence.get("command") or "")).split())
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", command)), default=0))
    return f"{fence}\n{command}\n{fence}" if command else ""

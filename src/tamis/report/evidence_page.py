"""`report.html` of a study: from its evidence to one HTML document, pure, nothing loaded from elsewhere."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from markupsafe import Markup

from tamis.report import curves
from tamis.report.evidence_answer import answer
from tamis.report.evidence_contrary import beside_the_verdicts
from tamis.report.evidence_parts import Record, Styles, cost_rows, panels, reach_rows, styles_of, verdict_tables
from tamis.report.evidence_within import effect_tables, effects_title, kept_parts, part
from tamis.report.evidence_words import SAME_COST, best_first, budget_words, luck, lucky, metric_words, seeds_words
from tamis.report.page import environment
from tamis.report.words import amount, hook, label, plural

_MOST_VALUES = 250
_MOST_FAILED = 20
_DEFAULTS = {"holdout": "20%", "overlap": "refuse", "duplicates": "drop", "full": True, "examples": True}
"""Options of a study that say nothing new where they have these values."""


def render(evidence: Mapping[str, Any]) -> str:
    """The report of a study as a complete HTML document; parts that are missing or empty are left out.

    The answer comes first: which method is better than random, how sure that is, and what to do next. Numbers carry
    `data-name`, the path of the value in the evidence (`verdicts.0.difference`), and `data-value`, the value itself.
    Every value is escaped, and characters that hide or reorder text are spelled out.

    Args:
        evidence: what a study asked, measured and concluded, as in `verdicts.json`.
    """
    styles = styles_of(evidence)
    said = answer(evidence)
    tables, baselines = verdict_tables(evidence, styles)
    task, pool = evidence.get("task") or {}, evidence.get("pool") or {}
    effects = effect_tables(evidence, styles)
    template = environment().get_template("evidence.html.jinja")
    return template.render(
        e=evidence,
        task=task,
        pool=pool,
        said=said,
        tables=tables,
        baselines=baselines,
        panels=panels(evidence, styles),
        costs=cost_rows(evidence),
        reach=reach_rows(evidence, styles),
        effects=effects,
        effects_title=effects_title(effects),
        methods=_methods(evidence),
        options=_options(evidence),
        machine=_machine(evidence),
        contrary=beside_the_verdicts(evidence),
        kept=kept_parts(evidence, styles, said.lead),
        values=_values(evidence),
        most_failed=_MOST_FAILED,
        n=partial(_number, evidence),
        named=partial(_named, styles),
        key=curves.key,
        style=curves.Style,
        luck=luck,
        lucky=lucky,
        same_cost=SAME_COST,
        seeds_words=seeds_words,
        part=part,
        budget=budget_words,
        metric=metric_words,
        sub=partial(_sub, styles),
        tight=tight,
    )


def tight(text: str) -> str:
    """A sentence whose numbers stay with their units where the line wraps."""
    return re.sub(r"(?<=\d) (?=(?:%|ms|s|min|h)(?!\w))|(?<= p) (?== )|(?<= p =) (?=\d)", "\u00a0", text)


def _number(evidence: Record, path: str, form: Any = amount) -> Markup:
    value: Any = evidence
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list | tuple) else (value or {}).get(step)
    return Markup("") if value is None else hook(path, value, form(value))


def _named(styles: Styles, name: Any) -> Markup:
    """A method's name behind its marker."""
    shown = "whole pool" if name == "full" else name
    return Markup('<span class="named">{}{}</span>').format(curves.key(styles[str(name)]), label(shown, 60))


def _sub(styles: Styles, name: Any) -> str:
    return styles[str(name)].kind


def _values(evidence: Record) -> list[tuple[str, Record]]:
    """Points of all curves with their paths, as far as a page should hold them."""
    return [(f"curves.{i}", c) for i, c in enumerate(evidence.get("curves") or [])][:_MOST_VALUES]


def _methods(evidence: Record) -> list[Record]:
    """All that was compared, the best first."""
    order = best_first(evidence)
    return sorted(evidence.get("methods") or [], key=lambda m: order.get(str(m.get("name")), len(order)))


def _machine(evidence: Record) -> str:
    """What the times were measured on: processor and cores."""
    machine: Record = evidence.get("machine") or {}
    named, cores = machine.get("processor"), machine.get("cores") or 0
    return ", ".join([str(named)] * bool(named) + [f"{cores} {plural(cores, 'core')}"] * bool(cores))


def _options(evidence: Record) -> dict[str, Any]:
    """Options of the request that say something: not empty, and not as they are where nobody names them."""
    found: dict[str, Any] = {}
    for name, value in (evidence.get("request") or {}).items():
        if value is None or value is False or value in ("", [], {}) or _DEFAULTS.get(name) == value:
            continue
        if isinstance(value, list):
            value = [str(one.get("name", one)) if isinstance(one, Mapping) else one for one in value]
        elif isinstance(value, Mapping):
            value = [f"{key}={inner}" for key, inner in value.items()]
        found[name] = value
    return found

"""The answer of a study in words: which method is better, and how sure that is. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tamis.report.evidence_advice import advice
from tamis.report.evidence_words import (
    STANDINGS,
    Cell,
    Record,
    budget_words,
    budgets_said,
    cells_of,
    fixed,
    luck,
    main_metric,
    metric_words,
    names_of,
    where,
)
from tamis.report.words import listing, plural


class Answer(NamedTuple):
    """The answer of a study: a headline whose middle part is stressed, how sure it is, and what to do next.

    `lead` is the method and budget that the answer is about, None where no method was compared, and `standing` how it
    stands, one of `STANDINGS`.
    """

    headline: tuple[str, str, str]
    sure: list[str]
    advice: list[str]
    lead: tuple[str, str] | None
    standing: str


def answer(evidence: Record) -> Answer:
    """The answer to "which is better, how sure, what next", from the verdicts on the first headline metric.

    Baselines that the bench added by itself are judged only where nothing else was compared.
    """
    metric = main_metric(evidence)
    cells = cells_of(evidence, metric)
    ranked = sorted(cells, key=lambda cell: (STANDINGS.index(cell.standing), -cell.gain))
    lead = _lead(ranked)
    return Answer(
        _headline(ranked, evidence),
        _sure(lead, cells, evidence),
        advice(ranked, evidence),
        (lead.method, lead.budget) if lead else None,
        lead.standing if lead else "none",
    )


def _lead(ranked: Sequence[Cell]) -> Cell | None:
    """The cell that the answer is about: the best one, or where a single method only loses, where it does."""
    if ranked and ranked[0].standing in ("none", "dear") and len(names_of(ranked)) == 1:
        return next((c for c in ranked if c.standing == "worse"), ranked[0])
    return ranked[0] if ranked else None


def _headline(ranked: Sequence[Cell], evidence: Record) -> tuple[str, str, str]:
    if not ranked:
        return "", "No verdict", ": nothing was compared with random"
    if all(c.rows.get("verdict") is None and c.cost.get("verdict") is None for c in ranked):
        return "", "No verdict", " could be reached"
    by = {key: [c for c in ranked if c.standing == key] for key in STANDINGS}
    among, names = _in_metric(evidence), names_of(ranked)
    if by["holds"] or by["rows"]:
        return _gain(by, len(names), among, evidence)
    worse = names_of(by["worse"])
    if len(names) > 1:
        if len(worse) == len(names):
            return "", "Every method is worse", f" than random{among}"
        tail = f"; {listing(worse)} {plural(len(worse), 'is', 'are')} worse" if 0 < len(worse) <= 3 else ""
        return "", "No method", f" was found to be better than random{among}{tail}"
    if worse:
        return f"{worse[0]} is ", "worse than random", f"{among} at {budgets_said(by['worse'], evidence)}"
    if by["dear"]:
        return "", "No gain", f" from {names[0]} at equal budget{among}, and worse than random at equal total cost"
    return "", "No difference", f" between {names[0]} and random was found{among}"


def _gain(by: Mapping[str, Sequence[Cell]], total: int, among: str, evidence: Record) -> tuple[str, str, str]:
    """The headline where a method gains: at equal total cost, or else at equal budget only."""
    cells = by["holds"] or by["rows"]
    names = names_of(cells)
    who = listing(names) if len(names) <= 3 else f"{len(names)} of {total} methods"
    before = f"{who} {plural(len(names), 'is', 'are')} "
    at = f" at {budgets_said(cells, evidence)}" if len(names) == 1 else ""
    if by["holds"]:
        most = f"; {names[0]} gained most" if len(names) > 3 else ""
        return before, "better than random", among + at + most
    if any(c.cost.get("verdict") for c in cells):
        return before, "better than random", f"{among} at equal budget, but not at equal total cost"
    return before, "better than random", f"{among}{at}, at equal budget"


def _in_metric(evidence: Record) -> str:
    """Which metric the headline is about, where several get verdicts."""
    several = len({v.get("metric") for v in evidence.get("verdicts") or []}) > 1
    return f" in {metric_words(main_metric(evidence))}" if several else ""


def _sure(lead: Cell | None, cells: Sequence[Cell], evidence: Record) -> list[str]:
    """How sure the headline is: means, difference and interval of the lead, or what would have been seen."""
    if lead is None:
        return []
    said = []
    metric = metric_words(main_metric(evidence))
    if lead.standing in ("holds", "rows", "worse"):
        said.append(_measured(lead, metric))
    if lead.standing in ("none", "dear", "worse"):
        said += _unseen([c.rows for c in cells if c.standing in ("none", "dear")], metric, lead.places)
    return said + _elsewhere(evidence)


def _measured(lead: Cell, metric: str) -> str:
    """Means, difference, interval and p of the lead, and what remains of it at equal total cost."""
    main, n = lead.rows or lead.cost, lead.places
    text = f"At {budget_words(lead.budget)}"
    if main.get("mean") is not None and main.get("random_mean") is not None:
        text += f", {lead.method} has {metric} {fixed(main['mean'], n)}, random {fixed(main['random_mean'], n)}:"
    text += f" {_by(main, n)} ({_interval(main, n)}, {_seeds(main)})."
    if main.get("p_holm") is not None and main.get("verdict") in ("better", "worse"):
        over = f", corrected for {main['family']} methods" if (main.get("family") or 0) > 1 else ""
        text += f" Chance alone would rarely show that: p = {_p(main['p_holm'])}{over}."
    if often := luck(main):
        which = "the" if main["same_rows"] > 0.999 else "mostly the"
        text += f" But it keeps {which} same rows for every seed, so this is about one choice: {often}."
    return text + (_at_equal_cost(lead) if main is not lead.cost else "")


def _at_equal_cost(lead: Cell) -> str:
    if (lead.cost.get("control") or {}).get("same"):
        return f" {lead.method} costs no more than random, so the same holds at equal total cost."
    if lead.cost.get("difference") is None:
        return ""
    found = f"{_by(lead.cost, lead.places)} ({_interval(lead.cost, lead.places)})"
    none = ": no difference" if lead.cost.get("verdict") == "no difference" else ""
    return f" When random may spend as much in total, {lead.method} is {found}{none}."


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 0.0001 else "less than 0.0001"


def _by(verdict: Record, n: int) -> str:
    gap = verdict.get("difference") or 0.0
    return f"{'worse' if gap < 0 else 'better'} by {fixed(abs(gap), n)}"


def _interval(verdict: Record, n: int) -> str:
    return f"95 % interval of the difference {fixed(verdict.get('low'), n)} to {fixed(verdict.get('high'), n)}"


def _seeds(verdict: Record) -> str:
    return f"{verdict.get('seeds')} {plural(verdict.get('seeds') or 0, 'seed')}"


def _unseen(verdicts: Sequence[Record], metric: str, n: int) -> list[str]:
    """The smallest differences that this many seeds would have shown."""
    seen = [v for v in verdicts if v.get("detectable") is not None]
    if not seen:
        return []
    low, high = (fixed(f(v["detectable"] for v in seen), n) for f in (min, max))
    size = low if low == high else f"{low} to {high}, depending on method and budget,"
    return [
        f"With {_seeds(seen[0])}, a difference of {size} in {metric} would have shown with 80 % probability; "
        "smaller ones may exist unseen."
    ]


_ELSEWHERE = {
    "holds": "better than random",
    "rows": "better at equal budget only",
    "dear": "worse at equal total cost",
    "worse": "worse than random",
}


def _elsewhere(evidence: Record) -> list[str]:
    """What the other metrics say, one sentence a metric."""
    said = []
    metrics = dict.fromkeys(v.get("metric") for v in evidence.get("verdicts") or [])
    for metric in list(metrics):
        if metric == main_metric(evidence):
            continue
        parts = []
        for standing, words in _ELSEWHERE.items():
            if found := [c for c in cells_of(evidence, str(metric)) if c.standing == standing]:
                parts.append(f"{words}: {where(found, evidence)}")
        said.append(f"In {metric_words(metric)}, " + ("; ".join(parts) or "no difference from random was found") + ".")
    return said

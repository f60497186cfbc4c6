"""The answer of a study in words: which method is better, and how sure that is. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tamis.report.evidence_advice import advice
from tamis.report.evidence_contrary import beside_the_lead
from tamis.report.evidence_words import (
    SAME_COST,
    STANDINGS,
    Cell,
    Record,
    about,
    budgets_said,
    cells_of,
    fixed,
    kept_words,
    luck,
    main_metric,
    metric_words,
    names_of,
    ranked_cells,
    where,
)
from tamis.report.words import listing, plural

GAINS = ("holds", "rows", "luck")


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
    ranked = ranked_cells(evidence)
    lead = _lead(ranked)
    return Answer(
        _headline(ranked, evidence),
        _sure(lead, ranked, evidence),
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
    if by["luck"]:
        ahead = names_of(by["luck"])
        who = listing(ahead) if len(ahead) <= 3 else f"{len(ahead)} of {len(names)} methods"
        return "It is ", "not certain", f" that {who} {plural(len(ahead), 'is', 'are')} better than random{among}"
    if len(names) > 1:
        if len(worse) == len(names):
            everywhere = len(by["worse"]) == len(ranked)
            return "", "Every method is worse", f" than random{among}{'' if everywhere else ' at some budgets'}"
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
    at = _at(cells, names, by, evidence)
    if by["holds"]:
        most = f"; {names[0]} gained most" if len(names) > 3 else ""
        return before, "better than random", among + at + most
    if any(c.cost.get("verdict") for c in cells):
        return before, "better than random", f"{among} at equal budget, but not at equal total cost"
    return before, "better than random", f"{among}{at}, at equal budget"


def _at(cells: Sequence[Cell], names: Sequence[str], by: Mapping[str, Sequence[Cell]], evidence: Record) -> str:
    """At which budgets the headline holds, and at which it is luck perhaps."""
    if len(names) == 1:
        open_ = [c for c in by["luck"] if c.method == names[0]]
        tail = f"; at {budgets_said(open_, evidence)} it is not certain" if open_ else ""
        return f" at {budgets_said(cells, evidence)}{tail}"
    every = [c for part in by.values() for c in part if c.method in names]
    return "" if len(every) == len(cells) else " at some budgets"


def _in_metric(evidence: Record) -> str:
    """Which metric the headline is about, where several get verdicts."""
    several = len({v.get("metric") for v in evidence.get("verdicts") or []}) > 1
    return f" in {metric_words(main_metric(evidence))}" if several else ""


def _sure(lead: Cell | None, cells: Sequence[Cell], evidence: Record) -> list[str]:
    """How sure the headline is: means, difference and interval of the lead, or what could have been seen."""
    if lead is None:
        return []
    said = []
    metric = metric_words(main_metric(evidence))
    if lead.standing in (*GAINS, "worse"):
        said += [_measured(lead, metric, evidence), _chance(lead, evidence), _instead(lead)]
    if lead.standing in ("none", "dear", "worse"):
        said += _unseen([c.rows for c in cells if c.standing in ("none", "dear")], metric, lead.places)
    said = [line for line in said + beside_the_lead(lead, evidence) + _elsewhere(lead, evidence) if line]
    return [f"{_question(evidence)} {said[0]}", *said[1:]] if said else []


def _question(evidence: Record) -> str:
    """What the study asks: which rows to train on."""
    paths = (evidence.get("pool") or {}).get("paths") or []
    name = str(paths[0]) if len(paths) == 1 else str(evidence.get("name") or "the pool")
    return f"Which rows of {name.rsplit('/', 1)[-1] if name.startswith('/') else name} to train on?"


def _measured(lead: Cell, metric: str, evidence: Record) -> str:
    """Means, difference and interval of the lead."""
    main, n = lead.rows or lead.cost, lead.places
    text = f"Keeping {kept_words(lead.budget, evidence)}"
    if main.get("mean") is not None and main.get("random_mean") is not None:
        text += f", {lead.method} has {metric} {fixed(main['mean'], n)}, random {fixed(main['random_mean'], n)}:"
    else:
        text += f", {lead.method} is"
    return f"{text} {_by(main, n)} ({_interval(main, n)}, {_seeds(main)})."


def _chance(lead: Cell, evidence: Record) -> str:
    """How easily chance would show the same: p, and how many random choices would match one choice."""
    main, said = lead.rows or lead.cost, []
    if main.get("p_holm") is not None and main.get("verdict") in ("better", "worse"):
        family, several = main.get("family") or 0, len(evidence.get("budgets") or []) > 1
        over = f", corrected for {family} methods" if family > 1 else ""
        over += ", not for several budgets" if over and several else ""
        said.append(f"Chance alone would rarely show that: p {_p(main['p_holm'])}{over}.")
    if often := luck(main):
        which = "the" if main["same_rows"] > 0.999 else "mostly the"
        but = "But it" if said else "It"
        said.append(f"{but} keeps {which} same rows for every seed, so this is about one choice: {often}.")
    return " ".join(said)


def _instead(lead: Cell) -> str:
    """With how many rows random does as well, and what remains of the gain at equal total cost."""
    rows, said = lead.rows.get("random_rows"), []
    if rows is not None and lead.rows.get("verdict") in ("better", "worse"):
        said.append(f"Random does as well with {about(rows)} rows.")
    if lead.rows and (control := lead.cost.get("control") or {}).get("same"):
        none = (control.get("cost_ratio") or 0) >= 1
        spends = "no more than random" if none else SAME_COST
        said.append(f"{lead.method} costs {spends}, so the same holds at equal total cost.")
    elif lead.rows and lead.cost.get("difference") is not None:
        found = f"{_by(lead.cost, lead.places)} ({_interval(lead.cost, lead.places)})"
        none = ": no difference" if lead.cost.get("verdict") == "no difference" else ""
        said.append(f"When random gets the same total cost, {lead.method} is {found}{none}.")
    return " ".join(said)


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 0.0001 else "< 0.0001"


def _by(verdict: Record, n: int) -> str:
    gap = verdict.get("difference") or 0.0
    return f"{'worse' if gap < 0 else 'better'} by {fixed(abs(gap), n)}"


def _interval(verdict: Record, n: int) -> str:
    return f"95 % interval of the difference {fixed(verdict.get('low'), n)} to {fixed(verdict.get('high'), n)}"


def _seeds(verdict: Record) -> str:
    return f"{verdict.get('seeds')} {plural(verdict.get('seeds') or 0, 'seed')}"


def _unseen(verdicts: Sequence[Record], metric: str, n: int) -> list[str]:
    """The smallest differences that this many seeds could show."""
    seen = [v for v in verdicts if v.get("detectable") is not None]
    if not seen:
        return []
    low, high = (fixed(f(v["detectable"] for v in seen), n) for f in (min, max))
    size = low if low == high else f"{low} to {high}, depending on method and budget"
    return [
        f"The smallest difference in {metric} that {_seeds(seen[0])} could show, with 80 % probability: {size}. "
        "Smaller ones may exist unseen."
    ]


_ELSEWHERE = {
    "holds": "better than random",
    "rows": "better at equal budget only",
    "luck": "perhaps better",
    "dear": "worse at equal total cost",
    "worse": "worse than random",
}


def _elsewhere(lead: Cell, evidence: Record) -> list[str]:
    """What the other metrics with verdicts say, one sentence a metric; "but" where one speaks against the lead."""
    said = []
    metrics = dict.fromkeys(v.get("metric") for v in evidence.get("verdicts") or [])
    for metric in list(metrics):
        if metric == main_metric(evidence):
            continue
        cells, parts = cells_of(evidence, str(metric)), []
        for standing, words in _ELSEWHERE.items():
            if found := [c for c in cells if c.standing == standing]:
                parts.append(f"{words}: {where(found, evidence)}")
        against = lead.standing in GAINS and any(c.method == lead.method and c.standing == "worse" for c in cells)
        start = "But in" if against else "In"
        none = "no difference from random was found"
        said.append(f"{start} {metric_words(metric)}, " + ("; ".join(parts) or none) + ".")
    return said

"""Where another metric says the opposite of the one that decides. Pure functions."""

from collections.abc import Iterable, Sequence

from tamis.report.evidence_words import (
    ROWS,
    Cell,
    Record,
    budget_words,
    cells_of,
    fixed,
    main_metric,
    metric_words,
    places,
)

_OPPOSITE = {"holds": "worse", "rows": "worse", "luck": "worse", "worse": "better"}
_MOST = 4


def beside_the_lead(lead: Cell, evidence: Record) -> list[str]:
    """What metrics without a verdict hold against the lead: "But log loss is worse: 1.18 against 1.06."."""
    cells = cells_of(evidence, main_metric(evidence))
    own = [c for c in cells if c.method == lead.method and c.standing == lead.standing]
    said = []
    for metric, word, found in _contrary(own, evidence):
        only = len(found) == 1 and found[0].get("budget") == lead.budget
        means = _means(found[0], evidence) if only else _listed(found, evidence, named=False)
        said.append(f"{metric_words(metric)} is {word}{': ' if only else ' '}{means}")
    return _but(said)


def beside_the_verdicts(evidence: Record) -> list[str]:
    """The same for every method that has a verdict, in a sentence."""
    cells = cells_of(evidence, main_metric(evidence))
    return _but(
        f"{metric_words(metric)} is {word} for {_listed(found, evidence, named=True)}"
        for metric, word, found in _contrary(cells, evidence)
    )


def _but(clauses: Iterable[str]) -> list[str]:
    text = "; ".join(clauses)
    return [f"But {text}."] if text else []


def _contrary(cells: Sequence[Cell], evidence: Record) -> list[tuple[str, str, list[Record]]]:
    """Metric, word and entries that contradict the standing of their cells."""
    wanted = {(c.method, c.budget): _OPPOSITE.get(c.standing) for c in cells}
    found: dict[tuple[str, str], list[Record]] = {}
    for v in evidence.get("others") or []:
        word = wanted.get((str(v.get("method")), str(v.get("budget"))))
        if word and v.get("verdict") == word and v.get("comparison", ROWS) == ROWS and not v.get("automatic"):
            found.setdefault((str(v.get("metric")), word), []).append(v)
    return [(metric, word, members) for (metric, word), members in found.items()]


def _listed(found: Sequence[Record], evidence: Record, named: bool) -> str:
    parts = []
    for v in found[:_MOST]:
        who = f"{v.get('method')} " if named else ""
        means = _means(v, evidence)
        parts.append(f"{who}at {budget_words(v.get('budget'))}" + (f" ({means})" if means else ""))
    if len(found) > _MOST:
        parts.append(f"{len(found) - _MOST} more")
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _means(v: Record, evidence: Record) -> str:
    """The means of the method and of random."""
    n = places(o for o in evidence.get("others") or [] if o.get("metric") == v.get("metric"))
    if v.get("mean") is None or v.get("random_mean") is None:
        return f"by {fixed(abs(v.get('difference') or 0.0), n)}"
    return f"{fixed(v['mean'], n)} against {fixed(v['random_mean'], n)}"

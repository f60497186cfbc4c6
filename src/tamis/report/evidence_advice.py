"""What to do next, from the verdicts of a study. Pure functions."""

from collections.abc import Sequence

from tamis.report.evidence_words import (
    ROWS,
    STANDINGS,
    Cell,
    Record,
    about,
    budget_words,
    budgets_said,
    fixed,
    higher_is_better,
    luck,
    lucky,
    main_metric,
    metric_words,
    names_of,
    seeds_words,
    where,
)
from tamis.report.words import duration, listing, plural, sentence, tick

FEW_SEEDS = 5
MANY_SEEDS = 200
MOST_WARNINGS = 3


def advice(ranked: Sequence[Cell], evidence: Record) -> list[str]:
    """What to do next, the most important first."""
    if not ranked:
        return ["Name methods to compare with random: --methods random,METHOD."]
    return [
        *_use(ranked, evidence),
        *_baseline(ranked[0], evidence),
        *_whole_pool(ranked[0], evidence),
        *_trust(evidence),
    ]


def _use(ranked: Sequence[Cell], evidence: Record) -> list[str]:
    """Which method to use where, which not, and why."""
    by = {key: [c for c in ranked if c.standing == key] for key in STANDINGS}
    held = names_of(by["holds"])
    said = _best(by["holds"], evidence)
    maybe = [c for c in by["luck"] if c.cost.get("verdict") in (None, "better")]
    if spent := [c for c in [*by["rows"], *by["luck"]] if c.cost.get("verdict") and c not in maybe]:
        said += _gone(spent, bool(held), evidence)
    if open_ := [c for c in by["rows"] if not c.cost.get("verdict")]:
        said.append(
            f"Use {where(open_, evidence, 'or')} if rows are what you pay for; at equal total cost there is no verdict."
        )
    if not said:
        gain = "certain gain" if maybe else "gain"
        said += [f"Keep random: no method showed a {gain} here.", *(_more_seeds(ranked) if not maybe else [])]
    said += _perhaps(maybe)
    said += _nothing(by["none"], ranked, evidence) if len(by["none"]) < len(ranked) else []
    if by["dear"]:
        said.append(
            f"{where(by['dear'], evidence)}: no gain at equal budget, and worse when random gets the same total cost."
        )
    if by["worse"]:
        said.append(f"Do not use {where(by['worse'], evidence, 'or')}: worse than random.")
    return said


def _best(cells: Sequence[Cell], evidence: Record) -> list[str]:
    """The method that gained most at equal total cost, where random would match it, and the others that gained."""
    if not cells:
        return []
    best, *rest = names_of(cells)
    own = [c for c in cells if c.method == best]
    said = [
        f"Use {best} at {budgets_said(own, evidence, 'or')}: it is better than random there, even when random gets the "
        "same total cost."
    ]
    matched = [c for c in own if c.rows.get("random_rows") is not None and c.rows.get("verdict") == "better"]
    if matched:
        parts = [f"{about(c.rows['random_rows'])} rows for {budget_words(c.budget)}" for c in matched[:3]]
        said.append(f"Where rows are cheap, random does as well with more of them: {listing(parts)}.")
    if rest:
        said.append(
            f"{listing(rest)} {plural(len(rest), 'is', 'are')} better than random too. Methods were compared with "
            "random, not with each other: the order among them is not tested."
        )
    return said


def _perhaps(cells: Sequence[Cell]) -> list[str]:
    """Gains that may be the luck of one choice."""
    found = [(c, luck(c.rows if lucky(c.rows) else c.cost)) for c in cells]
    if len(found) > 1:
        parts = [f"{c.method} at {budget_words(c.budget)} ({often.split(' (')[0]})" for c, often in found[:4]]
        more = f" and {len(found) - 4} more" if len(found) > 4 else ""
        return [f"Not certain, since one choice stands for all seeds: {', '.join(parts)}{more}."]
    return [
        f"{c.method} at {budget_words(c.budget)} is not certain: it keeps the same rows for every seed, or nearly so, "
        f"and {often}."
        for c, often in found
    ]


def _nothing(cells: Sequence[Cell], ranked: Sequence[Cell], evidence: Record) -> list[str]:
    """Methods that made no difference, everywhere or at some budgets, beside others that did."""
    names = names_of(cells)
    never = [name for name in names if all(c.standing == "none" for c in ranked if c.method == name)]
    said = [f"{listing(never)}: no difference was found; no reason to use {plural(len(never), 'it', 'them')}."] * bool(
        never
    )
    if some := [c for c in cells if c.method not in never]:
        said.append(f"No difference was found for {where(some, evidence)}: there random will do.")
    return said


def _gone(cells: Sequence[Cell], others: bool, evidence: Record) -> list[str]:
    """Gains at equal budget that do not hold at equal total cost, where `others` do or where nothing does."""
    unless = "unless rows are what you pay for (labels, storage) or one selection serves many trainings"
    if all((c.cost.get("control") or {}).get("exhausted") for c in cells):
        why = "choosing costs more than training on the whole pool"
    elif all((c.cost.get("difference") or 0) <= (c.rows.get("difference") or 0) / 2 for c in cells):
        why = "the gain is gone when random gets the same total cost"
    else:
        why = "the gain is no longer certain when random gets the same total cost"
    if others:
        return [f"{where(cells, evidence)}: {why}. Not worth its cost, {unless}."]
    return [
        f"Keep random, {unless}: then use {where(cells, evidence, 'or')}.",
        f"{where(cells, evidence)}: {why}.",
    ]


def _more_seeds(ranked: Sequence[Cell]) -> list[str]:
    """How many seeds would show the difference that came closest."""
    ahead = [c.rows for c in ranked if c.standing in ("none", "dear") and (c.rows.get("difference") or 0) > 0]
    if not ahead:
        return ["No method came out ahead of random even on average: more seeds are unlikely to change that."]
    best = max(ahead, key=lambda v: v["difference"])
    needed, named, n = best.get("seeds_needed"), best.get("named"), ranked[0].places
    who = f"{best.get('method')} at {budget_words(best.get('budget'))}"
    closest = f"{who} came closest ({fixed(best['difference'], n, True)})"
    if not needed or named is None:
        return [f"{closest}; run more seeds to see whether that is real."]
    size = f"a difference of {tick(named)} with 80 % probability"
    if needed > MANY_SEEDS:
        return [f"{closest}. It would take {seeds_words(needed, ' of')} seeds to see {size}: too small to chase."]
    if needed <= (best.get("seeds") or 0):
        return [f"{closest}. {needed:,} seeds show {size}, and there were {best.get('seeds')}."]
    return [f"{closest}. Run {needed:,} seeds (--seeds {needed}) to see {size}."]


def _baseline(lead: Cell, evidence: Record) -> list[str]:
    """A baseline that gains as well tells where a gain may come from; one that gains alone is the better choice."""
    gains = lead.standing in ("holds", "rows")
    said = []
    for v in evidence.get("verdicts") or []:
        same = v.get("metric") == main_metric(evidence) and (v.get("budget") == lead.budget or not gains)
        if not (v.get("automatic") and same and v.get("comparison") == ROWS and v.get("verdict") == "better"):
            continue
        name, n = str(v.get("method")), lead.places
        by = f"by {fixed(v.get('difference'), n)} at {budget_words(v.get('budget'))}"
        if not gains:
            said.append(f"{name}, a baseline, is better than random {by}: it may be all that is needed.")
            continue
        cause = {"s": "the balance of classes", "l": "length"}.get(name[:1], "that")
        said.append(f"{name} is better than random too, {by}: part of the gain of {lead.method} may be {cause} alone.")
    return said


def _whole_pool(lead: Cell, evidence: Record) -> list[str]:
    """What training on everything gives for what it costs."""
    metric = main_metric(evidence)
    points: list[Record] = evidence.get("curves") or []
    full = next((c.get("mean") for c in points if c.get("method") == "full" and c.get("metric") == metric), None)
    costs = {(c.get("method"), c.get("budget")): c.get("total_cpu") for c in evidence.get("costs") or []}
    whole = next((c for (m, _), c in costs.items() if m == "full"), None)
    own, mean = costs.get((lead.method, lead.budget)), (lead.rows or lead.cost).get("mean")
    if lead.standing not in ("holds", "rows") or full is None or whole is None or own is None or mean is None:
        return []
    n = lead.places
    at = f"{lead.method} at {budget_words(lead.budget)}"
    sizes = f"{metric_words(metric)} {fixed(full, n)} for {duration(whole)} of processor time a run"
    against = f"{at} gives {fixed(mean, n)} for {duration(own)}"
    gap = (full - mean) * (1 if higher_is_better(evidence, metric) else -1)
    if gap <= 0:
        return [f"The whole pool is no better on average: {sizes}; {against}."]
    if whole <= own:
        return [f"Or train on the whole pool, which is better on average and costs less: {sizes}; {against}."]
    better = "more accurate" if metric == "accuracy" else f"better in {metric_words(metric)}"
    return [
        f"The whole pool is {fixed(gap, n)} {better} than {at} and costs {duration(whole - own)} more: choosing pays "
        "here if rows cost money or training takes long."
    ]


def _trust(evidence: Record) -> list[str]:
    said = []
    if 0 < len(evidence.get("seeds") or []) < FEW_SEEDS:
        count = len(evidence["seeds"])
        said.append(f"Run at least {FEW_SEEDS} seeds before you rely on this: {count} give wide intervals.")
    if broken := len(evidence.get("failed") or []):
        said.append(f"Look at the {broken} failed {plural(broken, 'run')} below: their seeds are missing here.")
    warnings = [str(w) for w in evidence.get("warnings") or []]
    said += [f"Mind: {sentence(w[:400])}" for w in warnings[:MOST_WARNINGS]]
    if (more := len(warnings) - MOST_WARNINGS) > 0:
        said.append(f"{more} more {plural(more, 'warning')} below.")
    return said

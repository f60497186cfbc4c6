"""What to do next, from the verdicts of a study. Pure functions."""

from collections.abc import Sequence

from tamis.report.evidence_words import (
    ROWS,
    STANDINGS,
    Cell,
    Record,
    budget_words,
    budgets_said,
    fixed,
    higher_is_better,
    luck,
    main_metric,
    metric_words,
    names_of,
    where,
)
from tamis.report.words import duration, listing, plural, tick

FEW_SEEDS = 5
MANY_SEEDS = 200
OFTEN = 0.05  # of random choices; where as many do as well as the one choice of a method, that one may be luck


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
    said = []
    by = {key: [c for c in ranked if c.standing == key] for key in STANDINGS}
    if by["holds"]:
        best = by["holds"][0].method
        own = [c for c in by["holds"] if c.method == best]
        said.append(
            f"Use {best} at {budgets_said(own, evidence, 'or')}: it is better than random there, also when "
            "random may spend as much in total."
        )
        rest = [m for m in names_of(by["holds"]) if m != best]
        if rest:
            said.append(
                f"{listing(rest)} {plural(len(rest), 'is', 'are')} better than random too. Methods were compared with "
                "random, not with each other: the order among them is not tested."
            )
        said += [_lucky(c) for c in own if luck(c.rows) and c.rows["as_good"] >= OFTEN]
    held = names_of(by["holds"])
    if spent := [c for c in by["rows"] if c.cost.get("verdict")]:
        said += _gone(spent, bool(held), evidence)
    if open_ := [c for c in by["rows"] if not c.cost.get("verdict")]:
        said.append(
            f"Use {where(open_, evidence, 'or')} if rows are what you pay for; at equal total cost there is no verdict."
        )
    if not by["holds"] and not by["rows"]:
        said += ["Keep random: no method showed a gain here.", *_more_seeds(ranked)]
    elif quiet := [c for c in by["none"] if c.method in held]:
        said.append(f"No difference was found for {where(quiet, evidence)}: there random will do.")
    if by["dear"]:
        said.append(f"{where(by['dear'], evidence)}: no gain at equal budget, and worse when random may spend as much.")
    if by["worse"]:
        said.append(f"Do not use {where(by['worse'], evidence, 'or')}: worse than random.")
    return said


def _lucky(cell: Cell) -> str:
    return (
        f"At {budget_words(cell.budget)} do not count on it: {cell.method} keeps the same rows for every seed, and "
        f"{luck(cell.rows)}."
    )


def _gone(cells: Sequence[Cell], others: bool, evidence: Record) -> list[str]:
    """Gains at equal budget that do not hold at equal total cost, where `others` do or where nothing does."""
    unless = "unless rows are what you pay for (labels, storage) or one selection serves many trainings"
    if all((c.cost.get("control") or {}).get("exhausted") for c in cells):
        why = "choosing costs more than training on the whole pool"
    elif all((c.cost.get("difference") or 0) <= (c.rows.get("difference") or 0) / 2 for c in cells):
        why = "the gain is gone when random may spend as much in total"
    else:
        why = "the gain is no longer certain when random may spend as much in total"
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
        return [f"{closest}. It would take {needed:,} seeds to see {size}: too small to chase."]
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
    sizes = f"{metric_words(metric)} {fixed(full, n)} for {duration(whole)} of processor time a run"
    against = f"{lead.method} at {budget_words(lead.budget)} gives {fixed(mean, n)} for {duration(own)}"
    gap = (full - mean) * (1 if higher_is_better(evidence, metric) else -1)
    if gap <= 0:
        return [f"The whole pool is no better on average: {sizes}; {against}."]
    if whole <= own:
        return [f"Or train on the whole pool, which is better on average and costs less: {sizes}; {against}."]
    return [f"The whole pool gives {sizes}; {against}. Choose where that saving matters."]


def _trust(evidence: Record) -> list[str]:
    said = []
    if 0 < len(evidence.get("seeds") or []) < FEW_SEEDS:
        count = len(evidence["seeds"])
        said.append(f"Run at least {FEW_SEEDS} seeds before you rely on this: {count} give wide intervals.")
    if broken := len(evidence.get("failed") or []):
        said.append(f"Look at the {broken} failed {plural(broken, 'cell')} below: their seeds are missing here.")
    return said

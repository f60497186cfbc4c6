"""Evidence as sentences need it: verdicts by method and budget, names, and numbers. Pure functions."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tamis.report.words import amount, listing, plural

Record = Mapping[str, Any]

STANDINGS = ("holds", "rows", "luck", "none", "dear", "worse")
ROWS = "equal budget"
COST = "equal total cost"
MOSTLY = 0.5  # above what share of rows in common, beyond chance, choices count as one choice
OFTEN = 0.05  # of random choices; where as many do as well as the one choice of a method, that one may be luck
SAME_COST = "as much as random, to within a tenth or 20 ms"


class Cell(NamedTuple):
    """The verdicts on one method at one budget: at equal budget and at equal total cost.

    `places` are those after the point with which its numbers are said.
    """

    method: str
    budget: str
    rows: Record
    cost: Record
    places: int = 3

    @property
    def standing(self) -> str:
        """How it stands against random, one of `STANDINGS`.

        It `holds` at equal total cost; gains for its `rows`, at equal budget only; is ahead by what may be `luck`, the
        luck of one choice; `none`; is `dear`, worse at equal total cost only; or `worse`.
        """
        rows, cost = ("luck" if lucky(v) else v.get("verdict") for v in (self.rows, self.cost))
        if rows in ("worse", "luck"):
            return str(rows)
        if cost == "better":
            return "holds"
        if rows == "better":
            return "rows"
        return {"luck": "luck", "worse": "dear"}.get(str(cost), "none")

    @property
    def gain(self) -> float:
        """The difference that counts: at equal total cost where there is one."""
        found = self.cost.get("difference") if self.standing == "holds" else self.rows.get("difference")
        return -math.inf if found is None else float(found)


def luck(verdict: Record) -> str:
    """How often a random choice would do as well or as badly as one that is mostly the same for every seed.

    Empty where the choices vary, where nothing was found, and where `same_rows` or `as_good` is not known.
    """
    same, share, word = verdict.get("same_rows"), verdict.get("as_good"), verdict.get("verdict")
    whole = (verdict.get("control") or {}).get("budget") == "100%"
    if same is None or same < MOSTLY or share is None or word not in ("better", "worse") or whole:
        return ""
    share = share if word == "better" else 1 - share
    often = f"about 1 random choice in {1 / share:,.0f}" if share > 0.001 else "fewer than 1 random choice in 1,000"
    estimated = f" (estimated from {verdict['seeds']} random choices)" if verdict.get("seeds") else ""
    return f"{often} would do as {'well' if word == 'better' else 'badly'}{estimated}"


def lucky(verdict: Record) -> bool:
    """Whether a method is called better for one choice that many a random choice would match."""
    if verdict.get("repeated"):
        return verdict.get("verdict") == "better"
    return verdict.get("verdict") == "better" and bool(luck(verdict)) and verdict["as_good"] >= OFTEN


def main_metric(evidence: Record) -> str:
    """The metric that decides: the first headline metric that has verdicts."""
    judged = [str(v.get("metric")) for v in evidence.get("verdicts") or []]
    headline = [m for m in (evidence.get("task") or {}).get("headline") or [] if m in judged]
    return (headline or judged or [""])[0]


def cells_of(evidence: Record, metric: str) -> list[Cell]:
    """Verdicts on a metric by method and budget, in the order in which they are given."""
    verdicts = [v for v in evidence.get("verdicts") or [] if v.get("metric") == metric]
    asked = [v for v in verdicts if not v.get("automatic")] or verdicts
    found: dict[tuple[str, str], dict[str, Record]] = {}
    for v in asked:
        found.setdefault((str(v.get("method")), str(v.get("budget"))), {})[str(v.get("comparison"))] = v
    n = places_of(evidence, metric)
    return [Cell(*key, pair.get(ROWS, {}), pair.get(COST, {}), n) for key, pair in found.items()]


def ranked_cells(evidence: Record) -> list[Cell]:
    """Cells of the metric that decides, the best first: by standing, then by difference."""
    cells = cells_of(evidence, main_metric(evidence))
    return sorted(cells, key=lambda cell: (STANDINGS.index(cell.standing), -cell.gain))


def best_first(evidence: Record) -> dict[str, int]:
    """The place of each method in all lists: random, methods by their verdicts, baselines, the whole pool."""
    verdicts: Sequence[Record] = evidence.get("verdicts") or []
    automatic = dict.fromkeys(str(v.get("method")) for v in verdicts if v.get("automatic"))
    roles = {str(m.get("name")): m.get("role") for m in evidence.get("methods") or []}
    listed = [name for name, role in roles.items() if role != "baseline"]
    order = ["random", *names_of(ranked_cells(evidence)), *listed, *automatic, *roles]
    order = [name for name in order if name != "full" and name not in automatic] + [*automatic, "full"]
    return {name: place for place, name in enumerate(dict.fromkeys(order))}


def budget_words(asked: Any) -> str:
    """A budget as a sentence says it: "1%", "500 rows", "200,000 tokens"."""
    text = str(asked)
    return f"{int(text):,} {plural(int(text), 'row')}" if text.isdigit() else text


def metric_words(name: Any) -> str:
    """The name of a metric with spaces."""
    return str(name).replace("_", " ")


def decimals(half: float | None) -> int:
    """Places after the point for steps of at most a fifth of half an interval, at most six.

    Examples:
        >>> decimals(0.019), decimals(0.004), decimals(0.3), decimals(12)
        (3, 4, 2, 0)
    """
    if not half or not math.isfinite(half):
        return 3
    return min(6, max(0, -math.floor(math.log10(abs(half) / 5))))


def fixed(value: float | None, places: int, sign: bool = False) -> str:
    """A number with so many places, a true minus, and a plus on request; up to two more where it would look like 0.

    Examples:
        >>> fixed(0.0312, 3, sign=True), fixed(-0.0312, 2), fixed(0.0004, 2), fixed(None, 2)
        ('+0.031', '−0.03', '0.0004', 'none')
    """
    if value is None or not math.isfinite(value):
        return amount(value)
    places = next((n for n in range(places, places + 3) if round(value, n) or not value), places)
    return f"{value + 0.0:{'+' if sign and value else ''},.{places}f}".replace("-", "−")


def costs_unit(evidence: Record) -> tuple[str, Callable[[float], str]]:
    """The unit of all processor times of a study, "s" or "ms", and how to write them.

    Milliseconds where each total is below a second, and where the least is below a tenth and none above ten.
    """
    totals = [c["total_cpu"] for c in evidence.get("costs") or [] if c.get("total_cpu") is not None]
    most, least = max(totals, default=1), min(totals, default=1)
    size, unit, places = (1000, "ms", 1) if most < 1 or (most < 10 and least < 0.1) else (1, "s", 2)
    step = 10.0**-places

    def form(value: float) -> str:
        small = 0 < value * size < step / 2
        return f"<{step:g}" if small else f"{value * size:,.{places if abs(value * size) < 99.995 else 0}f}"

    return unit, form


def places(verdicts: Iterable[Record]) -> int:
    """Places after the point for differences that stand together, their intervals and the means behind them."""
    halves = sorted(
        (v["high"] - v["low"]) / 2
        for v in verdicts
        if v.get("low") is not None and v.get("high") is not None and v["high"] > v["low"]
    )
    return decimals(halves[len(halves) // 2] if halves else None)


def places_of(evidence: Record, metric: str) -> int:
    """Places after the point for all that is said about a metric."""
    return places(v for v in evidence.get("verdicts") or [] if v.get("metric") == metric)


def budgets_said(cells: Iterable[Cell], evidence: Record, joint: str = "and") -> str:
    """The budgets of cells in the order of the study, as a sentence lists them."""
    order = [str(b.get("asked")) for b in evidence.get("budgets") or []]
    found = dict.fromkeys(c.budget for c in cells)
    ranked = sorted(found, key=lambda b: order.index(b) if b in order else len(order))
    if joint == "and" and len(ranked) > 2 and ranked == order:
        return "every budget"
    return listing([budget_words(b) for b in ranked]).replace(" and ", f" {joint} ")


def where(cells: Sequence[Cell], evidence: Record, joint: str = "and") -> str:
    """Which methods at which budgets: "a at 1%, and b at 1% and 5%"; from the fourth method on only how many."""
    names = names_of(cells)
    parts = [f"{m} at {budgets_said([c for c in cells if c.method == m], evidence, joint)}" for m in names]
    if len(parts) > 3:
        return f"{len(parts)} methods (see the verdicts)"
    return parts[0] if len(parts) == 1 else ", and ".join([", ".join(parts[:-1]), parts[-1]])


def kept_words(budget: Any, evidence: Record) -> str:
    """A budget with the rows that it keeps: "1% (160 of 16,000 rows)", "500 rows (of 16,000)"."""
    text = budget_words(budget)
    rows = next((b.get("rows") for b in evidence.get("budgets") or [] if str(b.get("asked")) == str(budget)), None)
    pool: Record = evidence.get("pool") or {}
    whole = pool.get("eligible") or pool.get("rows")
    of = f"of {amount(whole)}" if whole else ""
    if text != str(budget):
        return f"{text} ({of})" if of else text
    return text if rows is None else f"{text} ({amount(rows)} {of + ' ' if of else ''}rows)"


def about(value: float) -> str:
    """A count to two significant digits, as a sentence says it.

    Examples:
        >>> about(812.3), about(7)
        ('about 810', 'about 7')
    """
    digits = max(0, len(str(int(abs(value)))) - 2)
    return f"about {round(value, -digits):,.0f}"


def seeds_words(count: int, of: str = "") -> str:
    """How many seeds it takes, as far as such a number can be believed."""
    return f"thousands{of}" if count > 1000 else f"{count:,}"


def names_of(cells: Iterable[Cell]) -> list[str]:
    return list(dict.fromkeys(c.method for c in cells))


def higher_is_better(evidence: Record, metric: Any) -> bool:
    """Which way a metric runs; upwards where nothing is said."""
    metrics = (evidence.get("task") or {}).get("metrics") or []
    return bool(next((m.get("higher_is_better", True) for m in metrics if m.get("name") == metric), True))

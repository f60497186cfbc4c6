"""Evidence as sentences need it: verdicts by method and budget, names, and numbers. Pure functions."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tamis.report.words import amount, listing, plural

Record = Mapping[str, Any]

STANDINGS = ("holds", "rows", "none", "dear", "worse")
ROWS = "equal budget"
COST = "equal total cost"
MOSTLY = 0.5  # above what share of rows in common, beyond chance, choices count as one choice


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

        It `holds` at equal total cost; gains for its `rows`, at equal budget only; `none`; is `dear`, worse at equal
        total cost only; or `worse`.
        """
        rows, cost = self.rows.get("verdict"), self.cost.get("verdict")
        if rows == "worse":
            return "worse"
        if cost == "better":
            return "holds"
        return "rows" if rows == "better" else "dear" if cost == "worse" else "none"

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
    if same is None or same < MOSTLY or share is None or word not in ("better", "worse"):
        return ""
    share = share if word == "better" else 1 - share
    often = f"about 1 random choice in {1 / share:,.0f}" if share > 0.001 else "fewer than 1 random choice in 1,000"
    return f"{often} would do as {'well' if word == 'better' else 'badly'}"


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
    """The unit of all processor times of a study, "s" or "ms" where each is below a second, and how to write them."""
    totals = [c.get("total_cpu") or 0 for c in evidence.get("costs") or []]
    size, unit = (1, "s") if max(totals, default=1) >= 1 else (1000, "ms")

    def form(value: float) -> str:
        small = 0 < value * size < 0.005
        return "<0.01" if small else f"{value * size:,.{2 if abs(value * size) < 99.995 else 0}f}"

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


def names_of(cells: Iterable[Cell]) -> list[str]:
    return list(dict.fromkeys(c.method for c in cells))


def higher_is_better(evidence: Record, metric: Any) -> bool:
    """Which way a metric runs; upwards where nothing is said."""
    metrics = (evidence.get("task") or {}).get("metrics") or []
    return bool(next((m.get("higher_is_better", True) for m in metrics if m.get("name") == metric), True))

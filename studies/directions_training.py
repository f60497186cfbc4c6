"""Published directions on what a model trains on while it trains, as rows of a table.

A study's `training` says which of its methods is what: `random`, drawn anew for every epoch, and its `control`; the
`hardest` first, and those `covering` every difficulty; or those `saving` visits, with the `margin` of a loss that
counts as none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import directions
import numpy as np
import pages

Evidence = Mapping[str, Any]
Row = list[str]
SMALL, TENTH = ("1%", "5%", "10%"), "10%"
HEAD = ["study", "direction", "outcome", "per seed, 95 % interval"]


def training(found: Sequence[Evidence]) -> list[Row]:
    """A line a study and direction."""
    return [row for evidence in found if evidence["study"].get("training") for row in asked(evidence)]


def asked(evidence: Evidence) -> Iterator[Row]:
    """The directions that a study was made for."""
    roles = evidence["study"]["training"]
    if "hardest" in roles:
        hardest, fresh, covering = roles["hardest"], roles["random"], roles["covering"]
        yield row(evidence, f"`{hardest}` falls below `random` at 1, 5 and 10 %", "random", hardest, SMALL)
        for name in covering:
            yield row(evidence, f"`{name}` repairs it: better than `{hardest}` there", name, hardest, SMALL)
        for name in ("random", hardest, *covering):
            yield row(evidence, f"`{fresh}` beats `{name}` at 10 %", fresh, name, (TENTH,))
        for budget in evidence["budgets"]:
            says = f"`{fresh}` beats its control `{roles['control']}` at {budget['asked']}"
            yield row(evidence, says, fresh, roles["control"], (budget["asked"],))
    for name in roles.get("saving", ()):
        yield saved(evidence, name, roles["margin"])


def row(evidence: Evidence, says: str, ours: str, theirs: str, budgets: Sequence[str]) -> Row:
    """Whether one is better than the other, of each seed in the mean over these budgets."""
    return line(evidence, says, directions.conclude(gained(evidence, ours, theirs, budgets)))


def saved(evidence: Evidence, name: str, margin: float) -> Row:
    """Whether what leaves out visits is worse than full training by less than the margin."""
    seen = {one["method"]: one["rows_seen"] for one in evidence["costs"]}
    share = 1 - seen[name] / seen["random"]
    found = gained(evidence, name, "random", [evidence["budgets"][0]["asked"]])
    outcome = directions.conclude(found + margin).outcome
    says = f"`{name}` saves {share:.0%} of the visits and loses less than {margin:g}"
    return line(evidence, says, directions.conclude(found)._replace(outcome=outcome))


def gained(evidence: Evidence, ours: str, theirs: str, budgets: Sequence[str]) -> np.ndarray:
    """`float64 [s]`, of each seed by how much `ours` is better, in the mean over these budgets."""
    places = [number for number, one in enumerate(evidence["budgets"]) if one["asked"] in budgets]
    return np.asarray(directions.advantages(evidence, ours, theirs)[1][:, places].mean(axis=1))


def line(evidence: Evidence, says: str, finding: directions.Finding) -> Row:
    """A row of the table."""
    name = evidence["study"]["name"]
    found = finding.found
    return [f"[{name}]({name}.md)", says, finding.outcome, pages.interval(found.mean, found.low, found.high)]

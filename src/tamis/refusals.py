"""Every sentence with which Tamis says no, in one place: what is wrong, where, and the fix.

A reader or the planner raises `COLUMN_MISSING(place, name="boddy", …)`; the sentence is `where: what; fix`. The table in
the documentation is made from this catalogue, and a test makes each of them happen.
"""

from dataclasses import dataclass
from typing import Any

from tamis.errors import Broken, Refused


@dataclass
class Refusal:
    """One kind of no. Braces in `what` and `fix` are filled by the values of a call, as `str.format` does."""

    what: str
    fix: str
    error: type[Refused] | type[Broken] = Refused
    name: str = ""

    def __call__(self, where: object = "", **values: Any) -> Refused | Broken:
        """The error to raise: one sentence, `where: what; fix`."""
        place = f"{where}: " if str(where) else ""
        return self.error(f"{place}{self.what.format(**values)}; {self.fix.format(**values)}", self.name)


def breakage(what: str, fix: str) -> Refusal:
    """A kind of failure under way: `Broken` rather than `Refused`."""
    return Refusal(what, fix, Broken)


# budgets
BUDGET_NOTHING = Refusal("it keeps nothing", "ask for more than 0")

CATALOGUE = {name.lower().replace("_", "-"): found for name, found in globals().items() if isinstance(found, Refusal)}
for _name, _found in CATALOGUE.items():
    _found.name = _name

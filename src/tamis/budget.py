"""What may be kept: `500`, `10%`, `2M tokens`, and shares of it such as `domain=law:0.3,code:0.2`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tamis import refusals

POWERS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
UNITS = ("tokens", "chars", "bytes")
SHARE = "%"  # no unit that can be written, so that it is no column's name
AUTO = "auto"
GRAMMAR = "rows (5000, 10K), a share (10%), or an amount of a cost (2M tokens, 1G chars, 500K bytes, 30 COLUMN)"


@dataclass(frozen=True)
class Budget:
    """An amount of a unit: `rows`, `%` (of the eligible rows, 0 to 1), `tokens`, `chars`, `bytes` or a column.

    `auto` leaves the number of rows to the method.
    """

    asked: str
    amount: Fraction
    unit: str

    @property
    def place(self) -> str:
        """How a refusal names it."""
        return f"budget {self.asked!r}"

    @property
    def folder(self) -> str:
        """The sub-folder of its selection where several are cut in one run."""
        return re.sub(r"[\s/\\]+", "-", self.asked)

    @property
    def is_cost(self) -> bool:
        """Whether it is spent in something other than rows."""
        return self.unit not in ("rows", SHARE, AUTO)

    @property
    def is_auto(self) -> bool:
        """Whether the method says how many rows it keeps."""
        return self.unit == AUTO

    def rows(self, eligible: int) -> int:
        """The budget in rows, out of `eligible` ones; refuses what keeps nothing or more than there is."""
        if self.is_auto:
            return eligible
        if self.unit == SHARE:
            rows = int(self.amount * eligible)
            if rows < 1:
                raise refusals.BUDGET_BELOW_ONE_ROW(self.place, eligible=eligible)
            return rows
        if self.amount > eligible:
            raise refusals.BUDGET_OVER_ROWS(self.place, eligible=eligible)
        return int(self.amount)


def parse(value: str | int | float) -> Budget:
    """A budget from the command line's text, or from Python's int (rows) or float in (0, 1) (a fraction).

    Examples:
        >>> parse("2.5M tokens").unit, int(parse("2.5M tokens").amount)
        ('tokens', 2500000)
    """
    text = str(value).strip()
    place = f"budget {text!r}"
    if text == AUTO:
        return Budget(text, Fraction(0), AUTO)
    if isinstance(value, bool):
        raise refusals.BUDGET_NOT_AN_AMOUNT(place, grammar=GRAMMAR)
    if isinstance(value, float):
        if not 0 < value < 1:
            raise refusals.BUDGET_FRACTION_OUTSIDE(place)
        return Budget(text, Fraction(text), SHARE)
    match = re.fullmatch(r"(-?[0-9]+(?:[.][0-9]+)?)\s*([KMG]?)\s*(%?)(?:\s+(\S.*))?", text)
    if match is None or (match[3] and (match[4] or match[2])):
        raise _unreadable(place, text)
    amount = Fraction(Decimal(match[1])) * POWERS[match[2]]
    if amount <= 0:
        raise refusals.BUDGET_NOTHING(place)
    if match[3]:
        if amount > 100:
            raise refusals.BUDGET_OVER_WHOLE(place)
        return Budget(text, amount / 100, SHARE)
    unit = match[4] or "rows"
    if unit == "rows" and amount.denominator != 1:
        raise refusals.BUDGET_NOT_WHOLE(place, whole=int(amount) or 1)
    return Budget(text, amount, unit)


def parse_several(text: str) -> list[Budget]:
    """The budgets of `1%,5%`, each of which makes a selection of its own; refuses one that is named twice.

    Examples:
        >>> [budget.asked for budget in parse_several("1%, 2M tokens")]
        ['1%', '2M tokens']
    """
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", text.strip()):
        one, several = text.strip().replace(",", ""), text.strip().replace(",", ", ")
        raise refusals.BUDGET_THOUSANDS(f"budget {text!r}", one=one, several=repr(several))
    found = [parse(part) for part in re.split(r",(?=\s*[0-9-])", text)]
    for index, budget in enumerate(found):
        before = found[:index]
        if budget.folder in [one.folder for one in before] or (budget.amount, budget.unit) in [
            (one.amount, one.unit) for one in before
        ]:
            raise refusals.BUDGET_TWICE(f"budget {text!r}", asked=budget.asked)
    return found


def _unreadable(place: str, text: str) -> Exception:
    """The refusal of a text that is no budget; of `2Mtokens` and `5k` it knows what was meant."""
    glued = re.fullmatch(r"([0-9.]+) ?([KMG]?)([A-Za-z]+)", text)
    if glued is None or glued[3] in POWERS:
        return refusals.BUDGET_NOT_AN_AMOUNT(place, grammar=GRAMMAR)
    number, power, unit = glued.groups()
    meant = f"{number}{unit.upper()}" if unit.upper() in POWERS else f"{number}{power} {unit}"
    return refusals.BUDGET_UNIT_UNREADABLE(place, unit=unit, example=meant)


@dataclass(frozen=True)
class Share:
    """What one group of one column is due: a fraction of the budget, or an amount of it."""

    column: str
    group: str
    asked: str
    amount: Fraction
    is_fraction: bool

    def of(self, budget: Fraction) -> Fraction:
        """The amount of `budget` that is due."""
        return self.amount * budget if self.is_fraction else self.amount


def parse_shares(flag: str, text: str) -> list[Share]:
    """`domain=law:0.3,code:0.2` as shares; numbers with a point or below 1 are fractions, `30%` too, integers amounts.

    Examples:
        >>> [(s.group, s.of(Fraction(100))) for s in parse_shares("--quota", "domain=law:0.3,code:5")]
        [('law', Fraction(30, 1)), ('code', Fraction(5, 1))]
    """
    column, equals, rest = text.partition("=")
    if not equals or not column or not rest:
        raise refusals.SHARES_UNREADABLE(f"{flag} {text!r}")
    shares = []
    for item in rest.split(","):
        group, colon, number = item.rpartition(":")
        if not colon or not re.fullmatch(r"[0-9]+([.][0-9]+)?%?", number.strip()):
            raise refusals.SHARE_UNREADABLE(f"{flag} {text!r}", item=item)
        number = number.strip()
        percent = number.endswith("%")
        amount = Fraction(Decimal(number.rstrip("%"))) / (100 if percent else 1)
        is_fraction = percent or "." in number
        if is_fraction and amount > 1:
            raise refusals.SHARE_OVER_WHOLE(f"{flag} {text!r}", item=item)
        shares.append(Share(column.strip(), group.strip(), number, amount, is_fraction))
    check_shares(flag, text, shares)
    return shares


def said_shares(flag: str, shares: list[Share]) -> str:
    """A flag with its shares as they are written: `--quota 'domain=law:0.3,code:0.2'`."""
    text = f"{shares[0].column}={','.join(f'{share.group}:{share.asked}' for share in shares)}"
    return f"{flag} {text!r}"


def check_shares(flag: str, text: str, shares: list[Share]) -> None:
    """Refuse shares that name several columns or a group twice, or sum to more than 1; `text` is how they were written.

    Shares of one flag are checked alone, those of a repeated flag together as well.
    """
    if len({share.column for share in shares}) > 1:
        raise refusals.SHARES_OF_COLUMNS(f"{flag} {text!r}")
    if len({share.group for share in shares}) < len(shares):
        raise refusals.SHARES_OF_GROUP_TWICE(f"{flag} {text!r}")
    if sum(share.amount for share in shares if share.is_fraction) > 1:
        raise refusals.SHARES_OVER_WHOLE(f"{flag} {text!r}")

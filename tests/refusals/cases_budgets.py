"""Cases: budgets."""

import tamis

from .material import POOL
from .running import call, select

CASES = {
    "budget 0": select("budget-nothing", "--budget 0", 2, ["'0'", "more than 0"]),
    "budget negative": select("budget-nothing", "--budget -4", 2, ["'-4'", "more than 0"]),
    "budget over the pool": select("budget-over-rows", "--budget 13", None, ["13", "12 rows"]),
    "budget over the Parquet": select(
        "budget-over-rows", "p.parquet --budget 13", 2, ["13", "12 rows"], files={"p.parquet": POOL}
    ),
    "budget over 100%": select("budget-over-whole", "--budget 101%", 2, ["'101%'", "100%"]),
    "budget over the cost": select("budget-over-cost", "--budget '1K cost'", 1, ["'1K cost'", "cost", "at most"]),
    "unknown unit": select("budget-unit-unknown", "--budget '5 parsecs'", 2, ["'parsecs'", "tokens"]),
    "nonsense": select("budget-not-an-amount", "--budget lots", 2, ["'lots'", "10%"]),
    "half a row": select("budget-not-whole", "--budget 2.5", 2, ["'2.5'", "whole"]),
    "less than one row": select("budget-below-one-row", "--budget 1%", None, ["1%", "12", "one row"]),
    "cost too small": select("budget-below-any-row", "--budget '1 chars'", 1, ["1 chars", "one row"]),
    "unit glued to the number": select("budget-unit-unreadable", "--budget 2Mtokens", 2, ["'tokens'", "'2M tokens'"]),
    "small k": select("budget-unit-unreadable", "--budget 5k", 2, ["'k'", "'5K'"]),
    "budget without quotes": select(
        "budget-unquoted", "--budget 2K tokens", 2, ["--budget 2K", "'tokens'", "'2K tokens'", "quotes"]
    ),
    "cost budget without quotes": select("budget-unquoted", "--budget 9 cost", 2, ["--budget 9", "'9 cost'"]),
    "no pool, no unit": select("pool-missing", "--budget 9 costs", 2, ["costs: there is no pool"]),
    "fraction over 1": call(
        "budget-fraction-outside", lambda: tamis.select(POOL, "random", budget=1.5), ["'1.5'", "between 0 and 1"]
    ),
    "a number with a comma": select("budget-thousands", "--budget 1,500", 2, ["'1,500'", "1500", "'1, 500'"]),
    "the same budget in other words": select("budget-twice", "--budget 50%,50.0%", 2, ["'50.0%'", "once"]),
    "the same budget twice": select("budget-twice", "--budget 3,10%,3", 2, ["'3'", "once"]),
}

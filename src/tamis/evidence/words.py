"""Verdicts in words, for a reader who knows no statistics."""

import math
from collections.abc import Mapping
from typing import Any

from tamis.evidence.power import MOST, POWER
from tamis.report.words import amount, plural, tick

FEW = 5


def verdict_words(
    entry: Mapping[str, Any], tried: int, higher_is_better: bool = True, named: bool = False, level: float = 0.95
) -> str:
    """What was found, how sure it is, and what more seeds would show.

    Args:
        entry: a verdict of `judge`.
        tried: seeds of the study; those that `entry` does not count had a cell that failed.
        higher_is_better: whether the sign of the difference is that of the metric.
        named: whether the reader named the difference that `seeds_needed` is about.
        level: of the interval.
    """
    seeds = entry["seeds"]
    if entry["difference"] is None:
        return _too_few(seeds, tried)
    if entry["constant"]:
        found = _constant(entry)
    elif entry["verdict"] == "no difference":
        found = f"No difference from random was found: {_found(entry, higher_is_better, level)}.{_missed(entry, named)}"
    else:
        found = f"{entry['verdict'].capitalize()} than random: {_found(entry, higher_is_better, level)}."
    return found + (f" {_left_out(tried - seeds, tried)}" if seeds < tried else "")


def by_width(value: float, width: float, sign: bool = False) -> str:
    """A number to the digit that matters beside an interval this wide: two digits of the width.

    Examples:
        >>> by_width(0.03117, 0.038), by_width(-12345.6, 900, sign=True), by_width(0.5, 0), by_width(-1e-9, 0.1)
        ('0.031', '−12,346', '0.500', '0.00')
    """
    if not (width > 0 and math.isfinite(width)):
        text = amount(abs(value))
    else:
        digits = 1 - math.floor(math.log10(width))
        small = digits > 7 or abs(value) >= 1e15
        text = amount(abs(value)) if small else f"{abs(value):,.{max(0, digits)}f}"
    nothing = not any(digit in "123456789" for digit in text)
    return text if nothing else ("−" if value < 0 else "+" if sign else "") + text


def _found(entry: Mapping[str, Any], higher_is_better: bool, level: float) -> str:
    """The difference and, in parentheses, its interval."""
    low, high = entry["low"], entry["high"]
    width = high - low
    turned = "" if higher_is_better else "; lower is better, and + means better"
    return (
        f"{by_width(entry['difference'], width, sign=True)} ({100 * level:g} % interval {by_width(low, width)} to "
        f"{by_width(high, width)}, {_seeds(entry['seeds'])}{turned})"
    )


def _missed(entry: Mapping[str, Any], named: bool) -> str:
    """What the seeds could not show, where no difference was found."""
    low, high, seeds, size, needed = (entry[name] for name in ("low", "high", "seeds", "named", "seeds_needed"))
    text = ""
    if (low > 0 or high < 0) and entry.get("one_choice"):
        text = (
            " The interval alone leaves out 0, but the rows are the same for every seed, and more than 1 random choice"
            " in 20 is as far from random's mean."
        )
    elif low > 0 or high < 0:
        text = (
            f" The interval alone leaves out 0, but among {entry['family']} methods one does so easily by luck, and"
            " with the correction for that (Holm) it is not sure."
        )
    least = by_width(entry["detectable"], high - low)
    text += f" With {_seeds(seeds)} only a true difference of {least} or more would probably ({100 * POWER:g} %) show"
    if not size:
        return text + "."
    one = f"{tick(size)}, as asked" if named else f"{amount(size, 2)}, as found here"
    if needed is None:
        return f"{text}; one of {one}, needs more than {MOST:,} seeds."
    if needed <= seeds:
        return f"{text}; that includes one of {one}."
    return f"{text}; one of {one}, needs about {_seeds(needed)}."


def _constant(entry: Mapping[str, Any]) -> str:
    every = f"in each of the {_seeds(entry['seeds'])}"
    if not entry["difference"]:
        return f"No difference from random: both are equal {every}."
    size = tick(abs(entry["difference"]))
    if entry["verdict"] == "no difference":
        side = "above" if entry["difference"] > 0 else "below"
        return f"No difference from random was found: it is {size} {side} random {every}, which chance may do."
    text = f"{entry['verdict'].capitalize()} than random: by {size} {every}, so there is no interval."
    if entry["seeds"] < FEW:
        text += " With a small test set, so few equal differences can be luck: run more seeds."
    return text


def _too_few(seeds: int, tried: int) -> str:
    some = f"only {seeds}" if seeds else "none"
    return f"Nothing can be said: {some} of the {_seeds(tried)} has a value of both, and it takes at least 2."


def _left_out(count: int, tried: int) -> str:
    return f"{count} of the {_seeds(tried)} {plural(count, 'is', 'are')} not counted: a cell failed there."


def _seeds(count: int) -> str:
    return f"{count:,} {plural(count, 'seed')}"

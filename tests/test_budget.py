"""Budgets and shares as they are written."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.budget import POWERS, parse, parse_shares
from tamis.errors import Refused


@pytest.mark.parametrize(
    ("value", "amount", "unit"),
    [
        (500, 500, "rows"),
        ("500", 500, "rows"),
        (" 10K ", 10_000, "rows"),
        ("10 K", 10_000, "rows"),
        ("1.5M", 1_500_000, "rows"),
        ("0.001K", 1, "rows"),
        ("10%", Fraction(1, 10), "share"),
        ("12.5 %", Fraction(1, 8), "share"),
        ("100%", 1, "share"),
        (0.1, Fraction(1, 10), "share"),
        (1e-05, Fraction(1, 100_000), "share"),
        ("2M tokens", 2_000_000, "tokens"),
        ("2.5M tokens", 2_500_000, "tokens"),
        ("1G chars", 10**9, "chars"),
        ("500K bytes", 500_000, "bytes"),
        ("30 gpu hours", 30, "gpu hours"),
        ("0.5 cost", Fraction(1, 2), "cost"),
        ("3 K", 3000, "rows"),
    ],
)
def test_read(value, amount, unit):
    found = parse(value)
    assert (found.amount, found.unit) == (amount, unit)
    assert found.is_cost == (unit not in ("rows", "share"))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (0, "above 0"), ("0%", "above 0"), ("-3", "above 0"), ("-1 tokens", "above 0"), ("0 tokens", "above 0"),
        ("2.5", "whole"), ("0.5", "whole"), ("1.0001K", "whole"), ("101%", "100%"), ("10%K", "not an amount"),
        ("10% rows", "not an amount"), ("1K%", "not an amount"), ("5x", "unit 'x'"), ("5tokens", "unit 'tokens'"),
        ("5k", "unit 'k'"), ("many", "not an amount"), ("", "not an amount"), ("1e3", "not an amount"),
        ("1,000", "not an amount"), ("nan", "not an amount"), ("٣", "not an amount"), (1.0, "between 0 and 1"),
        (0.0, "between 0 and 1"), (-0.1, "between 0 and 1"), (float("nan"), "between 0 and 1"), (True, "not an amount"),
    ],
)  # fmt: skip
def test_refused(value, named):
    with pytest.raises(Refused, match="budget") as caught:
        parse(value)
    assert named in str(caught.value)


units = st.sampled_from(["", " tokens", " x y"])


@given(st.decimals("0.001", "9999999", places=3), st.sampled_from(sorted(POWERS)), units)
def test_amounts_are_exact(number, power, unit):
    text = f"{number}{power}{unit}"
    exact = Fraction(Decimal(str(number))) * POWERS[power]
    if not unit and exact.denominator != 1:
        with pytest.raises(Refused, match="whole"):
            parse(text)
    else:
        assert parse(text).amount == exact


@given(st.integers(1, 100_000), st.integers(1, 10_000))
def test_a_share_is_the_floor_of_the_eligible_rows(eligible, hundredths):
    text = f"{hundredths / 100:.2f}%"
    floor = eligible * hundredths // 10_000
    if floor:
        assert parse(text).rows(eligible) == floor
    else:
        with pytest.raises(Refused, match="less than one row"):
            parse(text).rows(eligible)


def test_rows_over_the_pool_are_refused():
    assert parse(7).rows(7) == 7
    with pytest.raises(Refused, match="7 rows are eligible"):
        parse(8).rows(7)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("d=law:0.3,code:0.2", {"law": 30, "code": 20}),
        ("d=law:30%,code:5", {"law": 30, "code": 5}),
        ("d = law : 1.0", {"law": 100}),
        ("d=a:b:0.5", {"a:b": 50}),
        ("d=law:0", {"law": 0}),
        ("d=x=y:1", {"x=y": 1}),
    ],
)
def test_shares(text, due):
    found = parse_shares("--quota", text)
    assert {share.column for share in found} == {"d"}
    assert {share.group: share.of(Fraction(100)) for share in found} == due


@pytest.mark.parametrize(
    "text",
    ["law:0.3", "d=", "=law:0.3", "d=law", "d=law:", "d=law:x", "d=law:-1", "d=law:1.5", "d=law:101%", "d=a:0.6,b:0.6",
     "d=a:0.1,a:0.2", "d=a:0.1,", "d=a:1e-3"],
)  # fmt: skip
def test_unreadable_shares(text):
    with pytest.raises(Refused, match="--floor"):
        parse_shares("--floor", text)

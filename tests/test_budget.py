"""Budgets and shares as they are written."""

import re
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tamis
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
        ("10%", Fraction(1, 10), "%"),
        ("12.5 %", Fraction(1, 8), "%"),
        ("100%", 1, "%"),
        (0.1, Fraction(1, 10), "%"),
        (1e-05, Fraction(1, 100_000), "%"),
        ("2M tokens", 2_000_000, "tokens"),
        ("2.5M tokens", 2_500_000, "tokens"),
        ("1G chars", 10**9, "chars"),
        ("500K bytes", 500_000, "bytes"),
        ("30 gpu hours", 30, "gpu hours"),
        ("0.5 cost", Fraction(1, 2), "cost"),
        ("3 K", 3000, "rows"),
        ("5 share", 5, "share"),
        ("5 rows", 5, "rows"),
        ("0.5 rows_", Fraction(1, 2), "rows_"),
        ("5 %x", 5, "%x"),
    ],
)
def test_read(value, amount, unit):
    found = parse(value)
    assert (found.amount, found.unit) == (amount, unit)
    assert found.is_cost == (unit not in ("rows", "%"))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (0, "nothing"), ("0%", "nothing"), ("-3", "nothing"), ("-1 tokens", "nothing"), ("0 tokens", "nothing"),
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


@given(st.text("%K 1x", max_size=6))
def test_no_text_names_the_unit_of_shares(rest):
    try:
        found = parse(f"5{rest}")
    except Refused:
        return
    assert found.unit != "%" or re.fullmatch(r"[0-9]+ *%", f"5{rest}".strip())


def test_a_column_may_be_called_share():
    table = pa.table({"share": [2, 2, 2], "x": [3, 2, 1]})
    assert tamis.select(table, "top:x", budget="5 share").rows.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["g=a:0.2", "g=a:0.3"], "names a group twice"),
        (["g=a:0.7", "g=b:0.7"], "sum to more than 1"),
        (["g=a:0.7", "x=1:0.1"], "one column at a time"),
    ],
)
@pytest.mark.parametrize("flag", ["quota", "floor"])
def test_shares_of_a_repeated_flag_are_checked_together(flag, flags, named):
    table = pa.table({"g": list("aabb"), "x": [4, 3, 2, 1]})
    with pytest.raises(Refused, match=f"--{flag}.*{named}"):
        tamis.select(table, "top:x", budget=4, **{flag: flags})


def test_a_tokenizer_that_was_changed_is_read_again(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    table, path = pa.table({"text": ["a b c", "d e"], "x": [2, 1]}), tmp_path / "tokenizer.json"
    for split, spent in (("WhitespaceSplit", 3), ("Digits", 1)):
        made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
        made.pre_tokenizer = getattr(tokenizers.pre_tokenizers, split)()
        made.save(str(path))
        found = tamis.select(table, "top:x", budget=f"{spent} tokens", tokenizer=str(path))
        assert found.rows.tolist() == [0] and found.manifest["budget"]["spent"] == spent

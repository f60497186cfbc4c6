"""Verdicts in words."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.evidence.judge import judge
from tamis.evidence.words import by_width

RANDOM = np.array([0.78, 0.80, 0.79, 0.81, 0.77])
NOISE = np.array([0.01, -0.01, 0.005, 0.0, -0.004])


def words(differences, higher_is_better=True, random=RANDOM, **others):
    return judge({"m": (random + differences, random)}, higher_is_better, **others)[0]["words"]


def test_better_and_worse():
    sure = np.array([0.03, 0.035, 0.04, 0.03, 0.03])
    assert words(sure) == "Better than random: +0.033 (95 % interval 0.027 to 0.039, 5 seeds)."
    assert words(-sure) == "Worse than random: −0.033 (95 % interval −0.039 to −0.027, 5 seeds)."
    assert words(100 * sure, random=100 * RANDOM, level=0.9) == (
        "Better than random: +3.30 (90 % interval 2.87 to 3.73, 5 seeds)."
    )
    assert words(-sure, higher_is_better=False) == (
        "Better than random: +0.033 (95 % interval 0.027 to 0.039, 5 seeds; lower is better, and + means better)."
    )


def test_no_difference_says_what_could_have_been_seen():
    found = "No difference from random was found: 0.000 (95 % interval −0.009 to 0.010, 5 seeds). With 5 seeds only a "
    found += "true difference of 0.013 or more would probably (80 %) show; "
    assert words(NOISE) == found + "one of 0.00020, as found here, needs about 11,815 seeds."
    assert words(NOISE, named=0.005) == found + "one of 0.005, as asked, needs about 21 seeds."
    assert words(NOISE, named=0.05) == found + "that includes one of 0.05, as asked."
    assert words(NOISE, named=1e-5) == found + "one of 0.00001, as asked, needs more than 100,000 seeds."
    balanced = np.array([0.25, -0.25, 0.5, -0.5])
    assert words(balanced, random=np.ones(4)).endswith("would probably (80 %) show.")


def test_where_only_the_interval_leaves_out_0():
    weak, others = np.array([0.01, 0.03, 0.02, 0.045, 0.005]), {n: (RANDOM + NOISE, RANDOM) for n in "bcd"}
    assert judge({"m": (RANDOM + weak, RANDOM)} | others, True)[0]["words"] == (
        "No difference from random was found: +0.022 (95 % interval 0.002 to 0.042, 5 seeds). The interval alone leaves"
        " out 0, but among 4 methods one does so easily by luck, and with the correction for that (Holm) it is not"
        " sure. With 5 seeds only a true difference of 0.040 or more would probably (80 %) show; one of 0.022, as found"
        " here, needs about 10 seeds."
    )
    turned = judge({"m": (RANDOM - weak, RANDOM)} | others, True)[0]["words"]
    assert "−0.022 (95 % interval −0.042 to −0.002, 5 seeds). The interval alone leaves out 0" in turned


def test_equal_differences():
    assert words(np.zeros(5)) == "No difference from random: both are equal in each of the 5 seeds."
    assert words(np.full(5, 0.01)) == ("Better than random: by 0.01 in each of the 5 seeds, so there is no interval.")
    assert words(np.full(3, -0.01), random=RANDOM[:3]) == (
        "Worse than random: by 0.01 in each of the 3 seeds, so there is no interval. With a small test set, so few"
        " equal differences can be luck: run more seeds."
    )


def test_failed_cells():
    lost = np.array([math.nan, 0, 0, 0, 0])
    assert words(lost).endswith(" 1 of the 5 seeds is not counted: a cell failed there.")
    only = "Nothing can be said: only 1 of the 5 seeds has a value of both, and it takes at least 2."
    assert words(np.array([0.1, *[math.nan] * 4])) == only
    assert words(np.full(5, math.nan)) == only.replace("only 1", "none")


@pytest.mark.parametrize(("value", "width", "text"), [
    (0.03117, 0.038, "0.031"), (0.03117, 0.0038, "0.0312"), (-0.03117, 3.8, "0.0"), (12.345, 38, "12"),
    (-12345.6, 900, "−12,346"), (0.0, 1, "0.0"), (2e-9, 1e-9, "2.00e−9"), (0.25, 0, "0.250"), (0.25, math.inf, "0.250"),
    (3e20, 1e19, "3.00e20"), (0.996, 0.1, "1.00"), (0.1, 0.0999, "0.100"),
])  # fmt: skip
def test_numbers_beside_an_interval(value, width, text):
    assert by_width(value, width) == text
    signed = by_width(value, width, sign=True)
    assert signed == (text if text.startswith("−") or not text.strip("0.,") else "+" + text)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_what_is_shown_is_near(value, width):
    shown = by_width(value, width).replace("−", "-").replace(",", "")
    assert abs(float(shown) - value) <= max(0.051 * width, 0.5 if width >= 10 else 0, 1e-15)

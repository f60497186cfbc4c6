"""What the report says of selections that a greedy made."""

import re
from html import unescape

import numpy as np
import pytest

from tamis.report import summary as summaries
from tamis.report.page import render

from .sample import build


def _text(page):
    """The words of the section."""
    section = re.search(r'<section id="gains".*?</section>', page, re.DOTALL)
    words = re.sub(r"</?(?:span|bdi)[^>]*>", "", section[0]) if section else ""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", words)).split())


def _told(objective=None, gains=None, weights=None, kept=None):
    """The section for changes to what was recorded; None takes a part away."""
    manifest, summary, examples = build(greedy=True)
    manifest["objective"] = None if objective is None else manifest["objective"] | objective
    summary["gains"] = None if gains is None else summary["gains"] | gains
    summary["weights"] = weights
    manifest["rows"]["kept"] = kept or manifest["rows"]["kept"]
    return _text(render(manifest, summary, examples))


@pytest.mark.parametrize("k", [1, 2, 9, 10, 200, 201, 5000])
def test_points_are_gains_of_the_rows_and_sums_are_sums(k):
    values = 1 / np.arange(1, k + 1)
    found = summaries.gains(values)
    assert len(found["taken"]) == len(found["gains"]) <= 200 and found["taken"] == sorted(set(found["taken"]))
    assert found["taken"][0] == 1 and found["taken"][-1] == k and (k > 200 or len(found["taken"]) == k)
    assert found["gains"] == [1 / rank for rank in found["taken"]]
    rows = [one["rows"] for one in found["first"]]
    assert rows == sorted({-(-k // 10), -(-k // 2)} - {k}), "the first tenth and the first half, rounded up"
    assert all(one["gain"] == pytest.approx(sum(1 / r for r in range(1, one["rows"] + 1))) for one in found["first"])


def test_gains_that_are_not_numbers_are_no_points_and_have_no_sums():
    found = summaries.gains(np.array([np.inf, 2.0, np.nan, -1.0]))
    assert (found["taken"], found["gains"], found["first"], found["below_zero"]) == ([2, 4], [2.0, -1.0], [], 1)
    assert summaries.gains(np.array([])) is None


def test_weights_are_told_unless_all_are_one():
    assert summaries.weights(np.ones(3, np.float32)) is None
    found = summaries.weights(np.array([1, 5, 2, 4], np.float32))
    assert found == {"smallest": 1.0, "median": 3.0, "largest": 5.0}
    both = _told({}, {}, found)
    assert "Weights go from 1 to 5, with a median of 3." in both and "stands for" in both
    alone = _told(weights=found)
    assert alone.startswith("Weights Weights go from") and "stands for" not in alone
    assert "The weight of each is 7." in _told(weights={"smallest": 7.0, "median": 7.0, "largest": 7.0})


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        ("1 - 1/e of the best set", "At least 63% of the best set’s value, for certain."),
        ("1/2 of the best set", "At least 50% of the best set’s value, for certain."),
        ("(1 - 1/e) / 2 of the best set", "At least 31% of the best set’s value, for certain."),
        ("(1 - 1/e) / 2 of the best set, in the mean", "On average at least 31% of the best set’s value."),
        ("(1 - 1/e) / 2 of the best set, in the mean, as far as", "of the best set, in the mean, as far as); what is"),
        ("1 - 1/e - 0.1 of the best set, in the mean", "On average at least 53% of the best set’s value."),
        ("something new", "Known of the best set: something new."),
        (None, "How near this is to the best set is not known for certain."),
    ],
)
def test_bound_in_words(bound, words):
    told = _told({"bound": bound}, {})
    assert words in told
    assert ("for certain." in told) == ("for certain" in words)


def test_no_bound_where_a_gain_is_below_zero():
    told = _told({"bound": "1 - 1/e of the best set"}, {"below_zero": 3})
    assert "3 of the documents kept take something away" in told and "not known for certain" in told
    assert "Share of all" not in told


def test_share_of_the_first_ones():
    told = _told({"value": 200.0}, {"first": [{"rows": 5, "gain": 150.0}, {"rows": 25, "gain": 190.0}]}, kept=50)
    assert "The first 5 documents of 50 bring 75% of all that they add." in told
    assert "first 5 150 75%" in told and "first 25 190 95%" in told and "all 50 200" in told


def test_one_row_has_neither_line_nor_shares():
    told = _told({"value": 4.0, "stages": None}, {"taken": [1], "gains": [4.0], "first": []}, kept=1)
    assert "The one document kept adds 4." in told and "Share of all" not in told and "numbers behind" not in told


def test_parts_that_were_chosen_from_together_and_alone():
    stages = {"parts": 7, "part_rows": 900, "kept_of_each": 40, "merged": True}
    told = _told({"stages": stages, "on_sample": {"sample_rows": 800, "chosen": 30.0, "random": 20.0}}, {})
    assert "Chosen in 7 parts" in told and "at most 900 documents, of each of which up to 40 were kept" in told
    assert "On 800 documents drawn at random" in told and "value of 30" in told and "have 20: ×1.5" in told
    told = _told({"value": None, "stages": stages | {"merged": False}, "on_sample": None}, {})
    assert "gains of different parts do not add up" in told and "too large to choose among these together" in told
    assert "drawn at random" not in told and "Gains together" not in told


def test_rows_that_one_had_already_are_in_the_ledger():
    manifest, summary, examples = build(greedy=True)
    assert "selection to start from" not in render(manifest, summary, examples)
    manifest["rows"] |= {"had_already": 1000, "eligible": manifest["rows"]["eligible"] - 1000}
    page = render(manifest, summary, examples)
    assert 'data-name="rows.had_already" data-value="1000"' in page and "in the selection to start from" in page
    assert "unaccounted" not in page and 'class="dot had_already"' in page
    assert "and those of the selection to start from" in _text(page)


def test_no_section_without_a_greedy():
    assert not _told() and 'href="#gains"' not in render({}, None, None)

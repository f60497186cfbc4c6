"""Both published directions are asked as they are said: slopes, intervals, and what they mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .studied import BUDGETS, SEEDS, made, script, without_studies

pytestmark = without_studies


def test_slope_is_that_of_a_regression_and_its_interval_that_of_a_t_test():
    stats = pytest.importorskip("scipy.stats")
    directions = script("directions")
    evidence = made([0.5, 0.42, 0.3, 0.22])
    sizes, table = directions.advantages(evidence, "dsir")
    assert sizes == [250_000, 500_000, 1_000_000, 2_000_000]
    slow = [-stats.linregress(np.log2(sizes), row).slope for row in table]
    found = directions.shrinks(evidence, "dsir")
    assert found.values == pytest.approx(slow)
    expected = stats.ttest_1samp(slow, 0).confidence_interval(0.95)
    assert (found.found.low, found.found.high) == pytest.approx((expected.low, expected.high))
    mean = directions.beats(evidence, "dsir", "length-matched-random")
    by_hand = [np.mean([evidence_value(evidence, "length-matched-random", b, s) - evidence_value(evidence, "dsir", b, s)
                        for b in BUDGETS]) for s in range(SEEDS)]  # fmt: skip
    assert mean.values == pytest.approx(by_hand)


def evidence_value(evidence, method, budget, seed):
    return next(p for p in evidence["curves"] if (p["method"], p["budget"]) == (method, budget))["values"][seed]


@pytest.mark.parametrize(
    ("advantage", "shrinks", "beats"),
    [
        ([0.5, 0.4, 0.3, 0.2], "reproduced", "reproduced"),
        ([0.2, 0.3, 0.4, 0.5], "opposite", "reproduced"),
        ([0.3, 0.3, 0.3, 0.3], "not reproduced", "reproduced"),
        ([-0.2, -0.2, -0.2, -0.2], "not reproduced", "opposite"),
        ([0, 0, 0, 0], "not reproduced", "not reproduced"),
    ],
)
def test_planted_directions_are_found(advantage, shrinks, beats):
    directions = script("directions")
    evidence = made(advantage, seed=3)
    assert directions.shrinks(evidence, "dsir").outcome == shrinks
    assert directions.beats(evidence, "dsir").outcome == beats


def test_higher_metrics_turn_the_sign():
    directions = script("directions")
    assert directions.beats(made([0.3] * 4), "dsir").outcome == "reproduced"
    assert directions.beats(made([0.3] * 4, higher=True), "dsir").outcome == "opposite"


def test_a_failed_cell_leaves_out_its_seed_and_controls_are_no_points_of_the_curve():
    directions = script("directions")
    evidence = made([0.5, 0.4, 0.3, 0.2])
    whole = directions.advantages(evidence, "dsir")[1]
    evidence["curves"].insert(0, {**evidence["curves"][0], "control": True, "values": [9.0] * SEEDS})
    next(p for p in evidence["curves"] if p["method"] == "dsir")["values"][1] = None
    assert np.array_equal(directions.advantages(evidence, "dsir")[1], whole[[0, 2, 3, 4]])


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=6), st.floats(-3, 3), st.floats(-3, 3))
def test_slopes_are_linear(row, factor, shift):
    sizes = [2.0**power for power in range(len(row))]
    slopes = script("directions").slopes
    first = slopes(sizes, np.array([row]))[0]
    assert slopes(sizes, np.array([row]) * factor + shift)[0] == pytest.approx(factor * first, abs=1e-9)
    assert slopes([8 * size for size in sizes], np.array([row]))[0] == pytest.approx(first, abs=1e-9)


def test_what_cannot_be_compared_is_said():
    directions = script("directions")
    evidence = made([0.5, 0.4, 0.3, 0.2])
    evidence["budgets"][0]["asked"] = "1%"
    with pytest.raises(ValueError, match="several units"):
        directions.advantages(evidence, "dsir")
    few = made([0.5, 0.4, 0.3, 0.2])
    few["budgets"] = few["budgets"][:2]
    with pytest.raises(ValueError, match="at least 3 budgets"):
        directions.shrinks(few, "dsir")
    with pytest.raises(ValueError, match="no values of what"):
        directions.beats(few, "what")


def test_a_direction_over_studies_counts_each_once():
    directions = script("directions")
    findings = [directions.beats(made([saved] * 4, seed=seed), "dsir") for seed, saved in enumerate((0.3, 0.4, 0.5))]
    assert directions.across(findings).values == [finding.found.mean for finding in findings]
    page = script("cards").directions_page([made([0.5, 0.4, 0.3, 0.2], seed=s, name=f"s{s}") for s in range(3)])
    assert page.count("3 of 3") == 2 + 1 and page.count("s1.md") == 3


def test_a_direction_of_one_study_has_no_line_over_studies():
    page = script("directions_page").directions_page([made([0.5, 0.4, 0.3, 0.2])])
    assert "## Study by study" in page and "## Over several studies" not in page


def of_claim(evidence, claim, rows=9000):
    return evidence | {"request": evidence["request"] | {"claim": claim}, "pool": evidence["pool"] | {"rows": rows}}


@pytest.mark.parametrize(
    ("small", "large", "outcome"), [(0.4, 0.1, "reproduced"), (0.1, 0.4, "opposite"), (0.2, 0.2, "not reproduced")]
)
def test_pools_are_compared_by_their_size(small, large, outcome):
    page = script("directions_page")
    studies = [of_claim(made([large] * 4, seed=1), page.GROWTH, 90_000), of_claim(made([small] * 4), page.GROWTH)]
    assert page.growth(studies[:1]) == []
    for found in (studies, studies[::-1]):
        rows = {row[0]: row for row in page.growth(found)}
        assert rows["`dsir`"][3] == outcome
        assert [float(mean) for mean in rows["`dsir`"][1:3]] == pytest.approx([small, large], abs=0.02)


@pytest.mark.parametrize(
    ("advantage", "outcome"),
    [((0.4, 0.0), "reproduced"), ((0.4, 0.4), "not reproduced"), ((0.0, 0.0), "not reproduced")],
)
def test_coverage_must_win_first_and_tie_last(advantage, outcome):
    page = script("directions_page")
    evidence = made([advantage[0], 0.2, 0.1, advantage[1]])
    evidence["request"]["methods"] = [{"name": "dsir", "method": "facility-location"}]
    rows = page.coverage([of_claim(evidence, page.COVERAGE), evidence])
    assert [(row[1], row[4]) for row in rows] == [("`dsir`", outcome)]
    evidence["request"]["methods"] = [{"name": "dsir", "method": "dsir"}]
    assert page.coverage([of_claim(evidence, page.COVERAGE)]) == []

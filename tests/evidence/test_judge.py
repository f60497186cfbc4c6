"""Verdicts: who is better than random, by how much, and in which family."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tamis.evidence.judge import judge
from tamis.evidence.power import detectable, seeds_needed
from tamis.evidence.statistics import holm

FIELDS = """method verdict difference low high seeds p p_holm family mean random_mean sd detectable named seeds_needed
bootstrap constant automatic one_choice words""".split()
RANDOM = np.array([0.78, 0.80, 0.79, 0.81, 0.77])
PLUS = np.array([0.03, 0.035, 0.04, 0.03, 0.03])
NOISE = np.array([0.01, -0.01, 0.005, 0.0, -0.004])

value = st.one_of(st.integers(0, 100).map(lambda n: n / 100), st.just(math.nan))
pair = st.tuples(*[st.lists(value, min_size=5, max_size=5)] * 2)
studies = st.dictionaries(st.sampled_from("abcdef"), pair, max_size=5)


def one(method, random=RANDOM, higher_is_better=True, **others):
    """The verdict on one method."""
    return judge({"m": (method, random)}, higher_is_better, **others)[0]


def test_a_planted_difference():
    found = one(RANDOM + PLUS)
    peer = stats.ttest_rel(RANDOM + PLUS, RANDOM)
    assert found["verdict"] == "better"
    assert found["p"] == found["p_holm"] == pytest.approx(peer.pvalue)
    assert (found["low"], found["high"]) == pytest.approx(tuple(peer.confidence_interval()))
    assert found["difference"] == found["named"] == pytest.approx(0.033)
    assert (found["mean"], found["random_mean"]) == pytest.approx((0.823, 0.79))
    assert found["detectable"] == pytest.approx(detectable(found["sd"], 5))
    assert found["seeds_needed"] == seeds_needed(0.033, found["sd"])
    assert (found["seeds"], found["family"], found["bootstrap"], found["constant"]) == (5, 1, None, False)


def test_less_may_be_better():
    found, turned = one(RANDOM + PLUS), one(RANDOM + PLUS, higher_is_better=False)
    assert turned["verdict"] == "worse"
    assert (turned["low"], turned["high"]) == (-found["high"], -found["low"])
    assert (turned["mean"], turned["random_mean"]) == (found["mean"], found["random_mean"])
    assert one(RANDOM - PLUS, higher_is_better=False)["verdict"] == "better"


def test_holm_takes_what_was_asked_for_and_what_was_added_apart():
    groups = {name: (RANDOM + PLUS * size + NOISE, RANDOM) for name, size in [("a", 0.3), ("b", 1), ("c", 0), ("d", 2)]}
    found = {each["method"]: each for each in judge(groups, True, automatic={"c", "d", "elsewhere"})}
    assert list(found) == list(groups)
    assert [each["family"] for each in found.values()] == [2] * 4
    assert [each["automatic"] for each in found.values()] == [False, False, True, True]
    for family in ("ab", "cd"):
        assert [found[n]["p_holm"] for n in family] == holm([found[n]["p"] for n in family]).tolist()
    alone = {each["method"]: each for each in judge(groups, True)}
    assert alone["b"]["p"] == found["b"]["p"]
    assert alone["b"]["p_holm"] > found["b"]["p_holm"]


def test_the_interval_may_leave_out_0_where_holm_does_not_reject():
    weak = RANDOM + np.array([0.01, 0.03, 0.02, 0.045, 0.005])
    assert one(weak)["verdict"] == "better"
    found = judge({"a": (weak, RANDOM)} | {n: (RANDOM + NOISE, RANDOM) for n in "bcd"}, True)[0]
    assert found["low"] > 0 and found["p"] < 0.05 < found["p_holm"]
    assert found["verdict"] == "no difference" and "Holm" in found["words"]
    assert found["detectable"] == pytest.approx(detectable(found["sd"], 5, level=1 - 0.05 / 4))
    assert found["detectable"] > found["difference"]


def test_failed_cells_leave_their_seed_out():
    method, random = RANDOM + PLUS, RANDOM.copy()
    method[1], random[3] = math.nan, math.inf
    left = [0, 2, 4]
    found, expected = one(method, random), one((RANDOM + PLUS)[left], RANDOM[left])
    assert {**found, "words": ""} == {**expected, "words": ""}
    assert found["seeds"] == 3 and "2 of the 5 seeds are not counted" in found["words"]


@pytest.mark.parametrize("left", [0, 1])
def test_too_few_pairs(left):
    method = np.where(np.arange(5) < left, RANDOM, math.nan)
    found, other = judge({"m": (method, RANDOM), "other": (RANDOM + PLUS, RANDOM)}, True)
    assert (found["verdict"], found["seeds"], found["family"], other["family"]) == ("no difference", left, 1, 1)
    nothing = "difference low high p p_holm mean random_mean sd detectable named seeds_needed bootstrap".split()
    assert all(found[name] is None for name in nothing)
    assert one(method, named=-0.5)["named"] == 0.5


def test_equal_differences():
    found = one(RANDOM + 0.01)
    assert (found["verdict"], found["constant"], found["p"], found["sd"]) == ("better", True, 0, 0)
    assert found["low"] == found["high"] == found["difference"] == pytest.approx(0.01)
    assert found["detectable"] is found["seeds_needed"] is None
    same = one(RANDOM * 3 / 3)
    assert (same["verdict"], same["difference"], same["p"], same["constant"]) == ("no difference", 0, 1, True)


def test_a_named_difference():
    found = one(RANDOM + NOISE, named=-0.01)
    assert found["named"] == 0.01
    assert found["seeds_needed"] == seeds_needed(0.01, found["sd"]) != one(RANDOM + NOISE)["seeds_needed"]
    assert one(RANDOM + NOISE, named=1e-9)["seeds_needed"] is None


def test_the_bootstrap_begins_at_twenty_pairs():
    random = np.tile(RANDOM, 5)
    method = random + np.random.default_rng(0).normal(0.03, 0.01, 25)
    found = one(method, random)
    assert found["bootstrap"] == pytest.approx([found["low"], found["high"]], abs=0.001)
    assert one(method, random, seed=1)["bootstrap"] != found["bootstrap"]
    assert one(method[:19], random[:19])["bootstrap"] is None


def test_values_must_pair():
    with pytest.raises(ValueError, match="m has 4 values, and random has 5"):
        one(RANDOM[:4])


@given(studies, st.booleans(), st.sets(st.sampled_from("abcdef")), st.none() | st.floats(0, 1))
def test_every_study_gets_plain_numbers(groups, higher_is_better, automatic, named):
    found = judge(groups, higher_is_better, automatic, named)
    assert [each["method"] for each in found] == list(groups)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for each in found:
        assert sorted(each) == sorted(FIELDS)
        if each["p"] is None:
            continue
        sure = each["p_holm"] < 0.05
        assert not each["one_choice"]
        assert each["verdict"] == ("no difference" if not sure else "better" if each["difference"] > 0 else "worse")
        assert not sure or each["low"] > 0 or each["high"] < 0
        if not sure and not each["constant"]:
            assert each["detectable"] > abs(each["difference"])


def test_null_studies_of_three_methods_and_two_baselines():
    """At least one asked-for method is called different in at most one of twenty studies: Holm's promise."""
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(600):
        random, *methods = rng.normal(0.8, 0.02, (6, 5))
        found = judge({f"m{i}": (m, random) for i, m in enumerate(methods)}, True, {"m3", "m4"})
        wrong += any(each["verdict"] != "no difference" for each in found if not each["automatic"])
    assert wrong / 600 < 0.05 + 3 * (0.05 * 0.95 / 600) ** 0.5

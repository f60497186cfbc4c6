"""The answer and the advice follow from the verdicts, case by case."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.report.evidence_answer import answer
from tamis.report.evidence_contrary import beside_the_verdicts
from tamis.report.evidence_words import budget_words, costs_unit, fixed, lucky

from .evidence_sample import build, failed

B, W, N = "better", "worse", "no difference"


def _verdict(method, budget, word, comparison="equal budget", **rest):
    gap = {B: 0.03, W: -0.03, N: 0.004}[word]
    found = {"method": method, "budget": budget, "comparison": comparison, "metric": "accuracy", "verdict": word}
    found |= {
        "difference": gap,
        "low": gap - 0.01,
        "high": gap + 0.01,
        "seeds": 5,
        "mean": 0.8 + gap,
        "random_mean": 0.8,
    }
    return found | {"detectable": 0.013, "named": 0.01, "seeds_needed": 34, "automatic": False} | rest


def _study(*cells, **rest):
    """Evidence of cells (method, budget, verdict at equal budget, verdict at equal total cost)."""
    verdicts = []
    for method, budget, rows, cost in cells:
        verdicts.append(_verdict(method, budget, rows))
        verdicts += [_verdict(method, budget, cost, "equal total cost")] if cost else []
    budgets = [{"asked": b} for b in ("1%", "5%", "20%")]
    return {"verdicts": verdicts, "budgets": budgets, "seeds": list(range(5))} | rest


@pytest.mark.parametrize(
    ("cells", "headline", "first"),
    [
        ([], "No verdict: nothing was compared with random", "Name methods to compare with random"),
        (
            [("a", "1%", B, B)],
            "a is better than random at 1%",
            "Use a at 1%: it is better than random there, even when",
        ),
        ([("a", "5%", B, B), ("a", "1%", B, B)], "a is better than random at 1% and 5%", "Use a at 1% or 5%"),
        (
            [("a", "1%", B, N)],
            "a is better than random at equal budget, but not at equal total cost",
            "Keep random, unless",
        ),
        (
            [("a", "1%", B, None)],
            "a is better than random at 1%, at equal budget",
            "Use a at 1% if rows are what you pay",
        ),
        ([("a", "1%", N, N)], "No difference between a and random was found", "Keep random: no method showed a gain"),
        (
            [("a", "1%", N, W)],
            "No gain from a at equal budget, and worse than random at equal total cost",
            "Keep random:",
        ),
        ([("a", "1%", W, W)], "a is worse than random at 1%", "Keep random:"),
        ([("a", "1%", N, N), ("b", "1%", N, N)], "No method was found to be better than random", "Keep random:"),
        (
            [("a", "1%", N, N), ("b", "1%", W, W)],
            "No method was found to be better than random; b is worse",
            "Keep random:",
        ),
        ([("a", "1%", W, W), ("b", "1%", W, W)], "Every method is worse than random", "Keep random:"),
        ([("a", "1%", B, B), ("b", "1%", B, B)], "a and b are better than random", "Use a at 1%"),
        ([(m, "1%", B, B) for m in "abcd"], "4 of 4 methods are better than random; a gained most", "Use a at 1%"),
        ([("a", "1%", W, B)], "a is worse than random at 1%", "Keep random:"),
    ],
)
def test_headline_and_first_advice(cells, headline, first):
    said = answer(_study(*cells))
    assert "".join(said.headline) == headline
    assert said.advice[0].startswith(first)


def test_the_best_at_equal_total_cost_leads():
    study = _study(("a", "1%", B, N), ("b", "5%", B, B), ("c", "1%", B, B))
    study["verdicts"][-1]["difference"] = 0.05
    said = answer(study)
    assert said.lead == ("c", "1%") and said.standing == "holds"
    assert "b is better than random too" in said.advice[1] and "not tested" in said.advice[1]


def test_a_gain_that_is_gone_a_gain_that_is_uncertain_and_a_method_that_costs_more_than_the_pool():
    study = _study(("a", "1%", B, N))
    cost = study["verdicts"][1]
    assert "the gain is gone" in answer(study).advice[1]
    cost["difference"] = 0.02
    assert "no longer certain" in answer(study).advice[1]
    cost["control"] = {"exhausted": True}
    assert "costs more than training on the whole pool" in answer(study).advice[1]
    with_others = answer(_study(("a", "1%", B, N), ("b", "1%", B, B))).advice
    assert any(line.startswith("a at 1%: the gain is gone") and "Not worth its cost" in line for line in with_others)


def test_seeds_that_would_show_a_difference():
    study = _study(("a", "1%", N, N), ("b", "5%", N, N))
    study["verdicts"][2]["difference"] = 0.006
    said = answer(study)
    assert said.sure == [
        "Which rows of the pool to train on? The smallest difference in accuracy that 5 seeds could show, with 80 % "
        "probability: 0.013. Smaller ones may exist unseen."
    ]
    assert said.advice[1] == (
        "b at 5% came closest (+0.006). Run 34 seeds (--seeds 34) to see a difference of 0.01 with 80 % probability."
    )
    study["verdicts"][2]["seeds_needed"] = 1234
    assert "take thousands of seeds" in answer(study).advice[1] and "too small to chase" in answer(study).advice[1]
    for v in study["verdicts"]:
        v["difference"] = -0.004
    assert "more seeds are unlikely" in answer(study).advice[1]


def test_worse_methods_baselines_few_seeds_and_failures_are_told():
    study = _study(("a", "1%", B, B), ("b", "1%", W, W), ("b", "5%", W, W), seeds=[0, 1], failed=failed(2))
    study["verdicts"].append(_verdict("stratified-random", "1%", B, automatic=True))
    advice = "\n".join(answer(study).advice)
    assert "Do not use b at 1% or 5%: worse than random." in advice
    assert "part of the gain of a may be the balance of classes alone" in advice
    assert "Run at least 5 seeds" in advice and "2 failed runs" in advice
    alone = _study(("a", "1%", N, N))
    alone["verdicts"].append(_verdict("length-matched-random", "5%", B, automatic=True))
    assert "length-matched-random, a baseline, is better than random by 0.030 at 5%" in "\n".join(answer(alone).advice)


@pytest.mark.parametrize(
    ("full", "seconds", "words"),
    [
        (0.9, 60, "is 0.070 more accurate than a at 1% and costs 58 s more: choosing pays here if rows cost"),
        (0.9, 1, "costs less"),
        (0.7, 60, "no better on average"),
    ],
)
def test_the_whole_pool_is_weighed(full, seconds, words):
    study = _study(("a", "1%", B, B))
    study["curves"] = [{"method": "full", "metric": "accuracy", "mean": full}]
    study["costs"] = [{"method": "a", "budget": "1%", "total_cpu": 2}]
    study["costs"] += [{"method": "full", "budget": "100%", "total_cpu": seconds}]
    assert words in answer(study).advice[-1]
    study["task"] = {"metrics": [{"name": "accuracy", "higher_is_better": False}]}
    assert ("no better" in answer(study).advice[-1]) == (full == 0.9)


@pytest.mark.parametrize(
    ("same", "share", "words"),
    [
        (
            1.0,
            0.109,
            "keeps the same rows for every seed, so this is about one choice: about 1 random choice in 9 would",
        ),
        (
            0.6,
            0.0002,
            "mostly the same rows for every seed, so this is about one choice: fewer than 1 random choice in",
        ),
        (0.2, 0.109, None),
        (None, None, None),
    ],
)
def test_one_choice_is_called_one_choice(same, share, words):
    study = _study(("a", "1%", B, B))
    study["verdicts"][0] |= {"same_rows": same, "as_good": share}
    found = answer(study)
    assert any(words in line for line in found.sure) if words else "one choice" not in "".join(found.sure)
    assert any("a at 1% is not certain" in line for line in found.advice) == (same == 1.0)
    assert ("not certain" in "".join(found.headline)) == (same == 1.0)


def test_a_method_that_costs_no_more_is_said_to():
    study = _study(("a", "1%", B, B))
    study["verdicts"][1]["control"] = {"budget": "1%", "same": True}
    said = "a costs as much as random, to within a tenth or 20 ms, so the same holds at equal total cost."
    assert said in answer(study).sure
    study["verdicts"][1]["control"]["cost_ratio"] = 1.02
    assert said.replace("as much as random, to within a tenth or 20 ms", "no more than random") in answer(study).sure


def _chosen_once(study, *budgets):
    for v in study["verdicts"]:
        if v["budget"] in budgets:
            v |= {"same_rows": 1.0, "as_good": 0.06, "control": {"budget": v["budget"], "same": True}}
    return study


def test_a_budget_at_which_luck_does_as_well_is_neither_called_better_nor_advised():
    said = answer(_chosen_once(_study(("a", "1%", B, B), ("a", "5%", B, B), ("b", "1%", N, N)), "5%"))
    assert "".join(said.headline) == "a is better than random at 1%; at 5% it is not certain"
    assert said.advice[0].startswith("Use a at 1%: ")
    assert "b: no difference was found; no reason to use it." in said.advice
    assert any("1 random choice in 17 would do as well (estimated from 5" in line for line in said.advice)
    two = _study(("a", "1%", B, B), ("a", "5%", B, B), ("b", "1%", B, B), ("b", "5%", B, B))
    assert "".join(answer(_chosen_once(two, "5%")).headline) == "a and b are better than random at some budgets"
    only = answer(_chosen_once(_study(("a", "5%", B, B)), "5%"))
    assert "".join(only.headline) == "It is not certain that a is better than random" and only.standing == "luck"
    assert only.advice[0] == "Keep random: no method showed a certain gain here."
    spent = answer(_chosen_once(_study(("a", "5%", B, N)), "5%"))
    assert spent.advice[0].startswith("Keep random, unless rows are what you pay for")


def test_no_word_of_luck_where_random_had_the_whole_pool():
    verdict = _verdict("a", "1%", B) | {"same_rows": 1.0, "as_good": 0.2}
    assert lucky(verdict) and not lucky(verdict | {"control": {"budget": "100%"}})
    assert not lucky(verdict | {"as_good": 0.04}) and not lucky(verdict | {"verdict": W})


def test_the_rows_with_which_random_does_as_well_and_what_is_kept_are_said():
    study = _study(("a", "1%", B, B), pool={"rows": 20000, "eligible": 16000, "paths": ["pool.csv"]})
    study["budgets"][0]["rows"] = 160
    study["verdicts"][0]["random_rows"] = 812.3
    said = answer(study)
    assert said.sure[0].startswith(
        "Which rows of pool.csv to train on? Keeping 1% (160 of 16,000 rows), a has accuracy"
    )
    assert any(line.startswith("Random does as well with about 810 rows.") for line in said.sure)
    assert "Where rows are cheap, random does as well with more of them: about 810 rows for 1%." in said.advice


def test_another_metric_that_contradicts_is_in_the_lead():
    study = _study(("a", "1%", B, B), ("b", "1%", W, W))
    worse = _verdict("a", "1%", W) | {"metric": "log_loss", "mean": 1.18, "random_mean": 1.06}
    better = _verdict("b", "1%", B) | {"metric": "recall", "mean": 0.5, "random_mean": 0.4}
    study["others"] = [worse, better, _verdict("a", "5%", W), worse | {"automatic": True}]
    assert "But log loss is worse: 1.180 against 1.060." in answer(study).sure
    assert beside_the_verdicts(study) == [
        "But log loss is worse for a at 1% (1.180 against 1.060); recall is better for b at 1% (0.500 against 0.400)."
    ]
    study["others"] = [worse | {"verdict": B}]
    assert not beside_the_verdicts(study)


def test_warnings_are_advice_too():
    said = answer(_study(("a", "1%", B, B), warnings=["a and b keep the same rows", *"xyz"])).advice
    assert "Mind: A and b keep the same rows." in said and said[-1] == "1 more warning below."


@pytest.mark.parametrize(
    ("total", "unit", "said"),
    [(0.0123, "ms", "12.3"), (1.0, "ms", "1,000"), (20.0, "s", "20.00"), (4321.0, "s", "4,321")],
)
def test_processor_times_have_the_unit_that_fits(total, unit, said):
    found, form = costs_unit({"costs": [{"total_cpu": 0.001}, {"total_cpu": total}]})
    assert (found, form(total)) == (unit, said)
    assert form(0.0000001) == ("<0.1" if unit == "ms" else "<0.01") and float(form(0)) == 0


def test_baselines_are_judged_where_nothing_else_was_compared():
    study = {"verdicts": [_verdict("stratified-random", "1%", B, automatic=True)]}
    assert "".join(answer(study).headline) == "stratified-random is better than random at 1%, at equal budget"


def test_other_metrics_are_told_beside_the_first():
    said = answer(build(2, 2, headline=("accuracy", "log_loss")))
    assert "".join(said.headline) == "top:quality is better than random in accuracy at 1% and 5%"
    assert said.sure[-1].startswith("In log loss, better than random: top:quality at 1% and 5%")


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(["1%", "5%", "20%"]), *[st.sampled_from([B, W, N])] * 2)
    )
)
def test_what_is_advised_has_a_verdict_for_it(cells):
    cells = list({cell[:2]: cell for cell in cells}.values())
    said = answer(_study(*cells))
    held = {(m, b) for m, b, rows, cost in cells if cost == B and rows != W}
    used = re.match(r"Use (\w) at (.+?):", said.advice[0])
    assert bool(used) == bool(held)
    if used:
        assert {(used[1], b) for b in used[2].replace(" or ", ", ").split(", ")} == {h for h in held if h[0] == used[1]}
    better = any(rows == B or (m, b) in held for m, b, rows, _ in cells)
    assert ("better than random" in said.headline[1]) == better


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_fixed_reads_back(value, n):
    text = fixed(value, n, sign=True).replace("−", "-").replace(",", "")
    assert math.isclose(float(text), value, abs_tol=0.5000001 * 10**-n)
    assert text[0] in "+-" or float(text) == 0


@pytest.mark.parametrize(
    ("asked", "said"), [("1%", "1%"), ("500", "500 rows"), ("1", "1 row"), ("2e6 tokens", "2e6 tokens")]
)
def test_budgets_in_words(asked, said):
    assert budget_words(asked) == said

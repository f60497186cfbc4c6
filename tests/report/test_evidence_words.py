"""The answer and the advice follow from the verdicts, case by case."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.report.evidence_answer import answer
from tamis.report.evidence_words import budget_words, costs_unit, fixed

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
            "Use a at 1%: it is better than random there, also when",
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
        "With 5 seeds, a difference of 0.013 in accuracy would have shown with 80 % probability; smaller ones may "
        "exist unseen."
    ]
    assert said.advice[1] == (
        "b at 5% came closest (+0.006). Run 34 seeds (--seeds 34) to see a difference of 0.01 with 80 % probability."
    )
    study["verdicts"][2]["seeds_needed"] = 1234
    assert "1,234 seeds" in answer(study).advice[1] and "too small to chase" in answer(study).advice[1]
    for v in study["verdicts"]:
        v["difference"] = -0.004
    assert "more seeds are unlikely" in answer(study).advice[1]


def test_worse_methods_baselines_few_seeds_and_failures_are_told():
    study = _study(("a", "1%", B, B), ("b", "1%", W, W), ("b", "5%", W, W), seeds=[0, 1], failed=failed(2))
    study["verdicts"].append(_verdict("stratified-random", "1%", B, automatic=True))
    advice = "\n".join(answer(study).advice)
    assert "Do not use b at 1% or 5%: worse than random." in advice
    assert "part of the gain of a may be the balance of classes alone" in advice
    assert "Run at least 5 seeds" in advice and "2 failed cells" in advice
    alone = _study(("a", "1%", N, N))
    alone["verdicts"].append(_verdict("length-matched-random", "5%", B, automatic=True))
    assert "length-matched-random, a baseline, is better than random by 0.030 at 5%" in "\n".join(answer(alone).advice)


@pytest.mark.parametrize(
    ("full", "seconds", "words"),
    [(0.9, 60, "Choose where that saving matters"), (0.9, 1, "costs less"), (0.7, 60, "no better on average")],
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
    assert words in found.sure[0] if words else "one choice" not in found.sure[0]
    assert any("do not count on it" in line for line in found.advice) == (same == 1.0)


def test_a_method_that_costs_no_more_is_said_to():
    study = _study(("a", "1%", B, B))
    study["verdicts"][1]["control"] = {"budget": "1%", "same": True}
    assert answer(study).sure[0].endswith("a costs no more than random, so the same holds at equal total cost.")


@pytest.mark.parametrize(
    ("total", "unit", "said"), [(0.0123, "ms", "12.30"), (1.0, "s", "1.00"), (4321.0, "s", "4,321")]
)
def test_processor_times_have_the_unit_that_fits(total, unit, said):
    found, form = costs_unit({"costs": [{"total_cpu": 0.001}, {"total_cpu": total}]})
    assert (found, form(total)) == (unit, said) and form(0.0000001) == "<0.01" and form(0) == "0.00"


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

"""Cards and pages say what studies found, and the registry shows it."""

import json

import pytest

from tamis import registry
from tamis.registry import METHODS, load_all

from .studied import script, two_studies, without_studies

pytestmark = without_studies


@pytest.fixture
def before():
    """The registry as it was, afterwards."""
    load_all()
    entries = dict(METHODS.entries)
    yield
    METHODS.entries.clear()
    METHODS.entries.update(entries)


def test_status_counts_every_comparison_but_controls():
    cards = script("cards")
    found = two_studies()
    packaged = cards.packaged(found)
    slow = [v["verdict"] for v in found[0]["verdicts"]
            if v["method"] == "top:quality" and v["comparison"] == "equal budget"]  # fmt: skip
    assert slow == ["better", "better"]
    all_won = "better in 2 of 2, worse in 0; at equal total cost better in 2, worse in 0"
    all_lost = "better in 0 of 2, worse in 2; at equal total cost better in 0, worse in 2"
    assert packaged["top"]["status"] == f"{all_won} (1 study)"
    assert packaged["bottom"]["status"] == f"{all_lost} (1 study)"
    assert packaged["weighted-draw"]["studies"] == [f"b-first as sharp: {all_won}"]
    assert packaged["dsir"]["status"].startswith("better in 3 of 4")
    assert packaged["random"]["status"] == "the baseline of 2 studies"
    assert "middle" not in packaged and "noise" not in json.dumps(packaged)


def test_several_names_of_a_method_are_one_study():
    evidence = two_studies()[0]
    evidence["request"]["methods"][-1]["method"] = "top:other"
    assert script("cards").packaged([evidence])["top"]["status"].endswith("(1 study)")


def test_a_verdict_without_numbers_is_not_counted():
    evidence = two_studies()[0]
    evidence["verdicts"][0] |= {"difference": None, "low": None, "high": None, "verdict": "no difference"}
    cards = script("cards")
    assert cards.packaged([evidence])["top"]["status"].startswith("better in 1 of 1")
    assert "too few seeds" in cards.cards_page([evidence])


def test_other_metrics_stand_under_failures_and_do_not_count():
    cards = script("cards")
    evidence = two_studies()[0]
    status = cards.packaged([evidence])["top"]["status"]
    evidence["task"]["headline"].append("off_target")
    worse = [v | {"metric": "off_target", "verdict": "worse"} for v in evidence["verdicts"]]
    evidence["verdicts"] += worse
    assert cards.packaged([evidence])["top"]["status"] == status
    assert "`top:quality` in b-first: worse in off target at equal budget, for all budgets" in cards.cards_page(
        [evidence]
    )
    assert "| `top:quality` | 1% | off target | worse: " in script("pages").study_page(evidence)
    assert cards.index_table([evidence]).endswith("| 4 better, 2 worse of 6 |")


def test_users_methods_have_no_card():
    evidence = two_studies()[0]
    evidence["request"]["methods"][0]["method"] = "mine.py:best"
    assert "top" not in script("cards").packaged([evidence]) and "mine.py" not in script("cards").packaged([evidence])


def test_pages_say_what_was_found():
    cards, pages = script("cards"), script("pages")
    first, second = two_studies()
    page = pages.study_page(first)
    assert "It works by 2 points." in page and "Is it so?" in page and "- A note." in page and "a chip" in page
    verdict = next(v for v in first["verdicts"] if v["method"] == "top:quality")
    assert pages.number(verdict) in page and verdict["difference"] == pytest.approx(0.5, abs=0.02)
    assert "`top:noise` is a control (noise)" in page and "at 0 of 2 budgets, as it should be" in page
    failures = page.partition("## When it fails")[2]
    assert "`bottom:quality`: worse at equal budget, for all budgets" in failures and "`top:noise`" not in failures
    assert "- A warning: One thing." in failures
    assert "## Published directions" not in page and "reproduced" in pages.study_page(second)
    every = cards.cards_page([first, second])
    assert [title for title in METHODS.entries if f"\n## {title}\n" in every] == [
        name for name in METHODS.entries if name in cards.packaged([first, second])
    ]
    assert "- `bottom:quality` in b-first: worse at equal budget, for all budgets" in every
    assert "`middle`" in every.partition("## Unproven")[2]


def test_a_control_that_differs_speaks_against_the_study():
    evidence = two_studies()[0]
    evidence["study"]["controls"] = {"top:quality": "noise"}
    assert "at 2 of 2 budgets, which speaks against this study" in script("pages").study_page(evidence)
    for verdict in evidence["verdicts"]:
        verdict["same_rows"] = float(verdict["method"] == "top:quality")
    page = script("pages").study_page(evidence)
    assert "at 2 of 2 budgets, which luck can do" in page and "For every seed `top:quality` kept the same rows" in page


def test_tables_hold_one_row_a_line():
    table = script("pages").table(["a", "b"], [["x|y", 1]], numbers=1)
    assert table.splitlines() == ["| a | b |", "| --- | ---: |", r"| x\|y | 1 |"]


def test_the_registry_shows_what_the_package_holds(tmp_path, monkeypatch, before, run):
    path = tmp_path / "cards.json"
    path.write_text(json.dumps(script("cards").packaged(two_studies()) | {"gone": {"status": "x", "studies": []}}))
    monkeypatch.setattr(registry, "CARDS", path)
    load_all.__wrapped__()
    assert METHODS.entries["top"].card()["status"].startswith("better in 2 of 2")
    assert METHODS.entries["middle"].status == "unproven" and "gone" not in METHODS.entries
    told = run("methods", "weighted-draw").out
    assert "evidence  better in 2 of 2" in told and "\n            b-first as sharp: better in 2 of 2" in told
    from tamis.engine.cards import markdown

    shown = markdown([METHODS.entries["top"], METHODS.entries["middle"]])
    assert "(docs/evidence/cards.md#top)" in shown and "| unproven |" in shown

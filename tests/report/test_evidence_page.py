"""The report of a study: what it shows is what it was given, and nothing of the pool can act or hide in it."""

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from tamis.report.evidence_page import render

from .evidence_sample import BASELINES, NAMES, build, failed

EVIL = '<script src="x">alert(1)</script><img src=x onerror="a">&amp;\u202eback\u2069\x00\x1b\ud800{{ 7*7 }}'
HOOK = re.compile(r'data-name="([^"]+)" data-value="([^"]*)"')
ACTIVE = re.compile(r"<script|<img|<iframe|<link|http|src=|url\(|@import|javascript:|\son\w+=", re.IGNORECASE)
KEPT_WORDS = {"verdict", "comparison", "metric", "role", "headline"}


def _at(source, path):
    for step in path.split("."):
        source = source[int(step)] if isinstance(source, list) else source[step]
    return source


def _replace(value, text):
    """The same evidence with every string replaced, except those that choose words of the page."""
    if isinstance(value, dict):
        return {k: inner if k in KEPT_WORDS else _replace(inner, text) for k, inner in value.items()}
    if isinstance(value, list):
        return [_replace(inner, text) for inner in value]
    return text if isinstance(value, str) else value


def _text(page):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<style>.*?</style>", "", page))).split())


def _parsed(page):
    return ElementTree.fromstring(re.sub(r"<(meta|br)([^>]*)>", r"<\1\2/>", page[page.index("<html") :]))


@pytest.fixture(scope="module")
def whole():
    evidence = build(2, 2, 20, headline=("accuracy", "log_loss"))
    evidence["failed"] = failed()
    return evidence


@pytest.mark.parametrize(("methods", "budgets", "seeds"), [(1, 1, 2), (2, 2, 5), (8, 4, 5)])
def test_every_number_is_the_one_that_was_given(methods, budgets, seeds):
    evidence = build(methods, budgets, seeds)
    found = {unescape(name): value for name, value in HOOK.findall(render(evidence))}
    for name, value in found.items():
        assert float(value) == _at(evidence, name), name
    for i in range(len(evidence["verdicts"])):
        assert {f"verdicts.{i}.{key}" for key in ("difference", "low", "high", "p_holm")} <= set(found)
    assert {"pool.rows", "curves.0.mean", "costs.0.total_cpu", "reach.level"} <= set(found)
    assert sum(name.startswith("effects.") and name.endswith(".difference") for name in found) >= 2 * budgets
    assert {"kept.0.shared_with_random", "kept.0.shares.0.method", "kept.0.examples.0.kept_in"} <= set(found)


def test_no_value_of_the_pool_can_act_or_hide(whole):
    page = render(_replace(whole, EVIL))
    assert not [tag for tag in re.findall(r"<[^>]*>", page) if ACTIVE.search(tag)]
    assert "&lt;script" in page and "{{ 7*7 }}" in page and "49" not in re.findall(r"back.{0,40}", page)[0]
    assert "[U+202E]back[U+2069][U+0000][U+001B][U+D800]" in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]", page)
    page.encode("utf-8")
    _parsed(page)


def test_loads_nothing_and_is_well_formed(whole):
    page = render(whole)
    assert not ACTIVE.search(page)
    root = _parsed(page)
    charts = [svg for svg in root.iter("svg") if svg.get("role") == "img"]
    assert len(charts) == 4 and all(svg.find("title") is not None and svg.find("desc") is not None for svg in charts)
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    links = [link.get("href", "")[1:] for link in root.iter("a")]
    assert set(links) <= set(ids) and len(links) == len(set(ids) & set(links)) == 12
    assert not [node for node in root.iter() if re.search("nan|None|inf%", " ".join(node.attrib.values()))]


def test_each_part_may_be_missing(whole):
    for key in list(whole):
        for empty in (None, type(whole[key])()):
            page = render({**whole, key: empty})
            assert "</html>" in page and "None" not in _text(page), key
    bare = [render({}), render(dict.fromkeys(whole))]
    assert all("nothing was compared" in page and not HOOK.findall(page) for page in bare)


@pytest.mark.parametrize("key", ["verdicts", "curves", "costs", "effects", "kept", "failed", "methods", "budgets"])
def test_each_field_of_a_list_may_be_missing(whole, key):
    for field in whole[key][0]:
        for empty in ({}, {field: None}):
            changed = [{k: v for k, v in one.items() if k != field} | empty for one in whole[key]]
            assert "</html>" in render({**whole, key: changed}), field


def test_order_of_the_page_is_the_answer_first(whole):
    ids = [
        node.get("id") for node in _parsed(render(whole)).iter() if node.tag in ("section", "div") and node.get("id")
    ]
    assert ids == "next verdicts compared curves cost reach effects kept failed judged warnings again".split()


def test_both_comparisons_stand_side_by_side_and_baselines_apart():
    root = _parsed(render(build(2, 2)))
    tables = [t for t in root.iter("table") if t.get("class") == "verdicts"]
    names = [["".join(node.itertext()) for node in t.iter("tr") if node.get("class") == "who"] for t in tables]
    assert names == [list(NAMES[:2]), list(BASELINES)]
    rows = [tr for tr in tables[0].iter("tr") if tr.find("td[@class='v']") is not None]
    assert len(rows) == 4 and all(len(tr.findall("td[@class='v']")) == 2 for tr in rows)
    heads = [td.get("data-label") for td in rows[0].findall("td[@class='v']")]
    assert heads == ["Equal budget", "Equal total cost"]


def test_same_method_has_the_same_colour_everywhere():
    page = render(build(8, 2))
    kinds = re.findall(r'class="mk (\w+)[^"]*" d="([^"]+)"', page)
    assert {kind for kind, _ in kinds} >= {"random", "base", "full", *(f"m{i}" for i in range(8))}
    shapes = {kind: {d for k, d in kinds if k == kind} for kind in (f"m{i}" for i in range(8))}
    assert all(len(one) == 1 for one in shapes.values()) and len(set().union(*shapes.values())) == 8


def test_what_was_not_reached_is_never_a_number():
    evidence = build(2, 2)
    evidence["reach"]["methods"][0] |= {"reached": 0, "cost": None, "budget": None, "censored_above": 4.1}
    text = _text(render(evidence))
    assert "random not reached in any of 5 seeds; more than 4.1 s" in text
    evidence["reach"]["methods"][0] |= {"reached": 2, "cost": 1.25, "budget": "5%"}
    assert "random not reached in most seeds ( 2 of 5 ); more than 4.1 s" in _text(render(evidence))
    evidence["reach"]["methods"][0] |= {"reached": 4}
    assert "random 1.2 s at 5% 1 of 5 seeds never reached it" in _text(render(evidence))


def test_a_control_and_a_choice_made_once_are_told():
    evidence = build(1, 1)
    rows, cost = evidence["verdicts"][-2:]
    rows |= {"same_rows": 1.0, "as_good": 0.1}
    for control, words in (
        ({"budget": "1%", "same": True}, "the same: it costs as much as random, to within a tenth or 20 ms"),
        ({"budget": "3.4%", "same": False}, "random had 3.4%"),
        (
            {"budget": "100%", "rows": 16000, "steps": 500, "exhausted": True},
            "random could keep all 16,000 rows, train 500 steps and still cost less",
        ),
    ):
        cost["control"] = control
        text = _text(render(evidence))
        assert words in text
        assert text.count("1 random choice in 10 would do as well (estimated from 5 random choices)") == 3


def test_failed_cells_keep_their_traceback(whole):
    page = render(whole)
    assert page.count("<details><summary><b>") == 3 and "Traceback (most recent call last)" in page


def test_a_reader_finds_what_was_compared_how_sure_and_what_it_cost():
    text = _text(render(build(2, 2)))
    for words in (
        "top:quality is better than random at 1% and 5%",
        "95\u00a0% interval of the difference",
        "Use top:quality at 1% or 5%",
        "share of test examples whose class is right ; higher is better",
        "a fifth of the pool, another one for each seed",
        "Seeds 5: 0, 1, 2, 3, 4",
        "Processor seconds of one run",
        "tamis bench pool.csv",
    ):
        assert " ".join(words.split()) in text, words


def test_stays_small_with_long_texts():
    evidence = build(8, 4, text="<&\"'>" * 20_000)
    evidence["failed"] = [one | {"traceback": "x" * 100_000} for one in failed(100)]
    assert len(render(evidence)) < 1_200_000


def test_what_is_optional_is_shown_where_it_is_there():
    evidence = build(2, 1, text=None)
    evidence["methods"][3] |= {"says": "The largest values of a column first.", "reads": "score: quality"}
    evidence["machine"] = {"processor": "Some Processor", "cores": 8}
    evidence["kept"][0]["shared_by_chance"] = 0.02
    for i, one in enumerate(evidence["kept"][0]["shares"]):
        one["pool"] = (0.2, 0.5, 0.3)[i]
    text = _text(render(evidence))
    for words in (
        "The largest values of a column first. Reads score: quality .",
        "on Some Processor, 8 cores . The total cost",
        "1 % , by chance 2 % , of its rows are in random",
        "dog 50 % 33.3 % 30 % newt 30 % 33.3 % 19 % cat 20 % 33.3 % 51 %",
    ):
        assert words in text, words
    assert text.count("kept with 5 of 5 seeds") == 2 * len(evidence["kept"]) and "is balance, not choice" in text


def test_a_marker_that_would_be_the_same_is_drawn_once():
    evidence = build(1, 1)
    marks = render(evidence).count('class="mk m0 hollow"')
    evidence["verdicts"][-1]["control"] = {"budget": "1%", "same": True}
    assert marks == 1 and 'class="mk m0 hollow"' not in render(evidence)


def test_effects_that_leave_out_0_come_first_and_options_that_say_nothing_are_left_out():
    evidence = build(2, 2)
    evidence["request"] |= {"model": None, "full": True, "holdout": "20%", "methods": [{"method": "m", "name": "mine"}]}
    page = render(evidence)
    found = [_at(evidence, f"effects.{i}") for i in re.findall(r'data-name="effects\.(\d+)\.difference"', page)]
    apart = [o["low"] > 0 or o["high"] < 0 for o in found if o["kind"] == "class"]
    assert apart == sorted(apart, reverse=True) and any(apart) and not all(apart)
    options = _text(page[page.index("Options of the request") :])
    assert "methods mine" in options and not re.search("holdout|model|full", options)

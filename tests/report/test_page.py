"""The report: what it shows is what it was given, and nothing of the pool can act or hide in it."""

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from tamis.report.page import render

from .sample import build

EVIL = '<script src="x">alert(1)</script><img src=x onerror="a">&amp;\u202eback\u2069\x00\x1b\ud800{{ 7*7 }}'
HOOK = re.compile(r'data-name="([^"]+)" data-value="([^"]*)"')
ACTIVE = re.compile(r"<script|<img|<iframe|<link|http|src=|url\(|@import|javascript:|\son\w+=", re.IGNORECASE)


def _hooks(page):
    return [(unescape(name), value) for name, value in HOOK.findall(page)]


def _at(source, path):
    for step in path.split("."):
        source = source[int(step)] if isinstance(source, list) else source[step]
    return source


def _replace(value, text):
    """The same record with every string replaced, except paths that choose words of the page."""
    if isinstance(value, dict):
        return {key: _replace(inner, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replace(inner, text) for inner in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize(("targets", "groups", "greedy"), [(0, 1, 0), (1, 17, 0), (3, 5, 0), (8, 40, 0), (1, 17, 1)])
def test_every_number_is_the_one_that_was_given(targets, groups, greedy):
    manifest, summary, examples = build(targets, groups, greedy=greedy)
    sources = {**manifest, "summary": summary, "examples": examples}
    given = [
        (name, value) for name, value in _hooks(render(manifest, summary, examples)) if not name.startswith("derived.")
    ]
    for name, value in given:
        expected = _at(sources, name)
        expected = expected if isinstance(expected, list) else [expected]
        assert [float(v) for v in value.split()] == expected, name
    names = {name for name, _ in given}
    assert {"rows.pool", "rows.kept", "rows.duplicates", "budget.spent", "seconds", "steps.0.peak_mb"} <= names
    assert {
        "summary.groups.rows.0.kept",
        "summary.lengths.pool",
        "examples.top.0.score",
    } <= names
    assert ({"summary.gains.gains", "summary.weights.median"} if greedy else {"summary.scores.0.kept"}) <= names


def test_derived_numbers_follow_from_the_given_ones():
    manifest, summary, examples = build()
    derived = {n: float(v) for n, v in _hooks(render(manifest, summary, examples)) if n.startswith("derived.")}
    rows, groups = manifest["rows"], summary["groups"]["rows"]
    assert derived["derived.kept_of_pool"] == rows["kept"] / rows["pool"]
    assert derived["derived.not_kept"] == rows["eligible"] - rows["kept"]
    for key in ("pool", "kept"):
        shares = [derived[f"derived.summary.groups.rows.{i}.{key}_share"] for i in range(len(groups))]
        assert shares == [row[key] / sum(r[key] for r in groups) for row in groups]


def test_a_ledger_that_does_not_add_up_says_so():
    manifest, summary, examples = build()
    assert "unaccounted" not in render(manifest, summary, examples)
    manifest["rows"]["duplicates"] -= 7
    assert ("derived.unaccounted", "7") in _hooks(render(manifest, summary, examples))


@pytest.mark.parametrize("greedy", [False, True])
def test_no_value_of_the_pool_can_act_or_hide(greedy):
    manifest, summary, examples = (_replace(part, EVIL) for part in build(3, 5, greedy=greedy))
    manifest["warnings"] = [EVIL]
    page = render(manifest, summary, examples)
    assert not [tag for tag in re.findall(r"<[^>]*>", page) if ACTIVE.search(tag)]
    assert "&lt;script" in page and "{{ 7*7 }}" in page and "49" not in re.findall(r"back.{0,40}", page)[0]
    assert "[U+202E]back[U+2069][U+0000][U+001B][U+D800]" in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]", page)
    page.encode("utf-8")


def test_loads_nothing():
    page = render(*build(8, 40))
    assert not ACTIVE.search(page)


@pytest.mark.parametrize("greedy", [False, True])
def test_each_part_may_be_missing(greedy):
    assert "What this page does not show" in render({}, None, None)
    manifest, summary, examples = build(3, 5, greedy=greedy)
    for part in (manifest, summary, examples):
        for key in list(part):
            for empty in (None, type(part[key])()):
                kept, part[key] = part[key], empty
                assert "</html>" in render(manifest, summary, examples), key
                part[key] = kept
    for part in (manifest, summary, examples):
        part.update(dict.fromkeys(part))
    page = render(manifest, summary, examples)
    assert "None" not in re.sub(r"<[^>]*>", "", page) and not _hooks(page)


@pytest.mark.parametrize(("targets", "groups", "greedy"), [(0, 1, 0), (1, 17, 0), (8, 40, 0), (1, 5, 1)])
def test_markup_is_well_formed(targets, groups, greedy):
    page = render(*build(targets, groups, EVIL, greedy))
    assert page.startswith("<!doctype html>")
    root = ElementTree.fromstring(re.sub(r"<(meta|br)([^>]*)>", r"<\1\2/>", page[page.index("<html") :]))
    charts = [svg for svg in root.iter("svg") if svg.get("role") == "img"]
    assert charts and all(svg.find("title") is not None and svg.find("desc") is not None for svg in charts)
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    assert all(link.get("href", "")[1:] in ids for link in root.iter("a"))


def test_small_with_long_texts_and_says_what_was_cut():
    manifest, summary, examples = build(8, 40, "<&\"'>" * 20_000)
    examples["top"] = (examples["top"] * 4)[:7]
    assert sum(map(len, examples.values())) >= 17
    page = render(manifest, summary, examples)
    assert len(page.encode()) < 200_000
    assert ("derived.examples.top.0.cut", str(100_000 - 420)) in _hooks(page)


@pytest.mark.parametrize(
    ("kept", "pool", "targets", "words"),
    [
        (5000, 346192, 1, "5,000 of 346,192 documents kept by dsir for the target law"),
        (1, 346192, 0, "1 of 346,192 documents kept by dsir"),
        (0, 1, 2, "None of 1 document kept by dsir for the targets law and code"),
        (3, 3, 3, "All 3 documents kept by dsir for the targets law, code and science"),
        (5, 9, 8, "5 of 9 documents kept by dsir for 8 targets"),
    ],
)
def test_headline(kept, pool, targets, words):
    manifest, summary, examples = build(targets)
    manifest["rows"] = {"pool": pool, "kept": kept}
    headline = re.search(r"<h1>(.*?)</h1>", render(manifest, summary, examples), re.DOTALL)[1]
    assert " ".join(re.sub(r"<[^>]*>", "", headline).split()) == words


def test_unproven_is_said():
    manifest, summary, examples = build()
    assert "dsir</bdi> is unproven" in render(manifest, summary, examples)
    manifest["method"]["status"] = "better than random on 2 of 3 tasks"
    page = render(manifest, summary, examples)
    assert "is unproven" not in page and "better than random on 2 of 3 tasks" in page


def test_a_choice_not_made_by_score_alone_is_not_called_just_missed():
    manifest, summary, examples = build()
    assert "Just missed" in render(manifest, summary, examples)
    summary["scores"][0]["cut"] = None
    page = render(manifest, summary, examples)
    assert "Just missed" not in page and "score alone did not decide" in page


def test_a_shift_that_chance_explains_is_not_a_finding():
    manifest, summary, examples = build(groups=2)
    summary["groups"]["rows"] = [{"group": "a", "pool": 500, "kept": 54}, {"group": "b", "pool": 500, "kept": 46}]
    assert "gained more than a random draw might give it" in render(manifest, summary, examples)
    summary["groups"]["rows"] = [{"group": "a", "pool": 500, "kept": 90}, {"group": "b", "pool": 500, "kept": 10}]
    assert "a</bdi> makes up" in render(manifest, summary, examples)

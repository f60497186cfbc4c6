"""`table.md`: the same answer and numbers as the page, stable, and nothing in it acts."""

import copy
import re

import pytest

from tamis.report.evidence_table import markdown, plain

from .evidence_sample import build


def _rows(text, table):
    parts = [part for part in text.split("\n\n") if part.startswith("| Method")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in parts[table].splitlines()]


def test_equal_evidence_gives_equal_text_and_leaves_it_alone():
    evidence = build(3, 2)
    before = copy.deepcopy(evidence)
    assert markdown(evidence) == markdown(before) and evidence == before
    assert markdown(evidence).startswith(
        "# top:quality is better than random at 1% and 5%\n\nOn pool.csv, 20,000 rows,"
    )


@pytest.mark.parametrize("headline", [("accuracy",), ("accuracy", "log_loss")])
def test_verdicts_have_a_line_each_with_both_comparisons(headline):
    evidence = build(2, 2, headline=headline)
    head, _, *rows = _rows(markdown(evidence), 0)
    pairs = {(v["metric"], v["method"], v["budget"]) for v in evidence["verdicts"]}
    assert len(rows) == len(pairs) and all(len(row) == len(head) for row in rows)
    first, v, c = dict(zip(head[:2], rows[0], strict=False)), *evidence["verdicts"][4:6]
    assert list(first.values()) == [v["method"], v["budget"]] and rows[0][-4::2] == [v["verdict"], c["verdict"]]
    numbers = [float(x.replace("−", "-")) for x in re.findall(r"[+−]?\d\.\d+", rows[0][-3])]
    assert numbers == pytest.approx([v["difference"], v["low"], v["high"]], abs=6e-4)
    assert all("(baseline)" in row[0] for row in rows[-2:])


def test_costs_have_a_line_each():
    evidence = build(2, 2)
    _, _, *rows = _rows(markdown(evidence), 1)
    assert [row[0] for row in rows] == [c["method"].replace("full", "whole pool") for c in evidence["costs"]]
    assert [float(row[5]) for row in rows] == pytest.approx([c["total_cpu"] for c in evidence["costs"]], abs=6e-3)


def test_names_cannot_act():
    evil = "a|b`c*\n# d <script>[x](y)\u202e"
    assert plain(evil) == r"a\|b\`c\* \# d \<script\>\[x\](y)\[U+202E\]"
    evidence = build(1, 1)
    for part in ("verdicts", "costs"):
        for one in evidence[part]:
            one["method"] = evil
    evidence |= {"name": evil, "command": "tamis ``` <b>\n# x"}
    text = markdown(evidence)
    assert "\u202e" not in text and not re.search(r"(?<!\\)<(script|b)>(?! #)", text.split("````")[0])
    assert text.count("\n# ") == 0 and "````\ntamis ``` <b> # x\n````" in text
    head, _, *rows = _rows(text, 0)
    assert all(len(row) == len(head) for row in rows)


def test_each_part_may_be_missing():
    evidence = build(2, 1)
    for key in evidence:
        for empty in (None, type(evidence[key])()):
            assert "None" not in markdown({**evidence, key: empty})
    assert markdown({}).startswith("# No verdict: nothing was compared with random\n")

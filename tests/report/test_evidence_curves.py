"""Charts of evidence put numbers where they belong, and methods can be told apart."""

import re
from importlib import resources
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.report import curves
from tamis.report.curves import Axis, Line, Point, Style

FINITE = st.floats(-1e6, 1e6)


def _form(value, gap):
    return f"{value:g}"


def _heights(svg):
    return {
        float(g.get("data-value")): float(g.find("svg").get("y")) for g in ElementTree.fromstring(svg).iter("g")
    }  # fmt: skip


@given(st.lists(st.tuples(FINITE, st.floats(0, 1e5)), min_size=1, max_size=8))
def test_axis_holds_zero_and_every_difference(found):
    axis = curves.around_zero([(m - h, m, m + h) for m, h in found])
    assert axis.low < 0 < axis.high and all(axis.low <= m <= axis.high for m, _ in found)
    ticks = axis.ticks()
    assert 0.0 in ticks and len(ticks) <= 7
    places = [axis.place(t) for t in ticks]
    assert places == sorted(places) and all(0 <= x <= 100 for x in places)


def test_one_huge_interval_does_not_hide_the_others():
    axis = curves.around_zero([(0.01, 0.02, 0.03), (0.0, 0.01, 0.02), (-9.0, 0.015, 9.0)])
    assert axis.high < 0.2
    svg = curves.whiskers([(Style("m0"), -9.0, 0.015, 9.0)], axis)
    assert svg.count("L") == 4 + 0 and "M-4-4L2 0L-4 4" in svg and "M4-4L-2 0L4 4" in svg
    assert "M0-4V4" not in svg


@pytest.mark.parametrize("low", [None, 0.01])
def test_whiskers_stand_where_their_numbers_are(low):
    axis = Axis(-0.1, 0.1)
    svg = curves.whiskers([(Style("m0"), low, 0.05, 0.09), (Style("m1"), None, None, None)], axis)
    ElementTree.fromstring(svg)
    assert f'<svg x="{axis.place(0.05):.2f}%"' in svg and "m1" not in svg
    assert (f'x1="{axis.place(0.01):.2f}%"' in svg) == (low is not None)


@given(st.lists(st.tuples(st.floats(1e-3, 1e4), FINITE, st.floats(0, 1e4)), min_size=1, max_size=12))
def test_any_values_draw_and_higher_means_stand_higher(found):
    points = [Point(x, m, m - h, m + h, f"curves.{i}.mean") for i, (x, m, h) in enumerate(found)]
    svg = curves.prices([Line(Style("m0"), points)], _form, "<t>", "<d>")
    heights = _heights(svg)
    ranked = [heights[m] for m in sorted(heights)]
    assert ranked == sorted(ranked, reverse=True) and all(9 <= y <= 241 for y in ranked)


def test_panel_has_a_slot_a_budget_and_a_line_for_the_whole_pool():
    lines = [Line(Style(f"m{i}"), [Point(0, 0.7 + i / 10), Point(1, 0.8)]) for i in range(2)]
    svg = curves.panel(lines, [("1%", "160 rows"), ("5%", "")], ("whole", 0.9, "curves.9.mean"), _form, "t", "d")
    ElementTree.fromstring(svg)
    assert 'x="25.00%" text-anchor="middle" y="259">1%' in svg and 'x="75.00%"' in svg
    assert svg.count('class="ln m0"') == 1 and 'data-name="curves.9.mean" data-value="0.9"' in svg
    at = [float(x) for x in re.findall(r'<svg x="([\d.]+)%"', svg)]
    assert len(set(at)) == 4 and all(abs(x - 25) < 5 or abs(x - 75) < 5 for x in at)


def test_stack_is_as_long_as_its_parts_and_a_long_one_is_broken():
    parts = [("select", 1.0), ("train", 3.0), ("test", 0.0)]
    widths = [float(w) for w in re.findall(r' width="([\d.]+)%" height="11"', curves.stack(parts, 8.0))]
    assert widths == [12.5, 37.5] and "broken" not in curves.stack(parts, 8.0)
    cut = curves.stack(parts, 2.0)
    assert "broken" in cut and sum(float(w) for w in re.findall(r' width="([\d.]+)%" height="11"', cut)) == 100


def test_not_reached_is_an_arrow_from_what_was_spent():
    axis = Axis(0.1, 10, log=True)
    svg = curves.reached(Style("m0"), None, 1.0, axis)
    assert 'x1="50.00%" x2="100%"' in svg and "mk" not in svg
    assert "mk" in curves.reached(Style("m0"), 1.0, None, axis)


@pytest.mark.parametrize(
    ("value", "said"), [(0.05, "50 ms"), (2, "2 s"), (90, "90 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_seconds(value, said):
    assert curves.seconds(value) == said


# Machado, Oliveira and Fernandes 2009, full severity: what protanopes and deuteranopes see of linear RGB.
SEEN = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


def _linear(colour):
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def _lab(linear):
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    f = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(("mode", "paper", "grey"), [(0, "#ffffff", "#8d949c"), (1, "#14171a", "#7b848d")])
def test_colours_can_be_told_apart_also_by_the_colour_blind(mode, paper, grey):
    css = resources.files("tamis.report").joinpath("evidence.css.jinja").read_text("utf-8")
    colours = [re.findall(rf"--m{i}: (#\w{{6}})", css)[mode] for i in range(8)]
    light = [_linear(c) @ [0.2126, 0.7152, 0.0722] for c in (paper, *colours)]
    assert all((max(y, light[0]) + 0.05) / (min(y, light[0]) + 0.05) >= 2.95 for y in light[1:])
    for seen in SEEN.values():
        labs = [_lab(np.clip(np.array(seen) @ _linear(c), 0, 1)) for c in [*colours, grey]]
        assert min(np.linalg.norm(a - b) for a, b in combinations(labs, 2)) > 15


@pytest.mark.parametrize("mode", [0, 1])
def test_no_method_looks_like_a_verdict(mode):
    read = [
        resources.files("tamis.report").joinpath(f"{name}.css.jinja").read_text("utf-8")
        for name in ("evidence", "style")
    ]
    verdicts = [
        re.findall(rf"--{name}: (#\w{{6}})", css)[mode] for name, css in zip(("bad", "kept"), read, strict=True)
    ]
    methods = [re.findall(rf"--m{i}: (#\w{{6}})", read[0])[mode] for i in range(8)]
    gaps = [np.linalg.norm(_lab(_linear(a)) - _lab(_linear(b))) for a in verdicts for b in methods]
    assert min(gaps) > 25


@given(st.floats(-1, 0), st.floats(0.001, 1))
def test_labels_below_a_narrow_axis_do_not_touch(low, high):
    axis = Axis(low, high)
    ticks, n = axis.ticks(), axis.places()
    ends = [(axis.place(t) / 100 * curves.NARROW, 3.1 * len(f"{t:+.{n}f}")) for t in ticks]
    assert len(ticks) < 3 or all(a + half < b - wide for (a, half), (b, wide) in pairwise(ends))


def test_the_line_of_random_goes_on_to_the_whole_pool_without_its_marker():
    end = Point(4.0, 0.9, 0.8, 1.0, "curves.3.mean", silent=True)
    svg = curves.prices([Line(Style("random"), [Point(1.0, 0.7), Point(2.0, 0.8), end])], _form, "t", "d")
    assert svg.count('class="ln random"') == 2 and svg.count('class="mk random"') == 2 and "curves.3" not in svg

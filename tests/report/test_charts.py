"""Charts put numbers where they belong."""

import re
from xml.etree import ElementTree

import pytest

from tamis.report import charts


@pytest.mark.parametrize(
    "rows", [[0, 0], [3, 9], [5000, 339992, 1200, 0, 1], [1, 10**12], [1, 1, 1, 10**9], [0, 10**6]]
)
def test_dots_are_the_largest_remainder_of_the_rows(rows):
    found = ElementTree.fromstring(charts.dots([(f"part{i}", n) for i, n in enumerate(rows)], "<t>", "<d>"))
    drawn = {path.get("class").split()[1]: path.get("d").count("h0") for path in found.iter("path")}
    assert sum(drawn.values()) == min(sum(rows), charts.MOST_DOTS)
    for i, n in enumerate(rows):
        dots = drawn.get(f"part{i}", 0)
        assert (dots > 0) == (n > 0)
        if sum(rows) > charts.MOST_DOTS:
            assert abs(dots - charts.MOST_DOTS * n / sum(rows)) < len(rows)


def _labels(svg):
    places = re.findall(r'<text x="([\d.]+)%" y="\d+" text-anchor="\w+">([^<]*)<', svg)
    return {text: float(x) for x, text in places}


@pytest.mark.parametrize("first", [0.0, 1.0])
def test_length_axis_is_logarithmic_also_from_zero(first):
    edges = [first, 10.0, 100.0, 1000.0, 10000.0]
    svg = charts.outlines([("pool", "a", [1, 2, 3, 4]), ("kept", "b", [0, 0, 0, 0])], edges, "t", "d")
    ElementTree.fromstring(svg)
    labels = _labels(svg)
    assert [labels[text] for text in ("10", "100", "1,000", "10,000")] == [25, 50, 75, 100]


def test_cut_stands_where_its_score_is():
    svg, log = charts.histogram(
        [("pool", "a", [9, 9, 9, 9]), ("kept", "b", [0, 0, 4, 9])], [0, 1, 2, 3, 4], 2.5, "t", "d"
    )
    assert not log and 'class="cut" x1="62.50%"' in svg and "cut 2.50" in svg
    _, log = charts.histogram([("pool", "a", [9000, 9]), ("kept", "b", [0, 1])], [0, 1, 2], None, "t", "d")
    assert log


@pytest.mark.parametrize("edges", [[0.0, 0.0], [0.0, 1.0], [-5.0, -4.0, 0.0], [2.0, 3.0, float("inf")], [1e-9, 2e-9]])
def test_any_edges_draw(edges):
    counts = [1] * (len(edges) - 1)
    ElementTree.fromstring(charts.outlines([("pool", "a", counts)], edges, "t", "d"))
    ElementTree.fromstring(charts.histogram([("pool", "a", counts)], edges, edges[0], "t", "d")[0])


def test_a_line_goes_through_its_points():
    svg, log = charts.line(("at", [1, 10, 100]), ("gain", [4.0, 2.0, -4.0]), "t", "d")
    ElementTree.fromstring(svg)
    assert not log and 'd="M0.0 0.0 500.0 25.0 1000.0 100.0"' in svg
    assert 'data-name="at" data-value="1 10 100"' in svg and 'data-name="gain" data-value="4 2 -4"' in svg
    assert _labels(svg) == {"1": 0, "10": 50, "100": 100}
    assert ">0<" in svg, "a line that crosses 0 shows where that is"
    svg, log = charts.line(("at", [1, 10, 100]), ("gain", [1000.0, 10.0, 0.1]), "t", "d")
    assert log and 'd="M0.0 0.0 500.0 50.0 1000.0 100.0"' in svg
    svg, log = charts.line(("at", [1, 10, 100]), ("gain", [1000.0, 1.0, 0.0]), "t", "d")
    assert log and 'd="M0.0 0.0 500.0 100.0 1000.0 100.0"' in svg


@pytest.mark.parametrize(
    "values", [[0.0, 0.0], [5.0, 5.0], [-1.0, -2.0], [1e-300, 1e300], [1e300, -1e300], [3.0, 0.0], [1e-9, 0.2]]
)
def test_any_line_draws(values):
    svg, _ = charts.line(("at", [1, 2]), ("gain", values), "<t>", "&")
    ElementTree.fromstring(svg)
    places = re.search(r'd="M([^"]*)"', svg)[1].split()
    assert all(0 <= float(y) <= 100 for y in places[1::2]) and "nan" not in svg

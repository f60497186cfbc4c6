"""The pages on choosing sets have every method once, with its memory, and a picture that the methods drew."""

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tamis.engine.cards import needs_of
from tamis.registry import METHODS, load_all

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FAMILIES = ("coverage", "clusters", "uncertainty", "dynamics", "annotation", "targets", "combine")
PAGES = (*FAMILIES, "training")  # the last has no picture: it chooses anew in every epoch
MARKER = re.compile(r"<!-- family: (.*), made by docs/refresh\.py -->")
TERMS = {"quality", "coverage", "½ quality", "½ similarity", "balance"}

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")


@pytest.fixture(scope="module")
def refresh():
    spec = importlib.util.spec_from_file_location("refresh", DOCS / "refresh.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def methods():
    load_all()
    return dict(METHODS.entries)


def text(page):
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def test_every_method_is_on_one_page(methods):
    told = [name for page in PAGES for name in MARKER.search(text(page))[1].split()]
    # baselines and columns are told of on the page on budgets
    assert sorted(told) == sorted(name for name, m in methods.items() if m.family not in ("baseline", "column"))


@pytest.mark.parametrize("page", PAGES)
def test_page_states_memory_and_where_it_ends(page, methods, refresh):
    for name in MARKER.search(text(page))[1].split():
        found = methods[name]
        assert f"| `{name}` | {found.cost} | {found.memory} | {refresh.rows_in_room(found)} |" in text(page)
        if not found.streams:
            rows = int(refresh.rows_in_room(found).replace(",", ""))
            assert found.bytes(rows, refresh.ROW, refresh.KEPT) <= refresh.ROOM
            assert found.bytes(1.2 * rows, refresh.ROW, refresh.KEPT) > refresh.ROOM


@pytest.mark.parametrize("page", ("sets", *FAMILIES))
def test_picture_is_shown_small_and_of_methods(page, methods):
    shown = re.search(rf"!\[([^\]]+)\]\(images/{page}\.svg\)", text(page))
    assert shown and len(shown[1]) > 60, "a picture says in words what it shows"
    path = DOCS / "images" / f"{page}.svg"
    assert path.stat().st_size < 80_000
    drawn = {name: found for found in ElementTree.parse(path).iter() if (name := found.get("class"))}
    assert {"name", "what", "pool", "kept"} <= set(drawn)
    names = [found.text for found in ElementTree.parse(path).iter() if found.get("class") == "name"]
    assert 2 <= len(names) <= 4
    assert all(part in methods or part in TERMS for name in names for part in name.split(", "))


def test_needs_that_the_engine_supplies_are_not_asked_for(methods):
    assert needs_of(methods["k-center"], "`") == "`embedding`"
    assert needs_of(methods["craig"], "`") == "`label`; at will `probs`, `embedding`, `mass`"

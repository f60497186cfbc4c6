"""The pages say what the code does: tables are current, code runs, commands print what is shown, links lead on."""

import contextlib
import importlib.util
import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tamis.registry import METHODS, load_all

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WRITTEN = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")), *sorted(ROOT.glob("*/README.md"))]
RUN = [path for path in WRITTEN if path.parent in (ROOT, DOCS)]

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")


def by_path(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def refresh():
    """The script that refreshes the pages."""
    spec = importlib.util.spec_from_file_location("refresh", DOCS / "refresh.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def desk(folder, refresh):
    """A working directory with the examples, and the registry as it was afterwards."""
    load_all()
    refresh.workspace(folder)
    before = dict(METHODS.entries)
    yield folder
    METHODS.entries.clear()
    METHODS.entries.update(before)


@pytest.mark.parametrize("path", RUN, ids=by_path)
def test_tables_are_current(path, refresh):
    page = path.read_text(encoding="utf-8")
    # the refusals are compared one by one in test_refusals.py, which makes them happen
    assert page == refresh.with_tables(page, but="refusals"), f"{by_path(path)} is stale: python docs/refresh.py"


@pytest.mark.parametrize("path", RUN, ids=by_path)
def test_code_runs(path, refresh, desk, run):
    """Every block in the order of the page, in one folder; Python blocks of a page share their names."""
    names = {"__name__": "page"}
    for found in refresh.FENCE.finditer(path.read_text(encoding="utf-8")):
        language, block = found[1], found[2]
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block, str(path), "exec"), names)
        elif language == "json":
            json.loads(block)
        elif language == "sh":
            shown = [(command, None) for command in refresh.commands(block)]
            check_commands(shown, refresh, run)
        elif language == "console":
            check_commands(refresh.sessions(block), refresh, run)


def check_commands(shown, refresh, run):
    """Commands end well and print what is shown, where something is shown."""
    for command, printed in shown:
        if refresh.is_skipped(command):
            continue
        name, *words = refresh.words(command)
        assert name == "tamis", f"{command}: only tamis is run here, and {refresh.SKIPPED} are skipped"
        told = run(*words)
        assert told.code == 0, told.err
        if printed is not None:
            assert refresh.comparable(told.out + told.err) == refresh.comparable(printed), (
                "stale: python docs/refresh.py"
            )


@pytest.mark.parametrize("path", WRITTEN, ids=by_path)
def test_links_lead_somewhere(path):
    page = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", page):
        if not link.startswith(("http:", "https:", "#")):
            place, _, anchor = link.partition("#")
            target = path.parent / place
            assert target.exists(), f"{link} leads nowhere"
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
            assert not anchor or anchor in [title.lower().replace(" ", "-") for title in titles], (
                f"{link}: no such title"
            )


def test_contents_have_all_pages():
    listed = re.findall(r"^([a-z-]+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted([*listed, "index"]) == sorted(path.stem for path in DOCS.glob("*.md"))


def test_readme_says_how_to_test():
    assert re.search(r"^make test", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_output_page_names_everything(desk, run):
    page = (DOCS / "output.md").read_text(encoding="utf-8")
    target = "examples/targets/peps.jsonl"
    told = run("select", "examples/pool", "--method", "dsir", "--target", target, "--budget", 20, "-o", "out")
    assert told.code == 0, told.err
    columns = [
        name for file in ("selection", "scores", "duplicates") for name in pq.read_schema(f"out/{file}.parquet").names
    ]
    keys = json.loads(Path("out/manifest.json").read_text(encoding="utf-8"))
    assert [name for name in [*columns, *keys] if f"`{name}`" not in page] == []
    assert all(name in page for name in ("selection.parquet", "subset", "report.html", "manifest.json", ".tamis"))

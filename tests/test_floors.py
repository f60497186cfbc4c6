"""The house stands as its picture shows: imports run downwards only, and the picture is current."""

import ast
import importlib.util
from pathlib import Path

import pytest

import tamis

ROOT = Path(__file__).parents[1]
HOME = Path(tamis.__file__).parent
SCRIPT = ROOT / "docs/images/floors.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the documentation is not here")


@pytest.fixture(scope="module")
def floors():
    spec = importlib.util.spec_from_file_location("floors", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imported(path):
    """The modules of Tamis that a file imports at its head, and their lines; what only types need is not run."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "tamis":
            names = [f"tamis.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        yield from ((name.split(".")[1], node.lineno) for name in names if name.startswith("tamis."))


def test_imports_run_downwards(floors):
    seen = 0
    for path in sorted(HOME.rglob("*.py")):
        own = path.relative_to(HOME).parts[0].removesuffix(".py")
        for name, line in imported(path):
            if (HOME / name).is_dir() or (HOME / f"{name}.py").is_file():
                seen += 1
                assert floors.height(name) <= floors.height(own), f"{path}:{line} imports {name} from below"
    assert seen > 300


def test_picture_is_current(floors):
    assert (SCRIPT.parent / "floors.svg").read_text(encoding="utf-8") == floors.picture(), f"run {SCRIPT}"

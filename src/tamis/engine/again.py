"""The same request with another budget: what was measured for the first one is used again."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.engine.console import Console
from tamis.engine.folder import STATE, Folder
from tamis.engine.plan import make_plan
from tamis.engine.request import Request, make_request
from tamis.engine.select import run_select
from tamis.errors import Refused
from tamis.selection import Selection

MEASURED = ("scan-", "fold-", "score-", "clean-", "learn-", "measure-")


def recut(selection: str | Path, budget: str, output: str | Path, force: bool, console: Console) -> dict[str, Any]:
    """Make the selection of `selection`'s request with another budget, and return its manifest.

    It is the one that a new run would make, byte for byte; shards that were scanned and scored are not read again but
    for the rows that are kept. Raises `Refused` for a selection that no single request made from files.
    """
    source = Path(selection)
    manifest = Selection.load(source).manifest
    if "request" not in manifest or manifest["request"]["pool"] == ["<table>"]:
        raise refusals.NOT_OF_ONE_REQUEST(source)
    known = {name: value for name, value in manifest["request"].items() if name in Request.model_fields}
    within = known.get("within")
    if within and not Path(within).is_dir() and (source.parent / Path(within).name).is_dir():
        known["within"] = str(source.parent / Path(within).name)
    plan = make_plan(make_request(known | {"budget": budget, "output": str(output), "force": force}, "recut"))
    names = [name for name, stamp in plan.asked["inputs"].items() if manifest["inputs"].get(name) != stamp]
    if names:
        raise refusals.RECUT_CHANGED(source, names=" and ".join(names))
    path = Path(output)
    Folder(path).check(plan.asked, force)
    existed = path.exists()
    _link_parts(source, path)
    try:
        return run_select(plan, Folder(path), console)
    except Refused:
        if not existed:
            shutil.rmtree(path, ignore_errors=True)
        raise


def _link_parts(source: Path, output: Path) -> None:
    """Give the new folder the finished parts of the old one, without a copy where the file system allows it."""
    for state in (source / STATE, source.parent / STATE):
        for part in sorted(state.glob("*/*")) if state.is_dir() else ():
            target = output / STATE / part.parent.name / part.name
            if part.parent.name.startswith(MEASURED) and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(OSError):
                    os.link(part, target)
                    continue
                temporary = target.with_name(f"tmp-{os.getpid()}-{target.name}")
                shutil.copy2(part, temporary)
                os.replace(temporary, target)

"""The Python door: the same requests as the command line."""

import tempfile
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from tamis.engine.console import Console
from tamis.engine.folder import Folder
from tamis.engine.plan import make_plan
from tamis.engine.request import Request, make_request
from tamis.engine.select import run_select
from tamis.pool import open_pool
from tamis.selection import Selection

Pool: TypeAlias = str | PathLike[str] | pa.Table | Sequence[str | PathLike[str]]
Target: TypeAlias = Pool | Sequence[pa.Table] | None


def select(
    pool: Pool,
    method: str = "random",
    *,
    budget: int | float | str,
    target: Target = None,
    seed: int = 0,
    output: str | PathLike[str] | None = None,
    quiet: bool = True,
    **options: Any,
) -> Selection:
    """Choose examples of `pool`.

    Args:
        pool: a path, several paths, or an Arrow table.
        method: a method's name, `top:COLUMN`, `bottom:COLUMN`, or `file.py:function`.
        budget: rows as an int, a fraction in (0, 1) as a float, or text such as `"10%"` and `"2M tokens"`.
        target: one sample of what is wanted, or a list of them; each a path or an Arrow table.
        seed: same request and seed, same selection.
        output: a folder to write to; without it nothing stays on disk.
        quiet: say nothing on standard error.
        options: roles and limits as the command line has them (`text="body"`, `quota="domain=law:0.3"`), and the
            parameters of the method.

    Raises:
        Refused: the request or its input cannot be used.
        Broken: something failed under way.

    Examples:
        >>> import pyarrow as pa
        >>> select(pa.table({"x": [3, 1, 2]}), "bottom:x", budget=1).rows
        array([1])
    """
    fields = set(Request.model_fields)
    known = {name: value for name, value in options.items() if name in fields}
    known["set"] = {**known.get("set", {}), **{n: v for n, v in options.items() if n not in fields}}
    pools, source = _paths(pool)
    targets: list[Any] = [] if target is None else list(target) if isinstance(target, list | tuple) else [target]
    names, sources = _targets(targets)
    request = make_request(
        {"pool": pools, "method": method, "budget": _budget(budget), "target": names, "seed": seed, **known}
    )
    plan = make_plan(request, source, sources)
    console = Console(quiet)
    if output is not None:
        run_select(plan, Folder(Path(output)), console)
        return Selection.load(Path(output))
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        plan.request.subset = False
        run_select(plan, Folder(Path(folder) / "out"), console)
        return Selection.load(Path(folder) / "out")


def _budget(value: int | float | str) -> str:
    from tamis.budget import parse

    parse(value)
    return f"{value * 100:.12g}%" if isinstance(value, float) else str(value)


def _paths(pool: Pool) -> tuple[list[str], Any]:
    if isinstance(pool, pa.Table | pa.RecordBatch):
        return ["<table>"], pool
    if isinstance(pool, str | PathLike):
        return [fspath(pool)], None
    if not isinstance(pool, list | tuple) or not all(isinstance(path, str | PathLike) for path in pool):
        open_pool(pool)  # says what it was given, and what to give instead
    return [fspath(path) for path in pool], None


def _targets(targets: list[Any]) -> tuple[list[str], list[Any] | None]:
    for target in targets:
        if not isinstance(target, str | PathLike | pa.Table | pa.RecordBatch):
            open_pool(target, "target")
    if not any(isinstance(target, pa.Table | pa.RecordBatch) for target in targets):
        return [fspath(target) for target in targets], None
    names = [fspath(t) if isinstance(t, str | PathLike) else f"target{i}" for i, t in enumerate(targets, 1)]
    return names, targets

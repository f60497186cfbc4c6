"""The Python door to evidence: the same studies as the command line."""

import tempfile
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from tamis.evidence.evidence import Evidence
from tamis.pool import as_memory


def bench(
    pool: Any = None,
    *,
    task: str | None = None,
    methods: str | Sequence[str | Mapping[str, Any]] | None = None,
    budgets: str | int | float | Sequence[str | int | float] | None = None,
    seeds: int | None = None,
    test: Any = None,
    target: Any = None,
    study: str | PathLike[str] | None = None,
    output: str | PathLike[str] | None = None,
    quiet: bool = True,
    **options: Any,
) -> Evidence:
    """Compare methods with random on `pool`, at equal budget and at equal total cost.

    Args:
        pool: a path or URL, several of them, or a table as `tamis.select` takes it.
        task: `"classify"`, `"language-model"`, `"cover"`, or `"file.py:function"`.
        methods: names, or mappings with a `method`, a `name` and options of their own; `random` is always there.
        budgets: how much to keep: `"1%"`, `5000`, `"2M tokens"`, or a list.
        seeds: how often everything is repeated, 5 by default.
        test: held-out examples, as a pool is given; without it a part of the pool is held out.
        target: one sample of what is wanted, or a list of them.
        study: a file whose keys are these arguments; those given here take its place.
        output: a folder to write to, in which a killed study goes on; without it nothing stays on disk.
        quiet: say nothing on standard error but a progress bar where someone looks on.
        options: all others of `tamis bench`: `label`, `embedding`, `model`, `metric`, `steps`, `set`, `workers` …;
            `workers=0` runs cells in this process.

    Raises:
        Refused: the study or its input cannot be used.
        Broken: something failed under way.

    Examples:
        >>> import tamis
        >>> pool = {"x": [0.0, 1.0, 2.0, 3.0] * 20, "y": [0, 0, 1, 1] * 20, "n": list(range(80))}
        >>> found = tamis.bench(
        ...     pool, task="classify", label="y", methods="top:n", budgets=20, seeds=2, overlap="keep", full=False,
        ...     metric="log_loss", workers=0)
        >>> sorted({one["comparison"] for one in found.verdicts})
        ['equal budget', 'equal total cost']
    """
    from tamis.engine.console import Console
    from tamis.engine.folder import Folder
    from tamis.engine.recipes import read_recipe
    from tamis.evidence.bench import run_bench
    from tamis.evidence.plan import make_study_plan
    from tamis.evidence.study import make_study

    values: dict[str, Any] = read_recipe(Path(study)) if study is not None else {}
    given = {"task": task, "methods": methods, "budgets": budgets, "seeds": seeds, **options}
    values |= {name: value for name, value in given.items() if value is not None}
    table = held = wanted = None
    if pool is not None:
        table = as_memory(pool)
        values["pool"] = ["<table>"] if table is not None else _paths(pool)
    if test is not None:
        held = as_memory(test, "test set")
        values["test"] = "<test>" if held is not None else fspath(test)
    if target is not None:
        several = list(target) if isinstance(target, list | tuple) else [target]
        tables = [as_memory(one, "target") for one in several]
        values["target"] = [
            fspath(one) if found is None else f"target{number}"
            for number, (one, found) in enumerate(zip(several, tables, strict=True), 1)
        ]
        if any(found is not None for found in tables):
            wanted = [one if found is None else found for one, found in zip(several, tables, strict=True)]
    made = make_study(values, fspath(study) if study is not None else "bench")
    plan = make_study_plan(made, table, held, wanted)
    folder = output if output is not None else made.output
    if folder is not None:
        run_bench(plan, Folder(Path(folder)), Console(quiet))
        return Evidence.load(Path(folder))
    with tempfile.TemporaryDirectory(prefix="tamis-") as work:
        run_bench(plan, Folder(Path(work) / "out"), Console(quiet))
        return Evidence.load(Path(work) / "out")


def _paths(pool: Any) -> list[str]:
    return [fspath(pool)] if isinstance(pool, str | PathLike) else [fspath(path) for path in pool]

"""`select`: from a request to a finished output folder."""

import json
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tamis import refusals
from tamis.engine import finish
from tamis.engine.choose import Choice
from tamis.engine.console import Console
from tamis.engine.dropped import tell_cleaning
from tamis.engine.eligible import Eligible, find_eligible, warn_of_leaks
from tamis.engine.folder import NEW, Folder
from tamis.engine.frame import Frame
from tamis.engine.launch import Launched
from tamis.engine.measuring import measure
from tamis.engine.ordered import Ordered
from tamis.engine.parts import as_given
from tamis.engine.plan import Plan
from tamis.engine.reporting import Outcome, examples, shown_rows, summarise
from tamis.engine.run import Run
from tamis.engine.scan import fold_within, merged_fold, scan
from tamis.engine.scores import Scores
from tamis.engine.workers import Workers
from tamis.errors import Refused


def run_select(
    plan: Plan, folder: Folder, console: Console, launched: Launched | None = None, used: set[str] | None = None
) -> dict[str, Any]:
    """Do what the plan says in its folder and return the manifest; a finished folder of this request is left alone.

    `used` collects the names of parts that this and earlier steps need, so that only others are removed.
    """
    return run_in_folder(plan, folder, console, _select if plan.budget else _score, launched, used)


def run_in_folder(
    plan: Plan,
    folder: Folder,
    console: Console,
    work: Callable[[Run, ExitStack], dict[str, Any]],
    launched: Launched | None = None,
    used: set[str] | None = None,
    what: str = "this selection",
) -> dict[str, Any]:
    """Hold the folder and do the work in it, unless it holds `what` already; give its manifest."""
    used = set() if used is None else used
    folder.check(plan.asked, plan.request.force)
    try:
        with folder.locked(plan.asked, plan.request.force) as finished, ExitStack() as stack:
            if finished and folder.manifest is not None:
                console.say(f"nothing to do: {folder.path} holds {what} already")
                used |= set(folder.manifest.get("parts", []))
                return folder.manifest
            announce(plan, console)
            run = Run(plan, folder, console, launched)
            made = work(run, stack)
            used |= {name for name in run.used if not name.startswith("gather")}
            folder.keep_only(used)
            return made
    except Refused as error:
        error.under_way = True
        raise
    except OSError as error:
        raise refusals.WRITING_FAILED(as_given(error.filename or folder.path), said=error.strerror or error) from error


def announce(plan: Plan, console: Console) -> None:
    """Say what was guessed."""
    guessed = [f"{found.column!r} as {role}" for role, found in plan.roles.items() if found.how == "guessed"]
    if guessed:
        console.say(f"read column {', '.join(guessed)} (guessed from the names; --text, --id … say otherwise)")
    for note in plan.notes:
        console.say(note)
    for made in plan.pool.derived.values():
        if warning := getattr(made, "note", ""):
            console.warn(warning)


class Measured(NamedTuple):
    """What is the same for every budget: the pool, what of it may be chosen, scores, and orders made of them."""

    frame: Frame
    targets: list[Frame]
    eligible: Eligible
    scores: Scores | None
    ordered: Ordered


def _select(run: Run, stack: ExitStack) -> dict[str, Any]:
    started = datetime.now(UTC)
    threading.Thread(target=prepare_report, daemon=True).start()
    workers = run.workers(stack)
    measured = _measure(run, workers)
    if len(run.plan.budgets) == 1:
        return _cut(run, workers, measured, started, _choose(run, measured))
    runs = [run.cut(budget) for budget in run.plan.budgets]
    choices = [_choose(one, measured) for one in runs]
    made: list[dict[str, Any]] = []
    run.folder.begin_selections()
    for one, choice in zip(runs, choices, strict=True):
        run.console.say(f"budget {one.plan.request.budget}")
        one.folder.path.mkdir(exist_ok=True)
        made.append(_cut(one, workers, measured, started, choice))
        run.used |= one.used
    return _several(run, measured, started, runs, made)


def _measure(run: Run, workers: Workers) -> Measured:
    """Scan, filter and score, once for all budgets."""
    frame, targets, corpora = scan(run, workers)
    fold_within(run, workers, frame)
    eligible = find_eligible(run, workers, frame, corpora)
    warn_of_leaks(run, frame, targets)
    measure(run, workers, frame, targets, np.flatnonzero(eligible.mask | run.had(frame)))
    scores = run.score(workers, frame, targets, eligible.mask)
    return Measured(frame, targets, eligible, scores, run.order(frame, targets, scores, eligible.mask))


def choose_rows(run: Run, workers: Workers) -> tuple[Choice, Scores | None]:
    """The choice alone, of a plan with one budget, and the scores where the method gives any."""
    found = _measure(run, workers)
    return _choose(run, found), found.scores


def _choose(run: Run, found: Measured) -> Choice:
    choice = run.choose(found.frame, found.targets, found.eligible.mask, found.eligible.must, found.ordered)
    warn_of_shortage(run, choice)
    return choice


def _cut(run: Run, workers: Workers, found: Measured, started: datetime, choice: Choice) -> dict[str, Any]:
    """Gather and write one selection."""
    plan, frame, targets, counts = run.plan, found.frame, found.targets, found.eligible.counts
    done = Outcome(
        plan, frame, targets, found.eligible.mask, found.eligible.pairs, counts, found.scores, choice, choice.order,
        found.eligible.cleaned,
    )  # fmt: skip
    show = shown_rows(done)
    gathered = finish.gather(run, workers, frame, choice, np.unique(np.concatenate(list(show.values()))))
    with run.timed("write", "write selection, scores, subset and report") as step:
        step.rows_in = step.rows_out = len(choice.rows)
        counted = [merged_fold(plan, one, -1) for one in (frame, *targets)] if plan.measures_text else [None]
        summary = summarise(done, counted[0], counted[1:], gathered.counts)
        staged = stage(run.folder, finish.outputs(run, done, gathered))
    manifest = finish.base_manifest(run, frame, targets, counts) | finish.choice_manifest(run, frame, choice, counts)
    manifest |= finish.times(run, started) | {"summary": summary}
    from tamis.report.page import render

    shown = examples(done, show, gathered.texts, gathered.images) if plan.request.examples else None
    page = render(manifest, summary, shown)
    staged |= stage(run.folder, {"report.html": lambda path: path.write_text(page, encoding="utf-8")})
    commit(run.folder, staged, manifest)
    return manifest


def _several(
    run: Run, measured: Measured, started: datetime, runs: list[Run], made: list[dict[str, Any]]
) -> dict[str, Any]:
    """The manifest above the sub-folders of several budgets."""
    manifest = finish.base_manifest(run, measured.frame, measured.targets, measured.eligible.counts)
    manifest |= {
        "selections": [
            {"folder": one.folder.path.name, "rows": found["rows"], "budget": found["budget"]}
            for one, found in zip(runs, made, strict=True)
        ]
    }
    manifest |= finish.times(run, started)
    commit(run.folder, {}, manifest)
    return manifest


def prepare_report() -> None:
    """Import and compile what the report needs while the workers read the pool."""
    from tamis.report.page import template

    template()


def _score(run: Run, stack: ExitStack) -> dict[str, Any]:
    """Scores alone: `tamis score`."""
    started = datetime.now(UTC)
    workers = run.workers(stack)
    frame, targets, corpora = scan(run, workers)
    fold_within(run, workers, frame)
    found = find_eligible(run, workers, frame, corpora)
    eligible, pairs, counts = found.mask, found.pairs, found.counts
    warn_of_leaks(run, frame, targets)
    measure(run, workers, frame, targets, np.flatnonzero(eligible))
    scores = run.score(workers, frame, targets, eligible)
    with run.timed("write", "write scores") as step:
        step.rows_in = step.rows_out = counts["eligible"]
        staged = stage(run.folder, {
            "scores.parquet": lambda path: finish.write_scores(path, run.plan, scores, eligible),
            "duplicates.parquet": lambda path: finish.write_duplicates(path, pairs),
        } | finish.of_cleaning(run.plan, found.cleaned))  # fmt: skip
    manifest = finish.base_manifest(run, frame, targets, counts) | finish.times(run, started)
    if run.plan.cleaning:
        manifest["summary"] = {"cleaning": tell_cleaning(frame, run.plan.cleaning, found.cleaned, eligible)}
    commit(run.folder, staged, manifest)
    return manifest


MEASURED = ("vectors.npy", "losses.parquet", "losses.npy")
OUTPUTS = ("selection.parquet", "scores.parquet", "duplicates.parquet", "dropped.parquet", "report.html", *MEASURED)


def stage(folder: Folder, outputs: dict[str, Any]) -> dict[str, Path]:
    """Write each output to a place of its own, from which it can be renamed."""
    staged = {name: folder.state / NEW / name for name in outputs}
    (folder.state / NEW).mkdir(exist_ok=True)
    for name, write in outputs.items():
        write(staged[name])
    return staged


def commit(folder: Folder, staged: dict[str, Path], manifest: dict[str, Any]) -> None:
    """Give all outputs their names, the manifest last: without it the folder counts as unfinished."""
    folder.forget_selections([found["folder"] for found in manifest.get("selections", [])])
    (folder.path / "manifest.json").unlink(missing_ok=True)
    for stale in [*folder.path.glob("subset.*"), *(folder.path / name for name in OUTPUTS)]:
        if stale.name not in staged:
            stale.unlink(missing_ok=True)
    for name, path in staged.items():
        os.replace(path, folder.path / name)
    last = stage(
        folder,
        {
            "manifest.json": lambda path: path.write_text(
                json.dumps(manifest, indent=1, allow_nan=False), encoding="utf-8"
            )
        },
    )
    os.replace(last["manifest.json"], folder.path / "manifest.json")


def warn_of_shortage(run: Run, choice: Choice) -> None:
    """Say what the limits left unspent."""
    for share in choice.shares:
        if share["shortage"] >= max(1.0, 0.01 * share["asked"]):
            run.console.warn(
                f"{share['column']}={share['group']} was due {share['asked']:,.0f} and the pool holds only "
                f"{share['spent']:,.0f} for it"
                + ("" if run.plan.request.borrow else "; --borrow gives the rest to others")
            )
    if choice.spent < choice.limit and not choice.shares and run.plan.budget and not run.plan.budget.is_cost:
        run.console.warn(
            f"only {choice.spent:,.0f} of {choice.limit:,.0f} rows could be kept: the method chooses no others"
        )

"""`select`: from a request to a finished output folder."""

import json
import os
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tamis.engine import finish
from tamis.engine.choose import Choice
from tamis.engine.console import Console
from tamis.engine.eligible import find_eligible, warn_of_leaks
from tamis.engine.folder import NEW, Folder
from tamis.engine.launch import Launched
from tamis.engine.plan import Plan
from tamis.engine.reporting import Outcome, examples, shown_rows, summarise
from tamis.engine.run import Run
from tamis.errors import Broken


def run_select(plan: Plan, folder: Folder, console: Console, launched: Launched | None = None) -> dict[str, Any]:
    """Do what the plan says in its folder and return the manifest; a finished folder of this request is left alone."""
    folder.check(plan.asked, plan.request.force)
    try:
        with folder.locked(plan.asked, plan.request.force) as finished, ExitStack() as stack:
            if finished and folder.manifest is not None:
                console.say(f"nothing to do: {folder.path} holds this selection already")
                return folder.manifest
            announce(plan, console)
            run = Run(plan, folder, console, launched)
            made = _select(run, stack) if plan.budget else _score(run, stack)
            folder.keep_only({name for name in run.used if not name.startswith("gather")})
            return made
    except OSError as error:
        raise Broken(
            f"{error.strerror or error} while writing {error.filename or folder.path}: mend that, run again"
        ) from error


def announce(plan: Plan, console: Console) -> None:
    """Say what was guessed."""
    guessed = [f"{found.column!r} as {role}" for role, found in plan.roles.items() if found.how == "guessed"]
    if guessed:
        console.say(f"read column {', '.join(guessed)} (guessed from the names; --text, --id … say otherwise)")
    for note in plan.notes:
        console.say(note)


def _select(run: Run, stack: ExitStack) -> dict[str, Any]:
    started = datetime.now(UTC)
    plan = run.plan
    threading.Thread(target=prepare_report, daemon=True).start()
    workers = run.workers(stack)
    frame, targets = run.scan(workers)
    eligible, must, pairs, counts = find_eligible(run, frame)
    warn_of_leaks(run, frame, targets)
    scores = run.score(workers, frame, targets)
    choice, order = run.choose(frame, targets, scores, eligible, must)
    warn_of_shortage(run, choice)
    done = Outcome(plan, frame, targets, eligible, pairs, counts, scores, choice, order)
    show = shown_rows(done)
    gathered = finish.gather(run, workers, frame, choice, np.unique(np.concatenate(list(show.values()))))
    with run.timed("write", "write selection, scores, subset and report") as step:
        step.rows_in = step.rows_out = len(choice.rows)
        counted = [run.fold(found, -1) for found in (frame, *targets)] if plan.measures_text else [None]
        summary = summarise(done, counted[0], counted[1:], gathered.counts)
        outputs = finish.outputs(run, done, gathered)
        staged = stage(run.folder, outputs)
    manifest = finish.base_manifest(run, frame, targets, counts) | finish.choice_manifest(run, choice, counts)
    manifest |= finish.times(run, started) | {"summary": summary}
    from tamis.report.page import render

    page = render(manifest, summary, examples(done, show, gathered.texts) if plan.request.examples else None)
    staged |= stage(run.folder, {"report.html": lambda path: path.write_text(page, encoding="utf-8")})
    commit(run.folder, staged, manifest)
    return manifest


def prepare_report() -> None:
    """Import and compile what the report needs while the workers read the pool."""
    from tamis.report.page import template

    template()


def _score(run: Run, stack: ExitStack) -> dict[str, Any]:
    """Scores alone: `tamis score`."""
    started = datetime.now(UTC)
    workers = run.workers(stack)
    frame, targets = run.scan(workers)
    eligible, _, pairs, counts = find_eligible(run, frame)
    warn_of_leaks(run, frame, targets)
    scores = run.score(workers, frame, targets)
    with run.timed("write", "write scores") as step:
        step.rows_in = step.rows_out = counts["eligible"]
        staged = stage(run.folder, {
            "scores.parquet": lambda path: finish.write_scores(path, run.plan, scores, eligible),
            "duplicates.parquet": lambda path: finish.write_duplicates(path, pairs),
        })  # fmt: skip
    manifest = finish.base_manifest(run, frame, targets, counts) | finish.times(run, started)
    commit(run.folder, staged, manifest)
    return manifest


OUTPUTS = ("selection.parquet", "scores.parquet", "duplicates.parquet", "report.html")


def stage(folder: Folder, outputs: dict[str, Any]) -> dict[str, Path]:
    """Write each output to a place of its own, from which it can be renamed."""
    staged = {name: folder.state / NEW / name for name in outputs}
    (folder.state / NEW).mkdir(exist_ok=True)
    for name, write in outputs.items():
        write(staged[name])
    return staged


def commit(folder: Folder, staged: dict[str, Path], manifest: dict[str, Any]) -> None:
    """Give all outputs their names, the manifest last: without it the folder counts as unfinished."""
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

"""`select`: from a request to a finished output folder."""

import json
import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.engine import finish
from tamis.engine.choose import Choice
from tamis.engine.console import Console
from tamis.engine.folder import Folder
from tamis.engine.frame import Frame
from tamis.engine.launch import Launched
from tamis.engine.parts import concatenate
from tamis.engine.plan import Plan
from tamis.engine.run import SMALL_BYTES, Run
from tamis.engine.scores import Scores
from tamis.errors import Broken, Refused
from tamis.report import summary as summaries
from tamis.report.page import render

SHOWN = 5


def run_select(plan: Plan, folder: Folder, console: Console, launched: Launched | None = None) -> dict[str, Any]:
    """Do what the plan says in its folder; returns the manifest. A finished folder of the same request is left as it is."""
    identity = plan.request.identity()
    if folder.check(identity, plan.pool.fingerprint, plan.request.force):
        assert folder.manifest is not None
        return folder.manifest
    announce(plan, console)
    run = Run(plan, folder, console, launched)
    try:
        with folder.locked(identity), ExitStack() as stack:
            made = _select(run, stack) if plan.budget else _score(run, stack)
            folder.keep_only({name for name in run.used if not name.startswith("gather")})
        return made
    except Refused:
        if folder.is_new and plan.pool.bytes < SMALL_BYTES:
            folder.remove()
        raise
    except OSError as error:
        raise Broken(f"{error.strerror or error} while writing {error.filename or folder.path}: mend that, run again") from error


def announce(plan: Plan, console: Console) -> None:
    """Say what was guessed."""
    guessed = [f"{found.column!r} as {role}" for role, found in plan.roles.items() if found.how == "guessed"]
    if guessed:
        console.say(f"read column {', '.join(guessed)} (guessed from the names; --text, --id … say otherwise)")
    for note in plan.notes:
        console.say(note)


def _select(run: Run, stack: ExitStack) -> dict[str, Any]:
    started = datetime.now(UTC)
    plan, folder = run.plan, run.folder
    workers = run.workers(stack)
    frame, targets = run.scan(workers)
    eligible, must, pairs, counts = run.eligible(frame)
    run.leaks(frame, targets)
    scores = run.score(workers, frame, targets)
    choice, order = run.choose(frame, targets, scores, eligible, must)
    warn_of_shortage(run, choice)
    show = shown_rows(plan, choice, scores, eligible)
    gathered = finish.gather(run, workers, frame, choice, np.unique(concatenate(list(show.values()), np.int64)))
    with run.timed("write", "write selection, scores, subset and report") as step:
        step.rows_in = step.rows_out = len(choice.rows)
        summary = summarise(run, frame, targets, choice, scores, eligible, pairs, gathered)
        outputs = {
            "selection.parquet": lambda path: finish.write_selection(
                path, finish.selection_batches(run, frame, choice, scores, order, counts["eligible"])
            ),
            "scores.parquet": lambda path: finish.write_scores(path, plan, scores, eligible),
            "duplicates.parquet": lambda path: finish.write_duplicates(path, pairs),
        }
        if plan.request.subset:
            outputs[f"subset{plan.pool.suffix}"] = lambda path: finish.write_subset(run, path, gathered.parts)
        staged = stage(folder, outputs)
    manifest = finish.base_manifest(run, frame, targets, counts) | finish.choice_manifest(run, choice, counts)
    manifest |= finish.times(run, started) | {"summary": summary}
    examples = example_texts(plan, frame, choice, scores, show, gathered.texts) if plan.request.examples else None
    page = render(manifest, summary, examples)
    staged |= stage(folder, {"report.html": lambda path: path.write_text(page, encoding="utf-8")})
    commit(folder, staged, manifest)
    return manifest


def _score(run: Run, stack: ExitStack) -> dict[str, Any]:
    """Scores alone: `tamis score`."""
    started = datetime.now(UTC)
    workers = run.workers(stack)
    frame, targets = run.scan(workers)
    eligible, _, pairs, counts = run.eligible(frame)
    run.leaks(frame, targets)
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


def stage(folder: Folder, outputs: dict[str, Any]) -> dict[str, Path]:
    """Write each output under a temporary name beside its place."""
    staged = {}
    for name, write in outputs.items():
        staged[name] = folder.path / f"tmp-{os.getpid()}-{name}"
        write(staged[name])
    return staged


def commit(folder: Folder, staged: dict[str, Path], manifest: dict[str, Any]) -> None:
    """Give all outputs their names, the manifest last: without it the folder counts as unfinished."""
    (folder.path / "manifest.json").unlink(missing_ok=True)
    for stale in folder.path.glob("subset.*"):
        if stale.name not in staged:
            stale.unlink()
    for name, path in staged.items():
        os.replace(path, folder.path / name)
    last = stage(folder, {"manifest.json": lambda path: path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")})
    os.replace(last["manifest.json"], folder.path / "manifest.json")


def warn_of_shortage(run: Run, choice: Choice) -> None:
    """Say what the limits left unspent."""
    for share in choice.shares:
        if share["shortage"] >= max(1.0, 0.01 * share["asked"]):
            run.console.warn(
                f"{share['column']}={share['group']} was due {share['asked']:,.0f} and the pool holds only "
                f"{share['spent']:,.0f} for it" + ("" if run.plan.request.borrow else "; --borrow gives the rest to others")
            )
    if choice.spent < choice.limit and not choice.shares and run.plan.budget and not run.plan.budget.is_cost:
        run.console.warn(f"only {choice.spent:,.0f} of {choice.limit:,.0f} rows could be kept: the method chooses no others")


def shown_rows(
    plan: Plan, choice: Choice, scores: Scores | None, eligible: NDArray[np.bool_]
) -> dict[str, NDArray[np.int64]]:
    """Rows whose texts the report shows: the best, the last kept, the first dropped, and the lowest."""
    nothing = np.empty(0, np.int64)
    show = {"top": choice.rows[:SHOWN], "border": choice.rows[SHOWN:][-SHOWN:], "below": nothing, "bottom": nothing}
    if plan.columns["text"] is None:
        return dict.fromkeys(show, nothing)
    if scores is not None:
        from tamis.ops.ranking import descending

        dropped = np.array(eligible)
        dropped[choice.rows] = False
        column = np.asarray(scores.columns[0])
        sign = -1.0 if plan.chooser is not None and plan.chooser.name == "bottom" else 1.0
        show["below"] = next(descending(sign * column, dropped, first=SHOWN), nothing)[:SHOWN]
        bottom = next(descending(-sign * column, dropped, first=SHOWN), nothing)[:SHOWN]
        show["bottom"] = bottom[~np.isin(bottom, show["below"])]
    return show


def example_texts(
    plan: Plan, frame: Frame, choice: Choice, scores: Scores | None, show: dict[str, NDArray[np.int64]], texts: dict[int, str]
) -> dict[str, list[dict[str, Any]]]:
    """What the report says of each shown row."""
    rank = {int(row): index for index, row in enumerate(choice.rows.tolist())}
    values = finish.row_scores(choice, scores)
    column = plan.group_column
    found: dict[str, list[dict[str, Any]]] = {}
    for name, rows in show.items():
        ids = frame.ids(rows).to_pylist()
        found[name] = []
        for row, ident in zip(rows.tolist(), ids, strict=True):
            place = rank.get(row)
            if scores is None:
                score = None
            elif place is not None and values is not None:
                score = float(values[place])
            else:
                score = float(scores.columns[0][row])
            target = plan.targets[choice.target[place]].name if place is not None and plan.targets and len(plan.targets) > 1 and choice.target[place] >= 0 else None
            found[name].append({
                "rank": place, "row": row, "id": ident, "score": score, "target": target,
                "group": frame.names[column][frame.codes(column)[row]] if column else None,
                "reason": None, "text": texts.get(row, ""),
            })  # fmt: skip
    return found


def summarise(
    run: Run, frame: Frame, targets: list[Frame], choice: Choice, scores: Scores | None,
    eligible: NDArray[np.bool_], pairs: NDArray[np.int64], gathered: finish.Gathered,
) -> dict[str, Any]:  # fmt: skip
    """All that the report draws."""
    plan = run.plan
    column = plan.group_column
    codes = frame.codes(column) if column else None
    has_text = plan.columns["text"] is not None
    target_length = np.concatenate([found.column("length", np.int64) for found in targets]) if targets and has_text else None
    names = [target.name for target in plan.targets]
    several = scores is not None and len(scores.columns) > 1
    sides = {"top": "above", "threshold": "above", "bottom": "below"}
    free = not (plan.quota or plan.floor or plan.request.must_keep or plan.budget is None or plan.budget.is_cost or several)
    drawn = plan.chooser is not None and plan.chooser.draws and plan.chooser_parameters.get("temperature", 1) > 0
    chooser = plan.chooser.name if plan.chooser else ""
    sharp = ("above" if chooser == "weighted-draw" and not drawn else sides.get(chooser)) if free else None
    text = None
    if plan.measures_text and gathered.counts is not None:
        text = summaries.text(names, run.fold(frame, -1), [run.fold(found, -1) for found in targets], gathered.counts)
    examples = pairs[:5]
    return {
        "groups": summaries.groups(column, frame.names[column], codes, choice.rows) if column and codes is not None else None,
        "lengths": summaries.lengths(frame.column("length", np.int64), choice.rows, target_length) if has_text else None,
        "scores": [
            summaries.scores(names[i] if several else None, found, eligible, choice.rows if not several else choice.rows[choice.target == i], sharp)
            for i, found in enumerate(scores.columns if scores and plan.method.name != "random" else [])
        ],
        "text": text,
        "targets": [
            {"target": name, "asked": float(choice.target_shares[i]), "kept": int(np.count_nonzero(choice.target == i))}
            for i, name in enumerate(names)
        ] if several and choice.target_shares is not None else [],
        "duplicates": {
            "dropped": len(pairs),
            "examples": [
                {"row": int(row), "kept_row": int(kept), "id": one, "kept_id": other}
                for (row, kept), one, other in zip(
                    examples, frame.ids(examples[:, 0]).to_pylist(), frame.ids(examples[:, 1]).to_pylist(), strict=True
                )
            ],
        } if len(pairs) else None,
    }  # fmt: skip

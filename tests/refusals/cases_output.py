"""Cases: the output folder, and what is done with finished selections."""

import contextlib
import fcntl
import os
from pathlib import Path

import tamis

from .material import POOL, ROWS, changed
from .running import USUAL, call, command, run, save, select


@contextlib.contextmanager
def finished(words="", **files):
    """A finished selection in `out`, after which these files are written."""
    told = run(*f"select pool.jsonl {USUAL} {words}".split())
    assert told.code == 0, told.err
    for name, content in files.items():
        save(Path(name), content)
    yield


@contextlib.contextmanager
def in_use():
    """Another process holds the lock of the folder."""
    os.makedirs("out/.tamis")
    with open("out/.tamis/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def chosen(pool=POOL):
    return tamis.select(pool, "random", budget=3)


CASES = {
    "output of someone else": select("output-of-others", "", 2, ["-o out", "empty"], files={"out/theirs.txt": "x"}),
    "output is a file": select("output-is-file", "", 2, ["-o out", "file"], files={"out": "x"}),
    "output below a file": select("writing-failed", "-o a/out", None, ["a/out", "run again"], files={"a": "x"}),
    "another budget": select(
        "output-of-another-request", "--budget 4", 2, ["-o out", "budget was '3'", "'4'", "--force"], during=finished
    ),
    "another seed": select(
        "output-of-another-request", "--seed 1", 2, ["-o out", "seed was 0", "now 1", "--force"], during=finished
    ),
    "another method": select(
        "output-of-another-request", "--method top:score", 2, ["'random'", "'top:score'"], during=finished
    ),
    "a changed pool": select(
        "output-of-changed-files", "", 2, ["-o out", "the pool", "--force"],
        during=lambda: finished(**{"pool.jsonl": ROWS[:11]}),
    ),
    "output in use": select("output-in-use", "", 1, ["-o out", "another tamis"], during=in_use),
    "no finished selection": command(
        "selection-missing", "apply . pool.jsonl -o kept.jsonl", 2, ["selection.parquet is missing", "tamis select"]
    ),
    "no selection to apply": command("path-unusable", "apply nowhere pool.jsonl -o kept.jsonl", 2, ["nowhere"]),
    "subset over a file": command(
        "file-exists", "apply out pool.jsonl -o pool.jsonl", 2, ["pool.jsonl: it exists"], during=finished
    ),
    "subset of a larger pool": command(
        "pool-of-other-size", "apply out p.jsonl -o kept.jsonl", 2, ["15 rows", "from 12"],
        files={"p.jsonl": [*ROWS, *({**row, "id": f"new-{row['id']}"} for row in ROWS[:3])]}, during=finished,
    ),
    "subset of other rows": command(
        "pool-of-other-ids", "apply out p.jsonl -o kept.jsonl", 2, ["other ids"],
        files={"p.jsonl": ROWS[::-1]}, during=finished,
    ),
    "union of two pools": call(
        "selections-of-two-pools", lambda: chosen() | chosen(POOL.slice(1)), ["union of random", "different pools"]
    ),
    "report of a union": call("report-missing", lambda: (chosen() | chosen()).report("report.html"), ["no report"]),
    "save where something is": call("folder-not-empty", lambda: chosen().save("."), ["empty folder"]),
    "keep what the earlier selection dropped": select(
        "within-not-kept", "pool.jsonl --within out --must-keep doc-001,doc-002,doc-003,doc-004 --budget 4 -o new", 1,
        ["--must-keep", "doc-00"], during=finished,
    ),
    "recut of a changed pool": command(
        "recut-changed", "recut out --budget 2 -o new", 2, ["out", "the pool"],
        during=lambda: finished(**{"pool.jsonl": changed(1, cost=9)}),
    ),
    "selections of several budgets": command(
        "several-selections", "apply out pool.jsonl -o kept.jsonl", 2, ["out/2", "out/3"],
        during=lambda: finished("--budget 2,3"),
    ),
    "apply to another format": command(
        "apply-to-other-format", "apply out pool.jsonl -o kept.parquet", 2, ["kept.parquet", ".jsonl"], during=finished
    ),
    "score with a budget": call(
        "score-keeps-none", lambda: tamis.score(POOL, "top:score", budget=3), ["budget", "select"]
    ),
    "within a selection of another pool": select(
        "within-other-pool", "p.jsonl --within out -o new", None, ["--within out"],
        files={"p.jsonl": changed(1, cost=9)}, during=finished,
    ),
}  # fmt: skip

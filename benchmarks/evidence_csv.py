"""One command on a stranger's CSV: 20,000 rows, three methods, two budgets, five seeds, no study file.

Run `python benchmarks/evidence_csv.py`; it writes `results/evidence_csv.md`.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import write_page

ROWS, COLUMNS, CLASSES, LIMIT = 20_000, 20, 3, 120.0
COMMAND = (
    "bench pool.csv --task classify --label y --methods top:quality,top:noise,bottom:quality --budgets 1%,5% --seeds 5 "
    "{more}-o {out} --json"
)
NOTE = """A CSV of {rows:,} rows with {columns} columns of numbers, {classes} classes of which a third of the labels are
wrong, a planted quality and a column of noise. The command is `tamis {command}`. Cells are all that were run, those of
the two baselines that the bench adds and of random at equal total cost included. The limit is {limit:.0f} s."""


def write_csv(path: Path) -> None:
    """The stranger's table."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS))
    right = (x @ rng.normal(size=(COLUMNS, CLASSES)) + 1.5 * rng.gumbel(size=(ROWS, CLASSES))).argmax(axis=1)
    wrong = rng.random(ROWS) < 1 / 3
    given = np.where(wrong, rng.integers(0, CLASSES, ROWS), right)
    quality, noise = ~wrong + 0.6 * rng.normal(size=ROWS), rng.normal(size=ROWS)
    lines = ["id," + ",".join(f"x{i}" for i in range(COLUMNS)) + ",quality,noise,y"]
    for row in range(ROWS):
        numbers = ",".join(f"{value:.4f}" for value in (*x[row], quality[row], noise[row]))
        lines.append(f"r{row},{numbers},{'abc'[given[row]]}")
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    rows = [["model", "seconds", "cells", "top:quality at 1 %", "bottom:quality at 1 %"]]
    with tempfile.TemporaryDirectory() as place:
        write_csv(Path(place) / "pool.csv")
        for model in ("linear", "knn", "mlp"):
            more = "" if model == "linear" else f"--model {model} "
            command = [sys.executable, "-m", "tamis", *COMMAND.format(more=more, out=model).split()]
            start = time.perf_counter()
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - start
            found = json.loads(done.stdout)
            said = {(one["method"], one["budget"], one["comparison"]): one["verdict"] for one in found["verdicts"]}
            verdicts = [said[f"{end}:quality", "1%", "equal budget"] for end in ("top", "bottom")]
            rows.append([model, f"{seconds:.1f}", str(found["cells"]), *verdicts])
            assert seconds < LIMIT, f"{model} took {seconds:.0f} s"
    command = COMMAND.format(more="", out="out")
    note = NOTE.format(rows=ROWS, columns=COLUMNS, classes=CLASSES, command=command, limit=LIMIT)
    write_page("evidence_csv", "One command on a CSV", note, rows, packages="numpy scipy scikit-learn pyarrow")


if __name__ == "__main__":
    main()

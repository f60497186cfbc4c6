"""Studies through the whole harness whose answer is known: random under another name, and effects of planted size.

Run `python benchmarks/evidence_null.py`; `--part cheap`, `real` or `planted` runs one part, `--studies` fewer of them.
The real part reads `tabular/phoneme.parquet` of the folder in `TAMIS_DATA`. Writes `results/evidence_null.md`.

Seeds are fixed before anything runs: study i of a part draws its pool from `default_rng((20240, part, i))`.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import write_page

SEED, SEEDS, ROWS, KEPT = 20240, 5, 400, 40
SHIFTS = (0.25, 0.5, 1.0)
METHODS = '''
"""Random under another name, and random among the rows of one sign."""

import numpy as np
from tamis.vocabulary import Score


def shuffled(key) -> Score:
    return ((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(11)).astype(float)


def planted(key, score) -> Score:
    return shuffled(key) / 2.0**53 + (score > 0)
'''
TASK = """
import numpy as np


def mean(train, test):
    return {"mean": float(np.mean(train.table["value"].to_numpy()))}
"""
NOTE = """Every study is one call of `tamis.bench` with {seeds} seeds: selection by the engine, the task, the verdicts.
*Called different* is the share of studies whose verdict at equal budget, or at equal total cost, is better or
worse. *Cheap* studies keep {kept} of {rows} rows, and the metric is the mean of a column of them; *real* ones keep
2 % of 2,000 random rows of the phoneme data, on which a linear probe tells two classes apart by five numbers,
judged on a held-out fifth of the pool. In *planted* ones rows have a value with mean +shift or −shift, and the
method keeps only rows of the first kind, at random, so that it is better by the shift; *computed* is the power of
the paired t test for that effect and the deviation of the differences over all studies of the line. ± is the Monte
Carlo error of one standard deviation."""


def cheap(number: int, shift: float = 0.0, part: int = 0) -> list[dict[str, Any]]:
    """The verdicts of one cheap study; with a shift, of a method that keeps the better rows."""
    import tamis

    rng = np.random.default_rng((SEED, part, number))
    sign = rng.permutation(np.repeat([-1.0, 1.0], ROWS // 2))
    pool = pa.table({"value": rng.normal(size=ROWS) + shift * sign, "sign": sign})
    asked: dict[str, Any] = {"methods": "m.py:planted", "score": "sign"} if shift else {"methods": "m.py:shuffled"}
    found = tamis.bench(
        pool, task="t.py:mean", budgets=[KEPT], seeds=SEEDS, workers=0, full=False, examples=False, **asked
    )
    return found.verdicts


def real(number: int) -> list[dict[str, Any]]:
    """The verdicts of one study of a real table."""
    import tamis

    table = pq.read_table(Path(os.environ["TAMIS_DATA"]) / "tabular/phoneme.parquet")
    rows = np.random.default_rng((SEED, 9, number)).choice(table.num_rows, 2000, replace=False)
    found = tamis.bench(
        table.take(pa.array(rows)), task="classify", label="y", methods="m.py:shuffled", budgets=["2%"], seeds=SEEDS,
        workers=0, full=False, examples=False, overlap="keep",
    )  # fmt: skip
    return [one for one in found.verdicts if not one["automatic"]]


def run(study: Callable[[int], list[dict[str, Any]]], count: int) -> list[list[dict[str, Any]]]:
    """The verdicts of studies 0 to count, two at a time."""
    with ProcessPoolExecutor(2, initializer=_alone) as pool:
        return list(pool.map(study, range(count), chunksize=8))


def _alone() -> None:
    """A folder with the method and the task for this process, in memory where there is such a place."""
    from tamis.engine.launch import one_thread_a_step

    one_thread_a_step()
    if Path("/dev/shm").is_dir():
        tempfile.tempdir = "/dev/shm"
    os.chdir(tempfile.mkdtemp())
    Path("m.py").write_text(METHODS)
    Path("t.py").write_text(TASK)


def line(words: str, studies: list[list[dict[str, Any]]], shift: float = 0.0) -> list[str]:
    """A row of the page."""
    from tamis.evidence.power import power

    n = len(studies)
    rates = [
        sum(one["verdict"] != "no difference" for found in studies for one in found if one["comparison"] == comparison)
        / n
        for comparison in ("equal budget", "equal total cost")
    ]
    either = sum(any(one["verdict"] != "no difference" for one in found) for found in studies) / n
    computed = 0.05
    if shift:
        sd = float(np.sqrt(np.mean([found[0]["sd"] ** 2 for found in studies])))
        computed = power(shift, sd, SEEDS)
    error = np.sqrt(max(computed * (1 - computed), 1 / n) / n)
    return [words, f"{n:,}", *(f"{100 * rate:.1f} %" for rate in (*rates, either)), f"{100 * computed:.1f} %",
            f"± {100 * error:.1f}"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=["cheap", "real", "planted"])
    parser.add_argument("--studies", type=int)
    asked = parser.parse_args()
    rows = [["studies", "number", "different at equal budget", "at equal total cost", "at either", "computed", "±"]]
    if asked.part in (None, "cheap"):
        rows.append(line("cheap, random under another name", run(cheap, asked.studies or 2000)))
    if asked.part in (None, "real"):
        rows.append(line("real, random under another name", run(real, asked.studies or 200)))
    for number, shift in enumerate(SHIFTS if asked.part in (None, "planted") else (), 1):
        found = run(partial(cheap, shift=shift, part=number), asked.studies or 400)
        rows.append(line(f"cheap, planted effect of {shift:g}", found, shift))
    note = NOTE.format(seeds=SEEDS, kept=KEPT, rows=ROWS)
    write_page(
        "evidence_null", "Studies whose answer is known", note, rows, packages="numpy scipy scikit-learn pyarrow"
    )


if __name__ == "__main__":
    main()

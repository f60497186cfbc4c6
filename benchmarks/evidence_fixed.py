"""Studies of one random choice that is the same for every seed: the top of a column of noise.

Run `python benchmarks/evidence_fixed.py [--studies 500]`; it writes `results/evidence_fixed.md`. Study i draws its pool
from `default_rng((20240, 7, i))`.
"""

import argparse
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from common import write_page
from evidence_null import KEPT, ROWS, SEED, SEEDS, line, run
from scipy import stats

NOTE = """Studies through the whole harness as in `evidence_null.md`, with {seeds} seeds, in which a method keeps the
top of a column of noise: one random choice, the same for every seed, while random is drawn anew. *Paired test
alone* is the share with p below 5 %. A choice that hardly varies must show beside that test that fewer than 1
random choice in 20 would do as well, or as badly; that allows a tenth. Where each seed holds out other rows,
the luck of the choice is harder to tell."""


def fixed(number: int, test: bool) -> list[dict[str, Any]]:
    """The verdicts of one study, with a test set that is given or held out by each seed."""
    import tamis

    rng = np.random.default_rng((SEED, 7, number))
    pool = pa.table({"value": rng.normal(size=ROWS), "luck": rng.random(ROWS)})
    held = {"test": pool.slice(0, 1)} if test else {}
    found = tamis.bench(
        pool, task="t.py:mean", methods="top:luck", budgets=[KEPT], seeds=SEEDS, workers=0, full=False, examples=False,
        overlap="keep", **held,
    )  # fmt: skip
    return found.verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    asked = parser.parse_args()
    rows = [["test set", "studies", "called different", "paired test alone", "±"]]
    for words, test in (("given", True), ("held out by each seed", False)):
        found = run(partial(fixed, test=test), asked.studies)
        plain = sum(one[0]["p"] < 0.05 for one in found) / len(found)
        called = line(words, found)
        error = stats.binom.std(len(found), plain) / len(found)
        rows.append([words, called[1], called[2], f"{100 * plain:.1f} %", f"± {100 * error:.1f}"])
    note = NOTE.format(seeds=SEEDS)
    write_page("evidence_fixed", "One random choice for all seeds", note, rows, packages="numpy scipy pyarrow")


if __name__ == "__main__":
    main()

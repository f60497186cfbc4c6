"""What every method towards a target of texts keeps of a pool of 17 domains, and what that costs.

Run `python benchmarks/targeted_text.py`; it prints a table and writes it to `benchmarks/results/targeted_text.md`.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import data, run, write_page

TARGETS = {
    "biomedical": ("biomedical",),
    "law": ("law",),
    "movie reviews": ("movie_reviews",),
    "Python docs": ("python_docs",),
    "shell docs": ("shell_docs",),
    "law and shell docs": ("law", "shell_docs"),
}
ROWS, BUDGETS, SEEDS = 500, ("3000", "1%"), 3
DRAWN = ("random", "length-matched-random", "dsir")
METHODS = (*DRAWN, "color-filter", "rds-plus", "betr", "quality-classifier")
HEAD = ["", *METHODS]
NOTE = (
    "Kept of the 346,192 documents of the pool for up to 500 held-out documents of a domain (shell docs have 494), at "
    "3,000 rows and at 1 % of the rows (3,461). *Share* is that of rows of the target's domain among those kept, of "
    "the largest that there could be. *KL reduction* is by how many nats the n-grams of what is kept are nearer to the "
    "target's than the pool's are. *Processor seconds* are of the whole command, with both budgets and reports. Draws "
    "are means of 3 seeds; the others draw nothing. What models learn from these choices is in the studies."
)


def target_files(folder: Path, domains: tuple[str, ...]) -> list[str]:
    """A file of held-out documents for each domain."""
    table = pq.read_table(data("text/pool_targets.parquet"))
    paths = []
    for domain in domains:
        paths.append(str(folder / f"{domain}.parquet"))
        pq.write_table(table.filter(pc.equal(table["domain"], domain)).slice(0, ROWS), paths[-1])
    return paths


Kept = tuple[dict[str, pa.Table], dict[str, float], float]


def kept(folder: Path, method: str, targets: list[str], seed: int) -> Kept:
    """The rows kept for each budget, KL reductions, and the processor seconds of the command."""
    out = folder / "out"
    command = [sys.executable, "-m", "tamis", "select", str(data("text/pool.parquet")), "--method", method]
    for target in targets:
        command += ["--target", target]
    cost = run([*command, "--budget", ",".join(BUDGETS), "--seed", str(seed), "-o", str(out), "--force", "--no-subset"])
    tables, nearer = {}, {}
    for budget in BUDGETS:
        tables[budget] = pq.read_table(out / budget / "selection.parquet", columns=["row"])
        summary = json.loads((out / budget / "manifest.json").read_text())["summary"]
        nearer[budget] = summary["text"]["kl_reduction"]
    return tables, nearer, cost.cpu_seconds


def main() -> None:
    """All methods for all targets."""
    domain = np.array(pq.read_table(data("text/pool.parquet"), columns=["domain"])["domain"].to_pylist())
    rows: list[list[str]] = [HEAD]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, domains in TARGETS.items():
            targets = target_files(folder, domains)
            found: dict[str, list[str]] = {f"{name}, {budget}: share": [] for budget in BUDGETS}
            found |= {f"{name}, {budget}: KL reduction": [] for budget in BUDGETS} | {f"{name}: processor s": []}
            for method in METHODS:
                runs = [kept(folder, method, targets, seed) for seed in range(SEEDS if method in DRAWN else 1)]
                for budget in BUDGETS:
                    most = min(1.0, np.isin(domain, domains).sum() / runs[0][0][budget].num_rows)
                    own = [np.isin(domain[tables[budget]["row"].to_numpy()], domains).mean() for tables, _, _ in runs]
                    found[f"{name}, {budget}: share"].append(f"{np.mean(own) / most:.3f}")
                    nearer = np.mean([one[budget] for _, one, _ in runs])
                    found[f"{name}, {budget}: KL reduction"].append(f"{nearer:.3f}")
                found[f"{name}: processor s"].append(f"{np.mean([cost for _, _, cost in runs]):.0f}")
                print(name, method, {key: values[-1] for key, values in found.items()}, flush=True)
            rows += [[key, *values] for key, values in found.items()]
    write_page("targeted_text", "Towards a target of texts", NOTE, rows)


if __name__ == "__main__":
    main()

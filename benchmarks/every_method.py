"""Run every registered method on vectors through the command line, on Fashion-MNIST.

    TAMIS_DATA=… python studies/prepare_fashion_sets.py
    python benchmarks/every_method.py [METHOD…]

Each keeps 1 % of 59,500 images; what it needs comes from the columns that the study's script prepared.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from common import run, write_page

from tamis.registry import METHODS, Method, load_all

FOLDER = Path(__file__).parents[1] / "studies/out/data/fashion_sets"
TARGETS = ("shirt", "sneaker", "bag")
OF_TEXT = {"text", "length", "target_text", "target_length", "state"}
PIXELS = ("feature-based",)  # features must not be negative
BUDGET = "1%"
NOTE = """Each line is one command, `tamis select pool.parquet --method … --budget 1%`, on 59,500 Fashion-MNIST images:
64 principal components as `--embedding` (feature-based: 49 mean brightnesses), the probabilities of a logistic
regression on 500 other images as `probs`, its probability of the given class as `score`, three samples of 30 images as
targets. *classes* is how many images the rarest and the commonest class have among the kept ones; *wanted* is the share
of the three classes of the targets, which is 30 % in the pool; *right* is the share whose class that model names, 78 %
in the pool. Memory is anonymous memory of the process, its peak, libraries included; seconds include Python's start."""


def arguments(method: Method) -> list[str]:
    """What supplies the needs of a method."""
    needs = set(method.needs)
    found = ["--label", "label", "--id", "id"]
    if needs & {"embedding", "match", "target_embedding"}:
        found += ["--embedding", "pixels" if method.name in PIXELS else "embedding"]
    if needs & {"match", "target_embedding"}:
        found += [word for name in TARGETS for word in ("--target", str(FOLDER / f"{name}.parquet"))]
    found += ["--score", "score"] if "score" in needs else []
    sources = {"probs": "probs", "mis_score": "score", "tags": "tags"}
    sources |= {"balance": f"label={','.join(f'{name}:0.33' for name in TARGETS)}"}
    found += [word for need in sources if need in needs for word in ("--use", f"{need}={sources[need]}")]
    return found


def line(method: Method, folder: Path) -> list[str]:
    """One row of the table."""
    out = folder / method.name
    command = [sys.executable, "-m", "tamis", "select", str(FOLDER / "pool.parquet"), "--method", method.name]
    cost = run([*command, "--budget", BUDGET, "--no-subset", "-o", str(out), *arguments(method)], interval=0.05)
    manifest = json.loads((out / "manifest.json").read_text())
    rows = pq.read_table(out / "selection.parquet")["row"].to_numpy()
    labels, el2n = (POOL[name].to_numpy(zero_copy_only=False)[rows] for name in ("label", "right"))
    counts = [int((labels == name).sum()) for name in set(POOL["label"].to_pylist())]
    wanted = sum(int((labels == name).sum()) for name in TARGETS) / max(len(rows), 1)
    return [
        f"`{method.name}`", method.kind, f"{len(rows):,}", f"{cost.seconds:.1f}", f"{cost.peak_mb:,.0f}",
        f"{min(counts)}–{max(counts)}", f"{wanted:.0%}", f"{el2n.mean():.0%}", stages(manifest),
    ]  # fmt: skip


def stages(manifest: dict[str, Any]) -> str:
    """Whether the pool was seen at once or in parts."""
    found = (manifest.get("objective") or {}).get("stages")
    return f"{found['parts']} parts" if found else "at once"


def with_right() -> Any:
    """The columns by which choices are described."""
    table = pq.read_table(FOLDER / "pool.parquet", columns=["label", "probs", "score"])
    best = table["probs"].combine_chunks().flatten().to_numpy().reshape(len(table), -1).max(axis=1)
    return table.append_column("right", [table["score"].to_numpy() >= best - 1e-6])


def main(names: list[str]) -> None:
    """Every method that reads no text, or those named."""
    load_all()
    known = [m for name, m in sorted(METHODS.entries.items()) if not OF_TEXT & set(m.needs)]
    head = ["method", "kind", "rows", "seconds", "MB", "classes", "wanted", "right", "seen"]
    with tempfile.TemporaryDirectory() as folder:
        rows = [line(method, Path(folder)) for method in known if not names or method.name in names]
    if names:
        print(*(" ".join(row) for row in rows), sep="\n")
    else:
        write_page("every_method", "Every method on Fashion-MNIST, through the command line", NOTE, [head, *rows])


if __name__ == "__main__":
    POOL = with_right()
    main(sys.argv[1:])

"""Run every registered method through the command line, on images, on digits and on texts.

    TAMIS_DATA=… python studies/prepare_fashion_sets.py
    TAMIS_DATA=… python benchmarks/every_method.py [fashion | digits | texts] [METHOD…]

Without methods it writes a page a pool, `benchmarks/results/every_method_….md`.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from common import run, write_page
from method_pools import MethodPool, digits, fashion, texts

from tamis.registry import METHODS, Method, load_all

OF_TEXT = {"text", "length", "target_text", "target_length", "state"}
NOTE = """Each line is one command, `tamis select pool.parquet --method … --budget {pool.budget}`, on {pool.says}.
`probs` and `score` are of a logistic regression on 500 other rows: all probabilities, and that of the given class.
*classes* is how many rows the rarest and the commonest class have among the kept ones; *wanted* is the share of the
classes of the targets, which is {wanted:.0%} in the pool; *right* is the share whose class that model names,
{right:.0%} in the pool. Memory is anonymous memory of the command, its peak, libraries included; seconds include
Python's start."""
HEAD = ["method", "kind", "rows", "seconds", "MB", "classes", "wanted", "right", "seen"]


def arguments(method: Method, pool: MethodPool) -> list[str]:
    """What supplies the needs of a method."""
    needs = set(method.needs)
    found = ["--label", "label", "--id", "id"]
    if needs & {"embedding", "match", "target_embedding"}:
        found += ["--embedding", pool.positive if method.name == "feature-based" else "embedding"]
    if needs & {"match", "target_embedding", "target_text", "target_length"} or method.finish:
        found += [word for name in pool.targets for word in ("--target", str(pool.folder / f"{name}.parquet"))]
    found += ["--score", "score"] if "score" in needs else []
    sources = {"probs": "probs", "mis_score": "score", "tags": "tags"}
    sources |= {"balance": f"label={','.join(f'{name}:0.33' for name in pool.targets)}"}
    found += [word for need in sources if need in needs for word in ("--use", f"{need}={sources[need]}")]
    return found


def line(method: Method, pool: MethodPool, labels: Any, folder: Path) -> list[str]:
    """One row of the table."""
    print(pool.name, method.name, flush=True)
    out = folder / method.name
    command = [sys.executable, "-m", "tamis", "select", str(pool.folder / "pool.parquet"), "--method", method.name]
    cost = run([*command, "--budget", pool.budget, "--no-subset", "-o", str(out), *arguments(method, pool)], 0.05)
    manifest = json.loads((out / "manifest.json").read_text())
    rows = pq.read_table(out / "selection.parquet")["row"].to_numpy()
    kept, right = (labels[name].to_numpy(zero_copy_only=False)[rows] for name in ("label", "right"))
    counts = [int((kept == name).sum()) for name in set(labels["label"].to_pylist())]
    wanted = sum(int((kept == name).sum()) for name in pool.targets) / max(len(rows), 1)
    return [
        f"`{method.name}`", method.kind, f"{len(rows):,}", f"{cost.seconds:.1f}", f"{cost.peak_mb:,.0f}",
        f"{min(counts)}–{max(counts)}", f"{wanted:.0%}", f"{right.mean():.0%}", stages(manifest),
    ]  # fmt: skip


def stages(manifest: dict[str, Any]) -> str:
    """Whether the pool was seen at once or in parts."""
    found = (manifest.get("objective") or {}).get("stages")
    return f"{found['parts']} parts" if found else "at once"


def page(pool: MethodPool, names: list[str]) -> None:
    """Every method, but those of text where there is none, or those named."""
    labels = pool.described()
    known = [m for _, m in sorted(METHODS.entries.items()) if pool.text or not (OF_TEXT & set(m.needs) or m.finish)]
    with tempfile.TemporaryDirectory() as folder:
        rows = [line(method, pool, labels, Path(folder)) for method in known if not names or method.name in names]
    if names:
        print(*(" ".join(row) for row in rows), sep="\n")
        return
    of = labels["label"].to_pylist()
    shares = {"wanted": sum(label in pool.targets for label in of) / len(of)}
    note = NOTE.format(pool=pool, right=sum(labels["right"].to_pylist()) / len(of), **shares)
    write_page(
        f"every_method_{pool.name}", f"Every method on {pool.name}, through the command line", note, [HEAD, *rows]
    )


def main(words: list[str]) -> None:
    """The pools that are named, or all."""
    load_all()
    makers = {"fashion": lambda folder: fashion(), "digits": digits, "texts": texts}
    asked = [word for word in words if word in makers] or list(makers)
    for name in asked:
        with tempfile.TemporaryDirectory() as folder:
            page(makers[name](Path(folder)), [word for word in words if word not in makers])


if __name__ == "__main__":
    main(sys.argv[1:])

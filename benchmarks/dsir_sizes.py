"""DSIR over pools of 0.1, 1 and 8 GB of text: seconds, and the peak of anonymous memory over all processes.

Run `python benchmarks/dsir_sizes.py [--pool POOL.parquet] [--sizes 0.1 1 8] [--folder DIR]`; it writes
`results/dsir_sizes.md` and needs disk for the largest pool (about 0.3 GB a GB) and 1 GB of JSON Lines below DIR.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from common import data, grow, run, select, write_page, write_target

NOTE = """Pools made of pool.parquet by repetition, a token at the end of each text (Parquet in zstd, row groups of
65,536 rows or less), 500 target documents of law, two workers, kernels compiled before. *Peak* is anonymous memory
(RssAnon) of the command and all its descendants, added up every 20 ms. *Out* is the output folder with the state that
lets a later run reuse finished shards. GB are of text, 10^9 bytes; *CPU* is processor time of all processes."""
JSON_SIZES = (0.1, 1.0)


def measure(pool: Path, gigabytes: float, rows: int, target: Path, budget: str, folder: Path) -> list[str]:
    """One row of the table."""
    cost, steps = select(pool, target, folder / "out", budget)
    written = sum(file.stat().st_size for file in (folder / "out").rglob("*") if file.is_file())
    shutil.rmtree(folder / "out")
    longest = sorted(steps.values(), key=lambda step: -step["seconds"])[:3]
    print({name: round(step["seconds"], 2) for name, step in steps.items()}, flush=True)
    kind = "JSON Lines" if pool.suffix == ".jsonl" else "Parquet"
    return [
        f"{kind}, {gigabytes:g} GB",
        f"{rows:,}",
        budget,
        f"{cost.seconds:.1f}",
        f"{cost.seconds / gigabytes:.2f}",
        f"{cost.cpu_seconds / gigabytes:.2f}",
        f"{cost.peak_mb:.0f}",
        f"{written / 1e6:.0f}",
        ", ".join(f"{step['name']} {step['seconds']:.1f}" for step in longest),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 1.0, 8.0])
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    source = asked.pool or data("text/pool.parquet")
    table = [["pool", "documents", "budget", "s", "s/GB", "CPU s/GB", "peak MB", "out MB", "longest steps, s"]]
    with tempfile.TemporaryDirectory(prefix="tamis-bench-", dir=asked.folder) as name:
        folder = Path(name)
        need = 0.35e9 * max(asked.sizes) + 2e9 * max(JSON_SIZES)
        if shutil.disk_usage(folder).free < 2 * need:
            sys.exit(f"{folder} has too little room: {2 * need / 1e9:.0f} GB are needed; name another --folder")
        target = write_target(folder / "target.jsonl")
        run([sys.executable, "-m", "tamis", "select", str(target), "--method", "dsir", "--target", str(target),
             "--budget", "5", "-o", str(folder / "warm")])  # fmt: skip
        for ending, sizes in (
            (".parquet", asked.sizes),
            (".jsonl", [size for size in asked.sizes if size in JSON_SIZES]),
        ):
            for gigabytes in sizes:
                pool = folder / f"pool{ending}"
                rows = grow(source, pool, gigabytes)
                for budget in ["5000", *(["10%"] if gigabytes >= 1 else [])]:
                    table.append(measure(pool, gigabytes, rows, target, budget, folder))
                    print(table[-1], flush=True)
                pool.unlink()
    write_page("dsir_sizes", "DSIR over sizes", NOTE, table)


if __name__ == "__main__":
    main()

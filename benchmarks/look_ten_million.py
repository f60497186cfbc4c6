"""Ten million rows with ids: select, verify, why and compare, each in a fresh process with two workers.

Run `python benchmarks/look_ten_million.py [--rows N] [--folder DIR]`; it writes `results/look_ten_million.md` and needs
about 2 GB of disk below DIR. No data set is needed: ids and scores are made from a seed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import SEED, Cost, run, write_page

ROWS = 10_000_000
BLOCK = 1 << 20
NOTE = """A Parquet file of {rows:,} rows, each with an id of text and a score (normal, no two alike; zstd, row groups
of 131,072 rows, {megabytes:.0f} MB). Every command is a process of its own, started when the one before has ended; the
files are in the system's cache. *Peak* is anonymous memory (RssAnon) of the command and all its descendants, added up
every 20 ms. `verify` trusts a file of more than 64 MB whose size, time and ends are as they were; `--full` reads it
again, as it does by itself after a copy. `why` looks a dropped row up by its id; *without parts* is after `.tamis` was
deleted, where the hashes of the ids lie. `compare` sets the selection beside a random one of the same size, and
correlates the scores over a sample of about a million rows."""
COLUMNS = pa.schema([("id", pa.string()), ("score", pa.float64())])


def make_pool(path: Path, rows: int) -> None:
    """Ids `doc-0`, `doc-1`, … and normal scores."""
    rng = np.random.default_rng(SEED)
    with pq.ParquetWriter(path, COLUMNS, compression="zstd") as writer:
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            ids = np.char.add("doc-", np.arange(start, start + count).astype(np.str_))
            table = pa.table({"id": pa.array(ids), "score": rng.normal(size=count)}, schema=COLUMNS)
            writer.write_table(table, row_group_size=1 << 17)


def command(*words: object) -> Cost:
    """`tamis` with these words."""
    return run([sys.executable, "-m", "tamis", *map(str, words)])


def commands(pool: Path, folder: Path, rows: int) -> list[tuple[str, Cost]]:
    """What is measured, in this order."""
    out, other = folder / "out", folder / "random"
    flags = ("--budget", "1%", "--workers", 2)
    found = [
        ("select --method top:score --budget 1%", command("select", pool, "--method", "top:score", *flags, "-o", out))
    ]
    found.append(
        ("select --method random --budget 1%", command("select", pool, "--method", "random", *flags, "-o", other))
    )
    found.append(("verify", command("verify", out)))
    found.append(("verify --full", command("verify", out, "--full")))
    os.utime(pool)
    found.append(("verify, after a copy", command("verify", out)))
    row = rows // 2 + 1
    found.append(("why --id", command("why", out, "--id", f"doc-{row}")))
    found.append(("compare", command("compare", out, other)))
    shutil.rmtree(out / ".tamis")
    found.append(("why --id, without parts", command("why", out, "--id", f"doc-{row}", "--json")))
    assert json.loads(found[-1][1].output)["row"] == row
    found.append(("verify, without parts", command("verify", out)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    table = [["command", "s", "CPU s", "peak MB"]]
    with tempfile.TemporaryDirectory(prefix="tamis-bench-", dir=asked.folder) as name:
        folder = Path(name)
        make_pool(folder / "warm.parquet", 200_000)
        command("select", folder / "warm.parquet", "--method", "top:score", "--budget", "1%", "-o", folder / "warm")
        pool = folder / "pool.parquet"
        make_pool(pool, asked.rows)
        megabytes = pool.stat().st_size / 1e6
        for what, cost in commands(pool, folder, asked.rows):
            table.append([f"`{what}`", f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}", f"{cost.peak_mb:.0f}"])
            print(table[-1], flush=True)
    write_page("look_ten_million", "Ten million rows", NOTE.format(rows=asked.rows, megabytes=megabytes), table)


if __name__ == "__main__":
    main()

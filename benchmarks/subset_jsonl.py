"""Write a tenth of a pool: `Selection.apply` against DuckDB (JSON Lines) and pyarrow (Parquet), in one process.

Run `python benchmarks/subset_jsonl.py [--pool POOL.parquet] [--gigabytes 1] [--turns 5] [--folder DIR]`; it writes
`results/subset_jsonl.md`.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import SEED, data, grow, run, write_page

from tamis import Selection
from tamis.pool import open_pool

SHARE = 0.1
LABELS = {
    "tamis-jsonl": "JSON Lines: tamis",
    "duckdb-ids": "DuckDB COPY, ids in a table",
    "duckdb-hash": "DuckDB COPY, hash of the id",
    "tamis-parquet": "Parquet: tamis",
    "pyarrow-groups": "pyarrow by row group",
}
NOTE = """Write {kept:,} random rows of {rows:,} ({size:.2f} GB of JSON Lines, and the same rows in Parquet), one
process, files in the page cache, {turns} turns of all in order after a first one that is not counted. DuckDB has two
threads and joins with a table of the ids, made before; with `hash(id)` it takes other rows, as many; it does not keep
the order of the rows. pyarrow reads a row group, takes the rows and writes them, on two threads. *x tamis* is the
median of the pairs, then the lowest and the highest. *Peak* is anonymous memory of a process that does nothing else.
All lines that Tamis wrote are those of the source, byte for byte; the rows of its Parquet file equal those of pyarrow.
In a new process Tamis also needs about 0.3 s for Numba, which copies the lines of files of 512 MB and more."""


def writers(folder: Path, rows: np.ndarray, count: int) -> dict[str, Callable[[], object]]:
    """All that write the subset, by name; the first of each kind is Tamis."""
    table = pa.table({"row": rows})
    lines, columns = (
        Selection(table, {"pool": {"rows": count, "fingerprint": open_pool(folder / name).fingerprint}})
        for name in ("pool.jsonl", "pool.parquet")
    )
    connection = duckdb.connect()
    connection.execute("SET threads TO 2")
    source, ids = str(folder / "pool.jsonl"), str(folder / "ids.parquet")
    connection.execute(f"CREATE TABLE kept AS SELECT id FROM '{ids}'")

    def copy(where: str, name: str) -> None:
        out = folder / f"{name}.out.jsonl"
        connection.execute(f"COPY (SELECT * FROM read_json('{source}') WHERE {where}) TO '{out}' (FORMAT json)")

    def by_group(path: Path) -> None:
        first = 0
        file = pq.ParquetFile(folder / "pool.parquet")
        with pq.ParquetWriter(path, file.schema_arrow, compression="zstd") as writer:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                inside = rows[np.searchsorted(rows, first) : np.searchsorted(rows, first + len(table))] - first
                writer.write_table(table.take(pa.array(inside)))
                first += len(table)

    return {
        "tamis-jsonl": partial(lines.apply, folder / "pool.jsonl", folder / "tamis-jsonl.out.jsonl"),
        "duckdb-ids": partial(copy, "id IN (SELECT id FROM kept)", "duckdb-ids"),
        "duckdb-hash": partial(copy, f"hash(id) % {round(1 / SHARE)} = 0", "duckdb-hash"),
        "tamis-parquet": partial(columns.apply, folder / "pool.parquet", folder / "tamis-parquet.out.parquet"),
        "pyarrow-groups": partial(by_group, folder / "pyarrow-groups.out.parquet"),
    }


def timed(write: Callable[[], object], folder: Path) -> tuple[float, float]:
    """Wall and processor seconds."""
    for old in folder.glob("*.out.*"):
        old.unlink()
    start, cpu = time.perf_counter(), time.process_time()
    write()
    return time.perf_counter() - start, time.process_time() - cpu


def check(found: dict[str, Callable[[], object]], folder: Path, rows: np.ndarray) -> None:
    """Stop unless Tamis wrote the very lines and rows."""
    wanted = np.isin(np.arange(rows[-1] + 1), rows).tolist()
    timed(found["tamis-jsonl"], folder)
    with (folder / "pool.jsonl").open("rb") as source, (folder / "tamis-jsonl.out.jsonl").open("rb") as copy:
        assert all(next(copy) == line for line, keep in zip(source, wanted, strict=False) if keep)
        assert not copy.read()
    found["duckdb-ids"]()
    with (folder / "duckdb-ids.out.jsonl").open("rb") as theirs, (folder / "tamis-jsonl.out.jsonl").open("rb") as copy:
        assert {tuple(json.loads(line).values()) for line in theirs} == {
            tuple(json.loads(line).values()) for line in copy
        }
    found["tamis-parquet"](), found["pyarrow-groups"]()
    assert pq.read_table(folder / "tamis-parquet.out.parquet") == pq.read_table(folder / "pyarrow-groups.out.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        rows = np.load(asked.folder / "rows.npy")
        writers(asked.folder, rows, int(asked.one[1]))[asked.one[0]]()
        return
    with tempfile.TemporaryDirectory(prefix="tamis-bench-", dir=asked.folder) as name:
        folder = Path(name)
        for ending in ("jsonl", "parquet"):
            count = grow(asked.pool or data("text/pool.parquet"), folder / f"pool.{ending}", asked.gigabytes)
        rows = np.sort(np.random.default_rng(SEED).choice(count, round(count * SHARE), replace=False))
        np.save(folder / "rows.npy", rows)
        ids = pq.read_table(folder / "pool.parquet", columns=["id"]).take(pa.array(rows))
        pq.write_table(ids, folder / "ids.parquet")
        found = writers(folder, rows, count)
        check(found, folder, rows)
        turns = [{kind: timed(write, folder) for kind, write in found.items()} for _ in range(asked.turns)]
        peaks = {}
        for kind in found:
            timed(lambda: None, folder)
            alone = [sys.executable, __file__, "--folder", name, "--one", kind, str(count)]
            peaks[kind] = run(alone, 0.005).peak_mb
        size = (folder / "pool.jsonl").stat().st_size / 1e9
    table = [["", "s, median", "s, best", "CPU s", "x tamis", "", "peak MB"]]
    for kind in found:
        mine = "tamis-jsonl" if not kind.endswith(("parquet", "groups")) else "tamis-parquet"
        seconds, cpu = ([turn[kind][i] for turn in turns] for i in range(2))
        pairs = [turn[kind][0] / turn[mine][0] for turn in turns]
        row = [
            LABELS[kind],
            f"{median(seconds):.2f}",
            f"{min(seconds):.2f}",
            f"{median(cpu):.2f}",
            f"{median(pairs):.2f}",
        ]
        table.append([*row, f"{min(pairs):.2f}–{max(pairs):.2f}", f"{peaks[kind]:.0f}"])
    note = NOTE.format(kept=len(rows), rows=count, size=size, turns=asked.turns)
    write_page("subset_jsonl", "Writing a subset", note, table, "numpy pyarrow duckdb")


if __name__ == "__main__":
    main()

"""Read two columns of a CSV file, and copy a tenth of its rows: Tamis against pyarrow.csv and DuckDB, one thread each.

Run `python benchmarks/csv_scan.py`; it writes about 300 MB to a temporary folder, prints a table and writes it to
`benchmarks/results/csv_scan.md`.
"""

import csv
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from common import SEED, write_page

from tamis.pool import TYPES, Pool, open_pool

MEGABYTES = 150
NAMES = ["id", "score"]
WORDS = "the of and to in is that it for was on are with as be at by this have from or one had not but what all".split()
SHAPES = {
    "texts, a third quoted": (60, csv.QUOTE_MINIMAL),
    "every field quoted": (12, csv.QUOTE_ALL),
}
COLUMNS = {"id": TYPES["integer"], "score": TYPES["number"]}


def grow(path: Path, words: int, quoting: Any, rng: random.Random) -> int:
    """Write the file, with a comma, quotes and a newline inside a third of its texts; how many rows it has."""
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as sink:
        writer = csv.writer(sink, quoting=quoting, lineterminator="\n")
        writer.writerow(["id", "text", "score", "source"])
        while sink.tell() < MEGABYTES * 1e6:
            for _ in range(5000):
                text = " ".join(rng.choices(WORDS, k=rng.randint(words // 2, words * 3 // 2)))
                if rows % 3 == 0:
                    text = f'{text[:20]}, "so"\n{text[20:]}'
                writer.writerow([rows, text, rng.random(), rng.choice(["web", "law", "code"])])
                rows += 1
    return rows


def tamis_read(pool: Pool) -> pa.Table:
    return pa.Table.from_batches([batch for shard in pool.shards for batch in pool.read(shard, COLUMNS)])


def tamis_subset(pool: Pool, rows: np.ndarray, out: Path) -> None:
    def pieces() -> Any:
        for shard in pool.shards:
            first, count = shard.first_row or 0, shard.rows or 0
            low, high = np.searchsorted(rows, [first, first + count])
            yield from pool.kept(shard, rows[low:high] - first)

    pool.save(pieces(), out)


def arrow_read(path: Path, names: list[str] | None) -> pa.Table:
    parsing = arrow_csv.ParseOptions(newlines_in_values=True)
    converting = arrow_csv.ConvertOptions(include_columns=names)
    return arrow_csv.read_csv(path, arrow_csv.ReadOptions(use_threads=False), parsing, converting)


def arrow_subset(path: Path, rows: np.ndarray, out: Path) -> None:
    arrow_csv.write_csv(arrow_read(path, None).take(pa.array(rows)), out)


def duckdb_read(path: Path) -> pa.Table:
    return single().sql(f"SELECT id, score FROM read_csv('{path}')").to_arrow_table()


def duckdb_subset(path: Path, rows: np.ndarray, out: Path) -> None:
    wanted = pa.table({"wanted": rows})  # noqa: F841 (found by its name)
    source = f"SELECT *, row_number() OVER () - 1 AS place FROM read_csv('{path}', all_varchar=true)"
    kept = f"SELECT * EXCLUDE (place, wanted) FROM ({source}) JOIN wanted ON place = wanted ORDER BY place"
    single().sql(f"COPY ({kept}) TO '{out}' (HEADER)")


def single() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def cpu_seconds(run: Callable[[], Any], repeats: int = 5) -> float:
    """The least processor time of several runs, all threads together."""
    took = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        took.append(time.process_time() - start)
    return min(took)


def agree(pool: Pool, path: Path, rows: np.ndarray, folder: Path) -> None:
    """Stop unless all three read the same values and keep the same rows."""
    found = tamis_read(pool)
    for other in (arrow_read(path, NAMES), duckdb_read(path)):
        assert all(found[name].to_pylist() == other[name].to_pylist() for name in NAMES)
    kept = [folder / f"{name}.csv" for name in ("tamis", "arrow", "duckdb")]
    tamis_subset(pool, rows, kept[0])
    arrow_subset(path, rows, kept[1])
    duckdb_subset(path, rows, kept[2])
    assert arrow_read(kept[0], None).equals(arrow_read(kept[1], None))
    assert arrow_read(kept[0], None).equals(arrow_read(kept[2], None))


def cases(path: Path, rows: np.ndarray, out: Path) -> dict[str, list[Callable[[], Any]]]:
    """What is timed: Tamis, then pyarrow.csv and DuckDB where they do the same."""
    pool = open_pool(path)
    return {
        "cut into shards": [lambda: open_pool(path)],
        "read two columns": [lambda: tamis_read(pool), lambda: arrow_read(path, NAMES), lambda: duckdb_read(path)],
        "copy a tenth of the rows": [
            lambda: tamis_subset(pool, rows, out),
            lambda: arrow_subset(path, rows, out),
            lambda: duckdb_subset(path, rows, out),
        ],
    }


def main() -> None:
    pa.set_cpu_count(1)
    table = [["file", "what", "tamis MB/s", "x pyarrow.csv", "x duckdb"]]
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shape, (words, quoting) in SHAPES.items():
            path = folder / "pool.csv"
            count = grow(path, words, quoting, rng)
            rows = np.sort(np.random.default_rng(SEED).choice(count, count // 10, replace=False))
            agree(open_pool(path), path, rows, folder)
            for what, runs in cases(path, rows, folder / "out.csv").items():
                ours, *others = [cpu_seconds(run) for run in runs]
                ratios = [f"{other / ours:.1f}" for other in others] or ["", ""]
                table.append([shape, what, f"{path.stat().st_size / ours / 1e6:,.0f}", *ratios])
    note = (
        f"Files of {MEGABYTES} MB, seed {SEED}, one process and one thread. MB/s are of the whole file by processor\n"
        "time, the least of 5 runs; *x peer* is the processor time of the peer over that of Tamis. All read the same\n"
        "values and kept the same rows; Tamis checks every field that it reads, and copies rows byte for byte."
    )
    write_page("csv_scan", "CSV scan", note, table, "numpy pyarrow numba duckdb")


if __name__ == "__main__":
    main()

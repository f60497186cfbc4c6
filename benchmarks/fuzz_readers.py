"""Mutated files through every reader: none may crash, hang or lose a row in silence.

Run `python benchmarks/fuzz_readers.py [--cases 200000] [--processes 2]`; it writes `results/fuzz_readers.md`. Each file
is a good one with one to six faults (bits flipped, bytes put in, left out, repeated or cut off). Rows are counted by
other means than the reader: Python's `csv` and `json`, or the counts in the file's own metadata. A process that dies
or is silent for a minute is told by its last line, and another goes on after that case.
"""

import argparse
import bz2
import gzip
import io
import json
import os
import random
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import write_page

from tamis.errors import Broken, Refused
from tamis.pool import open_pool

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

SILENCE, MEMORY = 60.0, 6 << 30
ROWS = 40
TABLE = pa.table(
    {
        "id": [f"row-{row}" for row in range(ROWS)],
        "text": ["some text, with “quotes” and\nlines " * (row % 4) if row % 7 else None for row in range(ROWS)],
        "score": [row / 3 if row % 5 else None for row in range(ROWS)],
        "label": pa.array(["a", "b", "b", None] * (ROWS // 4)).dictionary_encode(),
        "vector": [[float(row), -1.0] for row in range(ROWS)],
    }
)
OBJECTS = TABLE.to_pylist()
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in OBJECTS)
NOTE = """{cases:,} files by `benchmarks/fuzz_readers.py`, seed {seed}. *Rows in* are counted by other means than the
reader. Rows of a file that is refused (or breaks off, which stops a run with exit code 1) are refused with it, so that
rows in = rows out + rows refused. *Lost* counts files of which the reader gave another number of rows and said
nothing."""


def parquet(**options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, row_group_size=15, **options)
    return sink.getvalue()


def arrow(make: Callable[..., object], **options: object) -> bytes:
    sink = io.BytesIO()
    with make(sink, TABLE.schema, options=pa.ipc.IpcWriteOptions(unify_dictionaries=True, **options)) as writer:
        writer.write_table(TABLE, max_chunksize=15)
    return sink.getvalue()


def archive(save: Callable[..., None]) -> bytes:
    sink = io.BytesIO()
    save(sink, id=np.arange(ROWS), score=np.linspace(0, 1, ROWS), vector=np.ones((ROWS, 3), np.float32))
    return sink.getvalue()


def plain_array() -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.ones((ROWS, 3), np.float32))
    return sink.getvalue()


def json_lines(content: bytes) -> int:
    found = [json.loads(line) for line in content.decode("utf-8-sig").split("\n") if line.strip(" \t\r")]
    return len(found) if all(isinstance(row, dict) for row in found) else 0


def json_array(content: bytes) -> int:
    found = json.loads(content.decode("utf-8-sig"))
    return len(found) if isinstance(found, list) else json_lines(content)


def arrow_rows(content: bytes) -> int:
    opening = pa.ipc.open_file if content[:6] == b"ARROW1" else pa.ipc.open_stream
    return opening(pa.BufferReader(content)).read_all().num_rows


def npz_rows(content: bytes) -> int:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return len(arrays[arrays.files[0]])


FORMATS: dict[str, tuple[str, list[bytes], Callable[[bytes], int]]] = {
    "JSON Lines": ("jsonl", [LINES, LINES[:900], b"\xef\xbb\xbf" + LINES[:700]], json_lines),
    "JSON Lines, gzip": ("jsonl.gz", [gzip.compress(LINES, mtime=0)], lambda c: json_lines(gzip.decompress(c))),
    "JSON Lines, bzip2": ("jsonl.bz2", [bz2.compress(LINES)], lambda c: json_lines(bz2.decompress(c))),
    "JSON array": ("json", [json.dumps(OBJECTS[:9], indent=1).encode(), json.dumps(OBJECTS).encode()], json_array),
    "Parquet": (
        "parquet",
        [
            parquet(),
            parquet(compression="zstd", data_page_version="2.0"),
            parquet(compression="none", use_dictionary=False),
            parquet(compression="lz4", use_dictionary=False, column_encoding={"score": "BYTE_STREAM_SPLIT"}),
        ],
        lambda content: pq.read_metadata(io.BytesIO(content)).num_rows,
    ),
    "Arrow file": (
        "arrow",
        [arrow(pa.ipc.new_file), arrow(pa.ipc.new_file, compression="zstd"), arrow(pa.ipc.new_file, compression="lz4")],
        arrow_rows,
    ),
    "Arrow stream": ("arrow", [arrow(pa.ipc.new_stream), arrow(pa.ipc.new_stream, compression="lz4")], arrow_rows),
    "NumPy": ("npy", [plain_array()], lambda content: len(np.load(io.BytesIO(content), allow_pickle=False))),
    "NumPy archive": ("npz", [archive(np.savez), archive(np.savez_compressed)], npz_rows),
}  # fmt: skip
SHARES = {"CSV and TSV": 30, "JSON Lines": 20, "Parquet": 16, "Arrow file": 8, "Arrow stream": 6, "JSON array": 8}


def read(path: Path) -> int:
    """All columns of all rows, as the engine reads them; the number of rows."""
    pool = open_pool(path)
    rows = 0
    for shard in pool.shards:
        for batch in pool.read(shard, dict.fromkeys(pool.schema)):
            batch.validate(full=True)
            rows += batch.num_rows
    return rows


def one(name: str, number: int, folder: Path) -> dict[str, object]:
    """One mutated file: what became of it."""
    from pool import mutate, test_csv_fuzz

    rng = random.Random(f"{name} {number}")
    if name == "CSV and TSV":
        found = test_csv_fuzz.any_case(rng, folder)
        return {"told": found.told, "rows": found.rows, "out": found.rows if found.told == "read" else 0}
    suffix, bases, count = FORMATS[name]
    content = mutate.mutations(rng.choice(bases), rng)
    path = folder / f"pool.{suffix}"
    path.write_bytes(content)
    try:
        rows = count(content)
    except Exception:
        rows = None
    lines = sum(bool(line.strip()) for line in content.split(b"\n")) if suffix == "jsonl" else 0
    try:
        out = read(path)
    except (Refused, Broken) as error:
        assert str(path) in str(error), error
        return {"told": "refused", "rows": rows or lines, "out": 0}
    return {"told": "read" if rows in (out, None) else "lost", "rows": out if rows is None else rows, "out": out}


def work(name: str, start: int, stop: int) -> None:
    """Cases one by one; a line before each, so that a death can be told, and what became of it after."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as place:
        for number in range(start, stop):
            print(number, flush=True)
            try:
                found = one(name, number, Path(place))
            except Exception as error:
                found = {"told": "failed", "rows": 0, "out": 0, "error": f"{type(error).__name__}: {error}"[:300]}
            print(json.dumps(found), flush=True)


class Watched:
    """A process at work on a format, and what it has told so far."""

    def __init__(self, name: str, start: int, stop: int) -> None:
        self.name, self.next, self.stop, self.held = name, start, stop, b""
        self.start()

    def start(self) -> None:
        words = [sys.executable, __file__, "--work", self.name, "--from", str(self.next), "--to", str(self.stop)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.heard, self.held = time.monotonic(), b""

    def look(self, counts: Counter[tuple[str, str]], troubles: list[str]) -> bool:
        """Take what was told; whether the work goes on."""
        assert self.process.stdout is not None
        ready = select.select([self.process.stdout], [], [], 0.05)[0]
        told = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
        if told:
            self.heard = time.monotonic()
            *lines, self.held = (self.held + told).split(b"\n")
            for line in lines:
                self.tell(line, counts, troubles)
        silent = time.monotonic() - self.heard > SILENCE
        if (ready and not told) or silent:
            self.process.kill()
            code = self.process.wait()
            if self.next >= self.stop:
                return False
            kind = "hung" if silent else "crashed"
            counts[self.name, kind] += 1
            troubles.append(f"{self.name} {self.next}: {kind} ({code})")
            self.next += 1
            self.start()
        return True

    def tell(self, line: bytes, counts: Counter[tuple[str, str]], troubles: list[str]) -> None:
        if not line.startswith(b"{"):
            self.next = int(line)
            return
        found = json.loads(line)
        counts[self.name, found["told"]] += 1
        counts[self.name, "rows"] += found["rows"]
        counts[self.name, "out"] += found["out"]
        if found["told"] not in ("read", "refused"):
            troubles.append(f"{self.name} {self.next}: {found}")
        self.next += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only")
    parser.add_argument("--work")
    parser.add_argument("--from", dest="start", type=int)
    parser.add_argument("--to", dest="stop", type=int)
    asked = parser.parse_args()
    if asked.work:
        work(asked.work, asked.start, asked.stop)
        return
    names = [asked.only] if asked.only else ["CSV and TSV", *FORMATS]
    shares = {name: SHARES.get(name, 3) for name in names}
    base = asked.seed * 10**7
    jobs = []
    for name in names:
        cases = -(-asked.cases * shares[name] // sum(shares.values()))
        cuts = [base + cases * part // asked.processes for part in range(asked.processes + 1)]
        jobs += [(name, *cut) for cut in pairwise(cuts)]
    counts: Counter[tuple[str, str]] = Counter()
    troubles: list[str] = []
    running: list[Watched] = []
    while jobs or running:
        while jobs and len(running) < asked.processes:
            running.append(Watched(*jobs.pop(0)))
        running = [found for found in running if found.look(counts, troubles)]
    print(*troubles[:40], sep="\n", file=sys.stderr)
    told = ("read", "refused", "lost", "failed", "crashed", "hung")
    table = [["format", "files", *told, "rows in", "rows out", "rows refused"]]
    keys = (*told, "rows", "out")
    for name in [*names, "all"]:
        chosen = {key: sum(counts[one, key] for one in (names if name == "all" else [name])) for key in keys}
        files, refused = sum(chosen[key] for key in told), chosen["rows"] - chosen["out"]
        table.append([name, *(f"{number:,}" for number in (files, *chosen.values(), refused))])
    whole = sum(counts[name, key] for name in names for key in told)
    if asked.only:
        print(*table, sep="\n")
        return
    write_page("fuzz_readers", "Mutated files", NOTE.format(cases=whole, seed=asked.seed), table)
    if troubles:
        sys.exit(f"{len(troubles)} files are neither read nor refused")


if __name__ == "__main__":
    main()

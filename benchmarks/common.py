"""What the benchmarks share: grown pools, the cost of a command with all its processes, and result pages."""

import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

GB = 10**9
SEED = 20240
ROW_GROUP = 65_536


@dataclass(frozen=True)
class Cost:
    """What a command took, its children included; `peak_mb` is anonymous memory, summed over all processes."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def data(name: str) -> Path:
    """A file below `TAMIS_DATA`; ends the script when it is not there."""
    path = Path(os.environ.get("TAMIS_DATA") or "no TAMIS_DATA", name)
    if not path.exists():
        sys.exit(f"{path} is missing: set TAMIS_DATA to the folder of data sets")
    return path


def run(arguments: list[str], interval: float = 0.02) -> Cost:
    """Run a command to its end; every `interval` seconds its memory and that of its descendants is added up."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process, interval, peak))
    watcher.start()
    output, errors = process.communicate()
    seconds = time.perf_counter() - start
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(f"exit code {process.returncode} of {' '.join(arguments)}\n{errors}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, cpu, peak[0] / 1024, output)


def family_cpu_seconds() -> float:
    """Processor time so far of this process and of its descendants that are alive."""
    ticks = 0
    for pid in _family(os.getpid()):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _watch(process: "subprocess.Popen[str]", interval: float, peak: list[int]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_anonymous_kb(found) for found in _family(process.pid)))
        time.sleep(interval)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                yield from _family(int(child))
        except OSError:
            continue


def _anonymous_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith(("RssAnon", "RssShmem")))


def select(pool: Path, target: Path, output: Path, budget: str = "5000") -> tuple[Cost, dict[str, Any]]:
    """`tamis select --method dsir` with two workers, in a process of its own; what it cost, and its steps by name."""
    command = [sys.executable, "-m", "tamis", "select", str(pool), "--method", "dsir", "--target", str(target)]
    cost = run([*command, "--budget", budget, "--workers", "2", "--text", "text", "-o", str(output)])
    manifest = json.loads((output / "manifest.json").read_text())
    return cost, {step["name"]: step for step in manifest["steps"]}


def write_target(path: Path, domain: str = "law", rows: int = 500) -> Path:
    """Held-out documents of one domain as JSON Lines."""
    table = pq.read_table(data("text/pool_targets.parquet"))
    write_jsonl(table.filter(pc.equal(table["domain"], domain)).slice(0, rows), path)
    return path


def write_jsonl(table: pa.Table, path: Path) -> None:
    """One object a line, in UTF-8."""
    with path.open("wb") as sink:
        for batch in table.to_batches(ROW_GROUP):
            rows = batch.to_pylist()
            sink.writelines(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def grow(pool: Path, path: Path, gigabytes: float) -> int:
    """Repeat a pool until its texts have so many gigabytes; a token at the end of each id and text makes it unique.

    Parquet (zstd, level 1) or JSON Lines, as `path` ends. The last repetition is a random part. Returns the rows.
    """
    table = pq.read_table(pool).combine_chunks()
    size = pc.sum(pc.binary_length(table["text"])).as_py()
    times = gigabytes * GB / size
    rng = np.random.default_rng(SEED)
    parts = [np.flatnonzero(rng.random(len(table)) < times - turn) for turn in range(int(np.ceil(times)))]
    if path.suffix == ".jsonl":
        lines = _templates(table)
        with path.open("wb") as sink:
            for turn, part in enumerate(parts):
                sink.writelines(lines[row].replace(b"\0", b" r%dx" % turn) for row in part.tolist())
        return sum(map(len, parts))
    with pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1) as writer:
        for turn, part in enumerate(parts):
            for start in range(0, len(part), ROW_GROUP):
                piece = table.take(pa.array(part[start : start + ROW_GROUP]))
                for name in ("id", "text"):
                    marked = pc.binary_join_element_wise(piece[name], f" r{turn}x", "")
                    piece = piece.set_column(piece.schema.get_field_index(name), name, marked)
                writer.write_table(piece, row_group_size=ROW_GROUP)
    return sum(map(len, parts))


def _templates(table: pa.Table) -> list[bytes]:
    """Lines in which a zero byte stands where the token goes."""
    found = []
    for row in table.to_pylist():
        head, tail = (json.dumps(row[name], ensure_ascii=False)[:-1] for name in ("id", "text"))
        found.append(f'{{"id": {head}\0", "text": {tail}\0", "domain": {json.dumps(row["domain"])}}}\n'.encode())
    return found


def write_page(name: str, title: str, note: str, rows: list[list[str]], packages: str = "numpy pyarrow numba") -> None:
    """Print a table whose first row is its head, and write it to `results/NAME.md` under the note and the machine."""
    table = [rows[0], ["---", *["---:"] * (len(rows[0]) - 1)], *rows[1:]]
    text = "\n".join("| " + " | ".join(row) + " |" for row in table)
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    chip = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    versions = ", ".join(f"{package} {version(package)}" for package in packages.split())
    cores = len(os.sched_getaffinity(0))
    page = f"# {title}\n\n{note}\n\n{chip}, {cores} cores; Python {platform.python_version()}, {versions}.\n\n{text}\n"
    print(page)
    Path(__file__).with_name("results").joinpath(f"{name}.md").write_text(page)

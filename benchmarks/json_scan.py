"""Scan JSON Lines for three fields: Tamis against pyarrow.json, orjson and json, in one process on one core.

Run `python benchmarks/json_scan.py`; it prints a table and writes it to `benchmarks/results/json_scan.md`.
"""

import importlib
import io
import json
import platform
import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from tamis.pool.json_lines import line_spans, scan

SEED = 20240
NAMES = ["id", "text", "meta"]
LATIN = "the of and to in is that it for was on are with as be at by this have from or one had not but what all".split()
CHINESE = ["数据", "模型", "学习", "的", "选择", "训练", "样本", "和", "质量", "，"]
SHAPES = {
    "200 B, ASCII": (20, LATIN, True),
    "2 kB, ASCII": (500, LATIN, True),
    "10 kB, ASCII": (2600, LATIN, True),
    "2 kB, a newline every 12 words": (500, [*LATIN[:11], "end\n"], True),
    "2 kB, Chinese": (420, CHINESE, False),
    "2 kB, Chinese as \\u escapes": (210, CHINESE, True),
}


def block_of(words: int, vocabulary: list[str], ascii_only: bool, megabytes: float, rng: random.Random) -> bytes:
    """About so many megabytes of lines whose texts have `words` words on average."""
    lines: list[bytes] = []
    size = 0
    while size < megabytes * 1e6:
        text = " ".join(rng.choices(vocabulary, k=rng.randint(words // 2, words * 3 // 2)))
        row = {
            "id": f"doc-{len(lines)}",
            "text": text,
            "meta": {"source": "web", "score": rng.random(), "n": len(text)},
        }
        lines.append(json.dumps(row, ensure_ascii=ascii_only).encode())
        size += len(lines[-1]) + 1
    return b"\n".join([*lines, b""])


def with_arrow(block: bytes) -> pa.Table:
    """Read the block as Arrow does, on one thread."""
    options = pj.ReadOptions(use_threads=False, block_size=max(1 << 20, len(block)))
    return pj.read_json(io.BytesIO(block), read_options=options)


def with_objects(loads: Callable[[bytes], Any]) -> Callable[[bytes], list[pa.Array]]:
    """Read the block a line at a time into Python objects, then into Arrow arrays."""

    def read(block: bytes) -> list[pa.Array]:
        rows = [loads(line) for line in block.splitlines()]
        return [pa.array([row[name] for row in rows]) for name in NAMES]

    return read


def seconds(run: Callable[[bytes], Any], block: bytes, repeats: int = 30) -> float:
    """The shortest of several runs."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        run(block)
        took.append(time.perf_counter() - start)
    return min(took)


def scan_three(block: bytes) -> Any:
    return scan(block, NAMES)


def peak(block: bytes) -> float:
    """What a scan allocates at most, as a multiple of the block."""
    tracemalloc.start()
    scan_three(block)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / len(block)


def agree(block: bytes) -> None:
    """Stop unless all readers find the same ids and texts."""
    found, table = scan_three(block), with_arrow(block)
    rows = [json.loads(line) for line in block.splitlines()]
    for name in NAMES[:2]:
        values = found.columns[name].values.to_pylist()
        assert values == table[name].to_pylist() == [row[name] for row in rows]
    assert [json.loads(text) for text in found.columns["meta"].values.to_pylist()] == [row["meta"] for row in rows]


def peers() -> dict[str, Callable[[bytes], Any]]:
    found: dict[str, Callable[[bytes], Any]] = {"pyarrow.json": with_arrow}
    try:
        found["orjson"] = with_objects(importlib.import_module("orjson").loads)
    except ImportError:
        print("orjson is not installed")
    return found | {"json": with_objects(json.loads)}


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    pa.set_cpu_count(1)
    rng = random.Random(SEED)
    others = peers()
    scan_three(b"{}")
    head = ["lines", "MB", "tamis MB/s", *(f"x {name}" for name in others), "line_spans MB/s", "peak / block"]
    table = [head, ["---", *["---:"] * (len(head) - 1)]]
    cases = [(name, 8.0) for name in SHAPES] + [("2 kB, ASCII", size) for size in (0.1, 1.0, 32.0)]
    for name, megabytes in cases:
        block = block_of(*SHAPES[name], megabytes, rng)
        agree(block)
        ours = seconds(scan_three, block)
        ratios = [f"{seconds(run, block, 5) / ours:.1f}" for run in others.values()]
        rates = [f"{len(block) / took / 1e6:,.0f}" for took in (ours, seconds(line_spans, block))]
        table.append([name, f"{len(block) / 1e6:.1f}", rates[0], *ratios, rates[1], f"{peak(block):.2f}"])
    text = "\n".join("| " + " | ".join(row) + " |" for row in table)
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, Numba {numba.__version__}"
    note = (
        f"Fields `id`, `text` and `meta` out of generated lines, seed {SEED}, one process, one core; the shortest of\n"
        "30 runs (peers: of 5). *x peer* is the time of the peer over that of Tamis; all found the same values.\n"
        "*peak / block* is the most that a scan allocates, over the size of the block.\n\n"
        f"{processor()}; {versions}, pyarrow {pa.__version__}.\n"
    )
    print(text)
    Path(__file__).with_name("results").joinpath("json_scan.md").write_text(f"# JSON Lines scan\n\n{note}\n{text}\n")


if __name__ == "__main__":
    main()

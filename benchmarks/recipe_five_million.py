"""Clean, near copies, dsir, 1 %: one recipe over five million documents, killed three times on the way.

Run `python benchmarks/recipe_five_million.py [DOCUMENTS]`; it prints a page and writes it to
`benchmarks/results/recipe_five_million.md`. It needs 20 GB of disk in the folder for temporary files.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import SEED, Cost, data, run, write_page, write_target

DOCUMENTS, FILE_ROWS = 5_000_000, 100_000
SIMILARITY, LONG = 0.7, 60
BELOW, EXACT, NEAR = "below", "exact copy", "near copy"
SHARES = {EXACT: 0.02, NEAR: 0.10}
STRIDES = (3, 9)
KILLS = (0.2, 0.5, 0.8)
NOTE = (
    "Documents are those of the pool and edits of them. Edits *below* a similarity of {similarity} have every third to "
    "eighth word replaced by one of another document (a similarity of shingles of 0.25 at most), edits *above* it have "
    "one word replaced (0.85 and more; made only of documents of {long} words or more). A planted copy counts where it "
    "and the document it was made of pass the rules. Memory is the anonymous memory of all processes together, every "
    "20 ms."
)


class Words:
    """All documents as numbers of words, so that edits are arrays."""

    def __init__(self) -> None:
        table = pq.read_table(data("text/pool.parquet"), columns=["text"])
        self.texts = table["text"].combine_chunks()
        lists = pc.split_pattern(self.texts, " ")
        coded = pc.list_flatten(lists).dictionary_encode()
        self.words, self.codes = coded.dictionary, np.asarray(coded.indices.to_numpy(), np.int32)
        self.starts = np.concatenate([[0], np.cumsum(pc.list_value_length(lists).to_numpy())]).astype(np.int64)
        self.lengths = np.diff(self.starts)

    def edited(self, rows: np.ndarray, strides: np.ndarray, rng: np.random.Generator) -> pa.Array:
        """These documents with every so many-th word replaced; 0 replaces none, -1 one."""
        sizes = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        place = np.arange(starts[-1]) - np.repeat(starts[:-1] - self.starts[rows], sizes)
        codes = self.codes[place]
        stride = np.repeat(strides, sizes)
        position = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
        chosen = (stride > 0) & (position % np.maximum(stride, 1) == 2)
        one = np.flatnonzero(strides == -1)
        chosen[starts[one] + sizes[one] // 3] = True
        codes[chosen] = self.codes[rng.integers(0, len(self.codes), int(chosen.sum()))]
        lists = pa.LargeListArray.from_arrays(pa.array(starts), self.words.take(pa.array(codes)))
        return pc.binary_join(lists, " ")


def write_pool(folder: Path, documents: int) -> Path:
    """Files of `FILE_ROWS` rows, each with its kind and the row that it was made of."""
    words, rng = Words(), np.random.default_rng(SEED)
    path = folder / "pool"
    path.mkdir()
    n = len(words.texts)
    long = np.flatnonzero(words.lengths >= LONG)
    for first in range(0, documents, FILE_ROWS):
        row = np.arange(first, min(first + FILE_ROWS, documents))
        kind, source = np.full(len(row), BELOW, object), row % n
        strides = rng.integers(*STRIDES, len(row))
        strides[row < n] = 0  # as they are
        later = np.flatnonzero(row >= n)
        drawn = rng.random(len(later))
        exact = later[drawn < SHARES[EXACT]]
        near = later[(drawn >= SHARES[EXACT]) & (drawn < sum(SHARES.values()))]
        kind[exact], strides[exact] = EXACT, 0
        kind[near], strides[near], source[near] = NEAR, -1, rng.choice(long, len(near))
        table = pa.table({
            "id": row, "text": words.edited(source, strides, rng), "kind": kind.astype(str), "made_of": source,
        })  # fmt: skip
        pq.write_table(table, path / f"{first // FILE_ROWS:03}.parquet", row_group_size=20_000)
    return path


def recipe(folder: Path, pool: Path, target: Path, out: str) -> tuple[list[str], Path]:
    """The command, and the folder that it writes."""
    steps = [
        {"rules": ["gopher-quality"]},
        {"near_duplicates": SIMILARITY},
        {"method": "dsir", "target": str(target), "budget": "1%"},
    ]
    values = {"pool": str(pool), "output": str(folder / out), "group": "none", "subset": True, "steps": steps}
    path = folder / f"{out}.yaml"
    path.write_text(json.dumps(values))
    return [sys.executable, "-m", "tamis", "run", str(path), "--workers", "2"], folder / out


def killed(command: list[str], seconds: float) -> None:
    """Run it for so long, then kill the process; its workers end with it."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)


def found(out: Path, pool: Path) -> list[tuple[str, str]]:
    """What became of what was planted."""
    table = pq.read_table(pool, columns=["kind", "made_of"])
    kind, made_of = table["kind"].to_numpy(zero_copy_only=False), table["made_of"].to_numpy()
    first, second = (
        pq.read_table(out / step / "dropped.parquet", columns=["row", "kept_row"]) for step in ("step-1", "step-2")
    )
    exact = pq.read_table(out / "step-1" / "duplicates.parquet")["row"].to_numpy()
    passed = np.ones(len(kind), bool)
    passed[first["row"].to_numpy()] = False
    copies = np.flatnonzero(kind == EXACT)
    near = np.flatnonzero((kind == NEAR) & passed & passed[made_of])
    dropped = np.zeros(len(kind), bool)
    dropped[second["row"].to_numpy()] = True
    gone = dropped.copy()
    gone[exact] = True
    later = np.arange(len(kind)) > made_of
    left = np.flatnonzero((kind == BELOW) & passed & later)
    original = np.flatnonzero((kind == BELOW) & passed & ~later)
    kept_row = second["kept_row"].to_numpy()
    rows = second["row"].to_numpy()
    planted = np.isin(rows, near)
    to_source = kept_row[planted] == made_of[rows[planted]]
    return [
        ("exact copies planted", f"{len(copies):,}"),
        ("of them dropped in the first step", f"{np.isin(copies, exact).mean():.4f}"),
        ("near copies planted whose document passes the rules", f"{len(near):,}"),
        ("of them dropped as near or exact copies", f"{gone[near].mean():.4f}"),
        (
            "of those dropped as near copies, told to be a copy of the document that they were made of",
            f"{to_source.mean():.4f}",
        ),
        ("edits below the threshold that pass the rules", f"{len(left):,}"),
        ("of them dropped as near copies", f"{dropped[left].mean():.6f}"),
        ("documents as they are, dropped as near copies of an earlier one", f"{int(dropped[original].sum()):,}"),
    ]


def same(one: Path, other: Path) -> bool:
    """Whether two output folders hold the same tables and subset."""
    names = sorted(str(p.relative_to(one)) for p in one.rglob("*.parquet") if ".tamis" not in p.parts)
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def measure(folder: Path, documents: int) -> None:
    """The whole study, in a folder for temporary files."""
    begun = time.perf_counter()
    pool = write_pool(folder, documents)
    size = sum(path.stat().st_size for path in pool.iterdir())
    print(f"wrote {documents:,} documents in {time.perf_counter() - begun:.0f} s, {size / 1e9:.2f} GB", flush=True)
    target = write_target(folder / "law.jsonl")
    command, whole = recipe(folder, pool, target, "whole")
    cost = run(command)
    print(f"undisturbed: {cost.seconds:.0f} s, {cost.peak_mb:,.0f} MB", flush=True)
    again, out = recipe(folder, pool, target, "killed")
    peaks: list[Cost] = []
    for share, before in zip(KILLS, (0.0, *KILLS), strict=False):
        killed(again, max(2.0, (share - before) * cost.seconds))
        print("killed", flush=True)
    peaks.append(run(again))
    steps = {step: json.loads((out / step / "manifest.json").read_text()) for step in ("step-1", "step-2", ".")}
    lines = [
        ("documents, text", f"{documents:,}; {size / 1e9:.2f} GB of Parquet"),
        ("time, processor time, undisturbed", f"{cost.seconds:.0f} s, {cost.cpu_seconds:.0f} s"),
        (
            "most memory, undisturbed and in the last run after three kills",
            f"{cost.peak_mb:,.0f} MB, {peaks[-1].peak_mb:,.0f} MB",
        ),
        ("the killed run gives the same bytes", "yes" if same(whole, out) else "NO"),
    ]
    for step, manifest in steps.items():
        rows, tokens = manifest["rows"], manifest["tokens"]
        said = ", ".join(
            f"{rows[name]:,} {name.replace('_', ' ')}"
            for name in ("duplicates", "rules", "near_copies")
            if rows.get(name)
        )
        name = "the last step" if step == "." else step
        lines.append(
            (
                f"{name} keeps",
                f"{rows['kept']:,} of {manifest['rows_in']:,} rows, {tokens['kept']:,} of {tokens['in']:,} tokens"
                + (f" ({said} dropped)" if said else ""),
            )
        )
    lines += found(out, pool)
    note = NOTE.format(similarity=SIMILARITY, long=LONG)
    write_page("recipe_five_million", "A recipe over five million documents", note, [["", ""], *map(list, lines)])


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENTS
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as temporary:
        measure(Path(temporary), asked)

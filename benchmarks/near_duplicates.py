"""Near duplicates planted in real text: Tamis, rensa and datasketch, from a column of texts to what is dropped.

Run `python benchmarks/near_duplicates.py [DOCUMENTS…]`; it prints a table and writes it to
`benchmarks/results/near_duplicates.md`.
"""

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import SEED, data, run, write_page

from tamis.ops import minhash
from tamis.ops.near_copies import near_copies

BANDS, ROWS, WIDTH = minhash.BANDS, minhash.ROWS, minhash.WIDTH
THRESHOLD = minhash.usual_threshold()
SIZES, PEERS_UP_TO, ROUNDS = (5_000, 20_000, 100_000), 20_000, 5
PLANTED, EDITED, LONG = 0.05, (0.0, 0.01, 0.12), 60
HEAD = ["", "documents", "text", "seconds", "processor s", "documents/s", "us, times", "recall", "precision", "peak"]
NOTE = (
    "Documents of the pool that share less than a fifth of their shingles with those before them; behind them 5 % "
    "exact copies, 5 % with 1 % of words replaced and 5 % with 12 %, of documents of 60 words or more. All use "
    "shingles of 5 tokens, 14 bands of 8 minima. Recall is the share of copies of similarity "
    f"{THRESHOLD:.3f} and more that are found, precision that of such among the copies found. Time goes from an Arrow "
    "column of texts to what is dropped. Peers get sets of shingles of the same tokens, by a regular expression (or, "
    "faster and slightly different, by `split`); rensa makes all digests in one call and flags in another, datasketch "
    "runs `MinHash.bulk` and one query and insertion for each document. Seconds are medians of 5 rounds in turn "
    "(datasketch: one) in one process after a first call on 100 documents; “us, times” is the median ratio of seconds "
    "in a round, and of processor time. Peak is the most memory that a process of its own held above what it held with "
    "texts and code loaded, and in all."
)

Flags = np.ndarray


Tokens = Callable[[str], list[str]]


def shingles(text: str, tokens: Tokens = re.compile(r"\w+|[^\w\s]+").findall) -> set[str]:
    """Runs of 5 tokens of the lower-cased text, or all tokens."""
    found = tokens(text.lower())
    return {" ".join(found[i : i + WIDTH]) for i in range(max(len(found) - WIDTH, 0) + 1)}


def tamis_drops(texts: pa.Array) -> Flags:
    """Rows that are copies of earlier ones."""
    return near_copies(minhash.sketch(texts)).kept_row != np.arange(len(texts))


def verified_drops(texts: pa.Array) -> Flags:
    """The same, with the share of equal minima looked at."""
    found = near_copies(minhash.sketch(texts, keep_minima=True), threshold=THRESHOLD)
    return found.kept_row != np.arange(len(texts))


def rensa_drops(texts: pa.Array, shingles: Callable[[str], set[str]] = shingles) -> Flags:
    """Rows that are like any other."""
    import rensa

    sets = [shingles(text) for text in texts.to_pylist()]
    digests = rensa.RMinHash.digest_matrix_from_token_sets(sets, BANDS * ROWS, 1)
    index = rensa.RMinHashLSH(THRESHOLD, BANDS * ROWS, BANDS)
    return np.array(index.insert_matrix_and_query_duplicate_flags(digests))


def datasketch_drops(texts: pa.Array) -> Flags:
    """Rows that are like one that was kept."""
    import datasketch

    index = datasketch.MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    sets = [[shingle.encode() for shingle in shingles(text)] for text in texts.to_pylist()]
    dropped = np.zeros(len(texts), bool)
    for row, each in enumerate(datasketch.MinHash.bulk(sets, num_perm=BANDS * ROWS, seed=1)):
        dropped[row] = bool(index.query(each))
        if not dropped[row]:
            index.insert(row, each)
    return dropped


WAYS: dict[str, Callable[[pa.Array], Flags]] = {
    "Tamis": tamis_drops,
    "Tamis, verified": verified_drops,
    "rensa": rensa_drops,
    "rensa, `split`": partial(rensa_drops, shingles=partial(shingles, tokens=str.split)),
    "datasketch": datasketch_drops,
}


def plant(size: int) -> tuple[pa.Array, Flags]:
    """Texts, and the similarity of each to the one that it is a copy of, or NaN."""
    rng = np.random.default_rng(SEED)
    column = pq.read_table(data("text/pool.parquet"), columns=["text"])["text"]
    base: list[str] = []
    seen: set[int] = set()
    for text in (column[int(row)].as_py() for row in rng.permutation(len(column))):
        own = {hash(shingle) for shingle in shingles(text)}
        if len(own & seen) < len(own) / 5:
            seen |= own
            base.append(text)
        if len(base) == round(size * (1 - len(EDITED) * PLANTED)):
            break
    long = rng.permutation([row for row, text in enumerate(base) if len(text.split()) >= LONG])
    each = round(size * PLANTED)
    copies, similarity = [], []
    for turn, share in enumerate(EDITED):
        for row in long[turn * each : (turn + 1) * each]:
            words = base[row].split(" ")
            for place in rng.permutation(len(words))[: int(np.ceil(share * len(words)))]:
                words[place] = f"edit{rng.integers(10**9)}"
            copies.append(" ".join(words))
            one, two = shingles(base[row]), shingles(copies[-1])
            similarity.append(len(one & two) / len(one | two))
    order = rng.permutation(len(copies))
    texts = pa.array([*base, *(copies[k] for k in order)])
    return texts, np.concatenate((np.full(len(base), np.nan), np.array(similarity)[order]))


def peak(way: str, path: Path) -> tuple[float, float]:
    """The peak in MB of one process that loads the texts and finds copies: above the start, and in all."""
    found = json.loads(run([sys.executable, __file__, "--one", way, str(path)]).output)
    return (found["peak"] - found["start"]) / 1e6, found["peak"] / 1e6


def one(way: str, path: str) -> dict[str, int]:
    """Memory before and at most during the search."""

    def memory(name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

    with pa.OSFile(path) as source:
        texts = pa.ipc.open_file(source).read_all()["text"].combine_chunks()
    WAYS[way](texts[:100])
    start = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    WAYS[way](texts)
    return {"start": start, "peak": memory("VmHWM")}


def measure(size: int, folder: Path) -> list[list[str]]:
    """Rows of the table for one size."""
    texts, similarity = plant(size)
    path = folder / f"{size}.arrow"
    table = pa.table({"text": texts})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    ways = WAYS if size <= PEERS_UP_TO else {way: WAYS[way] for way in WAYS if way.startswith("Tamis")}
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    flags: dict[str, Flags] = {}
    for way in ways:
        ways[way](texts[:100])
    for turn in range(ROUNDS):
        for way in ways:
            if turn and way == "datasketch":
                continue
            wall, cpu = time.perf_counter(), time.process_time()
            flags[way] = ways[way](texts)
            times[way].append((time.perf_counter() - wall, time.process_time() - cpu))
    copies, similar = ~np.isnan(similarity), similarity >= THRESHOLD
    rows = []
    for way in ways:
        wall, cpu = np.median(times[way], axis=0)
        turns = np.array(times["Tamis"][: len(times[way])])
        ratio = np.median(np.array(times[way]) / turns, axis=0)
        found = flags[way] & copies
        above, total = peak(way, path)
        rows.append(
            [
                way,
                f"{len(texts):,}",
                f"{texts.nbytes / 1e6:.1f} MB",
                f"{wall:.3f}",
                f"{cpu:.3f}",
                f"{len(texts) / wall:,.0f}",
                f"{ratio[0]:.1f}, {ratio[1]:.1f}",
                f"{found[similar].mean():.4f}",
                f"{similar[found].mean():.4f}",
                f"{above:.0f} of {total:.0f} MB",
            ]
        )
    return rows


def main(sizes: list[int]) -> None:
    """Measure every size."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for size in sizes for row in measure(size, Path(folder))]
    packages = "numpy pyarrow numba rensa datasketch"
    write_page("near_duplicates", "Near duplicates", NOTE, [HEAD, *rows], packages)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(*sys.argv[2:])))
    else:
        main([int(size) for size in sys.argv[1:]] or list(SIZES))

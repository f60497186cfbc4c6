"""Test sets looked for in real text: Tamis beside sets of n-grams in plain Python, on one core, at equal results.

Run `python benchmarks/contamination.py [DOCUMENTS…]`; it prints a table and writes it to
`benchmarks/results/contamination.md`.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import SEED, data, write_page

from tamis.ops import contamination, threads
from tamis.ops.contamination_scores import scores

SIZES, PYTHON_UP_TO, ROUNDS, PLANTED = (5_000, 50_000), 5_000, 3, 0.02
TESTS = {
    "gsm8k_test": ("question", "answer"),
    "math_test_even": ("problem", "solution"),
    "mbpp": ("text", "code"),
    "bbh": ("input", "target"),
    "mmlu_test_29subjects": ("question", "A", "B", "C", "D"),
}
HEAD = ["", "items", "n-grams", "index", "documents", "text", "processor s", "MB/s", "us, times", "differ", "items hit"]
NOTE = (
    "Documents of the pool, of which 2 % hold an item of the test sets between two of their lines; n = 8. Items are "
    "those of GSM8K, and these with MATH, MBPP, BBH and MMLU, questions with their answers. Tamis counts every n-gram "
    "of the items and finds the longest run in every document in one reading; plain Python only counts, in a dict of "
    "the joined tokens of a regular expression. Processor seconds of one thread, medians of 3 rounds in turn (Python: "
    "one), without making the index. “us, times” is the ratio of processor seconds; “differ” is the number of "
    "n-grams that plain Python counts otherwise, where its regular expression cuts tokens otherwise; “items hit” are "
    "those of a longest match above 0.6."
)

Counts = np.ndarray
N = contamination.NGRAM


def items_of(names: list[str]) -> list[str]:
    """Each item's texts, a line each."""
    tables = [pq.read_table(data(f"instruct/{name}.parquet")).select(TESTS[name]) for name in names]
    return ["\n".join(map(str, row.values())) for table in tables for row in table.to_pylist()]


def corpus(size: int, items: list[str]) -> pa.Array:
    """Texts, some with an item inside."""
    rng = np.random.default_rng(SEED)
    column = pq.read_table(data("text/pool.parquet"), columns=["text"])["text"].combine_chunks()
    texts = column.take(pa.array(rng.permutation(len(column))[:size])).to_pylist()
    for row in np.flatnonzero(rng.random(size) < PLANTED):
        lines = texts[row].split("\n")
        lines.insert(int(rng.integers(len(lines) + 1)), items[rng.integers(len(items))])
        texts[row] = "\n".join(lines)
    return pa.array(texts)


def python_grams(text: str, tokens: Callable[[str], list[str]] = re.compile(r"\w+|[^\w\s]+").findall) -> list[str]:
    """Runs of 8 tokens of the lower-cased text."""
    found = tokens(text.lower())
    return [" ".join(found[i : i + N]) for i in range(len(found) - N + 1)]


def python_counts(wanted: dict[str, int], texts: pa.Array) -> Counter[str]:
    """How often the texts have each of the n-grams."""
    counts: Counter[str] = Counter()
    for text in texts.to_pylist():
        counts.update(gram for gram in python_grams(text) if gram in wanted)
    return counts


def differing(items: list[str], index: contamination.TestIndex, ours: Counts, theirs: Counter[str]) -> int:
    """Places in items whose n-gram is counted otherwise; all places of an item whose tokens are not as many."""
    differ = 0
    for item, begin, end in zip(items, index.stops[:-1], index.stops[1:], strict=True):
        counted = [theirs[gram] for gram in python_grams(item)]
        own = ours[index.numbers[begin : max(end - N, begin)]].tolist()
        same_size = len(own) == len(counted)
        differ += sum(a != b for a, b in zip(own, counted, strict=True)) if same_size else len(own)
    return differ


def measure(label: str, items: list[str], size: int) -> list[list[str]]:
    """Rows of the table for one collection of test sets and one corpus."""
    texts = corpus(size, items)
    contamination.index(pa.array(items[:10]))
    begin = time.process_time()
    index = contamination.index(pa.array(items))
    built = time.process_time() - begin
    contamination.scan(index, texts[:100])
    took, python_took = [], []
    wanted = dict.fromkeys((gram for item in items for gram in python_grams(item)), 0)
    theirs: Counter[str] = Counter()
    for turn in range(ROUNDS):
        begin = time.process_time()
        hits, _ = contamination.scan(index, texts)
        took.append(time.process_time() - begin)
        if turn == 0 and size <= PYTHON_UP_TO:
            begin = time.process_time()
            theirs = python_counts(wanted, texts)
            python_took.append(time.process_time() - begin)
    hit = int(np.sum(scores(index, hits).longest_match > 0.6))
    rows = []
    for way, seconds in (("Tamis", took), ("plain Python", python_took)):
        if not seconds:
            continue
        ours = way == "Tamis"
        cost = float(np.median(seconds))
        rows.append(
            [
                f"{way}, {label}",
                f"{len(items):,}",
                f"{len(index.begins) - 1:,}" if ours else f"{len(wanted):,}",
                f"{sum(array.nbytes for array in index) / 1e6:.1f} MB, {built:.2f} s" if ours else "",
                f"{size:,}",
                f"{texts.nbytes / 1e6:.1f} MB",
                f"{cost:.3f}",
                f"{texts.nbytes / 1e6 / cost:.1f}",
                f"{cost / float(np.median(took)):.1f}",
                "" if ours else f"{differing(items, index, hits.counts, theirs):,}",
                f"{hit:,}" if ours else "",
            ]
        )
    return rows


def main(sizes: list[int]) -> None:
    """Measure small and large test sets in every size of corpus."""
    threads.THREADS = 1
    sets = {"GSM8K": ["gsm8k_test"], "five sets": list(TESTS)}
    rows = [row for size in sizes for label, names in sets.items() for row in measure(label, items_of(names), size)]
    write_page("contamination", "Test items in a corpus", NOTE, [HEAD, *rows])


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

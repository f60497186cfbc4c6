"""The rules for text on documents of the pool: Tamis on one core, and the filters of datatrove.

Run `python benchmarks/text_rules.py [DOCUMENTS…]`; it prints a table and writes it to
`benchmarks/results/text_rules.md`.
"""

import re
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import SEED, data, write_page

from tamis.ops import threads
from tamis.ops.text_rules import RULE_SETS, apply

SIZES, PEERS_UP_TO, ROUNDS = (2_000, 20_000), 2_000, 5
FILTERS = {
    "gopher-quality": "GopherQualityFilter",
    "gopher-repetition": "GopherRepetitionFilter",
    "c4": "C4QualityFilter",
    "fineweb-quality": "FineWebQualityFilter",
}
HEAD = ["", "documents", "text", "kept", "Tamis", "datatrove", "times", "equal decisions", "with plain words", "times"]
NOTE = (
    "Random documents of the pool of 17 domains, from an Arrow column to the rule that drops each and all that the "
    f"rules measure. MB/s of processor time on one thread, the median of {ROUNDS} rounds after a first call. "
    "datatrove's filters (one round) take a text at a time and stop at the first rule that it fails: with spaCy's "
    "English tokeniser, and “with plain words” by a regular expression. “Times” is their processor time over ours on "
    "the same texts. Decisions differ where words do: in contractions, numbers and links."
)


def rate(work: Callable[[], object], size: int, rounds: int = ROUNDS) -> float:
    """MB/s of processor time, the median of some rounds."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        found.append(size / 1e6 / (time.process_time() - start))
    return float(np.median(found))


def peer(name: str, texts: list[str]) -> list[bool]:
    """What datatrove keeps."""
    judge = getattr(import_module("datatrove.pipeline.filters"), FILTERS[name])()
    document = import_module("datatrove.data").Document
    return [judge.filter(document(text=text, id="0")) is True for text in texts]


def plain_words(name: str) -> Any:
    """Within it, datatrove's filter takes words and sentences by regular expressions."""
    module = import_module(getattr(import_module("datatrove.pipeline.filters"), FILTERS[name]).__module__)
    words, sentences = re.compile(r"\w+|[^\w\s]+").findall, re.compile(r"(?<=[.?!])\s+").split
    if name == "c4":
        return mock.patch.object(module, "split_into_sentences", lambda text, _: sentences(text))
    return mock.patch.object(module, "split_into_words", lambda text, _: words(text))


def measure(name: str, texts: pa.Array) -> list[str]:
    """A row of the table."""
    plain = texts.to_pylist()
    size = sum(len(text.encode()) for text in plain)
    kept = apply(name, texts).keep
    ours = rate(lambda: apply(name, texts), size)
    row = [f"`{name}`", f"{len(texts):,}", f"{size / 1e6:.1f} MB", f"{kept.mean():.1%}", f"{ours:,.0f} MB/s"]
    if name not in FILTERS or len(texts) > PEERS_UP_TO:
        return [*row, "", "", "", "", ""]
    peer(name, plain[:20])
    answers = list[bool]()
    theirs = rate(lambda: answers.extend(peer(name, plain)), size, 1)
    row += [f"{theirs:.1f} MB/s", f"{ours / theirs:,.0f}", f"{np.mean(np.array(answers) == kept):.3f}"]
    with plain_words(name):
        theirs = rate(lambda: peer(name, plain), size, 1)
    return [*row, f"{theirs:.1f} MB/s", f"{ours / theirs:,.0f}"]


def main(sizes: list[int]) -> None:
    """Measure every set at every size."""
    threads.THREADS = 1
    column = pq.read_table(data("text/pool.parquet"), columns=["text"])["text"]
    rng, rows = np.random.default_rng(SEED), []
    for size in sizes:
        texts = column.take(pa.array(rng.permutation(len(column))[:size])).combine_chunks()
        rows += [measure(name, texts) for name in RULE_SETS]
    write_page("text_rules", "Rules for text", NOTE, [HEAD, *rows], "numpy pyarrow numba datatrove spacy")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

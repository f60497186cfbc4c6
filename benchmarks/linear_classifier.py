"""Telling texts apart: the linear classifier and fastText, trained and asked in one process on the same documents.

Run `python benchmarks/linear_classifier.py [DOCUMENTS…]`; it prints a table and writes it to
`benchmarks/results/linear_classifier.md`.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import SEED, data, write_page

from tamis.ops.linear_classifier import fit, predict

SIZES, HELD_OUT, ROUNDS = (5_000, 20_000, 80_000), 10_000, 3
DOMAINS = ("encyclopedia", "reddit_comments", "science_papers", "noisy_web")
REVIEWS = "reviews, liked"
RATES = (0.1, 1.0)
HEAD = ["", "label 1", "documents", "text", "training s", "processor s", "documents/s asked"]
HEAD += ["training, times ours", "asking, times ours", "AUC"]
NOTE = (
    "Documents of the pool at random, with one domain as label 1 and all others as label 0; and film reviews, liked or "
    f"not. Trained on so many documents, and asked about {HELD_OUT:,} others (5,000 reviews). Ours has its defaults: 5 "
    "epochs, 1- and 2-grams, 1,048,576 buckets. fastText has 3 epochs, 2-grams, 100 dimensions and 2 threads, at its "
    "default rate of 0.1 and, better for so few documents, at 1. Our training begins with an Arrow column; fastText's "
    "with a file that is written before. fastText is asked by its inner `f.predict`, a text at a time, since `predict` "
    "fails with NumPy 2; replacing line breaks is not counted. Seconds are medians of "
    f"{ROUNDS} rounds in turn in one process, after a first call on 100 documents; “times ours” is the median ratio of "
    "seconds in a round, and of processor time."
)

Cost = tuple[float, float]


def timed(work: Callable[[], Any]) -> tuple[Any, Cost]:
    """What it makes, its seconds and its processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, (time.perf_counter() - wall, time.process_time() - cpu)


def ours(texts: pa.Array, labels: np.ndarray, asked: pa.Array) -> tuple[np.ndarray, Cost, Cost]:
    """Probabilities, and what training and asking took."""
    model, training = timed(lambda: fit(texts, labels))
    found, asking = timed(lambda: predict(model, asked))
    return found, training, asking


def fasttext(rate: float) -> Callable[[pa.Array, np.ndarray, pa.Array], tuple[np.ndarray, Cost, Cost]]:
    """The same by fastText."""
    import fasttext as peer

    def probability(model: Any, line: str) -> float:
        return next((p for p, label in model.f.predict(line, 2, 0.0, "strict") if label == "__label__1"), 0.0)

    def work(texts: pa.Array, labels: np.ndarray, asked: pa.Array) -> tuple[np.ndarray, Cost, Cost]:
        lines = [text.replace("\n", " ") + "\n" for text in asked.to_pylist()]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "train.txt")
            with path.open("w") as sink:
                for text, label in zip(texts.to_pylist(), labels, strict=True):
                    line = text.replace("\n", " ")
                    sink.write(f"__label__{label:.0f} {line}\n")
            options = {"epoch": 3, "lr": rate, "wordNgrams": 2, "dim": 100, "thread": 2, "verbose": 0}
            model, training = timed(lambda: peer.train_supervised(str(path), **options))
        found, asking = timed(lambda: [probability(model, line) for line in lines])
        return np.array(found), training, asking

    return work


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The chance that a text of label 1 has the higher score, ties counted half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def measure(name: str, texts: pa.Array, labels: np.ndarray, size: int) -> list[list[str]]:
    """Rows of the table for one label and size: the last rows are asked."""
    ways = {"Tamis": ours} | {f"fastText, rate {rate:g}": fasttext(rate) for rate in RATES}
    costs: dict[str, list[tuple[Cost, Cost]]] = {way: [] for way in ways}
    scores = {}
    for turn in range(ROUNDS + 1):
        here = size if turn else 100
        for way, work in ways.items():
            asked = texts[size:] if turn else texts[size : size + 100]
            scores[way], *cost = work(texts[:here], labels[:here], asked)
            if turn:
                costs[way].append((cost[0], cost[1]))
    mine = np.array(costs["Tamis"])
    rows = []
    for way, found in costs.items():
        (wall, cpu), (asking, _) = np.median(found, axis=0)
        times = np.median(np.array(found) / mine, axis=0)
        rows.append(
            [
                way,
                name,
                f"{size:,}",
                f"{pc.sum(pc.binary_length(texts[:size])).as_py() / 1e6:.1f} MB",
                f"{wall:.3f}",
                f"{cpu:.3f}",
                f"{(len(texts) - size) / asking:,.0f}",
                "{:.1f}, {:.1f}".format(*times[0]),
                "{:.1f}, {:.1f}".format(*times[1]),
                f"{auc(labels[size:], scores[way]):.4f}",
            ]
        )
    return rows


def pool(size: int) -> tuple[pa.Array, np.ndarray]:
    """Texts and domains of so many documents at random."""
    table = pq.read_table(data("text/pool.parquet"), columns=["text", "domain"])
    table = table.take(np.random.default_rng(SEED).permutation(len(table))[:size])
    return table["text"].combine_chunks(), np.array(table["domain"].to_pylist())


def reviews() -> tuple[pa.Array, np.ndarray]:
    """Film reviews at random, and whether they are liked."""
    table = pq.read_table(data("text/imdb_train.parquet"), columns=["text", "label"])
    table = table.take(np.random.default_rng(SEED).permutation(len(table)))
    return table["text"].combine_chunks(), table["label"].to_numpy().astype(float)


def main(sizes: list[int]) -> None:
    """Measure every size, and at the second every label."""
    rows = []
    for size in sizes:
        texts, domains = pool(size + HELD_OUT)
        for domain in DOMAINS if size == SIZES[1] else DOMAINS[:1]:
            rows += measure(domain, texts, (domains == domain).astype(float), size)
    rows += measure(REVIEWS, *reviews(), 20_000)
    packages = "numpy pyarrow numba fasttext-wheel"
    write_page("linear_classifier", "Telling texts apart", NOTE, [HEAD, *rows], packages)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

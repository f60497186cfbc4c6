"""Scoring texts by a word model of order 5: Tamis and KenLM with the same probabilities, in one process.

Run `python benchmarks/ngram_scoring.py [DOCUMENTS…]`; it prints a table and writes it to
`benchmarks/results/ngram_scoring.md`. The wheel of KenLM cannot train, so that Tamis trains, and KenLM reads an ARPA
file of that model.
"""

import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import kenlm
import numpy as np
import pyarrow.parquet as pq
from common import SEED, data, write_page

from tamis.ops import ngram_model
from tamis.ops._model_kernels import BACKOFF, BITS, EMPTY, PARENT, TOKEN

ORDER, ROUNDS, SIZES = 5, 5, (2_000, 10_000, 40_000)
HEAD = ["", "trained on", "n-grams", "documents/s", "words/s", "us, times", "bits/word"]
NOTE = (
    "Documents of the pool drawn at random train a model of words between blanks, order 5; the 14,523 held-out "
    "documents of `pool_targets` are scored one by one, with their ends. Tamis takes words as numbers; “from text” it "
    "splits texts and looks each word up in a dictionary of Python, as KenLM does in C++ inside `Model.score`. KenLM "
    "has the model as its hash table (`probing`), read from an ARPA file. Before times are taken both agree to a "
    "ten-thousandth of each document's bits, since KenLM keeps float32. One thread each; the median of 5 rounds in "
    "turn, and of the ratio in a round."
)


def write_arpa(path: Path, model: ngram_model.Model, words: list[str]) -> None:
    """The model as a text file, all n-grams by length."""
    names = np.array([*words, "</s>", "<s>"], object)
    parents, tokens = model.nodes[:, PARENT].astype(np.int64), model.nodes[:, TOKEN]
    values, root = model.nodes.view(np.float64) * -math.log10(2), len(model.nodes) - 1
    taken = np.flatnonzero(parents != EMPTY)
    depth = np.full(len(parents), -1)
    depth[root] = 0
    for length in range(1, model.order + 1):
        depth[taken[depth[parents[taken]] == length - 1]] = length
    text: dict[int, str] = {root: ""}
    with path.open("w", encoding="utf-8") as file:
        counts = np.bincount(depth[taken], minlength=model.order + 1)
        file.write("\\data\\\n" + "".join(f"ngram {n}={counts[n] + (n == 1)}\n" for n in range(1, model.order + 1)))
        for length in range(1, model.order + 1):
            file.write(f"\n\\{length}-grams:\n")
            if length == 1:
                file.write(f"{values[root, BITS] + values[root, BACKOFF]:.8f}\t<unk>\t0\n")
            longer: dict[int, str] = {}
            for row in np.flatnonzero(depth == length).tolist():
                before, name = text[parents[row]], names[tokens[row]]
                longer[row] = gram = f"{before} {name}" if before else name
                p = -99 if gram == "<s>" else values[row, BITS]
                file.write(
                    f"{p:.8f}\t{gram}\t{values[row, BACKOFF]:.8f}\n" if length < model.order else f"{p:.8f}\t{gram}\n"
                )
            text = longer
        file.write("\n\\end\\\n")


def clean(text: str) -> str:
    """Words with single blanks between them, and without what KenLM takes for an end or a mark of its own."""
    return " ".join(text.replace("\0", " ").replace("<", " ").split())


def numbers(texts: list[str], ids: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Words as numbers, `len(ids)` where unknown, and where documents begin."""
    split = [text.split() for text in texts]
    starts = np.cumsum([0, *map(len, split)], dtype=np.int64)
    unknown = len(ids)
    return np.array([ids.get(word, unknown) for words in split for word in words], np.int32), starts


def measure(size: int, pool: list[str], held_out: list[str], folder: Path) -> list[list[str]]:
    """Rows of the table for one size."""
    train = pool[:size]
    ids: dict[str, int] = {}
    for text in train:
        for word in text.split():
            ids.setdefault(word, len(ids))
    model = ngram_model.fit(*numbers(train, ids), ORDER, len(ids) + 1)
    path = folder / f"{size}.arpa"
    write_arpa(path, model, [*ids, "<unknown>"])
    config = kenlm.Config()
    config.show_progress = False
    peer = kenlm.Model(str(path), config)
    path.unlink()
    tokens, starts = numbers(held_out, ids)
    ways: dict[str, Callable[[], np.ndarray]] = {
        "Tamis": lambda: ngram_model.bits(model, tokens, starts),
        "Tamis, from text": lambda: ngram_model.bits(model, *numbers(held_out, ids)),
        "KenLM": lambda: np.array([peer.score(text) for text in held_out]) / -math.log10(2),
    }
    found = {name: way() for name, way in ways.items()}
    np.testing.assert_allclose(found["Tamis"], found["KenLM"], rtol=1e-4)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    rows = []
    for name, seconds in times.items():
        middle, ratio = np.median(seconds), np.median(np.array(seconds) / times["Tamis"])
        speeds = [f"{len(held_out) / middle:,.0f}", f"{len(tokens) / middle:,.0f}"]
        bits = f"{found[name].sum() / len(tokens):.4f}"
        rows.append([name, f"{size:,}", f"{model.grams.sum() / 1e6:.2f} M", *speeds, f"{ratio:.1f}", bits])
    return rows


def main(sizes: list[int]) -> None:
    """Measure every size."""
    column = pq.read_table(data("text/pool.parquet"), columns=["text"])["text"]
    order = np.random.default_rng(SEED).permutation(len(column))[: max(sizes)]
    pool = [clean(text) for text in column.take(order).to_pylist()]
    targets = pq.read_table(data("text/pool_targets.parquet"), columns=["text"])["text"].to_pylist()
    held_out = [clean(text) for text in targets]
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for size in sizes for row in measure(size, pool, held_out, Path(folder))]
    write_page("ngram_scoring", "Scoring by an n-gram model of words", NOTE, [HEAD, *rows], "numpy numba kenlm")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

"""Runs the package data-selection beside the SHA-256 mode: largest difference of log-weights, and ratio of times.

    TAMIS_DATA=… python benchmarks/dsir_faithful.py --docs 400000

The pool is a seeded sample of text/pool.parquet, the target 500 held-out documents of one domain; both sides fit on
the whole pool with two processes and score it. Their time includes reading JSON lines, ours reading Parquet.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import write_page

from tamis.methods import dsir
from tamis.ops import ngrams

PROCESSES = 2


def count_part(file, part):
    text = read_part(file, part)
    return ngrams.count(text, hash="sha256")


def weigh_part(file, part, state):
    return dsir.weigh(read_part(file, part), state, hash="sha256", length="sum", ceiling=0)


def read_part(file, part):
    text = pq.read_table(file, columns=["text"])["text"].combine_chunks()
    bounds = np.linspace(0, len(text), PROCESSES + 1).astype(int)
    return text[bounds[part] : bounds[part + 1]]


def ours(pool, target):
    """Log-weights and lengths by the SHA-256 mode in two processes."""
    parts = range(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        counts = reduce(ngrams.merge, processes.map(count_part, [pool] * PROCESSES, parts))
        target_text = pq.read_table(target, columns=["text"])["text"].combine_chunks()
        state = dsir.finish(counts, [ngrams.count(target_text, hash="sha256")], smoothing=0)
        found = list(processes.map(weigh_part, [pool] * PROCESSES, parts, [state] * PROCESSES))
    return np.concatenate([weights[:, 0] for weights, _ in found]), np.concatenate([tokens for _, tokens in found])


def theirs(pool, target, cache):
    """Log-weights and lengths by the package in two processes, back in the order of the pool."""
    from data_selection import HashedNgramDSIR

    package = HashedNgramDSIR([str(pool)], [str(target)], str(cache), num_proc=PROCESSES)
    package.fit_importance_estimator(num_tokens_to_fit="all")
    package.compute_importance_weights()
    joined = []
    for kind in ("log_importance_weights", "perexample_metadata"):
        parts = [np.load(cache / kind / f"{part}.npy") for part in range(PROCESSES)]
        whole = np.empty(sum(map(len, parts)))
        for part, values in enumerate(parts):
            whole[part::PROCESSES] = values
        joined.append(whole)
    return joined


def write(text, stem):
    pq.write_table(pa.table({"text": text}), stem.with_suffix(".parquet"))
    with stem.with_suffix(".jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps({"text": value}) + "\n" for value in text.to_pylist())


def timed(function, *arguments):
    begin = time.perf_counter()
    return function(*arguments), time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=int, default=20_000)
    parser.add_argument("--domain", default="biomedical")
    options = parser.parse_args()
    folder = os.environ.get("TAMIS_DATA")
    if not folder:
        sys.exit("set TAMIS_DATA to the folder of the data sets: this benchmark reads text/pool.parquet in it")
    text = pq.read_table(Path(folder) / "text" / "pool.parquet", columns=["text"])["text"].combine_chunks()
    rows = np.sort(np.random.default_rng(0).permutation(len(text))[: options.docs])
    held = pq.read_table(Path(folder) / "text" / "pool_targets.parquet")
    held = held.filter(pa.compute.equal(held["domain"], options.domain))["text"].combine_chunks()[:500]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write(text.take(pa.array(rows)), place / "pool")
        write(held, place / "target")
        ngrams.count(pa.array(["compile"]), hash="sha256")
        (weights, tokens), our_time = timed(ours, place / "pool.parquet", place / "target.parquet")
        (their_weights, their_tokens), their_time = timed(
            theirs, place / "pool.jsonl", place / "target.jsonl", place / "cache"
        )
    rows = [
        ["", ""],
        ["documents", f"{len(weights):,}"],
        ["tokens", f"{np.sum(tokens):,}"],
        ["largest difference of a log-weight, nats", f"{np.abs(weights - their_weights).max():.3g}"],
        ["largest log-weight, nats", f"{np.abs(their_weights).max():.6g}"],
        ["lengths that differ", f"{np.count_nonzero(dsir.package_tokens(tokens, 2) != their_tokens)}"],
        ["seconds of the package", f"{their_time:.2f}"],
        ["seconds of Tamis", f"{our_time:.2f}"],
        ["times as fast", f"{their_time / our_time:.1f}"],
    ]
    note = f"Target: 500 held-out documents of {options.domain}. Both sides with two processes, each run live once."
    write_page("dsir_faithful", "DSIR with hash=sha256 beside data-selection 1.0.3", note, rows)


if __name__ == "__main__":
    main()

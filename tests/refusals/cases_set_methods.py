"""Cases: what methods on sets cannot use."""

from unittest import mock

import numpy as np

from .cases_sets import changed, of_array, select, tag_table

MATRIX = "--embedding near.npy --set metric=precomputed --method"
NAMES = sorted({tag for row in changed(0) for tag in row["tags"]})
TAGS = "--method mig --score quality --use tags=tags"


def near(values=(), rows=12, columns=12):
    """A matrix beside the pool: 1 on its diagonal, 0.5 elsewhere, but for some `values` at (row, column)."""
    made = np.full((rows, columns), 0.5) + 0.5 * np.eye(rows, columns)
    for at, value in values:
        made[at] = value
    return {"near.npy": of_array(made)}


def pool(row, **values):
    """The pool with other values in one row."""
    return {"pool.jsonl": changed(row, **values)}


CASES = {
    "similarities of other rows": select(
        "similarities-not-square", f"{MATRIX} facility-location", 1, ["12 rows", "5 columns"], files=near(columns=5)
    ),
    "a similarity below 0": select(
        "similarity-negative",
        f"{MATRIX} facility-location",
        1,
        ["line 3", "-0.25", "metric=cosine"],
        files=near([((2, 4), -0.25)]),
    ),
    "a similarity beyond float32": select(
        "similarity-too-large",
        "--method facility-location --embedding embedding --set metric=dot",
        1,
        ["line 3", "float32", "metric=cosine"],
        files=pool(2, embedding=[1e25, 1.0, 0.0, 1.0, 1.0]),
    ),
    "a similarity one way": select(
        "similarity-one-way", f"{MATRIX} graph-cut", 1, ["0.75", "symmetric"], files=near([((2, 4), 0.75)])
    ),
    "similarities of no vectors": select(
        "kernel-not-positive",
        f"{MATRIX} log-det",
        1,
        ["ridge", "another metric"],
        files=near([(np.nonzero(1 - np.eye(12)), 9.0)]),
    ),
    "distances of other rows": select(
        "distances-not-square", f"{MATRIX} k-center", 1, ["12 rows", "5 columns"], files=near(columns=5)
    ),
    "a distance below 0": select(
        "distance-negative", f"{MATRIX} k-center", 1, ["-0.25", "none is negative"], files=near([((2, 4), -0.25)])
    ),
    "a feature below 0": select(
        "feature-outside",
        "--method feature-based --embedding embedding",
        1,
        ["line 4", "-2", "0"],
        files=pool(3, embedding=[1.0, -2.0, 0.0, 1.0, 1.0]),
    ),
    "probabilities that are none": select(
        "probabilities-unusable",
        "--method entropy --use probs=probs",
        1,
        ["line 4", "3 probabilities", "sum to 1"],
        files=pool(3, probs=[0.5, 0.5, 0.5]),
    ),
    "a margin of one class": select(
        "margin-of-one-class",
        "--method margin --use probs=probs",
        1,
        ["one class"],
        files={"pool.jsonl": [{**row, "probs": [1.0]} for row in changed(0)]},
    ),
    "a quality below 0": select("score-negative", f"{TAGS} --score score", 1, ["-", "at least 0"]),
    "odds below 0": select(
        "odds-negative",
        "--method kmeans-quality --embedding embedding --score score",
        1,
        ["sampling=softmax", "at least 0"],
    ),
    "no tags": select(
        "tags-none",
        f"{TAGS} --use tags=none",
        1,
        ["no row"],
        files={"pool.jsonl": [{**changed(0)[row], "none": []} for row in range(12)]},
    ),
    "a tag of zeros": select(
        "tag-of-zeros",
        f"{TAGS} --use tag_embedding=tags.parquet",
        1,
        ["zeros", "remove the tag"],
        files=tag_table(tag=NAMES, v=[[0.0]] * len(NAMES)),
    ),
    "tags all alike": select(
        "tags-too-near",
        f"{TAGS} --use tag_embedding=tags.parquet",
        1,
        ["threshold=0.9", "larger threshold"],
        files=tag_table(tag=NAMES, v=[[1.0]] * len(NAMES)),
        during=lambda: mock.patch("tamis.ops.label_graph.MOST_EDGES", 20),
    ),
    "a cut-off without a second score": select(
        "optional-need-missing", "--method ccs --score score --set cutoff=0.2", 1, ["cutoff=0.2", "mis_score"]
    ),
    "a weight without its term": select(
        "term-not-supplied",
        "--method combine --embedding embedding --set novelty=2",
        1,
        ["novelty=2", "--start"],
    ),
    "no term": select("terms-missing", "--method combine", 1, ["--score COLUMN", "--embedding COLUMN"]),
    "transport that does not settle": select(
        "transport-unconverged",
        "--method got-d --embedding embedding --target vectors.jsonl --set epsilon=1e-7",
        1,
        ["epsilon", "larger"],
        files={"vectors.jsonl": [{"embedding": row["embedding"][::-1]} for row in changed(0)[:4]]},
        needs=("ot",),
    ),
}

"""Cases: methods on sets, and what `--use` binds to their needs."""

import contextlib
import io

import numpy as np
import pyarrow as pa

import tamis
from tamis.sklearn import TamisSelector
from tamis.testing import make_pool

from .cases_evidence import ROWS as STUDIED
from .material import parquet_bytes
from .running import call
from .running import select as usual

NEAR = "--method facility-location --embedding embedding"
TAGS = "--method mig --score quality --use tags=tags"
TARGET = "--method got-d --embedding embedding --target {}"
ROWS = make_pool(12).to_pylist()
X = [[float(row), float(row % 3)] for row in range(12)]


def select(kind, words, code, named, files=None, **more):
    """A usual `tamis select` from a pool that has vectors, probabilities and tags."""
    return usual(kind, words, code, named, files={"pool.jsonl": ROWS} | (files or {}), **more)


def changed(row, **values):
    """The rows of that pool with one of them changed."""
    return [{**found, **values} if number == row else found for number, found in enumerate(ROWS)]


@contextlib.contextmanager
def having(ident):
    """A selection in the folder `had` that keeps one row."""
    tamis.select("pool.jsonl", "random", budget=1, must_keep=ident, output="had")
    yield


def of_array(array):
    """An array as the bytes of an npy file."""
    sink = io.BytesIO()
    np.save(sink, array)
    return sink.getvalue()


def tag_table(**columns):
    """A table of tags as a file beside the pool."""
    return {"tags.parquet": parquet_bytes(pa.table(columns))}


CASES = {
    "auto of a method that orders all": select(
        "budget-auto", f"{NEAR} --budget auto", 2, ["facility-location", "5000"]
    ),
    "auto in shares": select(
        "budget-auto-divided",
        "--method semdedup --embedding embedding --budget auto --quota group=a:1",
        2,
        ["auto", "shares"],
    ),
    "no probabilities": select("need-not-bound", "--method entropy", 2, ["entropy", "probs", "--use probs="]),
    "memory that is no amount": select("memory-unreadable", f"{NEAR} --memory lots", 2, ["--memory lots", "2GB"]),
    "memory for nothing": select("memory-over", f"{NEAR} --memory 10B", 1, ["facility-location", "--memory"]),
    "a chooser of scores": select(
        "chooser-of-other-kind", f"{NEAR} --choose top", 2, ["--choose top", "stochastic-greedy"]
    ),
    "tags that are numbers": select(
        "tags-unreadable", f"{TAGS} --use tags=probs", 1, ["line 1", "'probs'", "lists of text"]
    ),
    "a table of tags with two names": select(
        "tag-table-unclear",
        f"{TAGS} --use tag_embedding=tags.parquet",
        2,
        ["tags.parquet", "a (text)", "b (text)"],
        files=tag_table(a=["law"], b=["law"], v=[[1.0]]),
    ),
    "a tag without a vector": select(
        "tag-without-vector",
        f"{TAGS} --use tag_embedding=tags.parquet",
        1,
        ["tags.parquet", "tag_embedding"],
        files=tag_table(tag=["law"], v=[[1.0]]),
    ),
    "a target without vectors": select(
        "target-without-vectors",
        TARGET.format("texts.jsonl"),
        2,
        ["texts.jsonl", "'embedding'", "target_embedding"],
        files={"texts.jsonl": [{"text": "tea"}]},
    ),
    "a target of other vectors": select(
        "target-of-other-width",
        TARGET.format("wide.jsonl"),
        2,
        ["wide.jsonl", "6 numbers", "5"],
        files={"wide.jsonl": [{"embedding": [1.0] * 6}]},
    ),
    "weights below 0": select(
        "weight-negative",
        f"{NEAR} --weight cost",
        1,
        ["line 5", "'cost'", "-2"],
        files={"pool.jsonl": changed(4, cost=-2)},
    ),
    "a matrix beside the pool of a study": call(
        "study-need-in-file",
        lambda: tamis.bench(
            pa.Table.from_pylist(STUDIED),
            task="classify",
            label="y",
            methods=[{"name": "entropy", "method": "entropy", "use": {"probs": "probs.npy"}}],
            budgets=[5],
        ),
        ["--use probs=probs.npy", "columns of the pool"],
        files={"probs.npy": of_array(np.full((40, 2), 0.5))},
    ),
    "a row that one has already": select(
        "id-had-already",
        "--start had --must-keep doc-000",
        1,
        ["--must-keep", "'doc-000'"],
        during=lambda: having("doc-000"),
    ),
    "a row of zeros": select(
        "vector-of-zeros", NEAR, 1, ["line 4", "metric"], files={"pool.jsonl": changed(3, embedding=[0.0] * 5)}
    ),
    "an estimator without a score": call(
        "selector-need-missing", lambda: TamisSelector("top", budget=2).fit(X), ["top", "score=…"]
    ),
    "an estimator of texts": call(
        "selector-need-elsewhere", lambda: TamisSelector("dsir", budget=2).fit(X), ["dsir", "text", "tamis.select"]
    ),
    "an estimator with a need too many": call(
        "selector-need-unknown",
        lambda: TamisSelector("random", budget=2).fit(X, score=range(12)),
        ["random", "score"],
    ),
    "an estimator that starts from no row": call(
        "selector-start", lambda: TamisSelector(budget=2).fit(X, start=[99]), ["start", "0 to 11"]
    ),
    "an estimator with two budgets": call("selector-budget", lambda: TamisSelector(budget="1%,2%").fit(X), ["1%,2%"]),
    "an estimator of one class": call(
        "selector-classes", lambda: TamisSelector(budget=2).fit_resample(X, [0] * 12), ["fit", "indices_"]
    ),
    "an estimator on other rows": call(
        "selector-other-rows", lambda: TamisSelector(budget=2).fit(X).transform(X[:3]), ["3 rows", "12"]
    ),
}

"""Cases: values in rows."""

import pyarrow as pa

from tamis.ops import ngrams
from tamis.ops.hashing import hash_rows

from .material import ROWS, TOP, changed, numbers, scores
from .running import call, select

CASES = {
    "NaN score": select(
        "number-not-finite",
        f"p.parquet {TOP}",
        1,
        ["p.parquet", "row 7", "'score'", "NaN"],
        files={"p.parquet": scores(float("nan"))},
    ),
    "infinite score": select(
        "number-not-finite",
        f"p.parquet {TOP}",
        1,
        ["row 7", "'score'", "infinity"],
        files={"p.parquet": scores(float("inf"))},
    ),
    "null score": select(
        "number-not-finite", f"p.parquet {TOP}", 1, ["p.parquet", "row 7", "'score'"], files={"p.parquet": scores(None)}
    ),
    "NaN in JSON": select(
        "number-not-finite",
        f"p.jsonl {TOP}",
        1,
        ["p.jsonl", "line 8", "NaN"],
        files={"p.jsonl": changed(7, score=float("nan"))},
    ),
    "null in JSON": select(
        "number-not-finite",
        f"p.jsonl {TOP}",
        1,
        ["p.jsonl", "line 8", "'score'"],
        files={"p.jsonl": changed(7, score=None)},
    ),
    "text where a number was": select(
        "json-wrong-kind",
        f"p.jsonl {TOP}",
        1,
        ["line 301", "'score'"],
        files={"p.jsonl": [{"score": 1}] * 300 + [{"score": "high"}]},
    ),
    "negative cost": select(
        "cost-negative", "p.jsonl --budget '9 cost'", 1, ["line 5", "-2"], files={"p.jsonl": changed(4, cost=-2)}
    ),
    "equal ids in a shard": select(
        "id-twice", "p.jsonl", 1, ["line 8", "line 3", "'doc-002'"], files={"p.jsonl": changed(7, id="doc-002")}
    ),
    "equal ids across files": select(
        "id-twice",
        "two",
        1,
        ["b.jsonl, line 1", "a.jsonl, line 6", "005"],
        files={"two/a.jsonl": ROWS[:6], "two/b.jsonl": ROWS[5:]},
    ),
    "row without id": select(
        "id-empty", "p.jsonl", 1, ["p.jsonl, line 4", "'id'", "--id"], files={"p.jsonl": changed(3, id=None)}
    ),
    "not an object at the start": select(
        "json-not-object", "p.jsonl", 2, ["p.jsonl, line 1", "object"], files={"p.jsonl": b"[1]"}
    ),
    "not UTF-8 at the start": select(
        "not-utf8", "p.jsonl", 2, ["p.jsonl, line 1", "byte 11", "UTF-8"], files={"p.jsonl": b'{"text": "\xff"}\n'}
    ),
    "rows that do not fit the first file": select(
        "rows-do-not-fit",
        "two --budget 100%",
        1,
        ["two/b.parquet", "--no-subset"],
        files={"two/a.parquet": numbers(1, pa.int32()), "two/b.parquet": numbers(2**40, pa.int64())},
    ),
    "numbers as text": call("text-not-strings", lambda: ngrams.count(pa.array([1])), ["int64", "strings"]),
    "numbers with a point as ids": call("not-hashable", lambda: hash_rows(pa.array([1.5])), ["double", "integers"]),
    "target of stops": select(
        "no-words", "--method dsir --target t.jsonl", 1, ["target", "no text"], files={"t.jsonl": [{"text": " \t "}]}
    ),
}

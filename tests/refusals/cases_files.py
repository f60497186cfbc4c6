"""Cases: files and formats."""

import pyarrow as pa

from .material import BAD_LINE, LINES, NOT_UTF8, POOL, TOP, WHOLE, column
from .running import select

CASES = {
    "truncated Parquet": select(
        "file-not-whole", "p.parquet", 2, ["p.parquet", "Parquet"], files={"p.parquet": WHOLE[:-100]}
    ),
    "not Parquet": select(
        "file-not-whole", "p.parquet", 2, ["p.parquet", "Parquet"], files={"p.parquet": b"hello, world, this is text"}
    ),
    "broken page": select(
        "file-unreadable",
        "p.parquet",
        1,
        ["p.parquet", "cannot be read"],
        files={"p.parquet": WHOLE[:4] + bytes(120) + WHOLE[124:]},
    ),
    "invalid JSON": select(
        "json-invalid", "p.jsonl", 2, ["p.jsonl, line 3", "invalid JSON"], files={"p.jsonl": LINES[:62] + BAD_LINE}
    ),
    "invalid JSON deep inside": select(
        "json-invalid", "p.jsonl", 1, ["p.jsonl, line 402", "JSON"], files={"p.jsonl": LINES + b"\n" + BAD_LINE}
    ),
    "not an object": select(
        "json-invalid", "p.jsonl", 1, ["p.jsonl, line 401", "object"], files={"p.jsonl": LINES + b"[1]\n"}
    ),
    "JSONL not UTF-8": select(
        "json-invalid", "p.jsonl", 1, ["line 401", "UTF-8"], files={"p.jsonl": LINES + b'{"text": "\xff"}\n'}
    ),
    "Parquet not UTF-8": select(
        "value-wrong-type",
        "p.parquet",
        1,
        ["p.parquet, row 7", "'text'", "UTF"],
        files={"p.parquet": column("text", NOT_UTF8)},
    ),
    "not gzip": select("file-not-whole", "p.jsonl.gz", 2, ["p.jsonl.gz"], files={"p.jsonl.gz": LINES}),
    "mixed schemas": select(
        "pool-columns-differ",
        "two",
        2,
        ["b.parquet", "'score'"],
        files={"two/a.parquet": POOL, "two/b.parquet": POOL.drop_columns(["score"])},
    ),
    "mixed types": select(
        "column-wrong-type",
        f"two {TOP}",
        2,
        ["'score'", "integer in", "a.jsonl, line 1", "text in", "b.jsonl, line 2", "--score"],
        files={"two/a.jsonl": [{"score": 1}], "two/b.jsonl": [{"score": 2}, {"score": "x"}]},
    ),
    "mixed types (budget)": select(
        "budget-unit-not-numbers",
        "p.jsonl --budget '1 n'",
        2,
        ["'n'", "p.jsonl, line 2", "number"],
        files={"p.jsonl": [{"n": 1}, {"n": "x"}]},
    ),
    "mixed types (quota)": select(
        "shares-of-mixed-column",
        "p.jsonl --quota n=1:0.5",
        2,
        ["--quota", "'n'", "p.jsonl, line 2"],
        files={"p.jsonl": [{"n": 1}, {"n": "x"}]},
    ),
    "mixed types (text)": select(
        "column-wrong-type",
        "p.jsonl --text text",
        2,
        ["'text'", "line 2", "--text"],
        files={"p.jsonl": [{"text": 1}, {"text": "x"}]},
    ),
    "one name for two columns": select(
        "columns-of-one-name",
        "p.parquet",
        2,
        ["p.parquet", "2 columns", "'n'"],
        files={"p.parquet": pa.table([[1], [2]], names=["n", "n"])},
    ),
}

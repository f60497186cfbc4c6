"""Bad input through the command line: one sentence that names what and where, the promised exit code, nothing left."""

import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.testing import make_pool, make_target

POOL = make_pool(12)
ROWS = POOL.to_pylist()
TOP = "--method top:score"
USUAL = ["select", "--method", "random", "--budget", "3", "-o", "out"]


def changed(row, **values):
    """The rows of the pool with one of them changed."""
    return [{**found, **values} if number == row else found for number, found in enumerate(ROWS)]


def column(name, values):
    """The pool with another column of this name."""
    return POOL.set_column(POOL.column_names.index(name), name, values)


def scores(value):
    return column("score", pa.array([value if row == 7 else float(row) for row in range(12)], pa.float64()))


def parquet_bytes(table):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


WHOLE = parquet_bytes(POOL)
OFFSETS = pa.array(range(13), pa.int32()).buffers()[1]
NOT_UTF8 = pa.Array.from_buffers(pa.string(), 12, [None, OFFSETS, pa.py_buffer(b"abcdefg\xffijkl")])
BAD_LINE = b'{"id": "x", "text": "y"\n'
LINES = b"".join(b'{"id": "%d", "text": "row %d"}\n' % (row, row) for row in range(400))
OWN_UNKNOWN = "from tamis.vocabulary import Score\n\ndef mine(embeding) -> Score:\n    return embeding\n"

# name: files beside pool.jsonl and wanted.jsonl; words beside the usual ones, first the pool if it is another; exit
# code, None where it depends on what is known before reading; what must be named
CASES = {
    # columns
    "column missing (flag)": ({}, "--text boddy", 2, ["pool.jsonl", "'boddy'", "--text", "score"]),
    "column missing (method)": ({}, "--method top:qualty", 2, ["'qualty'", "pool.jsonl", "score"]),
    "column missing (budget)": ({}, "--budget '3 costs'", 2, ["'costs'", "'cost'", "tokens"]),
    "column missing (quota)": ({}, "--quota domain=a:0.5", 2, ["--quota", "'domain'", "group"]),
    "need without column": ({}, "--method top", 2, ["top", "--score", "cost"]),
    "wrong type": ({}, "--method top:text", 2, ["'text'", "pool.jsonl", "number"]),
    "wrong type (budget)": ({}, "--budget '3 group'", 2, ["'group'", "number"]),
    "--use of no role": ({}, "--use scor=cost", 2, ["'scor'", "'score'"]),
    # values
    "NaN score": (
        {"p.parquet": scores(float("nan"))}, f"p.parquet {TOP}", 1, ["p.parquet", "row 7", "'score'", "NaN"],
    ),
    "infinite score": (
        {"p.parquet": scores(float("inf"))}, f"p.parquet {TOP}", 1, ["row 7", "'score'", "infinity"],
    ),
    "null score": ({"p.parquet": scores(None)}, f"p.parquet {TOP}", 1, ["p.parquet", "row 7", "'score'"]),
    "NaN in JSON": (
        {"p.jsonl": changed(7, score=float("nan"))}, f"p.jsonl {TOP}", 1, ["p.jsonl", "line 8", "NaN"],
    ),
    "null in JSON": (
        {"p.jsonl": changed(7, score=None)}, f"p.jsonl {TOP}", 1, ["p.jsonl", "line 8", "'score'"],
    ),
    "text where a number was": (
        {"p.jsonl": [{"score": 1}] * 300 + [{"score": "high"}]}, f"p.jsonl {TOP}", 1, ["line 301", "'score'"],
    ),
    "negative cost": ({"p.jsonl": changed(4, cost=-2)}, "p.jsonl --budget '9 cost'", 1, ["line 5", "-2"]),
    "equal ids in a shard": ({"p.jsonl": changed(7, id="doc-002")}, "p.jsonl", 1, ["line 8", "line 3", "'doc-002'"]),
    "equal ids across files": (
        {"two/a.jsonl": ROWS[:6], "two/b.jsonl": ROWS[5:]}, "two", 1, ["b.jsonl, line 1", "a.jsonl, line 6", "005"],
    ),
    "row without id": ({"p.jsonl": changed(3, id=None)}, "p.jsonl", 1, ["p.jsonl, line 4", "'id'", "--id"]),
    # empty things
    "empty file": ({"p.jsonl": b""}, "p.jsonl", 2, ["p.jsonl", "empty"]),
    "empty Parquet": ({"p.parquet": POOL.slice(0, 0)}, "p.parquet", 2, ["p.parquet", "empty"]),
    "only blank lines": ({"p.jsonl": b"\n \n\n"}, "p.jsonl", None, ["p.jsonl", "empty"]),
    "empty gzip": ({"p.jsonl.gz": b""}, "p.jsonl.gz", 2, ["p.jsonl.gz", "empty"]),
    "folder without files": ({"no/notes.md": "x"}, "no", 2, ["no", ".jsonl"]),
    "no such file": ({}, "pol.jsonl", 2, ["pol.jsonl"]),
    "unknown format": ({"p.csv": "a,b\n"}, "p.csv", 2, ["p.csv", ".parquet"]),
    "empty target": ({"t.jsonl": b""}, "--method dsir --target t.jsonl", 2, ["t.jsonl", "empty"]),
    "target without words": ({"t.jsonl": [{"text": ""}]}, "--method dsir --target t.jsonl", 1, ["target", "empty"]),
    "target without text": (
        {"t.jsonl": [{"n": 1}]}, "--method dsir --target t.jsonl", 2, ["t.jsonl", "no text column"],
    ),
    "target text column missing": (
        {}, "--method dsir --target wanted.jsonl --target-text txt", 2, ["'txt'", "--target-text"],
    ),
    "no target": ({}, "--method dsir", 2, ["dsir", "--target"]),
    "all excluded": ({"ids": "\n".join(row["id"] for row in ROWS)}, "--exclude @ids", 1, ["exclude"]),
    # budgets
    "budget 0": ({}, "--budget 0", 2, ["'0'", "above 0"]),
    "budget negative": ({}, "--budget -4", 2, ["'-4'", "above 0"]),
    "budget over the pool": ({}, "--budget 13", None, ["13", "12 rows"]),
    "budget over the Parquet": ({"p.parquet": POOL}, "p.parquet --budget 13", 2, ["13", "12 rows"]),
    "budget over 100%": ({}, "--budget 101%", 2, ["'101%'", "100%"]),
    "budget over the cost": ({}, "--budget '1K cost'", 1, ["'1K cost'", "cost", "at most"]),
    "unknown unit": ({}, "--budget '5 parsecs'", 2, ["'parsecs'", "tokens"]),
    "nonsense": ({}, "--budget lots", 2, ["'lots'", "10%"]),
    "half a row": ({}, "--budget 2.5", 2, ["'2.5'", "whole"]),
    "less than one row": ({}, "--budget 1%", None, ["1%", "12", "one row"]),
    "cost too small": ({}, "--budget '1 chars'", 1, ["1 chars", "one row"]),
    # limits
    "unknown group": ({}, "--quota group=aa:0.5", 1, ["'group'", "'aa'", "a, b, c"]),
    "quotas over 1": ({}, "--quota group=a:0.7,b:0.7", 2, ["--quota", "more than 1"]),
    "quotas over the budget": ({}, "--quota group=a:2,b:2", None, ["--quota", "4", "3"]),
    "floors over the budget": ({}, "--floor group=a:2,b:2", None, ["--floor", "4", "3"]),
    "quota unreadable": ({}, "--quota group=a", 2, ["--quota", "'a'", "law:0.3"]),
    "two columns": ({}, "--quota group=a:1 --quota label=1:1", 2, ["--quota", "one column"]),
    "quota and floor on two columns": (
        {}, "--quota group=a:1 --floor label=1:1", 2, ["--quota", "'group'", "--floor", "'label'", "one column"],
    ),
    "a group in two flags": ({}, "--quota group=a:0.1 --quota group=a:0.1", 2, ["--quota", "group=a:0.1", "twice"]),
    "shares over 1 in two flags": ({}, "--floor group=a:0.7 --floor group=b:0.7", 2, ["--floor", "more than 1"]),
    "keep and exclude": (
        {}, "--must-keep doc-001,doc-002 --exclude doc-002", None, ["'doc-002'", "--must-keep", "--exclude"],
    ),
    "must-keep over the budget": ({}, "--must-keep doc-001,doc-002,doc-003,doc-004", None, ["--must-keep", "1 more"]),
    "unknown id": ({}, "--must-keep doc-001,doc-99", 1, ["--must-keep", "'doc-99'"]),
    "ids without id column": ({"p.jsonl": [{"n": 1}] * 4}, "p.jsonl --exclude 3", 2, ["--exclude", "--id"]),
    "no id file": ({}, "--exclude @nowhere", None, ["--exclude", "nowhere"]),
    # methods
    "unknown method": ({}, "--method randon", 2, ["'randon'", "'random'"]),
    "unknown parameter": ({}, "--method threshold --score score --set hihg=3", 2, ["'hihg'", "'high'"]),
    "parameter of wrong type": (
        {}, "--method threshold --score score --set high=tall", 2, ["high='tall'", "number", "inf"],
    ),
    "parameter out of range": ({}, "--method weighted-draw --score score --set temperature=-1", 2, ["temperature=-1"]),
    "parameter that is no number": (
        {}, "--method weighted-draw --score score --set temperature=nan", 2, ["temperature=nan", "0 or above"],
    ),
    "temperature too near 0": (
        {}, "--method weighted-draw --score score --set temperature=1e-320", 1, ["temperature=1e-320", "raise it"],
    ),
    "bounds that no row meets": (
        {}, "--method threshold --score score --set low=5", 1, ["threshold admits none", "12 eligible", "low or high"],
    ),
    "texts too short for the method": (
        {}, "--method dsir --target wanted.jsonl --set hash=sha256", 1, ["dsir admits none of the 12", "min_tokens"],
    ),
    "unknown chooser": ({}, "--method top:score --choose tip", 2, ["'tip'", "'top'"]),
    "no chooser to replace": ({}, "--method stratified-random --choose top", 2, ["--choose", "stratified"]),
    "shares for no targets": ({}, "--set shares=1,2", 2, ["shares", "targets"]),
    "own file missing": ({}, "--method own.py:mine", 2, ["own.py"]),
    "own file with a syntax error": ({"own.py": "def mine(:\n"}, "--method own.py:mine", 2, ["own.py", "SyntaxError"]),
    "own function missing": ({"own.py": "def mine() -> int: ...\n"}, "--method own.py:min", 2, ["'min'", "'mine'"]),
    "own need unknown": ({"own.py": OWN_UNKNOWN}, "--method own.py:mine", 2, ["'embeding'", "length"]),
    "own kind unknown": ({"own.py": "def mine() -> int: ...\n"}, "--method own.py:mine", 2, ["Score"]),
    # files
    "truncated Parquet": ({"p.parquet": WHOLE[:-100]}, "p.parquet", 2, ["p.parquet", "Parquet"]),
    "not Parquet": ({"p.parquet": b"hello, world, this is text"}, "p.parquet", 2, ["p.parquet", "Parquet"]),
    "broken page": (
        {"p.parquet": WHOLE[:4] + bytes(120) + WHOLE[124:]}, "p.parquet", 1, ["p.parquet", "cannot be read"],
    ),
    "invalid JSON": ({"p.jsonl": LINES[:62] + BAD_LINE}, "p.jsonl", 2, ["p.jsonl, line 3", "invalid JSON"]),
    "invalid JSON deep inside": ({"p.jsonl": LINES + b"\n" + BAD_LINE}, "p.jsonl", 1, ["p.jsonl, line 402", "JSON"]),
    "not an object": ({"p.jsonl": LINES + b"[1]\n"}, "p.jsonl", 1, ["p.jsonl, line 401", "object"]),
    "JSONL not UTF-8": ({"p.jsonl": LINES + b'{"text": "\xff"}\n'}, "p.jsonl", 1, ["line 401", "UTF-8"]),
    "Parquet not UTF-8": (
        {"p.parquet": column("text", NOT_UTF8)}, "p.parquet", 1, ["p.parquet, row 7", "'text'", "UTF"],
    ),
    "not gzip": ({"p.jsonl.gz": LINES}, "p.jsonl.gz", 2, ["p.jsonl.gz"]),
    "mixed schemas": (
        {"two/a.parquet": POOL, "two/b.parquet": POOL.drop_columns(["score"])}, "two", 2, ["b.parquet", "'score'"],
    ),
    "mixed types": (
        {"two/a.jsonl": [{"score": 1}], "two/b.jsonl": [{"score": 2}, {"score": "x"}]}, f"two {TOP}", 2,
        ["'score'", "integer in", "a.jsonl, line 1", "text in", "b.jsonl, line 2", "--score"],
    ),
    "mixed types (budget)": (
        {"p.jsonl": [{"n": 1}, {"n": "x"}]}, "p.jsonl --budget '1 n'", 2, ["'n'", "p.jsonl, line 2", "number"],
    ),
    "mixed types (quota)": (
        {"p.jsonl": [{"n": 1}, {"n": "x"}]}, "p.jsonl --quota n=1:0.5", 2, ["--quota", "'n'", "p.jsonl, line 2"],
    ),
    "mixed types (text)": (
        {"p.jsonl": [{"text": 1}, {"text": "x"}]}, "p.jsonl --text text", 2, ["'text'", "line 2", "--text"],
    ),
    "one name for two columns": (
        {"p.parquet": pa.table([[1], [2]], names=["n", "n"])}, "p.parquet", 2, ["p.parquet", "2 columns", "'n'"],
    ),
    "mixed formats": ({"two/a.parquet": POOL, "two/b.jsonl": ROWS}, "two", 2, ["a.parquet", "b.jsonl"]),
    # output
    "output of someone else": ({"out/theirs.txt": "x"}, "", 2, ["-o out", "empty"]),
    "output is a file": ({"out": "x"}, "", 2, ["-o out", "file"]),
    "output below a file": ({"a": "x"}, "-o a/out", None, ["a"]),
    "seed negative": ({}, "--seed -1", 2, ["--seed"]),
    "unknown flag": ({}, "--bugdet 3", 2, ["--bugdet", "--budget"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused(name, folder, run, write, on_disk):
    files, words, code, named = CASES[name]
    for path, content in ({"pool.jsonl": ROWS, "wanted.jsonl": make_target()} | files).items():
        write(path, content)
    before = on_disk(folder)
    words = shlex.split(words)
    pool = [] if words and not words[0].startswith("-") else ["pool.jsonl"]
    told = run(*USUAL, *pool, *words)
    sentence = assert_one_sentence(told, code, named)
    after = on_disk(folder)
    if sentence.endswith("run again"):  # Broken: finished work is kept for the next run
        after = {name: after[name] for name in before}
    assert after == before


def assert_one_sentence(told, code, named):
    """The last line of standard error says it; what is refused while planning says nothing else."""
    print(told.err)
    assert told.code == code or (code is None and told.code in (1, 2))
    assert told.out == "" and "Traceback" not in told.err and "TAMIS_DEBUG" not in told.err
    *others, sentence = told.err.strip().split("\n")
    assert sentence.startswith("tamis: ") and not any(line.startswith("tamis: ") for line in others)
    assert others == [] or told.code == 1
    for word in named:
        assert word in sentence, f"{word} is not named in: {sentence}"
    return sentence

"""Cases: studies of evidence."""

import pyarrow as pa

import tamis
from tamis.evidence.evidence import Evidence
from tamis.evidence.peeking import not_opening

from .running import call, command

ROWS = [{"id": f"r{row}", "x": row % 7 + row / 100, "q": row * 0.1, "y": "ab"[row % 7 > 3]} for row in range(40)]
HELD = [{"x": 7 + row / 50, "q": 0.0, "y": "ab"[row % 2]} for row in range(10)]
TASK = "def same(train, test):\n    return {'m': 1.0}\n\n\ndef fails(train, test):\n    raise RuntimeError('toy')\n"
USUAL = "bench p.jsonl --task classify --label y --methods top:q --budgets 5 --seeds 2 -o out"


def bench(kind, words, code, named, rows=ROWS, **more):
    """`words` added to a usual study of `p.jsonl`; the last of a flag counts."""
    files = {"p.jsonl": rows, "t.py": TASK, "test.jsonl": HELD} | more.pop("files", {})
    return command(kind, f"{USUAL} {words}", code, named, files=files, **more)


def changed(row, **values):
    """The rows with values of one of them changed."""
    return [one | (values if number == row else {}) for number, one in enumerate(ROWS)]


def peek():
    """A method that looks at what judges it."""
    with not_opening(["wanted.jsonl"]):
        open("wanted.jsonl").close()


LONG = [one | {"text": f"text {number}"} for number, one in enumerate(ROWS)]

CASES = {
    "one seed": bench("study-seeds", "--seeds 1", 2, ["--seeds 1", "at least 2"]),
    "no methods": bench("study-methods", "--methods ''", 2, ["random,top:quality"]),
    "a method twice": bench("study-method-twice", "--methods top:q,top:q", 2, ["'top:q'"]),
    "a parameter of no method": bench("study-set-of-no-method", "--set tpo.x=1", 2, ["--set tpo.x", "'tpo'"]),
    "classify without a label": bench(
        "study-label-missing", "--label none", 2, ["p.jsonl", "--label", "z"],
        rows=[{"z": one["y"], "x": one["x"], "q": 1.0} for one in ROWS],
    ),
    "a row without a label": bench("study-label-empty", "", 1, ["row 3", "'y'"], rows=changed(3, y=None)),
    "one class": bench("study-one-class", "", 1, ["'y'", "'a'"], rows=[one | {"y": "a"} for one in ROWS]),
    "a class a row": bench("study-classes-too-many", "--label id", 1, ["'id'", "40"]),
    "no features": bench(
        "study-features-missing", "", 2, ["p.jsonl", "--embedding"],
        rows=[{"y": one["y"], "q": one["q"]} for one in ROWS],
    ),
    "an infinite feature": call(
        "study-feature-infinite",
        lambda: tamis.bench(
            {"x": [0.0, float("inf"), 1.0, 2.0], "q": [1, 2, 3, 4], "y": [0, 1, 0, 1]},
            task="classify", label="y", methods="top:q", budgets=1, seeds=2,
        ),
        ["row 1", "'x'"],
    ),
    "vectors beside the pool and a test set": bench(
        "study-vectors-in-file", "--embedding v.npy --test test.jsonl", 2, ["v.npy", "column"],
        files={"v.npy": lambda path: __import__("numpy").save(path, __import__("numpy").eye(40))},
    ),
    "vectors of two widths": call(
        "study-widths-differ",
        lambda: tamis.bench(
            pa.table({"v": [[float(row), 1.0] for row in range(9)], "y": [0, 1, 1] * 3, "q": list(range(9))}),
            test=pa.table({"v": [[50.0, 1.0, 2.0]] * 3, "y": [0, 1, 0]}),
            task="classify", label="y", embedding="v", methods="top:q", budgets=2, seeds=2,
        ),
        ["3 numbers", "2"],
    ),
    "a test set in the pool": bench(
        "study-overlap", "--test test.jsonl", 1, ["test.jsonl", "2 of the 12", "row 0 is row 4 of the pool"],
        files={"test.jsonl": [ROWS[4], ROWS[9], *HELD]},
    ),
    "nothing left to hold out": bench("study-nothing-left", "--holdout 1%", 1, ["p.jsonl", "test"]),
    "held out: a number": bench("study-holdout", "--holdout 7", 2, ["--holdout 7", "20%"]),
    "held out: nonsense": bench("study-holdout", "--holdout some", 2, ["--holdout some", "20%"]),
    "a language model without a target": bench(
        "study-target-needed", "--task language-model --methods random", 2, ["--target"], rows=LONG
    ),
    "a target of two texts": bench(
        "study-target-small", "--task language-model --methods random --target few.jsonl", 1, ["'few'", "2"],
        rows=LONG, files={"few.jsonl": [{"text": "one"}, {"text": "two"}]},
    ),
    "an unknown metric": bench("study-metric-unknown", "--metric acuracy", 2, ["'acuracy'", "'accuracy'"]),
    "a constant metric": bench("study-metric-constant", "--task t.py:same", 1, ["t.py:same", "'m'", "is 1 "]),
    "a look at the test set": call("study-peeked", peek, ["wanted.jsonl"]),
    "no finished study": call("study-unfinished", lambda: Evidence.load("out"), ["verdicts.json", "out"]),
    "a task that always fails": bench("study-all-failed", "--task t.py:fails", 1, ["RuntimeError: toy", "out/.tamis"]),
}  # fmt: skip

"""Cases: studies of evidence."""

import shutil
from pathlib import Path

import pyarrow as pa

import tamis
from tamis.evidence.evidence import Evidence
from tamis.evidence.peeking import not_opening

from .running import call, command, select

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


TORCH = ("torch",)
SCHEDULES = """
from tamis.vocabulary import Schedule


class Wrong(Schedule):
    def draw(self, state, epoch, key):
        return [len(key)], None


def wrong() -> Schedule:
    return Wrong()


def nothing() -> Schedule:
    return 3


def limited(score) -> Schedule:
    return Wrong()
"""


def schedule(kind, words, named, code=2):
    """A study of a method that changes while a model trains."""
    return bench(kind, f"--model mlp --steps 3 {words}", code, named, files={"s.py": SCHEDULES})


def images(numbers, **parameters):
    """The shape of images with so many numbers, as the task has it."""
    from tamis.evidence.tasks import make_task

    make_task("classify", "cnn", parameters).shape_of(numbers)


def scheduled(name, **more):
    """A cell of a schedule, in this process, as an error of its own."""
    from tamis.engine.plan import make_plan
    from tamis.engine.request import make_request
    from tamis.engine.schedules import begin_schedule
    from tamis.evidence.schedule import Scheduled
    from tamis.evidence.task import Data

    Path("s.py").write_text(SCHEDULES)
    request = make_request({"pool": ["p.jsonl"], "method": f"s.py:{name}", "budget": "3", **more})
    table = pa.table({"x": list(range(12))})
    try:
        begun = begin_schedule(make_plan(request, table, training=True), Path("work"))
        list(Scheduled.of(begun, Data(table), 0).batches(0))
    finally:
        shutil.rmtree("work", ignore_errors=True)
        Path("s.py").unlink()


LONG = [one | {"text": f"text {number}"} for number, one in enumerate(ROWS)]

CASES = {
    "one seed": bench("study-seeds", "--seeds 1", 2, ["--seeds 1", "at least 2"]),
    "steps and epochs": bench(
        "study-steps-and-epochs", "--model mlp --steps 30 --epochs 2", 2, ["--epochs 2", "30 steps"]
    ),
    "epochs of what takes no steps": bench(
        "study-length", "--epochs 2", 2, ["--epochs 2", "linear probe", "no epochs", "--model mlp"]
    ),
    "a charge that is no number": call(
        "study-charge",
        lambda: tamis.bench({"q": [1, 2]}, task="cover", methods=[{"method": "top:q", "charge": "an hour"}], budgets=1),
        ["top:q", "'an hour'", "seconds"],
    ),
    "no methods": bench("study-methods", "--methods ''", 2, ["random,top:quality"]),
    "a method twice": bench("study-method-twice", "--methods top:q,top:q", 2, ["'top:q'"]),
    "a method called as the reference": call(
        "study-name-taken",
        lambda: tamis.bench({"q": [1, 2]}, task="cover", methods=[{"method": "top:q", "name": "random"}], budgets=1),
        ["'random'"],
    ),
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
    "a model of a task that has none": bench("task-without-models", "--task cover --model knn", 2, ["--model knn"]),
    "nothing to cover": bench(
        "cover-of-nothing", "--task cover --label none --methods random", 1, ["--task cover", "--embedding"],
        rows=[{"id": str(row), "note": "x" * row} for row in range(40)],
    ),
    "images of an unreadable shape": bench(
        "image-shape-unreadable", "--model cnn --set shape=big", 2, ["shape=28x28"], needs=TORCH
    ),
    "images of another shape": call("image-shape-misfit", lambda: images(7, shape="2x3"), ["6", "7"], needs=TORCH),
    "images of no known shape": call("image-shape-unknown", lambda: images(7), ["7 numbers", "shape="], needs=TORCH),
    "a schedule selects nothing": select(
        "schedule-not-selected", "--method s.py:wrong", 2, ["wrong", "tamis bench"], files={"s.py": SCHEDULES}
    ),
    "a schedule with a quota": call("schedule-without-limits", lambda: scheduled("wrong", quota="x=1:1"), ["--quota"]),
    "a schedule by tokens": schedule("schedule-of-cost", "--methods s.py:wrong --budgets '3 q'", ["'3 q'", "wrong"]),
    "a schedule without steps": bench(
        "schedule-without-steps", "--methods s.py:wrong", 2, ["s.py:wrong", "--model mlp"], files={"s.py": SCHEDULES}
    ),
    "a schedule that is none": call("schedule-unusable", lambda: scheduled("nothing"), ["nothing", "a int"]),
    "a schedule that draws what is not there": call("schedule-drew", lambda: scheduled("wrong"), ["wrong", "place 12"]),
    "a task that always fails": bench("study-all-failed", "--task t.py:fails", 1, ["RuntimeError: toy", "out/.tamis"]),
}  # fmt: skip

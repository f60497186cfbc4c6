"""Cases: packages, workers and the machine."""

import contextlib
import os
from unittest import mock

from .material import ROWS, failing, own
from .running import select

TWO = {"two/a.jsonl": ROWS[:6], "two/b.jsonl": ROWS[6:]}
MINE = "two --method own.py:mine --workers 2"


def without(package):
    """A context manager in which `package` cannot be imported."""
    return lambda: mock.patch.dict("sys.modules", {package: None})


def processes():
    """A context manager in which every pool is worth processes."""
    return mock.patch("tamis.engine.launch.WORTH_BYTES", 0)


@contextlib.contextmanager
def no_numpy():
    """No process that starts can import numpy."""
    with processes(), mock.patch.dict("os.environ", PYTHONPATH=os.path.abspath("broken")):
        yield


CASES = {
    "no tokenizers": select(
        "package-missing", "--budget '9 tokens' --tokenizer t.json", None, ["--tokenizer", "'tamis[hf]'"],
        files={"t.json": "{}"}, during=without("tokenizers"),
    ),
    "no tokenizer": select(
        "tokenizer-unreadable", "--budget '9 tokens' --tokenizer t.json", None, ["t.json", "tokenizer.json"],
        files={"t.json": "{}"},
    ),
    "workers cannot start": select(
        "workers-cannot-start", "two --workers 2", 1, ["not this numpy", "--workers 1"],
        files=TWO | {"broken/numpy.py": "raise RuntimeError('not this numpy')"}, during=no_numpy,
    ),
    "a worker is killed": select(
        "worker-killed", MINE, 1, ["of shard", "run the same command again"],
        files=TWO | own("text", "import os; os.kill(os.getpid(), 9)"), during=processes,
    ),
    "too little memory for a worker": select(
        "out-of-memory", MINE, 1, ["of shard", "--workers"],
        files=TWO | own("text", "raise MemoryError"), during=processes,
    ),
    "a folder that may not be written": select(
        "writing-failed", "", 1, ["out/.tamis", "Permission denied", "run again"],
        during=failing("pathlib.Path.mkdir", PermissionError(13, "Permission denied", "out/.tamis")),
    ),
}  # fmt: skip

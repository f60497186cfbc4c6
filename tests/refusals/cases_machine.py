"""Cases: packages, workers and the machine."""

import contextlib
import os
from unittest import mock

from .material import ROWS, failing, own
from .running import select

TWO = {"two/a.jsonl": ROWS[:6], "two/b.jsonl": ROWS[6:]}
CHOOSE = "tamis.engine.run.Run.choose"
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


def at_the_first_text(done):
    """A method that does this when it meets the first text of the pool, so that it is always the same shard's."""
    first = f"if text[0].as_py() == {ROWS[0]['text']!r}:"
    return own("text", f"import os\n    {first}\n        {done}\n    return np.ones(len(text))")


CASES = {
    "no tokenizers": select(
        "package-missing", "--budget '9 tokens' --tokenizer t.json", 2, ["--tokenizer", "'tamis[hf]'"],
        files={"t.json": "{}"}, during=without("tokenizers"),
    ),
    "no tokenizer": select(
        "tokenizer-unreadable", "--budget '9 tokens' --tokenizer t.json", 2, ["t.json", "tokenizer.json"],
        files={"t.json": "{}"}, needs=("tokenizers",),
    ),
    "workers cannot start": select(
        "workers-cannot-start", "two --workers 2", 1, ["not this numpy", "--workers 1"],
        files=TWO | {"broken/numpy.py": "raise RuntimeError('not this numpy')"}, during=no_numpy,
    ),
    "a worker is killed": select(
        "worker-killed", MINE, 1, ["of shard", "run the same command again"],
        files=TWO | at_the_first_text("os.kill(os.getpid(), 9)"), during=processes,
    ),
    "too little memory for a shard": select(
        "out-of-memory", MINE.replace("2", "1"), 1, ["score of shard 0", "--workers"],
        files=TWO | at_the_first_text("raise MemoryError"),
    ),
    "too little memory": select("out-of-memory", "", 1, ["--workers"], during=failing(CHOOSE, MemoryError)),
    "what nobody foresaw": select(
        "unexpected", "", 1, ["KeyError: 'x'", "TAMIS_DEBUG=1"], during=failing(CHOOSE, KeyError("x"))
    ),
    "a folder that may not be written": select(
        "writing-failed", "", 1, ["out/.tamis", "Permission denied", "run again"],
        during=failing("pathlib.Path.mkdir", PermissionError(13, "Permission denied", "out/.tamis")),
    ),
}  # fmt: skip

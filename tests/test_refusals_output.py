"""Refusals as a process meets them, and what they leave alone: finished selections, and work for the next run."""

import fcntl
import os
import resource
import signal
import subprocess
import sys

import pytest

import tamis
from tamis.pool import jsonl
from tamis.pool.storage import Found
from tamis.testing import make_pool, make_target

SELECT = "select pool.jsonl --method random --budget 3 -o out".split()


@pytest.fixture(autouse=True)
def pool(folder, write):
    write("wanted.jsonl", make_target())
    return write("pool.jsonl", make_pool(12))


def refused(told, code, *named):
    """The sentence of a command that ended with this code."""
    sentence = told.err.strip().split("\n")[-1]
    assert (told.code, told.out) == (code, ""), told.err
    assert sentence.startswith("tamis: ") and "Traceback" not in told.err and "TAMIS_DEBUG" not in told.err
    for word in named:
        assert word in sentence, f"{word} is not named in: {sentence}"


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["select", "nowhere", *SELECT[2:]], 2, ["nowhere"]),
        ([*SELECT, "--quota", "group=zz:0.5"], 1, ["'zz'", "a, b, c"]),
        ([*SELECT, "--seed", "x"], 2, ["--seed", "'x'"]),
    ],
)
def test_as_a_process(folder, on_disk, words, code, named):
    before = on_disk(folder)
    found = subprocess.run([sys.executable, "-m", "tamis", *words], capture_output=True, text=True, env=with_tamis())
    refused(type("Told", (), {"code": found.returncode, "out": found.stdout, "err": found.stderr}), code, *named)
    assert on_disk(folder) == before


def with_tamis():
    """The environment in which another process finds the same Tamis."""
    home = os.path.dirname(os.path.dirname(tamis.__file__))
    return os.environ | {"PYTHONPATH": os.pathsep.join([home, os.environ.get("PYTHONPATH", "")])}


def test_a_refusal_under_way_keeps_the_finished_selection(folder, run, on_disk):
    assert run(*SELECT).code == 0
    before = {name: found for name, found in on_disk("out").items() if not name.startswith(".tamis")}
    refused(run(*SELECT, "--quota", "group=zz:0.5", "--force"), 1, "'zz'")
    after = on_disk("out")
    assert {name: after[name] for name in before} == before


def test_a_folder_in_use(folder, run):
    os.makedirs("out/.tamis")
    with open("out/.tamis/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(run(*SELECT), 1, "-o out", "another tamis")
    assert run(*SELECT).code == 0


def test_no_space(folder, run, on_disk):
    """A limit on the size of files stands for a full disk: the write fails, what was there stays, a rerun finishes."""
    before = on_disk(folder)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, usual[1]))
        refused(run(*SELECT), 1, "out", "run again")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        signal.signal(signal.SIGXFSZ, handler)
    after = on_disk(folder)
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if "tmp-" in name or name.endswith(("manifest.json", "selection.parquet"))]
    assert run(*SELECT).code == 0


def test_invalid_line_in_the_second_shard(folder, run, monkeypatch, write):
    """Line numbers count from the start of the file, wherever a shard starts."""
    monkeypatch.setattr(jsonl, "SHARD_BYTES", 2000)
    lines = [b'{"id": %d, "text": "row %d"}\n' % (row, row) for row in range(300)]
    lines[250] = b'{"id": 250, "text": oops}\n'
    write("pool.jsonl", b"\n".join([b"".join(lines[:40]), b"".join(lines[40:])]))
    assert len(jsonl.open_jsonl([Found(str(folder / "pool.jsonl"), "pool.jsonl")]).shards) > 3
    refused(run(*SELECT), 1, "pool.jsonl, line 252", "column 21")
    lines[250] = lines[30]
    write("pool.jsonl", b"".join(lines))
    refused(run(*SELECT), 1, "line 251", "line 31", "the id 30")

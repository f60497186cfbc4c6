"""Refusals and breakages that depend on the machine, the output folder, a recipe, or come from another command."""

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


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--budget", "4"], ["-o out", "budget", "'3'", "'4'", "--force"]),
        (["--seed", "1"], ["seed", "0", "1", "--force"]),
        (["--method", "top:score"], ["method", "'random'", "'top:score'", "--force"]),
        (["--set", "shares=equal"], ["set", "--force"]),
    ],
)
def test_another_request_in_a_finished_folder(folder, run, on_disk, words, named):
    assert run(*SELECT).code == 0
    before = on_disk(folder)
    refused(run(*SELECT, *words), 2, *named)
    assert on_disk(folder) == before


def test_a_changed_pool_in_a_finished_folder(folder, run, write, on_disk):
    assert run(*SELECT).code == 0
    write("pool.jsonl", make_pool(13))
    before = on_disk(folder)
    refused(run(*SELECT), 2, "-o out", "pool", "--force")
    assert on_disk(folder) == before


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


def test_a_folder_that_may_not_be_written(folder, run, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied", "out/.tamis")

    monkeypatch.setattr("pathlib.Path.mkdir", denied)
    refused(run(*SELECT), 1, "Permission denied", "out")


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


@pytest.mark.parametrize(
    ("recipe", "named"),
    [
        ("pool: pool.jsonl\nmethod: random\nbugdet: 3\noutput: out\n", ["recipe.yaml", "'bugdet'", "'budget'"]),
        ("pool: pool.jsonl\nmethod: random\noutput: out\n", ["recipe.yaml", "budget"]),
        ("pool: pool.jsonl\nbudget: 3\noutput: out\n", ["recipe.yaml", "method"]),
        ("pool: pool.jsonl\nmethod: random\nbudget: 3\n", ["recipe.yaml", "output"]),
        ("pool: pool.jsonl\nmethod: random\nbudget: [3]\noutput: out\n", ["recipe.yaml", "budget", "[3]"]),
        ("pool: pool.jsonl\nmethod: random\nbudget: 3\noutput: out\nseed: soon\n", ["recipe.yaml", "seed", "'soon'"]),
        ("pool: pool.jsonl\nmethod: random\nbudget: 0.5\noutput: out\nuse: score\n", ["recipe.yaml", "use", "'score'"]),
        ("- pool\n- method\n", ["recipe.yaml", "mapping"]),
        ("pool: [a, b\nmethod: random\n", ["recipe.yaml", "YAML", "line 2"]),
        (b"pool: \xff\n", ["recipe.yaml"]),
        ("pool: !!python/object/apply:os.system ['touch owned']\n", ["recipe.yaml", "YAML"]),
    ],
)
def test_recipes(folder, run, write, on_disk, recipe, named):
    write("recipe.yaml", recipe)
    before = on_disk(folder)
    refused(run("run", "recipe.yaml"), 2, *named)
    assert on_disk(folder) == before


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        ("run nowhere.yaml", 2, ["nowhere.yaml"]),
        ("apply nowhere pool.jsonl -o kept.jsonl", 2, ["nowhere"]),
        ("apply . pool.jsonl -o kept.jsonl", 2, ["selection.parquet"]),
        ("apply out pool.jsonl -o pool.jsonl", 2, ["pool.jsonl", "exists"]),
        ("apply out wanted.jsonl -o kept.jsonl", 2, ["pool", "12"]),
        ("methods randon", 2, ["'randon'", "'random'"]),
        ("select pool.jsonl --method random -o new", 2, ["--budget"]),
        ("selct pool.jsonl", 2, ["'selct'", "'select'"]),
        ("score pool.jsonl --method stratified-random -o scores", 2, ["stratified-random"]),
    ],
)
def test_other_commands(folder, run, on_disk, words, code, named):
    assert run(*SELECT).code == 0
    before = on_disk(folder)
    refused(run(*words.split()), code, *named)
    assert on_disk(folder) == before

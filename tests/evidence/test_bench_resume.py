"""A study that was killed goes on, and ends with the tables of one that was not."""

import os
import signal
import subprocess
import sys
import time

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.evidence import bench as benches
from tamis.evidence import crew

from .material import MEAN_TASK, METHODS, classes

CLOCKED = ("seconds", "cpu", "mb")
STUDY = {"pool": "pool.csv", "task": "t.py:mean", "methods": "top:luck,m.py:null", "budgets": ["5%", "10%"], "seeds": 3}


def untimed(folder):
    """The cells of a study without what the clock said."""
    table = pq.read_table(f"{folder}/cells.parquet", memory_map=False)
    return table.select([name for name in table.column_names if not name.endswith(CLOCKED)]).to_pylist()


@pytest.fixture
def whole(folder, write):
    pc.write_csv(classes(200), "pool.csv")
    write("t.py", MEAN_TASK)
    write("m.py", METHODS)
    tamis.bench(**STUDY, output="whole", workers=0)
    return untimed("whole")


class Stop(BaseException):
    """The end of the process, as far as a test in this process can have it."""


@pytest.mark.parametrize("after", [0, 1, 7, 20])
def test_a_study_that_stops_after_any_cell_goes_on(whole, monkeypatch, after):
    real, done = crew.run_cell, []

    def some(job, cell, out):
        if len(done) == after:
            raise Stop
        done.append(cell.key)
        return real(job, cell, out)

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(crew, "run_cell", some)
        tamis.bench(**STUDY, output="out", workers=0)
    again = []
    monkeypatch.setattr(crew, "run_cell", lambda job, cell, out: again.append(cell.key) or real(job, cell, out))
    tamis.bench(**STUDY, output="out", workers=0)
    assert untimed("out") == whole
    assert len(again) == len(whole) - after and not set(again) & set(done)


def test_a_study_that_stops_while_it_writes_goes_on(whole, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(benches, "write", lambda *_: (_ for _ in ()).throw(Stop()))
        tamis.bench(**STUDY, output="out", workers=0)
    tamis.bench(**STUDY, output="out", workers=0)
    assert untimed("out") == whole


@pytest.mark.slow
def test_a_killed_command_goes_on(whole, folder):
    words = "bench pool.csv --task t.py:mean --methods top:luck,m.py:null --budgets 5%,10% --seeds 3 -o out --workers 2"
    command = [sys.executable, "-m", "tamis", *words.split()]
    for wanted in (1, 9):
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while len(list(folder.glob("out/.tamis/cells/*.json"))) < wanted and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (folder / "out/verdicts.json").exists()
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    assert untimed("out") == whole
    assert not list(folder.rglob("tmp-*"))

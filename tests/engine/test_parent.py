"""A worker outlives its parent by no instant and no word, whichever of its pipes closes first."""

import os
import subprocess
import sys

import pytest

ECHO = """
import os, sys
from tamis.engine.parent import Parent
parent = Parent(os.fdopen(int(sys.argv[1])), os.fdopen(int(sys.argv[2]), "w"))
while True:
    said = parent.receive()
    for _ in range(said["times"]):
        parent.send(said)
"""


@pytest.fixture
def worker():
    """(process, the parent's end for tasks, the parent's end for answers)."""
    (read, tasks), (answers, write) = os.pipe(), os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", ECHO, str(read), str(write)], pass_fds=(read, write), stderr=subprocess.PIPE, text=True
    )
    os.close(read)
    os.close(write)
    with os.fdopen(tasks, "w", buffering=1) as tasks, os.fdopen(answers) as answers:
        yield process, tasks, answers
    process.kill()
    process.communicate()


def test_answers_come_one_a_line(worker):
    _, tasks, answers = worker
    tasks.write('{"times": 2}\n')
    assert [answers.readline() for _ in range(2)] == ['{"times": 2}\n'] * 2


@pytest.mark.parametrize("first", ["tasks", "answers"])
def test_a_parent_that_is_gone_ends_it_without_a_word(worker, first):
    process, tasks, answers = worker
    tasks.write('{"times": 1}\n')
    answers.readline()
    if first == "answers":
        answers.close()
        tasks.write('{"times": 1000000}\n')
    else:
        tasks.write('{"times": 1000000}\n')
        tasks.close()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")

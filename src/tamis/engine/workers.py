"""Local processes that do tasks: a fixed number of them, fed one task at a time, gone when the run is."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tamis
from tamis.engine.tasks import Job
from tamis.engine.worker import answer
from tamis.errors import Broken, Refused

THREADS = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}


class Workers:
    """Runs tasks in `count` processes, or in this one when `count` is 1. Use it as a context manager.

    Raises `Refused` or `Broken` as a task did; then, and when a process dies, all of them are stopped.
    """

    def __init__(self, job: Job, count: int) -> None:
        self.job = job
        self.processes = [_start(job) for _ in range(count)] if count > 1 else []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()

    def run(self, tasks: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Do all tasks, largest first as they are given; yields (index of the task, its answer) as they end."""
        if not self.processes:
            for index, task in enumerate(tasks):
                yield index, _check(answer(self.job, task), task)
            return
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        done: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        for index in range(len(tasks)):
            waiting.put(index)
        for process in self.processes:
            threading.Thread(target=_feed, args=(process, tasks, waiting, done), daemon=True).start()
        for _ in tasks:
            index, result = done.get()
            yield index, _check(result, tasks[index])


def _start(job: Job) -> "subprocess.Popen[str]":
    """A worker that finds the same `tamis`, whatever the parent's script is."""
    source = str(Path(tamis.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-m", "tamis.engine.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **THREADS, "PYTHONPATH": path},
    )
    hello = {
        "pools": [pool.to_json() for pool in job.pools],
        "method": job.method,
        "parameters": job.parameters,
        "measures_text": job.measures_text,
    }
    _send(process, hello)
    return process


def _send(process: "subprocess.Popen[str]", value: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(value) + "\n")
    process.stdin.flush()


def _feed(process: "subprocess.Popen[str]", tasks: list[dict[str, Any]], waiting: Any, done: Any) -> None:
    """Give one process tasks until none is left; a process that died answers for the task it had."""
    while True:
        try:
            index = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            _send(process, tasks[index])
            assert process.stdout is not None
            done.put((index, json.loads(process.stdout.readline())))
        except (OSError, ValueError):
            done.put((index, {"died": process.wait()}))
            return


def _check(result: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    if "refused" in result:
        raise Refused(result["refused"])
    if "broken" in result:
        raise Broken(result["broken"])
    if "died" in result:
        how = f"signal {-result['died']}" if result["died"] < 0 else f"exit code {result['died']}"
        raise Broken(
            f"a worker ended by {how} during {task['do']} of shard {task['shard']} (signal 9 is often too little "
            "memory): finished shards are kept, run the same command again"
        )
    return result

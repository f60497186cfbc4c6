"""Start worker processes early and cheaply: one imports what all need, then forks the others.

Nothing heavy is imported here, so that the command line can start workers before it looks at the request.
"""

import contextlib
import json
import os
import resource
import select
import subprocess
import sys
from collections.abc import Iterable
from typing import IO, Any

import tamis

THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
WORTH_BYTES = 4 << 20
# The very package of the parent, wherever it lies, and no module that only happens to be in the current folder.
START = """
import importlib, importlib.util, sys
spec = importlib.util.spec_from_file_location("tamis", sys.argv[1])
sys.modules["tamis"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["tamis"])
importlib.import_module(sys.argv[2]).main(sys.argv[3:])
"""


class Worker:
    """The parent's end of one worker: tasks go in, answers come out, one line each."""

    def __init__(self, tasks: IO[str], answers: IO[str]) -> None:
        self.tasks, self.answers = tasks, answers

    def send(self, value: dict[str, Any]) -> None:
        """Give the worker a task."""
        self.tasks.write(json.dumps(value) + "\n")
        self.tasks.flush()

    def receive(self) -> dict[str, Any] | None:
        """The worker's next answer; None when it is gone."""
        line = self.answers.readline()
        return json.loads(line) if line.endswith("\n") else None

    def close(self) -> None:
        """Close the worker's task pipe, at which it ends at once, and wait until it is gone."""
        if self.answers.closed:
            return
        with contextlib.suppress(OSError):
            self.tasks.close()
        gone = select.poll()
        gone.register(self.answers, 0)
        gone.poll()


class Launched:
    """Workers that were started; the first one is `process`, the others are its children.

    `module` is where their `main` is.
    """

    def __init__(self, count: int, module: str = "tamis.engine.worker") -> None:
        pipes = [(os.pipe(), os.pipe()) for _ in range(count)]
        theirs = [(tasks[0], answers[1]) for tasks, answers in pipes]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, str(tamis.__file__), module, *(f"{r}:{w}" for r, w in theirs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[fd for pair in theirs for fd in pair],
            env={**os.environ, **THREADS},
        )
        for fd in (fd for pair in theirs for fd in pair):
            os.close(fd)
        self.workers = [Worker(os.fdopen(tasks[1], "w"), os.fdopen(answers[0])) for tasks, answers in pipes]

    def close(self) -> None:
        """End all workers."""
        for worker in self.workers:
            worker.close()
        self.process.wait()
        for worker in self.workers:
            worker.answers.close()


def one_thread_a_step() -> None:
    """Keep matrix libraries to one thread, so that no sum depends on the cores; call before numpy is imported."""
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)


def reserve_little() -> None:
    """Have Arrow reserve no address space ahead where the system limits it; call before Arrow is used.

    Its own allocator reserves a gigabyte, which counts against such a limit though nothing of it is used.
    """
    limits = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    if any(limit != resource.RLIM_INFINITY for limit in limits):
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def worth_processes(paths: Iterable[str]) -> bool:
    """Whether there is enough to read that starting processes pays, as far as is known at once: not of URLs."""
    total = 0
    for path in paths:
        files = [path] if os.path.isfile(path) else (f"{d}/{name}" for d, _, names in os.walk(path) for name in names)
        for file in files:
            with contextlib.suppress(OSError):
                total += os.path.getsize(file)
            if total >= WORTH_BYTES:
                return True
    return False


def worth_workers(pool: Any) -> bool:
    """Whether workers can read a pool, and there is so much of it that starting them pays."""
    return pool.bytes >= WORTH_BYTES and not pool.stays_here


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""A worker process: reads tasks as lines of JSON, answers each with one line, and ends with its parent."""

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.engine.parent import Parent
from tamis.errors import Broken, TamisError
from tamis.kernels import is_cached

WARM = ("tamis.ops._ngram_kernels", "tamis.ops._hash_kernels")


def answer(job: Any, task: dict[str, Any]) -> dict[str, Any]:
    """Do a task and say how it went: what it cost, or the sentence with which it was refused or broke."""
    from tamis.engine.parts import as_given
    from tamis.engine.tasks import run_task

    start, cpu = time.perf_counter(), time.process_time()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            run_task(job, task)
    except TamisError as error:
        return said(error)
    except MemoryError:
        return said(refusals.OUT_OF_MEMORY(place(task)))
    except OSError as error:
        return said(refusals.WRITING_FAILED(as_given(error.filename or task["out"]), said=error.strerror or error))
    except Exception as error:
        if os.environ.get("TAMIS_DEBUG"):
            raise
        return said(refusals.UNEXPECTED(place(task), said=f"{type(error).__name__}: {error}"))
    return {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu, "peak_mb": peak_mb()}


def said(error: TamisError) -> dict[str, Any]:
    """An error as the answer that carries it to the parent."""
    return {"broken" if isinstance(error, Broken) else "refused": str(error), "kind": error.kind}


def place(task: dict[str, Any]) -> str:
    """How a message names a task."""
    return f"{task['do']} of shard {task['shard']}"


def peak_mb() -> float:
    """The most memory that this process had, MB; what the system counts for its children includes their launcher."""
    with contextlib.suppress(OSError, IndexError):
        return float(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> None:
    """Import what every worker needs, fork one for each further pair of pipes, and serve the parent."""
    pipes = [(int(read), int(write)) for read, write in (pair.split(":") for pair in arguments)]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        prepare()
    except Exception as error:
        answer_of_all = json.dumps(said(refusals.WORKERS_CANNOT_START(said=f"{type(error).__name__}: {error}")))
        for _, answers in pipes:
            with contextlib.suppress(OSError):  # a parent that is gone hears nothing
                os.write(answers, f"{answer_of_all}\n".encode())
        sys.exit(1)
    mine = pipes[0]
    for pair in pipes[1:]:
        if os.fork() == 0:
            mine = pair
            break
    for fd in {fd for pair in pipes for fd in pair} - {*mine}:
        os.close(fd)
    serve(Parent(os.fdopen(mine[0]), os.fdopen(mine[1], "w")))


def prepare() -> None:
    """Imports that cost time, and kernels that are compiled already; no thread of ours, since a fork follows."""
    import pyarrow as pa

    import tamis.engine.tasks  # noqa: F401
    from tamis.ops.unicode import unicode_table
    from tamis.registry import load_all

    pa.set_cpu_count(1)
    load_all()
    for module in filter(is_cached, WARM):
        importlib.import_module(module)
    unicode_table()


def serve(parent: Parent) -> None:
    """Do tasks until the parent is gone."""
    job = _load_job(parent.receive())
    while True:
        parent.send(answer(job, parent.receive()))


def _load_job(value: dict[str, Any]) -> Any:
    from tamis.engine.tasks import Job
    from tamis.pool import from_json

    pools = [from_json(pool) for pool in value["pools"]]
    return Job(pools, value["method"], value["parameters"], value["measures_text"])

"""Local processes that do tasks: a fixed number of them, fed one task at a time, gone when the run is."""

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import Any

from tamis import refusals
from tamis.engine.launch import Launched, Worker
from tamis.engine.tasks import Job
from tamis.engine.worker import answer, place
from tamis.errors import Broken, Refused


class Workers:
    """Runs tasks in `count` processes, or in this one when `count` is 1. Use it as a context manager.

    `launched` are workers that were started before. Raises `Refused` or `Broken` as a task did; then, and when a
    process dies, all of them are stopped.
    """

    def __init__(self, job: Job, count: int, launched: Launched | None = None) -> None:
        self.job = job
        self.launched = launched or (Launched(count) if count > 1 else None)
        self.workers = self.launched.workers[:count] if self.launched and count > 1 else []
        hello = {
            "pools": [pool.to_json() for pool in job.pools] if self.workers else [],
            "method": job.method,
            "parameters": job.parameters,
            "measures_text": job.measures_text,
        }
        for worker in self.workers:
            with contextlib.suppress(OSError):  # one that is gone already is found out at its first task
                worker.send(hello)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        if self.launched:
            self.launched.close()

    def run(self, tasks: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Do all tasks in the order given; yields (index of the task, its answer) as they end."""
        if not self.workers:
            for index, task in enumerate(tasks):
                yield index, _check(answer(self.job, task), task)
            return
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        done: queue.SimpleQueue[tuple[int, dict[str, Any] | None]] = queue.SimpleQueue()
        for index in range(len(tasks)):
            waiting.put(index)
        for worker in self.workers:
            threading.Thread(target=_feed, args=(worker, tasks, waiting, done), daemon=True).start()
        for _ in tasks:
            index, result = done.get()
            yield index, _check(result, tasks[index])


def _feed(worker: Worker, tasks: list[dict[str, Any]], waiting: Any, done: Any) -> None:
    """Give one worker tasks until none is left; one that died answers nothing for the task it had."""
    while True:
        try:
            index = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            worker.send(tasks[index])
            result = worker.receive()
        except (OSError, ValueError):
            result = None
        done.put((index, result))
        if result is None:
            return


def _check(result: dict[str, Any] | None, task: dict[str, Any]) -> dict[str, Any]:
    if result is None:
        raise refusals.WORKER_KILLED(place(task))
    if "refused" in result:
        raise Refused(result["refused"], result["kind"])
    if "broken" in result:
        raise Broken(result["broken"], result["kind"])
    return result

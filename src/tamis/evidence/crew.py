"""Processes that do the cells of a study; one that dies takes down its cell and nothing else."""

import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tamis.engine.launch import Launched
from tamis.engine.parts import written_whole
from tamis.evidence.cells import Cell, Job, run_cell

MODULE = "tamis.evidence.worker"
KILLED = "the process that ran it was killed (too little memory?)"


def run_cells(job: Job, cells: list[Cell], folder: Path, workers: int) -> Iterator[dict[str, Any]]:
    """Do `cells` in their order, in so many processes (0: in this one), and yield each result as it ends."""
    if not workers:
        for cell in cells:
            yield run_cell(job, cell, folder)
        return
    waiting: queue.SimpleQueue[Cell] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Cell, BaseException | None]] = queue.SimpleQueue()
    for cell in cells:
        waiting.put(cell)
    crew = [_Member(job, folder, waiting, done) for _ in range(min(workers, len(cells)))]
    try:
        for _ in cells:
            cell, error = done.get()
            if error is not None:
                raise error
            yield read_cell(folder, cell)
    finally:
        for member in crew:
            member.close()


def read_cell(folder: Path, cell: Cell) -> dict[str, Any]:
    """The result of a finished cell."""
    found: dict[str, Any] = json.loads((folder / f"{cell.key}.json").read_text(encoding="utf-8"))
    return found


class _Member:
    """One process and the thread that feeds it."""

    def __init__(self, job: Job, folder: Path, waiting: Any, done: Any) -> None:
        self.hello = {"job": job.to_json(), "cells": str(folder.absolute()), "warm": True}
        self.folder, self.waiting, self.done = folder, waiting, done
        self.launched: Launched | None = None
        self.closed = False
        self.lock = threading.Lock()
        threading.Thread(target=self._feed, daemon=True).start()

    def close(self) -> None:
        """End the process."""
        with self.lock:
            self.closed = True
            if self.launched:
                self.launched.close()

    def _feed(self) -> None:
        while not self.closed:
            try:
                cell = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                answered = self._do(cell)
                if not answered and not self.closed:
                    self._failed(cell)
                self.done.put((cell, None))
            except BaseException as error:
                self.done.put((cell, error))
                return

    def _do(self, cell: Cell) -> bool:
        """Whether the process did the cell; a new one is started where the last one died."""
        while self.launched is None:
            with self.lock:
                if self.closed:
                    return False
                launched = self.launched = Launched(1, MODULE)
            if (
                not self._greeted(launched) and not self.closed
            ):  # a method that ends its process did so while warming up
                if not self.hello["warm"]:
                    return False
                self.hello["warm"], self.launched = False, None
                launched.close()
        worker = self.launched.workers[0]
        try:
            worker.send(asdict(cell))
            answer = worker.receive()
        except (OSError, ValueError):
            answer = None
        if answer is None and not self.closed:
            self.launched.close()
            self.launched = None
        return answer is not None

    def _greeted(self, launched: Launched) -> bool:
        """Whether a new process is ready for cells."""
        try:
            launched.workers[0].send(self.hello)
            return launched.workers[0].receive() is not None
        except (OSError, ValueError):
            return False

    def _failed(self, cell: Cell) -> None:
        result = asdict(cell) | {"status": "failed", "error": KILLED, "traceback": None}
        with written_whole(self.folder / f"{cell.key}.json") as temporary:
            temporary.write_text(json.dumps(result), encoding="utf-8")

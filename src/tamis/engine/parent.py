"""A worker's end of the pipes to its parent: one line of JSON in, one out, and no life after the parent's."""

import json
import os
import queue
import threading
from typing import IO, Any


class Parent:
    """What a worker is told and whom it answers.

    A thread listens, so that a worker ends at once, in the middle of work if need be, when its parent closes the pipe
    for tasks or dies. A parent that dies may close the pipe for answers first: then the answer finds nobody, which
    ends the worker as quietly.
    """

    def __init__(self, tasks: IO[str], answers: IO[str]) -> None:
        self.answers = answers
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(tasks,), daemon=True).start()

    def receive(self) -> Any:
        """The next thing that the parent says; waits for it."""
        return json.loads(self.lines.get())

    def send(self, value: dict[str, Any]) -> None:
        """Answer the parent."""
        try:
            print(json.dumps(value), file=self.answers, flush=True)
        except BrokenPipeError:
            os._exit(0)

    def _listen(self, tasks: IO[str]) -> None:
        for line in tasks:
            self.lines.put(line)
        os._exit(0)

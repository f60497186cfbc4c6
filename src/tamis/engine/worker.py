"""A worker process: reads tasks as lines of JSON, answers each with one line, and ends with its parent."""

import json
import os
import queue
import resource
import signal
import sys
import threading
import time
from typing import Any

from tamis.errors import Broken, Refused


def answer(job: Any, task: dict[str, Any]) -> dict[str, Any]:
    """Do a task and say how it went: what it cost, or the sentence with which it was refused or broke."""
    from tamis.engine.tasks import run_task

    start, cpu = time.perf_counter(), time.process_time()
    try:
        run_task(job, task)
    except Refused as error:
        return {"refused": str(error)}
    except Broken as error:
        return {"broken": str(error)}
    except MemoryError:
        return {"broken": "out of memory: run with fewer --workers"}
    except OSError as error:
        return {"broken": f"{error.strerror or error} while writing {error.filename or task['out']}: mend that, run again"}
    except Exception as error:
        if os.environ.get("TAMIS_DEBUG"):
            raise
        return {"broken": f"{type(error).__name__}: {error} (set TAMIS_DEBUG=1 for where)"}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu, "peak_mb": peak}


def main() -> None:
    """Serve the parent at standard input and output until it closes them, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    job = _load_job(json.loads(lines.get()))
    while True:
        print(json.dumps(answer(job, json.loads(lines.get()))), file=replies, flush=True)


def _listen(lines: "queue.SimpleQueue[str]") -> None:
    """Pass tasks on; when the parent closes the pipe or dies, end at once, in the middle of work if need be."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def _load_job(value: dict[str, Any]) -> Any:
    import pyarrow as pa

    from tamis.engine.tasks import Job
    from tamis.pool import from_json

    pa.set_cpu_count(1)
    pools = [from_json(pool) for pool in value["pools"]]
    return Job(pools, value["method"], value["parameters"], value["measures_text"])


if __name__ == "__main__":
    main()

"""Reading files of a pool again as the scan did, and finding the first row that is not as it was."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.engine.contents import columns_read, content
from tamis.engine.frame import Frame
from tamis.engine.launch import usable_cores, worth_workers
from tamis.engine.run import KERNELS, kernels_to_read
from tamis.engine.tasks import Job
from tamis.engine.workers import Workers
from tamis.errors import TamisError
from tamis.kernels import compile_kernels
from tamis.look.folder import Finished
from tamis.pool import Pool

Part = tuple[Frame, list[int]]
"""A frame, and the numbers of the shards in it that make one file."""


def contents_now(done: Finished, files: list[int]) -> list[str]:
    """Digests of these files of the pool as they are now; see `tamis.engine.contents`."""
    with scanned(done, files) as frame:
        return [content(frame, _shards(frame.pool, index)) for index in files]


@contextmanager
def scanned(done: Finished, files: list[int]) -> Iterator[Frame]:
    """What a scan of these files, as the selection asked for it, finds now; its parts are removed afterwards."""
    pool = replace(done.pool, shards=[shard for shard in done.pool.shards if shard.file in set(files)])
    spec = {name: value for name, value in done.manifest["pool"]["scan"].items() if name != "part"}
    spec |= {"tokens": None, "folds": []}
    with tempfile.TemporaryDirectory(prefix="tamis-look-") as name, ExitStack() as stack:
        parts = [Path(name) / f"{number}.arrow" for number in range(len(pool.shards))]
        workers = stack.enter_context(Workers(Job([pool], "random", {}, False), _processes(pool)))
        tasks = [
            {"do": "scan", "pool": 0, "shard": number, "out": str(part), "spec": spec}
            for number, part in enumerate(parts)
        ]
        for _ in workers.run(tasks):
            pass
        yield Frame(pool, parts, Path(name) / "work")


def _processes(pool: Pool) -> int:
    """As many as can be busy; kernels are compiled before they start."""
    if not worth_workers(pool):
        return 1
    compile_kernels(KERNELS[name] for name in ["texts", *kernels_to_read([pool])])
    return max(1, min(usable_cores(), len(pool.shards)))


def first_difference(done: Finished, file: int) -> str:
    """Words for the first row of a file that is not as it was read; none where the parts of the scan are gone."""
    if done.frame is None:
        return ""
    try:
        with scanned(done, [file]) as frame:
            now, before = (frame, _shards(frame.pool, file)), (done.frame, _parts(done, file))
            found = first_other_row(now, before)
            if found is None:
                return ""
            row, what = found
            at = int(np.searchsorted(frame.starts, row, side="right")) - 1
            if row >= frame.rows:
                return f", of which row {row:,} is the first that is gone"
            place = frame.pool.line(frame.pool.shards[at], row - int(frame.starts[at]))
            return f": the first row that differs is {place} ({what})"
    except TamisError as error:
        return f": {error}"


def first_other_row(one: Part, other: Part) -> tuple[int, str] | None:
    """The first row, counted within the file, of which the two say different things, and what differs there."""
    counts = [np.concatenate([[0], np.cumsum(frame.counts[shards])]).astype(np.int64) for frame, shards in (one, other)]
    rows = int(min(counts[0][-1], counts[1][-1]))
    cuts = np.unique(np.concatenate([counts[0], counts[1]]))
    for low, high in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        if high > rows:
            break
        ours, theirs = (_between(part, count, low, high) for part, count in zip((one, other), counts, strict=True))
        found = [(at, name) for name in ours if (at := _first_other(ours[name], theirs.get(name))) is not None]
        if found:
            at, name = min(found)
            return low + at, _said(name)
    return (rows, "it is new") if counts[0][-1] != counts[1][-1] else None


def _between(part: Part, counts: NDArray[np.int64], low: int, high: int) -> dict[str, NDArray[Any]]:
    """The columns of rows `low` to below `high`, which lie in one shard."""
    frame, shards = part
    at = int(np.searchsorted(counts, low, side="right")) - 1
    block = slice(low - int(counts[at]), high - int(counts[at]))
    return {name: values[block] for name, values in columns_read(frame, shards[at])}


def _first_other(ours: NDArray[Any], theirs: NDArray[Any] | None) -> int | None:
    if theirs is None:
        return 0
    other = (ours != theirs).reshape(len(ours), -1).any(axis=1)
    return int(np.argmax(other)) if other.any() else None


def _said(name: str) -> str:
    words = {"id_key": "its id", "length": "its text", "bytes": "its text", "has_text": "its text", "text": "its text"}
    kind, colon, column = name.partition(":")
    return words.get(name, f"column {column!r}" if colon else f"its {kind}")


def _shards(pool: Pool, file: int) -> list[int]:
    return [number for number, shard in enumerate(pool.shards) if shard.file == file]


def _parts(done: Finished, file: int) -> list[int]:
    """The shards of a file in the stored parts."""
    before = [len(record["parts"]) for record in done.manifest["pool"]["contents"]]
    return list(range(sum(before[:file]), sum(before[: file + 1])))

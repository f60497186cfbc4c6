"""What a worker does to measure texts of one shard: learn from some of them, and measure some."""

import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.parts import read_arrays, write_array, write_arrays, write_table
from tamis.engine.tasks import texts_of
from tamis.engine.worker import peak_mb
from tamis.measure.text_measures import Measure
from tamis.pool import Pool, Shard

Rows = NDArray[np.int64]


def learn(_: Any, pool: Pool, shard: Shard, out: Path, spec: dict[str, Any]) -> None:
    """What a measure learns of some rows of a shard."""
    began, learning = now(), Measure(**spec["measure"]).learning
    assert learning is not None
    partial = None
    for _, text in _batches(pool, shard, spec):
        found = learning.fit(text)
        partial = found if partial is None else learning.merge(partial, found)
    assert partial is not None
    write_arrays(out.with_name(f"{out.stem}.npz.zst"), partial._asdict())
    write_table(out, {"cut": np.zeros(1, np.int64)} | paid(began))


def measure(_: Any, pool: Pool, shard: Shard, out: Path, spec: dict[str, Any]) -> None:
    """What is measured of some rows of a shard, `[rows, d]`, beside `out`, which says how many were cut."""
    began, one = now(), Measure(**spec["measure"])
    learned = _state(spec["state"], one.name) if spec["state"] else None
    pieces, cut = [], 0
    for places, text in _batches(pool, shard, spec):

        def where(row: int, places: Rows = places) -> str:
            return str(pool.where(shard, int(places[row])))

        found = one.of(text, learned, where)
        if not np.isfinite(found.values).all():
            row = int(np.argmin(np.isfinite(found.values).all(axis=1)))
            raise refusals.MODEL_NOT_FINITE(where(row), name=one.name, found="no finite number")
        pieces.append(found.values.astype(one.dtype))
        cut += int(found.cut.sum())
    write_array(out.with_name(f"{out.stem}.npy"), np.concatenate(pieces))
    write_table(out, {"cut": np.array([cut], np.int64)} | paid(began))


def now() -> tuple[float, float]:
    """Seconds of the clock and of this process's processors."""
    return time.perf_counter(), time.process_time()


def paid(began: tuple[float, float]) -> dict[str, NDArray[np.float64]]:
    """What a part cost, for those who find it done: seconds since `began`, and most memory of the process, in MB."""
    seconds, cpu = np.subtract(now(), began)
    return {"seconds": np.array([seconds]), "cpu_seconds": np.array([cpu]), "peak_mb": np.array([peak_mb()])}


def _batches(pool: Pool, shard: Shard, spec: dict[str, Any]) -> Iterator[tuple[Rows, pa.Array]]:
    """Rows of the shard, and their texts, batch by batch."""
    rows = np.load(spec["rows"], allow_pickle=False)
    for start, text in texts_of(pool, shard, spec["text"], rows, rows, True):
        low, high = np.searchsorted(rows, [start, start + len(text)])
        if low < high:
            yield rows[low:high], text.take(pa.array(rows[low:high] - start))


@lru_cache(4)
def _state(path: str, name: str) -> Any:
    """What was learned, once in a process."""
    learning = Measure("vectors", name).learning
    assert learning is not None
    return learning.gives(**read_arrays(Path(path)))

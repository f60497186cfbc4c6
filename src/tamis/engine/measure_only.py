"""`measure`: vectors or losses of every text of a pool, as files that later requests name."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tamis import refusals
from tamis.engine import finish
from tamis.engine.console import Console
from tamis.engine.eligible import find_eligible
from tamis.engine.folder import Folder
from tamis.engine.frame import Frame
from tamis.engine.launch import Launched
from tamis.engine.measuring import Measurement, measure
from tamis.engine.plan import Plan, make_plan
from tamis.engine.request import Request
from tamis.engine.run import Run
from tamis.engine.scan import scan
from tamis.engine.select import commit, run_in_folder, stage
from tamis.engine.vectors import COLUMN
from tamis.measure.text_measures import LOSS_TABLE, NGRAMS

LOSSES = "losses"
ROWS = 65_536


def plan_measure(request: Request) -> Plan:
    """The plan of a request that measures: vectors if it says how to represent texts, else losses of the models."""
    for name in request.use.get(LOSSES, "").split(","):
        if name not in ("", NGRAMS) and not Path(name).is_dir():
            raise refusals.MODEL_FOLDER_MISSING(f"--model {name}")
    plan = make_plan(request)
    if LOSSES in plan.measured:
        tables = tuple(one.as_table for one in plan.measured[LOSSES].measures)
        plan.measured[LOSSES] = Measurement(tables)
    return plan


def run_measure(plan: Plan, folder: Folder, console: Console, launched: Launched | None = None) -> dict[str, Any]:
    """Do what the plan says in its folder and return the manifest; a finished folder is left alone."""
    return run_in_folder(plan, folder, console, _measure, launched, what="what was measured")


def _measure(run: Run, stack: ExitStack) -> dict[str, Any]:
    started = datetime.now(UTC)
    workers = run.workers(stack)
    frame, targets, corpora = scan(run, workers)
    found = find_eligible(run, workers, frame, corpora)
    measure(run, workers, frame, targets, np.flatnonzero(found.mask))
    with run.timed("write", "write what was measured, in the order of the pool") as step:
        step.rows_in = step.rows_out = frame.rows
        staged = stage(run.folder, _outputs(run.plan, frame))
    manifest = finish.base_manifest(run, frame, targets, found.counts) | finish.times(run, started)
    manifest["files"] = sorted(staged)
    commit(run.folder, staged, manifest)
    return manifest


def _outputs(plan: Plan, frame: Frame) -> dict[str, Any]:
    """`vectors.npy`, `float16 [n, d]`; or `losses.parquet`, and `losses.npy` with nats per character, `[n, m]`."""
    if LOSSES not in plan.measured:
        return {"vectors.npy": lambda path: np.save(path, frame.vectors(None, COLUMN), allow_pickle=False)}
    whole = frame.vectors(None, LOSSES)
    nll, characters = whole[:, :: len(LOSS_TABLE)], whole[:, 2 :: len(LOSS_TABLE)]
    each = (nll / np.maximum(characters, 1)).astype(np.float32)
    names = [one.label for one in plan.measured[LOSSES].measures]
    return {
        "losses.parquet": lambda path: _write_losses(path, frame, names, whole),
        "losses.npy": lambda path: np.save(path, each, allow_pickle=False),
    }


def _write_losses(path: Path, frame: Frame, names: list[str], whole: Any) -> None:
    """A line for each row and model: nats in all, and what they may be divided by."""
    kind = finish.id_type(frame)
    fields = [("row", pa.int64()), ("id", kind), ("model", pa.string()), ("nll", pa.float64())]
    schema = pa.schema([*fields, *((name, pa.int64()) for name in LOSS_TABLE[1:])])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, frame.rows, ROWS):
            rows = np.arange(start, min(start + ROWS, frame.rows))
            for number, name in enumerate(names):
                block = whole[rows, number * len(LOSS_TABLE) : (number + 1) * len(LOSS_TABLE)]
                counts = [pa.array(column.astype(np.int64)) for column in block.T[1:]]
                columns = [
                    pa.array(rows),
                    frame.ids(rows).cast(kind),
                    pa.array([name] * len(rows)),
                    pa.array(block[:, 0]),
                ]
                writer.write_batch(pa.record_batch([*columns, *counts], schema=schema))

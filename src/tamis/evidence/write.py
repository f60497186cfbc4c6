"""The files of a study: cells in Parquet, the evidence in JSON, a table in Markdown, and the page."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.engine.folder import NEW, Folder

FIXED = [
    ("method", pa.string()),
    ("budget", pa.string()),
    ("seed", pa.int64()),
    ("control", pa.bool_()),
    ("status", pa.string()),
    ("rows", pa.int64()),
    ("spent", pa.float64()),
    ("steps", pa.int64()),
    ("rows_seen", pa.int64()),
    ("tokens_seen", pa.int64()),
    *(
        (f"{part}_{unit}", pa.float64())
        for part in ("select", "measure", "train", "test")
        for unit in ("seconds", "cpu")
    ),
    ("peak_mb", pa.float64()),
    ("error", pa.string()),
]


def cells_table(results: dict[str, dict[str, Any]], metrics: list[str]) -> pa.Table:
    """One row a cell, a column a metric; a metric that is called like another column is `metric_NAME`."""
    rows = sorted(results.values(), key=lambda one: (one["control"], one["method"], one.get("rows", 0),
                                                     one["budget"], one["seed"]))  # fmt: skip
    columns = {name: pa.array([one.get(name) for one in rows], kind) for name, kind in FIXED}
    for metric in metrics:
        values = [one.get("metrics", {}).get(metric) for one in rows]
        columns[f"metric_{metric}" if metric in columns else metric] = pa.array(values, pa.float64())
    return pa.table(columns)


def write(folder: Folder, evidence: dict[str, Any], results: dict[str, dict[str, Any]], asked: dict[str, Any]) -> None:
    """Write all files beside the parts, then rename each into the folder, the manifest last."""
    from tamis.report.evidence_page import render
    from tamis.report.evidence_table import markdown

    metrics = [one["name"] for one in evidence["task"]["metrics"]]
    made = folder.state / NEW
    made.mkdir(exist_ok=True)
    pq.write_table(cells_table(results, metrics), made / "cells.parquet", compression="zstd")
    _text(made / "verdicts.json", json.dumps(evidence, indent=1, allow_nan=False))
    _text(made / "table.md", markdown(evidence))
    _text(made / "report.html", render(evidence))
    manifest = asked | {"tamis": evidence["tamis"], "command": evidence["command"], "cells": evidence["cells"]}
    _text(made / "manifest.json", json.dumps(manifest, indent=1))
    (folder.path / "manifest.json").unlink(missing_ok=True)
    for name in ("cells.parquet", "verdicts.json", "table.md", "report.html", "manifest.json"):
        os.replace(made / name, folder.path / name)


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")

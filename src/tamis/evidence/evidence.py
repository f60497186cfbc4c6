"""Evidence as Python has it: verdicts, cells and the page of a study."""

import json
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tamis import refusals

SAME = "The same: it costs what random costs."


class Evidence:
    """What a study found; made by `tamis.bench`, or loaded from its folder.

    Examples:
        >>> import numpy as np, tamis
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(400, 2))
        >>> pool = {"x0": x[:, 0], "x1": x[:, 1], "y": (x[:, 0] > 0).astype(int), "luck": rng.random(400)}
        >>> found = tamis.bench(pool, task="classify", label="y", methods=["top:luck"], budgets=["5%"], seeds=2)
        >>> [one["verdict"] for one in found.verdicts if one["method"] == "top:luck"]
        ['no difference', 'no difference']
    """

    def __init__(self, found: dict[str, Any], cells: pa.Table, page: str, table: str) -> None:
        self.found = found
        self.cells = cells
        self.table = table
        self._page = page

    @classmethod
    def load(cls, folder: str | Path) -> "Evidence":
        """The evidence in an output folder; refuses a folder without a finished study."""
        path = Path(folder)
        for name in ("verdicts.json", "cells.parquet", "report.html", "table.md", "manifest.json"):
            if not (path / name).is_file():
                raise refusals.STUDY_UNFINISHED(path, name=name, path=path)
        found = json.loads((path / "verdicts.json").read_text(encoding="utf-8"))
        texts = [(path / name).read_text(encoding="utf-8") for name in ("report.html", "table.md")]
        return cls(found, pq.read_table(path.absolute() / "cells.parquet", memory_map=False), *texts)

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """A mapping for each method, budget, comparison and metric: `verdict`, `difference`, `low`, `high`, `words`."""
        found: list[dict[str, Any]] = self.found["verdicts"]
        return found

    def report(self, path: str | Path) -> Path:
        """Write the report page to `path`."""
        target = Path(path)
        target.write_text(self._page, encoding="utf-8")
        return target

    def __str__(self) -> str:
        own = [one for one in self.verdicts if not one["automatic"]] or self.verdicts
        several = len(self.found["task"]["headline"]) > 1
        lines = []
        for one in own:
            words = SAME if (one["control"] or {}).get("same") else one["words"]
            metric = f" {one['metric']}," if several else ""
            lines.append(f"{one['method']} {one['budget']}, {one['comparison']}:{metric} {words}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        task = self.found["task"]["name"]
        return (
            f"<Evidence on {self.found['name']}: {task}, {len(self.found['seeds'])} seeds, {self.found['cells']} cells>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdicts."""
        lines = "".join(f"<li>{escape(line)}</li>" for line in str(self).splitlines())
        return f"<p><b>{escape(repr(self)[1:-1])}</b></p><ul>{lines}</ul>"

"""What a study reads of its pools, stored once: rows in Arrow files, features, labels and hashes as arrays."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.engine.parts import read_table, write_array, written_whole

TEXT, VECTOR = "tamis:text", "tamis:embedding"
"""Columns that are made of others, as they are stored."""


@dataclass
class Stored:
    """One set of examples in a folder: `NAME.arrow` and arrays beside it, memory-mapped."""

    folder: Path
    name: str

    @cached_property
    def table(self) -> pa.Table:
        """All columns of its rows."""
        return read_table(self.folder / f"{self.name}.arrow")

    def array(self, what: str) -> NDArray[Any] | None:
        """An array beside the rows; None where the study has no such thing."""
        path = self.folder / f"{self.name}.{what}.npy"
        return np.load(path, mmap_mode="r", allow_pickle=False) if path.exists() else None

    def put(self, what: str, values: NDArray[Any]) -> None:
        """Store an array beside the rows."""
        write_array(self.folder / f"{self.name}.{what}.npy", values)

    @property
    def content(self) -> NDArray[np.uint64]:
        """A hash of what a model would read of each row, `uint64 [n]`."""
        found = self.array("content")
        assert found is not None
        return found


@dataclass
class Material:
    """Everything that cells read. `measured` is what the features cost, processor seconds and seconds."""

    folder: Path
    sets: list[str]
    classes: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    text: str | None = None
    target_names: list[str] = field(default_factory=list)
    width: int = 0
    measured: list[float] = field(default_factory=lambda: [0.0, 0.0])
    has_vectors: bool = False

    def __getitem__(self, name: str) -> Stored:
        return Stored(self.folder, name)

    def __contains__(self, name: str) -> bool:
        return name in self.sets

    def save(self) -> None:
        """Write down what is here; last, so that material that exists is whole."""
        values = {name: value for name, value in vars(self).items() if name != "folder"}
        with written_whole(self.folder / "material.json") as temporary:
            temporary.write_text(json.dumps(values), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Material":
        """The material in a folder."""
        return cls(folder, **json.loads((folder / "material.json").read_text(encoding="utf-8")))

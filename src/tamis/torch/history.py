"""The full history of a recorder on disk: a column an epoch, memory-mapped, for methods that read all visits."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.dynamics import SIGNALS, Floats, Longs

FILES = {"losses": "loss", "margins": "margin", "prob": "prob", "correct": "correct"}
"""Name of a file without its ending: the signal that it holds."""


class History:
    """What a model made of n examples at each epoch: files `float32 [n, T]`, NaN where an example was not visited.

    The files are `losses.npy`, `margins.npy`, `prob.npy` and `correct.npy`, the first alone without classes. Epochs lie
    one after the other, so that files grow by one, and `--use margins=FOLDER/margins.npy` reads them.

    Args:
        folder: made when something is recorded; one that holds a history is gone on with after `go_on` alone.
        n: examples.
        classes: whether there are more signals than losses.

    Memory is `4 n` bytes, and what the system keeps of the files.
    """

    def __init__(self, folder: Path | str, n: int, classes: bool) -> None:
        self.folder, self.n = Path(folder), n
        self.names = list(FILES) if classes else ["losses"]
        self.epoch: int | None = None
        """The epoch that is being recorded; None where the visits of each example are counted instead."""
        self.next = np.zeros(n, np.int32)
        self.maps: dict[str, NDArray[np.float32]] = {}

    def check(self) -> None:
        """Refuse a folder that holds a history which is not gone on with."""
        if not self.maps and any(self._path(name).exists() for name in self.names):
            raise refusals.HISTORY_THERE(self.folder)

    def write(self, ids: Longs, signals: Floats, *, keep: bool = True) -> None:
        """Write a visit of each of these examples; without `keep` only note it, as all processes but one do."""
        epochs = self.next[ids] if self.epoch is None else np.full(len(ids), self.epoch, np.int32)
        if keep and len(ids):
            self._reach(int(epochs.max()) + 1)
            for name, values in self.maps.items():
                values[ids, epochs] = signals[:, SIGNALS.index(FILES[name])]
        self.next[ids] = np.maximum(self.next[ids], epochs + 1)

    def flush(self) -> None:
        """Have the disk hold all that was written."""
        for values in self.maps.values():
            if isinstance(values, np.memmap):
                values.flush()

    def go_on(self, upto: NDArray[np.int32], epoch: int | None, *, keep: bool = True) -> None:
        """Go on with the files of an earlier run where each example had been visited in epochs before `upto [n]`.

        What was written after that state was saved is made NaN again.
        """
        length, maps = int(upto.max()), {}
        for name in self.names if keep else ():
            if length or self._path(name).exists():
                values = _opened(self._path(name))
                if values is None or len(values) != self.n or values.shape[1] < length:
                    raise refusals.HISTORY_LOST(self.folder, epoch=length - 1)
                maps[name] = values
        self.next, self.epoch, self.maps = np.array(upto, np.int32), epoch, maps
        for values in maps.values():
            for later in range(values.shape[1]):
                values[self.next <= later, later] = np.nan

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

    def _reach(self, length: int) -> None:
        """Have files of at least so many epochs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in self.names:
            had = self.maps[name].shape[1] if name in self.maps else 0
            if had < length:
                _lengthen(self._path(name), self.n, had, length)
                self.maps[name] = np.load(self._path(name), mmap_mode="r+", allow_pickle=False)


def _opened(path: Path) -> NDArray[np.float32] | None:
    """The array of a file, or None where there is none of the right kind."""
    try:
        found = np.load(path, mmap_mode="r+", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return found if found.ndim == 2 and found.dtype == np.float32 else None


def _lengthen(path: Path, n: int, had: int, length: int) -> None:
    """Add epochs of NaN to a file; a process that is killed meanwhile leaves the file as it was.

    NumPy leaves room in the head for the number of epochs to grow, so that what follows keeps its place.
    """
    with path.open("r+b" if had else "w+b") as file:
        if not had:
            _write_head(file, n, 0)
        file.seek(0)
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        file.seek(file.tell() + 4 * n * had)
        blank = np.full(n, np.nan, np.float32).tobytes()
        for _ in range(had, length):
            file.write(blank)
        file.flush()
        file.seek(0)
        _write_head(file, n, length)


def _write_head(file: BinaryIO, n: int, length: int) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": True, "shape": (n, length)})

"""What the scripts of the studies share: where data lie, and the notes that a preparation leaves."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import rankdata

HERE = Path(__file__).parent
OUT = HERE / "out"
PREPARED = OUT / "data"
SEED = 20240


def data(name: str) -> Path:
    """A file below `TAMIS_DATA`; ends the script when it is not there."""
    path = Path(os.environ.get("TAMIS_DATA") or "no TAMIS_DATA", name)
    if not path.exists():
        sys.exit(f"{path} is missing: set TAMIS_DATA to the folder of data sets")
    return path


def write(path: Path, columns: dict[str, Any]) -> None:
    """A table as Parquet; a file of this name is there in full or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".tmp")
    pq.write_table(pa.table(columns), made, compression="zstd", compression_level=3)
    made.replace(path)


def vectors(features: np.ndarray) -> pa.Array:
    """`float32 [n, d]` as a column of lists."""
    return pa.FixedSizeListArray.from_arrays(pa.array(features.ravel(), pa.float32()), features.shape[1])


def in_test(pool: np.ndarray, test: np.ndarray) -> np.ndarray:
    """`bool [n]`, which rows of the pool equal a row of the test set in all features.

    Examples:
        >>> in_test(np.array([[1, 2], [3, 4]]), np.array([[3, 4]]))
        array([False,  True])
    """
    known = {row.tobytes() for row in np.ascontiguousarray(test)}
    return np.array([row.tobytes() in known for row in np.ascontiguousarray(pool)])


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """The probability that a positive scores higher than a negative, ties counted half.

    Examples:
        >>> float(auroc(np.array([0.1, 0.4, 0.3, 0.9]), np.array([False, True, False, True])))
        1.0
    """
    count = positive.sum()
    ranks = rankdata(score)[positive].sum() - count * (count + 1) / 2
    return float(ranks / (count * (len(score) - count)))


def leave_notes(script: str, notes: list[str]) -> None:
    """Print what a preparation found, and keep it for the page of the study; written last, it says that all is done."""
    print(*notes, sep="\n")
    path = notes_of(script)
    made = path.with_suffix(".tmp")
    made.write_text(json.dumps(notes, ensure_ascii=False, indent=1), encoding="utf-8")
    made.replace(path)


def notes_of(script: str) -> Path:
    """The notes that a preparation leaves: `prepare_x.py` leaves `x.json`."""
    return PREPARED / f"{Path(script).stem.removeprefix('prepare_')}.json"


def leave_charges(folder: Path, charges: dict[str, float]) -> None:
    """Keep the processor seconds that columns cost, by names that a study may give as `charge`."""
    (folder / "charges.json").write_text(json.dumps(charges, indent=1), encoding="utf-8")


def charged(methods: list[Any], folder: Path) -> list[Any]:
    """Methods of a study whose `charge` is a name, with the seconds that the preparation left under it."""
    path = folder / "charges.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [
        one | {"charge": known[one["charge"]]} if isinstance(one, dict) and one.get("charge") in known else one
        for one in methods
    ]

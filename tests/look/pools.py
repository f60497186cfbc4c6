"""Pools to look at: 60 rows with ids, groups, scores with ties, lengths, and texts of which some occur twice."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 60


def rows(count=ROWS):
    """Rows of the pool; scores have ties, every seventh text repeats the one three rows above, one text is empty."""
    rng = np.random.default_rng(5)
    found = []
    for row in range(count):
        text = (
            "" if row == 22 else " ".join(rng.choice(["sieve", "drum", "grain", "flour", "é"], 2 + row % 9)) + f" {row}"
        )
        text = found[row - 3]["text"] if row % 7 == 6 else text
        score = float(round(rng.normal(), 1))
        found.append({"id": f"doc-{row}", "text": text, "domain": "abc"[row % 3], "score": score, "cost": 1 + row % 4})
    return found


def save(path, found):
    """Rows in the format that the name says."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(found), path, row_group_size=17)
    elif path.suffix == ".csv":
        sink = io.StringIO()
        writer = csv.DictWriter(sink, list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
        path.write_text(sink.getvalue(), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    return path


def load(path):
    """The rows of a pool in JSON Lines."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]

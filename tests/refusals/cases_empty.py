"""Cases: empty pools and targets."""

from .material import POOL, ROWS
from .running import select

CASES = {
    "empty file": select("pool-empty", "p.jsonl", 2, ["p.jsonl", "empty"], files={"p.jsonl": b""}),
    "empty Parquet": select(
        "pool-empty", "p.parquet", 2, ["p.parquet", "empty"], files={"p.parquet": POOL.slice(0, 0)}
    ),
    "only blank lines": select("pool-empty", "p.jsonl", None, ["p.jsonl", "empty"], files={"p.jsonl": b"\n \n\n"}),
    "empty gzip": select("pool-empty", "p.jsonl.gz", 2, ["p.jsonl.gz", "empty"], files={"p.jsonl.gz": b""}),
    "folder without files": select("pool-no-files", "no", 2, ["no", ".jsonl"], files={"no/notes.md": "x"}),
    "no such file": select("pool-missing", "pol.jsonl", 2, ["pol.jsonl"]),
    "unknown format": select("file-unknown-format", "p.txt", 2, ["p.txt", ".parquet"], files={"p.txt": "a,b\n"}),
    "empty target": select(
        "pool-empty", "--method dsir --target t.jsonl", 2, ["t.jsonl", "empty"], files={"t.jsonl": b""}
    ),
    "target without words": select(
        "target-empty", "--method dsir --target t.jsonl", 1, ["target", "empty"], files={"t.jsonl": [{"text": ""}]}
    ),
    "target without text": select(
        "text-missing",
        "--method dsir --target t.jsonl",
        2,
        ["t.jsonl", "no text column"],
        files={"t.jsonl": [{"n": 1}]},
    ),
    "target text column missing": select(
        "column-missing", "--method dsir --target wanted.jsonl --target-text txt", 2, ["'txt'", "--target-text"]
    ),
    "no target": select("target-needed", "--method dsir", 2, ["dsir", "--target"]),
    "all excluded": select(
        "no-row-eligible", "--exclude @ids", 1, ["exclude"], files={"ids": "\n".join(row["id"] for row in ROWS)}
    ),
}

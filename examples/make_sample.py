"""Make the small real pool and targets in this folder; `examples/README.md` says what they hold.

Reads `text/pool.parquet` and `text/pool_targets.parquet` from the folder named by `TAMIS_DATA`:

    TAMIS_DATA=/path/to/data python examples/make_sample.py
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SEED = 7
PEPS, TLDR, COPIES, TARGETS = 750, 2225, 25, 100
SHARDS, ROW_GROUP = 4, 300
HERE = Path(__file__).parent

PEP_ID = re.compile(r"peps/peps/(pep-\d{4})\.rst/(\d+)")
TLDR_ID = re.compile(r"tldr/en/(\w+/.+)")
FREE = re.compile(r"placed in(to)? the public domain|CC0", re.IGNORECASE)
UNFREE = re.compile(r"Open Publication Licen[sc]e|all rights reserved", re.IGNORECASE)

Row = dict[str, str | int]


def read(name: str, domain: str) -> list[tuple[str, str]]:
    """The (id, text) of every document of one domain."""
    table = pq.read_table(Path(os.environ["TAMIS_DATA"]) / "text" / name)
    table = table.filter(pc.equal(table["domain"], domain))
    return list(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))


def pep_pieces(name: str) -> list[tuple[str, str]]:
    """Pieces of those PEPs whose own text places them in the public domain or under CC0.

    The domain also holds SciPy's and Sphinx's pages, and a few PEPs state another licence or none: they stay out.
    """
    works: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for id, text in read(name, "python_docs"):
        if found := PEP_ID.fullmatch(id):
            works[found[1]].append((f"{found[1]}/{found[2]}", text))
    whole = {work: " ".join(text for _, text in pieces) for work, pieces in works.items()}
    return [
        piece for work, text in whole.items() if FREE.search(text) and not UNFREE.search(text) for piece in works[work]
    ]


def tldr_pages(name: str) -> list[tuple[str, str]]:
    """English tldr pages."""
    return [(f"tldr/{found[1]}", text) for id, text in read(name, "shell_docs") if (found := TLDR_ID.fullmatch(id))]


def work_of(id: str) -> str:
    """What must not be on both sides: a whole PEP, or the pages of one command on all platforms."""
    return id.split("/")[0] if id.startswith("pep-") else "tldr " + id.rsplit("/", 1)[1]


def draw(rng: np.random.Generator, documents: Iterable[tuple[str, str]], count: int, source: str) -> list[Row]:
    """`count` of the documents, without replacement, in random order."""
    documents = sorted(documents)
    kept = rng.choice(len(documents), count, replace=False)
    return [{"id": id, "text": text, "source": source, "chars": len(text)} for id, text in (documents[i] for i in kept)]


def main() -> None:
    """Write `pool/part-*.parquet` and `targets/*.jsonl`, and say how large they are."""
    rng = np.random.default_rng(SEED)
    targets = {
        "peps": draw(rng, pep_pieces("pool_targets.parquet"), TARGETS, "pep"),
        "tldr": draw(rng, tldr_pages("pool_targets.parquet"), TARGETS, "tldr"),
    }
    held_out = {work_of(str(row["id"])) for rows in targets.values() for row in rows}
    peps, tldr = (
        [(id, text) for id, text in documents if work_of(id) not in held_out]
        for documents in (pep_pieces("pool.parquet"), tldr_pages("pool.parquet"))
    )
    rows = draw(rng, peps, PEPS, "pep") + draw(rng, tldr, TLDR, "tldr")
    rows += [rows[i] | {"id": f"{rows[i]['id']}/copy"} for i in rng.choice(len(rows), COPIES, replace=False)]
    rows = [rows[i] for i in rng.permutation(len(rows))]

    pool_texts = {row["text"] for row in rows}
    assert len(rows) - len(pool_texts) == COPIES, "the planted copies are the only duplicates"
    assert not any(row["text"] in pool_texts for target in targets.values() for row in target), "a target leaked"

    (HERE / "pool").mkdir(exist_ok=True)
    (HERE / "targets").mkdir(exist_ok=True)
    schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("source", pa.string()), ("chars", pa.int32())])
    size = len(rows) // SHARDS
    for shard in range(SHARDS):
        table = pa.Table.from_pylist(rows[shard * size : (shard + 1) * size], schema)
        path = HERE / "pool" / f"part-{shard}.parquet"
        pq.write_table(table, path, row_group_size=ROW_GROUP, compression="zstd", compression_level=19)
        print(f"{path.relative_to(HERE)}: {len(table)} rows, {path.stat().st_size:,} bytes")
    for name, target in targets.items():
        path = HERE / "targets" / f"{name}.jsonl"
        lines = (json.dumps({"id": row["id"], "text": row["text"]}, ensure_ascii=False) for row in target)
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        print(f"{path.relative_to(HERE)}: {len(target)} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

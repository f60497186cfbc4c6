"""Samples of five domains of text, and texts of all other domains beside each.

    TAMIS_DATA=… python studies/prepare_domain_text.py

The pool is `text/pool.parquet` as it is; samples are from `text/pool_targets.parquet`, whose books, papers, web pages
and pages of documentation are of works of which the pool has no piece. A study divides a sample anew for each seed:
one half tells the methods what is wanted, the other half judges the model. Other domains show what that costs there.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import PREPARED, SEED, data, leave_notes, write

DOMAINS = ("biomedical", "law", "movie_reviews", "python_docs", "shell_docs")
OTHERS = 60  # documents of each other domain


def others(domains: np.ndarray, own: str, rng: np.random.Generator) -> np.ndarray:
    """Rows of `OTHERS` documents of every domain but `own`, drawn at random."""
    names = [name for name in np.unique(domains) if name != own]
    return np.sort(np.concatenate([rng.permutation(np.flatnonzero(domains == name))[:OTHERS] for name in names]))


def main() -> None:
    """Write two files a domain."""
    pool = pq.read_table(data("text/pool.parquet"), columns=["text", "domain"])
    sample = pq.read_table(data("text/pool_targets.parquet"))
    same = pc.sum(pc.is_in(sample["text"], value_set=pool["text"].combine_chunks())).as_py()
    if same:
        sys.exit(f"{same} held-out documents are in the pool")
    size = pc.sum(pc.binary_length(pool["text"])).as_py()
    notes = [
        f"The pool has {len(pool):,} documents and {size:,} bytes of text; none of the {len(sample):,} held-out "
        "documents is in it, so that no row had to be dropped."
    ]
    domains = np.array(sample["domain"].to_pylist())
    for number, domain in enumerate(DOMAINS):
        rows = {"target": np.flatnonzero(domains == domain)}
        rows["off_target"] = others(domains, domain, np.random.default_rng((SEED, number)))
        for part, found in rows.items():
            table = sample.take(pa.array(found))
            write(PREPARED / f"domain_text/{domain}_{part}.parquet", dict(zip(table.column_names, table, strict=True)))
        own = pool.filter(pc.equal(pool["domain"], domain))["text"]
        notes.append(
            f"{domain}: {len(own):,} documents and {pc.sum(pc.binary_length(own)).as_py():,} bytes of the pool; "
            f"{len(rows['target']):,} held-out documents, {len(rows['off_target']):,} of other domains."
        )
    leave_notes(__file__, notes)


if __name__ == "__main__":
    main()

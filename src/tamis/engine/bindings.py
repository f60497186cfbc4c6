"""What `--use WORD=SOURCE` binds beyond columns with a role: matrices, tags, and shares that groups should have."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.budget import Share, parse_shares
from tamis.engine.vectors import VectorFile, vector_file
from tamis.measure.text_measures import NGRAMS
from tamis.pool import Pool, open_pool
from tamis.pool.base import missing_column
from tamis.pool.roles import Role
from tamis.pool.storage import refuse_url
from tamis.pool.tags import TagLists
from tamis.pool.vectors import Vectors, vectors_for

if TYPE_CHECKING:
    from tamis.engine.plan import Plan

VISITED = ("margins", "correct")  # which have NaN for visits that were not
LOSSES = ("prior_loss", "conditional_loss", "losses")
MATRICES = ("probs", "null_probs", "margins", "correct", "match", *LOSSES)
BOUND = (*MATRICES, "tags", "tag_embedding", "target_embedding", "balance")


@dataclass
class Bindings:
    """Sources of needs: `files` of matrices beside the pool by word, and `derived` words that the scan brings."""

    files: dict[str, VectorFile] = field(default_factory=dict)
    derived: list[str] = field(default_factory=list)
    balance: list[list[Share]] = field(default_factory=list)
    tag_vectors: Pool | None = None


def _loss_column(pool: Pool, word: str, given: str) -> Vectors | None:
    """A single column of numbers, which losses of one model may be."""
    one = word in LOSSES and pool.schema.get(given) in ("integer", "number")
    return Vectors([given], 1, several=True) if one else None


def of_models(given: str, pool: Pool) -> bool:
    """Whether losses are given by folders of models rather than by a column or a file."""
    names = given.split(",")
    return given not in pool.schema and all(name == NGRAMS or Path(name).is_dir() for name in names)


def find_bindings(plan: "Plan", given: dict[str, str], place: str) -> Bindings:
    """Find all that `--use` binds, and give the pool its derived columns; refuses what is not there."""
    found, pool = Bindings(), plan.pool
    for word in MATRICES:
        if word in given and not (word in LOSSES and of_models(given[word], pool)):
            flag = f"--use {word}"
            plan.roles[word] = Role(given[word], "given")
            if (file := vector_file(given[word], pool.schema, flag)) is not None:
                file.fits(pool.rows)
                found.files[word] = replace(file, holes=word in VISITED)
            else:
                made = _loss_column(pool, word, given[word]) or vectors_for(pool, given[word], place, flag)
                pool.derived[word] = replace(made, holes=word in VISITED)
                found.derived.append(word)
    if "tags" in given:
        if given["tags"] not in pool.schema:
            raise missing_column(given["tags"], pool.schema, place, "--use tags")
        plan.roles["tags"] = Role(given["tags"], "given")
        pool.derived["tags"] = TagLists(given["tags"])
    if "balance" in given:
        found.balance = [parse_shares("--use balance", part) for part in given["balance"].split(";") if part.strip()]
        for shares in found.balance:
            if shares[0].column not in pool.schema:
                raise missing_column(shares[0].column, pool.schema, place, "--use balance")
    if "tag_embedding" in given:
        refuse_url(given["tag_embedding"], "the table of tags", "download it, and name the copy", "--use tag_embedding")
        found.tag_vectors = open_pool(given["tag_embedding"], "table of tags")
        _check_tag_table(found.tag_vectors, given["tag_embedding"])
    return found


def _check_tag_table(table: Pool, place: str) -> None:
    """Refuse a table of tags in which the names or the vectors could be in several columns, or in none."""
    kinds = sorted(kind for kind in table.schema.values() if kind in ("text", "list"))
    if kinds != ["list", "text"]:
        columns = ", ".join(f"{name} ({kind})" for name, kind in table.schema.items())
        raise refusals.TAG_TABLE_UNCLEAR(place, columns=columns)
    vectors = next(name for name, kind in table.schema.items() if kind == "list")
    table.derived["embedding"] = vectors_for(table, vectors, place, "--use tag_embedding")


def tag_matrix(plan: "Plan", names: list[str]) -> NDArray[np.float32]:
    """`float32 [tags, e]`: the vector of each tag in a table with a column of text and one of vectors."""
    table = plan.bindings.tag_vectors
    place = plan.request.use["tag_embedding"]
    assert table is not None
    tag = next(name for name, kind in table.schema.items() if kind == "text")
    known: dict[str, Any] = {}
    for shard in table.shards:
        for batch in table.read(shard, {tag: None, "embedding": None}):
            vectors = np.asarray(batch.column(1).flatten(), np.float32).reshape(batch.num_rows, -1)
            known |= dict(zip(batch.column(0).to_pylist(), vectors, strict=True))
    missing = [name for name in names if name not in known]
    if missing:
        raise refusals.TAG_WITHOUT_VECTOR(place, tag=missing[0], count=len(missing))
    return np.stack([known[name] for name in names])

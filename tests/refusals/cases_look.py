"""Cases: verify, why and compare, and selections that are cut or combined again."""

import contextlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import tamis

from .material import POOL, ROWS, changed
from .running import USUAL, call, command, run, save


@contextlib.contextmanager
def finished(words="--method top:score", *damages):
    """A finished selection in `out`, to which these damages are done."""
    told = run(*f"select pool.jsonl {USUAL} {words}".split())
    assert told.code == 0, told.err
    for damage in damages:
        damage()
    yield


def table(name, change):
    """A damage: the rows of a Parquet file of the output folder become others."""

    def damage():
        path = Path("out", name)
        pq.write_table(change(pq.read_table(path)), path)

    return damage


def lines(change):
    """A damage: the lines of the subset become others."""

    def damage():
        path = Path("out/subset.jsonl")
        path.write_text("".join(change(path.read_text().splitlines(keepends=True))))

    return damage


def value(column, at, new):
    """The table with one value of a column changed."""

    def change(found):
        values = found[column].to_pylist()
        values[at] = new
        index = found.column_names.index(column)
        return found.set_column(index, column, pa.array(values, found.schema.field(column).type))

    return change


def same_places(found):
    """The table with its rows in other places of the same ranks."""
    turned = found.take([1, 0, *range(2, found.num_rows)])
    return turned.set_column(found.column_names.index("rank"), "rank", found["rank"])


def of_row(row, score):
    """The table whose last row is this row of the pool."""

    def change(found):
        new = {"row": row, "id": ROWS[row]["id"], "score": score, "file_row": row}
        for name, one in new.items():
            found = value(name, -1, one)(found)
        return found

    return change


def verify(kind, named, *damages, words="--method top:score"):
    """A case of `verify` after damages."""
    return command(kind, "verify out", 1, named, during=lambda: finished(words, *damages))


def rewritten(rows):
    """A damage: the pool has other rows."""
    return lambda: save(Path("pool.jsonl"), rows)


def combined():
    """A union of two selections, in `both`."""
    told = [
        run(*f"select pool.jsonl {USUAL}".split()),
        run(*"combine union out out -o both".split()),
    ]
    assert not any(one.code for one in told), told
    return contextlib.nullcontext()


NO_IDS = [{"text": row["text"], "score": row["score"]} for row in ROWS]
WORST = min(range(12), key=lambda row: ROWS[row]["score"])


def of_table():
    """A selection of a table in memory, in `out`."""
    tamis.select(POOL, "random", budget=3, output="out")
    return contextlib.nullcontext()


def without_ids(words=""):
    """A finished selection of a pool that has no ids."""
    save(Path("pool.jsonl"), NO_IDS)
    return finished(words)


def of_two_pools():
    """Selections of two pools without ids, in `out` and `other`."""
    for rows, folder in ((NO_IDS, "out"), (NO_IDS[1:], "other")):
        save(Path("pool.jsonl"), rows)
        assert not run(*f"select pool.jsonl --method random --budget 3 -o {folder}".split()).code
    return contextlib.nullcontext()


CASES = {
    "a selection that is no Parquet": verify(
        "output-unreadable", ["out/selection.parquet"], lambda: save(Path("out/selection.parquet"), "x")
    ),
    "scores that are gone": verify(
        "output-file-missing", ["out/scores.parquet"], lambda: Path("out/scores.parquet").unlink()
    ),
    "a selection without a column": verify(
        "output-columns-changed", ["out/selection.parquet", "gain"],
        table("selection.parquet", lambda found: found.drop_columns(["gain"])),
    ),
    "a selection that is cut": verify(
        "output-rows-changed", ["out/selection.parquet", "2 rows", "3"],
        table("selection.parquet", lambda found: found.slice(0, 2)),
    ),
    "a rank that is another": verify(
        "output-value-changed", ["out/selection.parquet, row 1", "rank is 2", "should be 1"],
        table("selection.parquet", value("rank", 1, 2)),
    ),
    "a row kept twice": verify(
        "selection-row-twice", ["out/selection.parquet, row 2"],
        table("selection.parquet", lambda found: value("row", 2, found["row"][0].as_py())(found)),
    ),
    "an excluded row that is kept": verify(
        "selection-row-not-eligible", ["row 0 ", "eligible"],
        table("selection.parquet", of_row(0, ROWS[0]["score"])), words="--method top:score --exclude doc-000",
    ),
    "kept rows in another order": verify(
        "selection-out-of-order", ["out/selection.parquet, row 1", "top"], table("selection.parquet", same_places)
    ),
    "a better row that was dropped": verify(
        "selection-leaves-out", ["was dropped", "top"], table("selection.parquet", of_row(WORST, ROWS[WORST]["score"]))
    ),
    "a subset with another line": verify(
        "subset-changed", ["out/subset.jsonl, line 1"], lines(lambda old: [old[0].replace("doc", "cod"), *old[1:]])
    ),
    "a subset that is cut": verify("subset-too-short", ["out/subset.jsonl", "2 rows of 3"], lines(lambda old: old[:2])),
    "a subset that goes on": verify(
        "subset-too-long", ["out/subset.jsonl", "3 kept"], lines(lambda old: [*old, old[0]])
    ),
    "a pool of more files": command(
        "pool-files-changed", "verify out pool.jsonl wanted.jsonl", 1, ["wanted.jsonl"], during=finished
    ),
    "a pool that is cut": verify("pool-rows-changed", ["pool.jsonl", "11 rows", "12"], rewritten(ROWS[:11])),
    "a pool with another score": verify(
        "pool-value-changed", ["pool.jsonl, line ", "score is 99.0"],
        rewritten([{**row, "score": 99} for row in ROWS]),
    ),
    "a pool with another text": verify(
        "pool-file-changed", ["pool.jsonl", "has changed"], rewritten(changed(WORST, text="another")),
    ),
    "a table that is not there": command(
        "pool-was-a-table", "verify out", None, ["tamis.verify(folder, table)"], during=of_table
    ),
    "why of no row": command("row-or-id", "why out", 2, ["--id", "--row"], during=finished),
    "why of an unknown id": command("id-unknown", "why out --id doc-99", 2, ["--id doc-99"], during=finished),
    "why of an id without ids": command("id-of-pool-without", "why out --id 3", 2, ["--row"], during=without_ids),
    "why of a row too far": command("row-outside", "why out --row 12", 2, ["--row 12", "0 to 11"], during=finished),
    "why of several budgets": command(
        "several-selections", "why out --row 3", 2, ["out"], during=lambda: finished("--budget 3,4")
    ),
    "compare with a table": command(
        "no-selection", "compare out scores.parquet", 2, ["scores.parquet"], files={"scores.parquet": POOL},
        during=finished,
    ),
    "compare what has nothing in common": command(
        "selections-not-comparable", "compare out other", 2, ["out and other"], during=of_two_pools
    ),
    "a union that is cut again": command(
        "not-of-one-request", "recut both --budget 2 -o new", 2, ["both"], during=combined
    ),
    "a cut that is larger": call(
        "recut-larger", lambda: tamis.select(POOL, "random", budget=3).recut(4), ["'4'", "3 rows"]
    ),
    "a cut under a quota": call(
        "recut-limited", lambda: tamis.select(POOL, "random", budget=3, quota="group=a:1").recut(2), ["'2'", "quotas"]
    ),
}  # fmt: skip

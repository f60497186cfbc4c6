"""What `tamis verify` finds: each change of the folder or the pool by hand, named with its place, and exit code 1."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tamis.pool.storage import stamp

from .pools import load, rows, save

KEPT = 20


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a pool in two files and a finished selection of it, to be copied."""
    from tamis import cli

    folder = tmp_path_factory.mktemp("made")
    before = os.getcwd()
    os.chdir(folder)
    try:
        found = rows()
        save("pool/one.jsonl", found[:25])
        save("pool/two.jsonl", found[25:])
        select = ["select", "--method", "top:score", "--budget", str(KEPT)]
        cli.cli.main([*select, "pool", "-o", "out"], standalone_mode=False)
        save("pool.parquet", found)
        cli.cli.main([*select, "pool.parquet", "-o", "columns"], standalone_mode=False)
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def copy(made, folder):
    """A copy of it, with the times of its files, which is the working directory."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return folder


def edit(name, change):
    """Change a Parquet file of the output folder by a function of its table."""
    table = change(pq.read_table(f"out/{name}.parquet"))
    pq.write_table(table, f"out/{name}.parquet")


def put(table, column, row, value):
    """`table` with one value replaced."""
    values = table[column].to_pylist()
    values[row] = value
    return table.set_column(table.column_names.index(column), column, pa.array(values, table[column].type))


def taken(table, order):
    """Rows of `table` in another order, with ranks that ascend."""
    table = table.take(pa.array(order))
    return table.set_column(2, "rank", pa.array(np.arange(len(order))))


def exchanged(table):
    """The last kept row replaced by one that was dropped, all its columns being right."""
    scores = pq.read_table("out/scores.parquet")
    others = scores.filter(pc.invert(pc.is_in(scores["row"], table["row"].combine_chunks())))
    row, score = int(others["row"][-1].as_py()), float(others["score"][-1].as_py())
    file, file_row = ("one.jsonl", row) if row < 25 else ("two.jsonl", row - 25)
    for name, value in {"row": row, "id": f"doc-{row}", "score": score, "file": file, "file_row": file_row}.items():
        table = put(table, name, KEPT - 1, value)
    return table


def duplicate_kept(table):
    row = pq.read_table("out/duplicates.parquet")["row"][0].as_py()
    return put(table, "row", 3, row)


def manifest(change):
    path = Path("out/manifest.json")
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def lines(name, change):
    """Change the lines of a file; its time changes with it."""
    found = Path(name).read_bytes().splitlines(keepends=True)
    Path(name).write_bytes(b"".join(change(found)))


def swapped(found, one, other):
    found[one], found[other] = found[other], found[one]
    return found


def dropped_rows(name="pool/two.jsonl", first=25):
    """Rows of a file of the pool that were not kept and are no duplicates."""
    kept = set(pq.read_table("out/selection.parquet")["row"].to_pylist())
    gone = {row for column in pq.read_table("out/duplicates.parquet").columns for row in column.to_pylist()}
    return [row - first for row in range(first, first + len(load(name))) if row not in kept | gone]


def dropped_row():
    return dropped_rows()[0]


def kept_row(first=25):
    return next(row - first for row in pq.read_table("out/selection.parquet")["row"].to_pylist() if row >= first)


OUTPUT = {
    "a score": (lambda: edit("selection", lambda t: put(t, "score", 4, 9.5)), "output-value-changed", "row 4"),
    "a score of the pool of scores": (
        lambda: edit("scores", lambda t: put(t, "score", t["row"].to_pylist().index(kept_row() + 25), -3.0)),
        "output-value-changed", "score",
    ),
    "an id": (lambda: edit("selection", lambda t: put(t, "id", 2, "doc-x")), "pool-value-changed", "doc-x"),
    "a row number": (lambda: edit("selection", lambda t: put(t, "row", 2, 10**6)), "output-value-changed", "1,000,000"),
    "a row twice": (
        lambda: edit("selection", lambda t: put(t, "row", 5, t["row"][1].as_py())), "selection-row-twice", "rank 1",
    ),
    "a file": (lambda: edit("selection", lambda t: put(t, "file", 0, "three.jsonl")), "output-value-changed", "three"),
    "a file row": (lambda: edit("selection", lambda t: put(t, "file_row", 7, 99)), "output-value-changed", "row 7"),
    "a weight": (lambda: edit("selection", lambda t: put(t, "weight", 7, np.inf)), "output-value-changed", "weight"),
    "no weight": (lambda: edit("selection", lambda t: put(t, "weight", 7, None)), "output-value-changed", "null"),
    "a rank": (lambda: edit("selection", lambda t: put(t, "rank", 7, 8)), "output-value-changed", "rank is 8"),
    "the order": (
        lambda: edit("selection", lambda t: taken(t, [1, 0, *range(2, KEPT)])), "selection-out-of-order", "row 1",
    ),
    "a row less": (lambda: edit("selection", lambda t: t.slice(0, KEPT - 1)), "output-rows-changed", "19"),
    "a column less": (lambda: edit("selection", lambda t: t.drop_columns(["gain"])), "output-columns-changed", "gain"),
    "another kept row": (lambda: edit("selection", exchanged), "selection-leaves-out", "was dropped"),
    "a duplicate kept": (lambda: edit("selection", duplicate_kept), "selection-row-not-eligible", "duplicate"),
    "no selection": (lambda: Path("out/selection.parquet").unlink(), "selection-missing", "selection.parquet"),
    "a cut file": (
        lambda: Path("out/selection.parquet").write_bytes(Path("out/selection.parquet").read_bytes()[:-9]),
        "output-unreadable", "selection.parquet",
    ),
    "an eligible row less": (
        lambda: edit("scores", lambda t: t.filter(pc.not_equal(t["row"], dropped_row() + 25))), "output-rows-changed",
        "scores.parquet",
    ),
    "a kept row less in scores": (
        lambda: edit("scores", lambda t: t.filter(pc.not_equal(t["row"], kept_row() + 25))),
        "selection-row-not-eligible", "not among the eligible",
    ),
    "scores out of order": (
        lambda: edit("scores", lambda t: t.take(pa.array([1, 0, *range(2, t.num_rows)]))), "output-columns-changed",
        "ascending",
    ),
    "no scores": (lambda: Path("out/scores.parquet").unlink(), "output-file-missing", "scores.parquet"),
    "a duplicate less": (lambda: edit("duplicates", lambda t: t.slice(1)), "output-rows-changed", "duplicates.parquet"),
    "spent": (lambda: manifest(lambda m: m["budget"].update(spent=19.0)), "output-value-changed", "spent"),
    "kept": (lambda: manifest(lambda m: m["rows"].update(kept=19)), "output-rows-changed", "manifest"),
    "counts": (lambda: manifest(lambda m: m["rows"].update(excluded=1)), "output-value-changed", "rows.pool"),
    "no manifest": (lambda: Path("out/manifest.json").unlink(), "selection-missing", "manifest.json"),
    "no JSON": (lambda: Path("out/manifest.json").write_text("{"), "output-unreadable", "manifest.json"),
    "a subset line less": (lambda: lines("out/subset.jsonl", lambda f: f[:6] + f[7:]), "subset-changed", "line 7"),
    "the last subset line": (lambda: lines("out/subset.jsonl", lambda f: f[:-1]), "subset-too-short", "19 rows"),
    "a subset line more": (lambda: lines("out/subset.jsonl", lambda f: [*f, f[0]]), "subset-too-long", "20 kept"),
    "subset lines in another order": (
        lambda: lines("out/subset.jsonl", lambda f: swapped(f, 3, 4)), "subset-changed", "line 4",
    ),
    "a byte of the subset": (
        lambda: lines("out/subset.jsonl", lambda f: [*f[:9], f[9].replace(b"doc", b"dog"), *f[10:]]), "subset-changed",
        "line 10",
    ),
    "no subset": (lambda: Path("out/subset.jsonl").unlink(), "output-file-missing", "subset.jsonl"),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTPUT)
def test_changes_of_the_folder(name, copy, run):
    change, kind, named = OUTPUT[name]
    change()
    told = run("verify", "out")
    assert (told.code, told.out) == (1, ""), told.out
    assert named in told.err and told.err.count("\n") == 1
    found = json.loads(run("verify", "out", "--json").out)
    assert found["verified"] is False and found["difference"] in told.err
    assert kind is None or found["kind"] == kind


def changed(at, name="pool/two.jsonl", **values):
    """A row of a file of the pool with other values."""
    found = load(name)
    found[at] |= values
    save(name, found)


POOL = {
    "a dropped row": (lambda: changed(dropped_row(), text="another text"), lambda at: f"line {at + 1} (its text)"),
    "a dropped row's id": (lambda: changed(dropped_row(), id="doc-new"), lambda at: f"line {at + 1} (its id)"),
    "a dropped row's score": (
        lambda: changed(dropped_row(), score=-9.0), lambda at: f"line {at + 1} (column 'score')",
    ),
    "two dropped rows in another order": (
        lambda: lines("pool/two.jsonl", lambda f: swapped(f, *dropped_rows()[:2])), lambda at: f"line {at + 1} ",
    ),
    "a row less": (
        lambda: lines("pool/two.jsonl", lambda f: [*f[: dropped_row()], *f[dropped_row() + 1 :]]),
        lambda at: f"34 rows and 35 were read: the first row that differs is line {at + 1}",
    ),
    "the last row": (lambda: lines("pool/two.jsonl", lambda f: f[:-1]), lambda at: "row 34 is the first that is gone"),
    "a row more": (
        lambda: lines("pool/two.jsonl", lambda f: [*f, f[0].replace(b"doc-", b"doc-9")]),
        lambda at: "36 rows and 35 were read: the first row that differs is line 36 (it is new)",
    ),
    "a file less": (lambda: Path("pool/two.jsonl").unlink(), lambda at: "its file two.jsonl is missing"),
    "a file more": (lambda: save("pool/three.jsonl", rows()[:1]), lambda at: "three.jsonl"),
    "a file of another name": (lambda: Path("pool/two.jsonl").rename("pool/zwei.jsonl"), lambda at: "two.jsonl"),
    "no pool": (lambda: shutil.rmtree("pool"), lambda at: "pool"),
    "a broken line": (lambda: lines("pool/two.jsonl", lambda f: [b"{\n", *f[1:]]), lambda at: "line 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", POOL)
def test_changes_of_the_pool(name, copy, run):
    change, named = POOL[name]
    at = dropped_row()
    change()
    told = run("verify", "out")
    assert (told.code, told.out) == (1, "")
    assert named(at) in told.err, told.err
    assert "pool" in told.err


def test_a_kept_row_that_changed_is_named_first_by_its_id(copy, run):
    changed(kept_row(), id="doc-new")
    told = run("verify", "out")
    assert told.code == 1 and f"pool/two.jsonl, line {kept_row() + 1}" in told.err and "doc-new" in told.err


def test_a_kept_row_whose_text_changed_is_not_in_the_subset(copy, run):
    changed(kept_row(), text="another")
    told = run("verify", "out")
    assert told.code == 1 and "subset.jsonl, line" in told.err and f"two.jsonl, line {kept_row() + 1}" in told.err


def test_without_parts_the_file_is_named(copy, run):
    shutil.rmtree("out/.tamis")
    changed(dropped_row(), text="another text")
    told = run("verify", "out")
    assert told.code == 1 and "pool/two.jsonl: what was read of it has changed;" in told.err


def test_a_change_that_hides_behind_the_old_time_is_found(copy, run):
    path = Path("pool/two.jsonl")
    before = path.stat()
    changed(dropped_row(), text=load(path)[dropped_row()]["text"][::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    manifest(lambda m: m["pool"]["contents"][1].update(stamp=stamp(str(path))))  # as of a change amid a large file
    told = run("verify", "out")
    assert told.code == 1 and f"line {dropped_row() + 1}" in told.err


def test_the_first_of_several_changed_rows_is_named(copy, run):
    first, second = dropped_rows()[:2]
    changed(second, text="another text")
    changed(first, score=-9.0)
    assert f"line {first + 1} (column 'score')" in run("verify", "out").err


@pytest.mark.parametrize("unit", ["cost", "tokens", "chars", "bytes"])
def test_what_was_spent_is_what_the_kept_rows_cost(unit, copy, run):
    assert run("select", "pool", "--method", "top:score", "--budget", f"40 {unit}", "-o", "new").code == 0
    assert run("verify", "new").code == 0
    path = Path("new/manifest.json")
    found = json.loads(path.read_text())
    found["budget"]["spent"] -= 1
    path.write_text(json.dumps(found))
    told = run("verify", "new")
    assert told.code == 1 and "budget.spent" in told.err


@pytest.mark.parametrize("column", ["text", "score", "cost"])
def test_values_of_a_columnar_subset(column, copy, run):
    assert run("verify", "columns").code == 0
    table = pq.read_table("columns/subset.parquet")
    other = put(table, column, 11, {"text": "another", "score": np.nan, "cost": 77}[column])
    pq.write_table(other, "columns/subset.parquet")
    told = run("verify", "columns")
    assert told.code == 1 and "subset.parquet, row 11" in told.err
    pq.write_table(table.slice(0, 12), "columns/subset.parquet")
    assert "12 rows of 20" in run("verify", "columns").err
    pq.write_table(pa.concat_tables([table, table]), "columns/subset.parquet", row_group_size=3)
    assert "goes on" in run("verify", "columns").err
    pq.write_table(table.drop_columns([column]), "columns/subset.parquet")
    assert "columns are" in run("verify", "columns").err
    pq.write_table(table, "columns/subset.parquet", row_group_size=3, compression="none")
    assert run("verify", "columns").code == 0

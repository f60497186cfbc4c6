"""`tamis verify` says yes to what was written and read, however it was chosen, and to copies of it."""

import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pytest

import tamis
from tamis.look import check_pool, verify

from .pools import rows, save

WAYS = {
    "top": "--method top:score --budget 20",
    "bottom": "--method bottom:score --budget 10%",
    "middle": "--method middle --score score --budget 7",
    "threshold": "--method threshold --score score --set low=0.5 --budget 100%",
    "random": "--method random --budget 20 --seed 3",
    "drawn": "--method weighted-draw --score score --set temperature=0.7 --budget 20",
    "stratified": "--method stratified-random --group domain --budget 20",
    "no duplicates dropped": "--method top:score --budget 20 --duplicates keep",
    "quota": "--method top:score --budget 20 --quota domain=a:0.5,b:0.1",
    "floor": "--method top:score --budget 20 --floor domain=a:0.6",
    "ids": "--method top:score --budget 20 --must-keep doc-1,doc-2 --exclude doc-3,doc-4",
    "cost": "--method top:score --budget '30 cost' --fill",
    "tokens": "--method top:score --budget '90 tokens'",
    "chars": "--method bottom:score --budget '400 chars'",
    "no ids": "--method random --budget 20 --id none",
    "no subset": "--method top:score --budget 20 --no-subset",
    "target": "--method dsir --target wanted.jsonl --budget 20",
    "targets": "--method dsir --target wanted.jsonl --target others.jsonl --budget 20",
    "lengths": "--method length-matched-random --target wanted.jsonl --budget 20",
}


@pytest.fixture
def pool(folder):
    """A pool in three formats, and two targets."""
    found = rows()
    for name in ("pool.jsonl", "pool.parquet", "pool.csv"):
        save(name, found)
    save("wanted.jsonl", [{"text": f"flour of the sieve {row}"} for row in range(9)])
    save("others.jsonl", [{"text": f"drum drum {row}"} for row in range(9)])
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_what_was_written_is_verified(way, pool, run, words):
    for name in ("pool.jsonl", "pool.parquet"):
        out = f"out-{name[5:]}"
        told = run("select", name, *words(WAYS[way]), "-o", out)
        assert told.code == 0, told.err
        told = run("verify", out)
        assert (told.code, told.err) == (0, ""), told.err
        assert "read again" in told.out
        shutil.rmtree(pool / out / ".tamis")
        os.utime(name, (1, 1))
        told = run("verify", out, "--json")
        assert told.code == 0 and json.loads(told.out)["verified"] is True


@pytest.mark.parametrize("name", ["pool.csv", "pool.jsonl.gz", "folder"])
def test_formats(name, pool, run):
    if name == "folder":
        for part in range(3):
            save(f"folder/part{part}.jsonl", rows()[20 * part : 20 * part + 20])
    elif name.endswith(".gz"):
        import gzip

        (pool / name).write_bytes(gzip.compress((pool / "pool.jsonl").read_bytes()))
    assert run("select", name, "--method", "top:score", "--budget", 12, "-o", "out").code == 0
    told = run("verify", "out")
    assert told.code == 0, told.err
    assert "subset" in told.out


def test_views_and_dictionaries_of_arrow(folder):
    table = pa.Table.from_pylist(rows())
    domain = table["domain"].combine_chunks().dictionary_encode().cast(pa.dictionary(pa.uint32(), pa.string_view()))
    table = table.set_column(2, "domain", domain).set_column(1, "text", table["text"].cast(pa.string_view()))
    with pa.OSFile("pool.arrow", "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    tamis.select("pool.arrow", "top:score", budget=9, output="out")
    assert verify("out")


def test_scores_alone_are_verified(pool, run):
    assert run("score", "pool.jsonl", "--method", "top:score", "-o", "out").code == 0
    assert run("verify", "out").code == 0


def test_a_pool_elsewhere_and_in_another_compression_is_the_same(pool, run):
    """What counts is what was read of each row, not how the file holds it."""
    assert run("select", "pool.parquet", "--method", "top:score", "--budget", 12, "-o", "out").code == 0
    table = pa.parquet.read_table("pool.parquet")
    (pool / "moved").mkdir()
    pa.parquet.write_table(table, "moved/pool.parquet", row_group_size=7, compression="gzip")
    (pool / "pool.parquet").unlink()
    told = run("verify", "out")
    assert told.code == 1 and "pool.parquet" in told.err
    assert run("verify", "out", "moved/pool.parquet").code == 0
    assert run("verify", "out", "moved").code == 0


def test_a_table_in_memory(folder):
    table = pa.Table.from_pylist(rows())
    chosen = tamis.select(table, "top:score", budget=9, output=folder / "out")
    assert verify("out", table)
    assert verify("out").kind == "pool-was-a-table"
    row = next(row for row in range(59, 0, -1) if row not in chosen.rows)
    scores = np.where(np.arange(60) == row, -9.0, table["score"].to_numpy())
    other = table.set_column(3, "score", pa.array(scores))
    found = verify("out", other)
    assert not found and found.kind == "pool-file-changed" and "'score'" in str(found.difference)


def test_large_files_are_trusted_by_their_stamps(pool, run, monkeypatch):
    assert run("select", "pool.jsonl", "--method", "top:score", "--budget", 12, "-o", "out").code == 0
    monkeypatch.setattr(check_pool, "FULL_BYTES", 10)
    calls = []
    monkeypatch.setattr(check_pool.again, "contents_now", lambda done, files: calls.append(files) or [])
    assert "--full" in run("verify", "out").out
    assert calls == []
    monkeypatch.undo()


def test_a_saved_copy_is_said_to_be_one(pool):
    chosen = tamis.select("pool.jsonl", "top:score", budget=9, output="out")
    chosen.save("copy")
    found = verify("copy")
    assert found and any("saved or combined" in line for line in found.checked)
    chosen.recut(4).save("less")
    assert verify("less")


def test_combined_selections(pool, run):
    for out, method in (("a", "top:score"), ("b", "bottom:cost")):
        assert run("select", "pool.jsonl", "--method", method, "--budget", 20, "-o", out).code == 0
    assert run("combine", "union", "a", "b", "-o", "both").code == 0
    told = run("verify", "both")
    assert told.code == 0 and "ids are those" in told.out
    save("pool.jsonl", [line | {"id": f"x{line['id']}"} for line in rows()])
    told = run("verify", "both")
    assert told.code == 1 and "'xdoc-" in told.err


def test_vectors_beside_the_pool(pool, run):
    vectors = np.random.default_rng(0).normal(size=(60, 3))
    np.save("vectors.npy", vectors)
    flags = ["--embedding", "vectors.npy", "--budget", 20]
    assert run("select", "pool.jsonl", "--method", "top:score", *flags, "-o", "out").code == 0
    os.utime("vectors.npy", (1, 1))
    assert run("verify", "out").code == 0
    vectors[17, 1] += 1
    np.save("vectors.npy", vectors)
    told = run("verify", "out")
    assert told.code == 1 and "vectors.npy" in told.err
    (pool / "vectors.npy").unlink()
    told = run("verify", "out")
    assert told.code == 1 and "its file vectors.npy is missing" in told.err


def test_several_budgets(pool, run):
    assert run("select", "pool.jsonl", "--method", "top:score", "--budget", "10%,20%", "-o", "out").code == 0
    told = run("verify", "out")
    assert told.code == 0, told.err
    assert told.out.count("selection.parquet") == 2
    subset = next((pool / "out").glob("*20*/subset.jsonl"))
    subset.write_text(subset.read_text().replace("doc-", "dog-"))
    told = run("verify", "out")
    assert told.code == 1 and str(subset.relative_to(pool)) in told.err


def test_no_folder_is_refused(folder, run):
    told = run("verify", "nowhere")
    assert told.code == 2 and "nowhere" in told.err
    (folder / "empty").mkdir()
    told = run("verify", "empty")
    assert told.code == 1 and "manifest.json is missing" in told.err

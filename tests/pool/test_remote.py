"""Pools in a store: the same selection as from the folder here."""

import json
import subprocess
import sys
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

import tamis
from tamis.errors import Refused
from tamis.pool import open_pool, storage
from tamis.testing import make_pool, make_target

from .remote_files import make_folder, save

FORMATS = ["parquet", "jsonl", "jsonl.gz", "csv", "arrow"]
CRASHING = """
import os, sys
from tamis import cli
real, left = os.replace, [int(sys.argv.pop(1))]
def replace(*args):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    real(*args)
os.replace = replace
cli.main()
"""


@pytest.mark.parametrize("ending", FORMATS)
def test_a_folder_of_a_store_gives_what_the_folder_here_gives(ending, store, folder):
    here, there = str(make_folder(folder / "pool", ending)), f"s3://{store.bucket()}/some/pool"
    store.put(here, there)
    store.put(b"", f"{there}/")  # how some tools mark a folder
    same(here, there, "top:score")


def test_two_workers_read_a_store(store, folder, monkeypatch):
    monkeypatch.setattr("tamis.engine.launch.WORTH_BYTES", 0)
    bucket = store.bucket()
    here, there = str(make_folder(folder / "pool", "jsonl")), f"s3://{bucket}/pool"
    store.put(here, there)
    save(make_target(), folder / "wanted.jsonl")
    store.put((folder / "wanted.jsonl").read_bytes(), f"s3://{bucket}/wanted.jsonl")
    of_there = {"target": f"s3://{bucket}/wanted.jsonl", "workers": 2}
    same(here, there, "dsir", {"target": "wanted.jsonl", "workers": 1}, of_there)


def same(here, there, method, of_here=None, of_there=None):
    """The pool of a store gives the selection and the subset of the pool here, and `apply` the subset."""
    chosen = [
        tamis.select(pool, method, budget=20, output=out, **(options or {}))
        for pool, out, options in ((here, "here", of_here), (there, "there", of_there))
    ]
    assert chosen[0].table.equals(chosen[1].table)
    names = [path.name for path in Path("here").glob("subset.*")]
    chosen[1].apply(there, f"there/applied-{names[0]}")
    paths = f"here/{names[0]}", f"there/{names[0]}", f"there/applied-{names[0]}"
    assert len({Path(path).read_bytes() for path in paths}) == 1


@pytest.mark.parametrize("ending", ["parquet", "jsonl.gz"])
def test_one_file_of_a_store(ending, store, folder):
    save(make_pool(), folder / f"pool.{ending}")
    url = f"s3://{store.bucket()}/pool.{ending}"
    store.put((folder / f"pool.{ending}").read_bytes(), url)
    found, wanted = (tamis.select(pool, "top:score", budget=9) for pool in (url, f"pool.{ending}"))
    assert found.table.equals(wanted.table)


def test_a_large_file_of_lines_is_cut_at_the_same_places(store, folder, monkeypatch):
    monkeypatch.setattr("tamis.pool.jsonl.SHARD_BYTES", 1000)
    save(make_pool(100), folder / "pool.jsonl")
    url = f"s3://{store.bucket()}/pool.jsonl"
    store.put((folder / "pool.jsonl").read_bytes(), url)
    here, there = open_pool("pool.jsonl"), open_pool(url)
    assert there.shards == here.shards and len(here.shards) > 5
    for shard in here.shards:
        read = [pa.Table.from_batches(pool.read(shard, {"id": pa.large_string()})) for pool in (here, there)]
        assert read[0].equals(read[1])


def test_patterns_name_files_as_they_do_here(store, folder):
    here, there = str(make_folder(folder / "pool", "parquet")), f"s3://{store.bucket()}/pool"
    store.put(here, there)
    for pattern, names in {
        "*.parquet": ["B 1%20.parquet", "a.parquet"],
        "a/*": ["ü?#.parquet"],
        "**/*.parquet": ["B 1%20.parquet", "a.parquet", "a/ü?#.parquet"],
        "[aB]*.parquet": ["B 1%20.parquet", "a.parquet"],
        "?.parquet": ["a.parquet"],
    }.items():
        for place in (here, there):
            assert [file.name for file in open_pool(f"{place}/{pattern}").files] == names
    for place in (here, there, "s3://no-such-bucket/*"):
        with pytest.raises(Refused, match="there is no pool here"):
            open_pool(f"{place}/*.csv")


def test_stamps_are_the_same_in_another_process_and_of_a_listing(store, folder):
    url = f"s3://{store.bucket()}/pool"
    store.put(str(make_folder(folder / "pool", "jsonl")), url)
    pool = open_pool(url)
    code = "import sys; from tamis.pool import open_pool; print(open_pool(sys.argv[1]).fingerprint)"
    told = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == pool.fingerprint
    assert [storage.state(file.path) for file in pool.files] == [(file.bytes, file.stamp) for file in pool.files]


def test_a_grown_pool_is_read_where_it_grew_and_a_changed_file_is_noticed(store, folder, run):
    url = f"s3://{store.bucket()}/pool"
    store.put(str(make_folder(folder / "pool", "jsonl")), url)
    asked = ["select", url, "--method", "top:score", "--budget", "9", "-o", "out"]
    assert run(*asked).code == 0
    save(make_pool(30, seed=3).drop(["id"]), folder / "more.jsonl")
    store.put((folder / "more.jsonl").read_bytes(), f"{url}/z.jsonl")
    told = run(*asked)
    assert told.code == 2 and "it was made before the files of the pool changed" in told.err
    assert run(*asked, "--id", "none", "--force").code == 0
    assert run(*asked, "--id", "none").code == 0
    store.put((folder / "pool/a.jsonl").read_bytes().replace(b"doc-", b"txt-"), f"{url}/a.jsonl")
    assert run(*asked, "--id", "none").code == 2
    assert run(*asked, "--id", "none", "--force").code == 0
    scan = json.loads((folder / "out/manifest.json").read_text())["steps"][0]
    assert (scan["computed"], scan["reused"]) == (1, 3)


def test_a_run_that_was_killed_goes_on(store, folder, run):
    url = f"s3://{store.bucket()}/pool"
    store.put(str(make_folder(folder / "pool", "parquet")), url)
    asked = ["select", url, "--method", "top:score", "--budget", "9", "-o"]
    assert run(*asked, "whole").code == 0
    crash = [sys.executable, "-c", CRASHING, "9", *asked, "out"]
    assert subprocess.run(crash, capture_output=True).returncode == 9
    before = {path: path.stat().st_mtime_ns for path in (folder / "out/.tamis").rglob("[!t]*.arrow")}
    assert before and run(*asked, "out").code == 0
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    found, wanted = (Path(f"{out}/selection.parquet").read_bytes() for out in ("out", "whole"))
    assert found == wanted


def test_what_lies_in_the_memory_of_this_process_is_read_by_it_alone(folder, monkeypatch):
    monkeypatch.setattr("tamis.engine.launch.WORTH_BYTES", 0)
    here = str(make_folder(folder / "pool", "jsonl"))
    fsspec.filesystem("memory").put(here, "/test-remote/pool", recursive=True)
    same(here, "memory://test-remote/pool", "random", {"workers": 1}, {"workers": 2})
    fsspec.filesystem("memory").rm("/test-remote", recursive=True)


def test_urls_of_this_machine_are_paths(folder):
    save(make_pool(), folder / "a b/pool.jsonl")
    for url in (Path("a b/pool.jsonl").resolve().as_uri(), f"FILE://localhost{folder}/a%20b"):
        assert open_pool(url).files[0].path == f"{folder}/a b/pool.jsonl"
    with pytest.raises(Refused, match="file:// with a host"):
        open_pool(f"file://elsewhere{folder}/a%20b")

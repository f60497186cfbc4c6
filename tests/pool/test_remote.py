"""Pools in a store: the same selection as from the folder here, and a sentence for whatever goes wrong."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.errors import Broken, Refused
from tamis.pool import open_pool, remote, storage
from tamis.testing import make_pool, make_target

from .servers import CREDENTIALS, Store, forget, lead_to

ROWS = 240
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


@pytest.fixture(scope="module")
def server():
    store = Store()
    yield store
    store.stop()


@pytest.fixture
def store(server, monkeypatch):
    """The store, to which the environment leads."""
    lead_to(monkeypatch, server)
    yield server
    forget()


def save(table, path):
    """A file of a pool, in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    match path.name.partition(".")[2]:
        case "parquet":
            pq.write_table(table, path, row_group_size=31)
        case "arrow":
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table, 31)
        case "csv":
            from pyarrow import csv

            csv.write_csv(table, path)
        case "jsonl":
            path.write_text(lines)
        case "jsonl.gz":
            path.write_bytes(gzip.compress(lines.encode(), mtime=0))


def make_folder(folder, ending, rows=ROWS):
    """A pool of three files, with names that a store may have and that sort as bytes do."""
    table, third = make_pool(rows), rows // 3
    for number, name in enumerate(["B 1%20", "a/ü?#", "a"]):
        save(table.slice(number * third, third), folder / f"{name}.{ending}")
    save(make_pool(7), folder / f"_hidden/x.{ending}")
    save(make_pool(7), folder / f"a/.hidden.{ending}")
    return folder


@pytest.mark.parametrize("ending", FORMATS)
def test_a_folder_of_a_store_gives_what_the_folder_here_gives(ending, store, folder):
    here, there = str(make_folder(folder / "pool", ending)), f"s3://{store.bucket()}/some/pool"
    store.put(here, there)
    store.put(b"", f"{there}/")  # how some tools mark a folder
    same(here, there, "top:score")


@pytest.mark.parametrize("method", ["random", "dsir"])
def test_two_workers_read_a_store(method, store, folder, monkeypatch):
    monkeypatch.setattr("tamis.engine.launch.WORTH_BYTES", 0)
    here, there = str(make_folder(folder / "pool", "jsonl")), f"s3://{store.bucket()}/pool"
    store.put(here, there)
    save(make_target(), folder / "wanted.jsonl")
    wanted = there.removesuffix("pool") + "wanted.jsonl"
    store.put((folder / "wanted.jsonl").read_bytes(), wanted)
    targets = ("wanted.jsonl", wanted) if method == "dsir" else (None, None)
    same(here, there, method, {"target": targets[0]}, {"target": targets[1], "workers": 2})


def same(here, there, method, of_here=None, of_there=None):
    """The pool of a store gives the selection and the subset of the pool here, and `apply` the subset."""
    chosen = [
        tamis.select(pool, method, budget=20, output=out, **(options or {}))
        for pool, out, options in ((here, "here", of_here), (there, "there", of_there))
    ]
    assert chosen[0].table.equals(chosen[1].table)
    names = [path.name for path in Path("here").glob("subset.*")]
    chosen[1].apply(there, f"there/{names[0]}-applied")
    paths = f"here/{names[0]}", f"there/{names[0]}", f"there/{names[0]}-applied"
    assert len({Path(path).read_bytes() for path in paths}) == 1


@pytest.mark.parametrize("ending", FORMATS)
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
    for renames in (6, 11):
        crash = [sys.executable, "-c", CRASHING, str(renames), *asked, f"out{renames}"]
        assert subprocess.run(crash, capture_output=True).returncode == 9
        before = {path: path.stat().st_mtime_ns for path in (folder / f"out{renames}/.tamis").rglob("[!t]*.arrow")}
        assert before and run(*asked, f"out{renames}").code == 0
        assert all(path.stat().st_mtime_ns == when for path, when in before.items())
        found, wanted = (Path(f"{out}/selection.parquet").read_bytes() for out in (f"out{renames}", "whole"))
        assert found == wanted


@pytest.mark.parametrize("named", ["pool", "pool/pool.jsonl"])
def test_a_file_that_changes_between_plan_and_reading_breaks(named, store):
    bucket = store.bucket()
    url = f"s3://{bucket}/pool/pool.jsonl"
    store.put(b'{"x": 1}\n' * 9, url)
    pool = open_pool(f"s3://{bucket}/{named}")
    pool.check(pool.shards[0])
    store.put(b'{"x": 2}\n' * 9, url)
    with pytest.raises(Broken, match="changed or went away") as told:
        pool.check(pool.shards[0])
    assert told.value.kind == "file-changed"
    store.client.delete_object(Bucket=bucket, Key="pool/pool.jsonl")
    with pytest.raises(Broken, match="changed or went away"):
        pool.check(pool.shards[0])
    with pytest.raises(Broken, match="changed or went away"):
        list(pool.read(pool.shards[0], {"x": pa.int64()}))


def test_a_file_that_changes_while_it_is_read_breaks(store):
    url = f"s3://{store.bucket()}/pool.jsonl"
    store.put(b'{"x": 1}\n' * 300_000, url)
    with storage.open_binary(url) as file:
        file.read(100)
        store.put(b'{"x": 2}\n' * 300_000, url)
        with pytest.raises(Broken, match="changed or went away"):
            file.read()


@pytest.mark.parametrize("path", ["nothing", "nothing.parquet", "nothing/*.parquet", ""])
def test_what_is_not_there_is_refused(path, store, folder, run):
    for bucket in (store.bucket(), "no-such-bucket"):
        url = f"s3://{bucket}/{path}"
        told = run("select", url, "--method", "random", "--budget", "1", "-o", "out")
        assert told.code == 2 and len(told.err.splitlines()) == 1
        assert "there is no pool here" in told.err or "no file of a known format" in told.err
        assert not (folder / "out").exists()


@pytest.mark.parametrize("key", [CREDENTIALS["AWS_ACCESS_KEY_ID"], None])
def test_without_credentials_it_is_refused(key, store, folder, run, monkeypatch):
    url = f"s3://{store.bucket()}/pool.jsonl"
    store.put(b'{"x": 1}\n', url)
    if key is None:
        for name in CREDENTIALS:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("HOME", str(folder))
    forget()
    with store.with_permissions():
        told = run("select", url, "--method", "random", "--budget", "1", "-o", "out")
    assert told.code == 2 and len(told.err.splitlines()) == 1, told.err
    assert f"{url}: it may not be read" in told.err and "AWS_ACCESS_KEY_ID" in told.err
    assert not (folder / "out").exists()


def test_a_store_that_ends_while_it_is_read_breaks(monkeypatch, folder):
    store = Store()
    lead_to(monkeypatch, store)
    url = f"s3://{store.bucket()}/pool.jsonl"
    store.put(b'{"x": 1}\n' * 9, url)
    pool = open_pool(url)
    store.stop()
    with pytest.raises(Broken, match="it cannot be reached") as told:
        list(pool.read(pool.shards[0], {"x": pa.int64()}))
    assert told.value.kind == "url-unreachable"
    with pytest.raises(Refused, match="it cannot be reached"):
        open_pool(url)
    forget()


def test_what_lies_in_the_memory_of_this_process_is_read_by_it_alone(folder, monkeypatch):
    monkeypatch.setattr("tamis.engine.launch.WORTH_BYTES", 0)
    here = str(make_folder(folder / "pool", "jsonl"))
    fsspec.filesystem("memory").put(here, "/test-remote/pool", recursive=True)
    same(here, "memory://test-remote/pool", "random", {"workers": 2}, {"workers": 2})
    fsspec.filesystem("memory").rm("/test-remote", recursive=True)


def test_urls_of_this_machine_are_paths(folder):
    save(make_pool(), folder / "a b/pool.jsonl")
    for url in (Path("a b/pool.jsonl").resolve().as_uri(), f"FILE://localhost{folder}/a%20b"):
        assert open_pool(url).files[0].path == f"{folder}/a b/pool.jsonl"
    with pytest.raises(Refused, match="file:// with a host"):
        open_pool(f"file://elsewhere{folder}/a%20b")


def test_outputs_and_lists_at_urls_are_refused(folder, run, on_disk):
    save(make_pool(), folder / "pool.jsonl")
    before = on_disk(folder)
    usual = ["select", "pool.jsonl", "--method", "random", "--budget", "1", "-o", "out"]
    for flag, value in (("-o", "s3://b/out"), ("--exclude", "@s3://b/ids"), ("--must-keep", "@https://h/ids")):
        told = run(*usual, flag, value)
        assert told.code == 2 and "must be on this machine" in told.err and value in told.err
    with pytest.raises(Refused, match="--tokenizer s3://b/t.json: it is a URL"):
        tamis.select("pool.jsonl", "random", budget="9 tokens", tokenizer="s3://b/t.json")
    with pytest.raises(Refused, match="must be on this machine"):
        tamis.select("pool.jsonl", "random", budget=1, output="s3://b/out")
    chosen = tamis.select("pool.jsonl", "random", budget=1)
    for write in (lambda: chosen.save("s3://b/out"), lambda: chosen.apply("pool.jsonl", "s3://b/out.jsonl")):
        with pytest.raises(Refused, match="must be on this machine"):
            write()
    assert on_disk(folder) == before


@pytest.mark.parametrize(
    ("missing", "url", "packages"),
    [
        ("fsspec", "s3://b/p.jsonl", "pip install 'tamis[remote]'\n"),
        ("s3fs", "s3://b/p.jsonl", "pip install 'tamis[remote]'\n"),
        ("aiohttp", "https://h/p.jsonl", "pip install 'tamis[remote]'\n"),
        ("gcsfs", "gs://b/p.jsonl", "pip install 'tamis[remote]' gcsfs\n"),
    ],
)
def test_a_missing_package_is_named(missing, url, packages, run, folder):
    code = "import sys; sys.modules[sys.argv.pop(1)] = None; from tamis import cli; cli.main()"
    asked = [sys.executable, "-c", code, missing, "select", url, "--method", "random", "--budget", "1", "-o", "out"]
    told = subprocess.run(asked, capture_output=True, text=True)
    assert told.returncode == 2 and told.stderr.count("\n") == 1 and told.stderr.endswith(packages), told.stderr


def test_a_worker_starts_before_fsspec_is_there():
    code = "import sys; from tamis.engine.worker import prepare; prepare(); print('fsspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_nothing_is_waited_for_without_end(monkeypatch):
    import time

    monkeypatch.setattr(remote, "PATIENCE", 0.05)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        remote.within(0.05, time.sleep, 5)
    assert time.monotonic() - started < 2

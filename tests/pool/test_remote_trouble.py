"""What goes wrong with pools by URL is said in a sentence, and nothing is waited for without end."""

import subprocess
import sys
import time

import pyarrow as pa
import pytest

import tamis
from tamis.errors import Broken, Refused
from tamis.pool import open_pool, remote, storage
from tamis.testing import make_pool

from .remote_files import save
from .servers import CREDENTIALS, Store, forget, lead_to


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


def test_outputs_and_lists_at_urls_are_refused(folder, run, on_disk):
    save(make_pool(), folder / "pool.jsonl")
    before = on_disk(folder)
    usual = ["select", "pool.jsonl", "--method", "random", "--budget", "1", "-o", "out"]
    for flag, value in (("-o", "s3://b/out"), ("--exclude", "@s3://b/ids"), ("--must-keep", "@https://h/ids")):
        told = run(*usual, flag, value)
        assert told.code == 2 and "must be on this machine" in told.err and value in told.err
    with pytest.raises(Refused, match=r"--tokenizer s3://b/t\.json: it is a URL"):
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
        ("fsspec.core", "s3://b/p.jsonl", "'tamis[remote]'"),
        ("aiohttp", "https://h/p.jsonl", "'tamis[remote]'"),
        ("gcsfs", "gs://b/p.jsonl", "'tamis[remote]' gcsfs"),
    ],
)
def test_a_missing_package_is_named(missing, url, packages, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(Refused) as told:
        open_pool(url)
    assert told.value.kind == "url-package-missing" and str(told.value).endswith(f"; run pip install {packages}")


def test_a_worker_starts_before_fsspec_is_there():
    code = "import sys; from tamis.engine.worker import prepare; prepare(); print('fsspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_nothing_is_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE", 0.05)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        remote.within(0.05, time.sleep, 5)
    assert time.monotonic() - started < 2

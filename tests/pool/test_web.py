"""Pools on web servers: those that send parts of files and those that do not, and all that a server can do wrong."""

import gzip
import io
import json

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.errors import Broken, Refused
from tamis.pool import open_pool, remote, remote_file, storage
from tamis.pool.remote_file import RemoteFile
from tamis.testing import make_pool

from .servers import forget

NUMBER = {"x": pa.int64()}


@pytest.fixture
def files(folder):
    """A pool of 60 rows as one file of each format."""
    table = make_pool()
    lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode()
    pq.write_table(table, "pool.parquet")
    (folder / "pool.jsonl").write_bytes(lines)
    (folder / "pool.jsonl.gz").write_bytes(gzip.compress(lines))
    (folder / "pool.csv").write_text("id,score\n" + "".join(f"{r['id']},{r['score']}\n" for r in table.to_pylist()))
    return folder


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("name", ["pool.parquet", "pool.jsonl", "pool.jsonl.gz", "pool.csv"])
def test_a_file_of_a_web_server_gives_what_the_file_here_gives(name, ranges, serve, files):
    web = serve(ranges=ranges)
    address = f"{web.url}/{name}?signed=a/b.gz#part"
    found, wanted = (tamis.select(pool, "top:score", budget=9) for pool in (address, name))
    assert found.table.equals(wanted.table)
    assert found.table["file"][0].as_py() == name


def test_parquet_needs_a_server_that_sends_parts(serve, folder):
    pq.write_table(pa.table({"x": np.random.default_rng(0).random(20_000)}), "pool.parquet")
    with pytest.raises(Refused, match="the server gives no part of a file") as told:
        open_pool(f"{serve(ranges=False).url}/pool.parquet")
    assert told.value.kind == "url-without-ranges"
    assert open_pool(f"{serve().url}/pool.parquet").rows == 20_000


def test_large_files_are_cut_only_where_a_server_sends_parts(serve, folder, monkeypatch):
    monkeypatch.setattr("tamis.pool.jsonl.SHARD_BYTES", 1 << 20)
    (folder / "pool.jsonl").write_bytes(b"".join(b'{"x": %d}\n' % row for row in range(400_000)))
    webs = [serve(ranges=True), serve(ranges=False)]
    pools = [open_pool("pool.jsonl"), *(open_pool(f"{web.url}/pool.jsonl") for web in webs)]
    assert [len(pool.shards) for pool in pools] == [5, 5, 1]
    for web in webs:
        web.sent = web.gets = 0
    rows = [np.concatenate([b["x"].to_numpy() for s in pool.shards for b in pool.read(s, NUMBER)]) for pool in pools]
    assert all((found == np.arange(400_000)).all() for found in rows)
    size = pools[0].bytes
    assert webs[0].sent == size, "what lies behind a shard is not fetched with it"
    assert webs[1].gets <= 3, "what is sent whole is not asked for again and again"


def test_of_parquet_only_the_columns_and_row_groups_are_fetched_that_are_needed(serve, folder):
    rng = np.random.default_rng(0)
    table = pa.table({f"c{number}": rng.random(40_000) for number in range(10)})
    pq.write_table(table, "pool.parquet", row_group_size=10_000, compression="none", use_dictionary=False)
    web = serve()
    pool = open_pool(f"{web.url}/pool.parquet")
    assert pool.bytes > 3_000_000 and web.sent <= 1 << 16
    footer = web.sent
    web.sent = web.gets = 0
    (shard,) = pool.shards
    values = np.concatenate([batch["c7"].to_numpy() for batch in pool.read(shard, {"c7": pa.float64()})])
    assert (values == table["c7"].to_numpy()).all()
    assert 40_000 * 8 < web.sent < 40_000 * 8 * 1.02 + 4 * (1 << 16) + footer
    web.sent = web.gets = 0
    rows = np.array([3, 35_000, 35_001])
    assert pa.Table.from_batches(pool.kept(shard, rows)).equals(table.take(rows))
    assert 2 / 4 * pool.bytes < web.sent < 2 / 4 * pool.bytes + 3 * footer


def test_nothing_behind_the_end_of_a_shard_is_fetched(serve, folder):
    content = np.random.default_rng(0).bytes(4_000_000)
    (folder / "f.bin").write_bytes(content)
    web = serve()
    with storage.open_binary(f"{web.url}/f.bin", 3_000_000) as file:
        read = b"".join(file.read(100_000) for _ in range(30))
    assert read == content[:3_000_000] and web.sent <= 3_000_000 + storage.ENDS
    assert web.gets < 20, "blocks grow"


@pytest.mark.parametrize("ranges", [True, False])
def test_any_reads_and_jumps_give_the_bytes_of_the_file(ranges, serve, folder, monkeypatch):
    content = np.random.default_rng(0).bytes(300_000)
    (folder / "f.bin").write_bytes(content)
    web = serve(ranges=ranges)
    monkeypatch.setattr(remote_file, "FIRST", 100)
    monkeypatch.setattr(remote_file, "AHEAD", 1600)
    monkeypatch.setattr(remote_file, "MOST", 25_600)
    rng = np.random.default_rng(1)
    for until in (None, 0, 90_001):
        wanted, found = io.BytesIO(content), RemoteFile(f"{web.url}/f.bin", until)
        for step in range(60):
            if rng.random() < 0.2:
                place = int(rng.integers(0, 300_100))
                assert found.seek(place) == wanted.seek(place) == found.tell()
            length = int(rng.integers(0, 5_000)) if step else 70_000
            assert found.read(length) == wanted.read(length)
        assert (found.seek(-10, io.SEEK_END), found.read()) == (299_990, content[-10:])
        assert (found.seek(-5, io.SEEK_CUR), found.read(3)) == (299_995, content[-5:-2])
        found.close()


def test_a_server_that_fails_now_and_then_is_asked_again(serve, folder, monkeypatch):
    content = b"".join(b'{"x": %d}\n' % row for row in range(50_000))
    (folder / "pool.jsonl").write_bytes(content)
    web = serve()
    pool = open_pool(f"{web.url}/pool.jsonl")
    web.sent = web.gets = 0
    monkeypatch.setattr(remote_file, "PAUSE", 0)
    web.fail = {0: 503, 1: b'{"x": 1}\n', 2: None, 3: 500}.get
    rows = sum(batch.num_rows for batch in pool.read(pool.shards[0], NUMBER))
    assert rows == 50_000


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("failure", [500, b'{"x": 1}\n', "hang"])
def test_a_server_that_goes_on_failing_breaks(failure, ranges, serve, folder, monkeypatch):
    (folder / "pool.jsonl").write_bytes(b'{"x": 1}\n' * 50_000)
    web = serve(ranges=ranges)
    pool = open_pool(f"{web.url}/pool.jsonl")
    monkeypatch.setattr(remote, "PATIENCE", 0.4)
    monkeypatch.setattr(remote_file, "SLOWEST", 1e9)
    monkeypatch.setattr(remote_file, "PAUSE", 0)
    forget()
    web.fail = lambda number: failure
    with pytest.raises(Broken, match="it cannot be reached") as told:
        list(pool.read(pool.shards[0], NUMBER))
    assert told.value.kind == "url-unreachable"


@pytest.mark.parametrize("name", ["pool.parquet", "pool.jsonl.gz", "pool.csv"])
def test_the_sentence_comes_through_every_reader(name, serve, files, monkeypatch):
    web = serve()
    pool = open_pool(f"{web.url}/{name}")
    monkeypatch.setattr(remote_file, "PAUSE", 0)
    web.fail = lambda number: 500
    for read in (
        lambda: list(pool.read(pool.shards[0], {"id": pa.large_string()})),
        lambda: list(pool.kept(pool.shards[0], np.arange(3))),
    ):
        with pytest.raises(Broken, match="it cannot be reached") as told:
            read()
        assert told.value.kind == "url-unreachable"


def test_a_file_of_another_length_is_noticed_while_it_is_read(serve, folder):
    (folder / "pool.jsonl").write_bytes(b'{"x": 1}\n' * 500_000)
    web = serve()
    with storage.open_binary(f"{web.url}/pool.jsonl") as file:
        file.read(10)
        (folder / "pool.jsonl").write_bytes(b'{"x": 1}\n' * 100)
        with pytest.raises(Broken, match="changed or went away"):
            file.read()


def test_a_file_without_a_tag_is_known_by_its_ends(serve, folder):
    web = serve(etags=False)
    (folder / "pool.jsonl").write_bytes(b'{"x": 1}\n' * 20_000)
    first = open_pool(f"{web.url}/pool.jsonl")
    assert open_pool(f"{web.url}/pool.jsonl").fingerprint == first.fingerprint
    (folder / "pool.jsonl").write_bytes(b'{"x": 1}\n' * 19_999 + b'{"x": 2}\n')
    assert open_pool(f"{web.url}/pool.jsonl").fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("path", "options", "kind", "named"),
    [
        ("nothing.jsonl", {}, "pool-missing", "there is no pool here"),
        ("sub/", {}, "pool-missing", "there is no pool here"),
        ("sub/folder", {}, "url-without-folders", "name each file"),
        ("pool.jsonl", {"fail": 500}, "url-unreachable", "500"),
        ("secret.jsonl", {"fail": 403}, "url-not-permitted", "FSSPEC_HTTP"),
        ("unsized.jsonl", {"sizes": False}, "url-without-size", "download it"),
        ("picture.png", {}, "file-unknown-format", "convert it"),
    ],
)
def test_refused_in_a_sentence(path, options, kind, named, serve, files, run, on_disk):
    for name in ("secret.jsonl", "unsized.jsonl", "picture.png", "sub/folder"):
        (files / name).parent.mkdir(exist_ok=True)
        (files / name).write_bytes((files / "pool.jsonl").read_bytes())
    status = options.pop("fail", None)
    web = serve(**options)
    web.fail = lambda number: status
    before = on_disk(files)
    told = run("select", f"{web.url}/{path}", "--method", "random", "--budget", "1", "-o", "out")
    assert told.code == 2 and told.err.count("\n") == 1 and told.err.startswith(f"tamis: {web.url}/{path}: ")
    assert named in told.err and on_disk(files) == before
    with pytest.raises(Refused) as refusal:
        open_pool(f"{web.url}/{path}")
    assert refusal.value.kind == kind


def test_headers_come_from_the_configuration_of_fsspec(serve, files, monkeypatch):
    web = serve()
    monkeypatch.setitem(fsspec.config.conf, "https", {"client_kwargs": {"headers": {"Authorization": "Bearer me"}}})
    open_pool(f"{web.url}/pool.jsonl")
    assert web.headers and all(found["Authorization"] == "Bearer me" for found in web.headers)


def test_nobody_listens(serve, run, folder):
    web = serve()
    web.stop()
    told = run("select", f"{web.url}/pool.jsonl", "--method", "random", "--budget", "1", "-o", "out")
    assert told.code == 2 and "it cannot be reached" in told.err and told.err.count("\n") == 1
    assert not (folder / "out").exists()

"""Cases: stores and servers."""

import contextlib
import http.server
import threading
from unittest import mock

from tamis.pool import storage

from .material import failing
from .running import select

NEEDS = ("fsspec", "aiohttp")


class Server(http.server.BaseHTTPRequestHandler):
    """Sends a megabyte of zeros; never a part of it, and its size only where the path asks for that."""

    def do_GET(self):
        content = bytes(1 << 20)
        self.send_response(200 if self.path in ("/pool", "/p.jsonl", "/sized.parquet") else 404)
        if "sized" in self.path:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(OSError):
                self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served():
    """A server on this machine at the address that the cases name."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 18217), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def growing():
    """The pool seems to be written again when it was planned and is not read yet."""
    told, usual = [], storage.state

    def state(path):
        return usual(path)[0], f"{usual(path)[1]}{len(told)}"

    with (
        mock.patch("tamis.engine.select.announce", lambda *_: told.append(1)),
        mock.patch("tamis.pool.storage.state", state),
    ):
        yield


AT = "http://127.0.0.1:18217"
CASES = {
    "a scheme without its package": select(
        "url-package-missing", "gs://bucket/pool.jsonl", 2, ["gs://bucket/pool.jsonl", "'tamis[remote]'"],
        needs=("fsspec",), during=lambda: mock.patch.dict("sys.modules", {"gcsfs": None}),
    ),
    "a server that is not there": select(
        "url-unreachable", "http://127.0.0.1:18216/p.jsonl", None, ["http://127.0.0.1:18216/p.jsonl"], needs=NEEDS
    ),
    "a store that refuses": select(
        "url-not-permitted", "memory://pool/p.jsonl", None, ["memory://pool/p.jsonl", "credentials"], needs=("fsspec",),
        during=failing("fsspec.implementations.memory.MemoryFileSystem.info", PermissionError("denied")),
    ),
    "a folder of a server": select(
        "url-without-folders", f"{AT}/pool", 2, [f"{AT}/pool", "name each file"], needs=NEEDS, during=served
    ),
    "a file without a size": select(
        "url-without-size", f"{AT}/p.jsonl", 2, [f"{AT}/p.jsonl"], needs=NEEDS, during=served
    ),
    "a file without parts": select(
        "url-without-ranges", f"{AT}/sized.parquet", 2, ["sized.parquet"], needs=NEEDS, during=served
    ),
    "output at a URL": select("url-not-local", "-o s3://bucket/out", 2, ["s3://bucket/out", "this machine"]),
    "a pool that grows": select("file-changed", "", 1, ["pool.jsonl", "run again"], during=growing),
}  # fmt: skip

"""Servers on loopback: a store that speaks S3, and a web server that counts what it sends and fails when asked to."""

import contextlib
import logging
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
from fsspec.implementations.http import HTTPFileSystem
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

NO_PROXY = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


class Store:
    """A store that speaks S3."""

    def __init__(self):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        self.url = "http://{}:{}".format(*self.server.get_host_and_port())
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="somebody",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )
        self.buckets = 0

    def bucket(self):
        """The name of a new bucket."""
        self.buckets += 1
        self.client.create_bucket(Bucket=f"bucket-{self.buckets}")
        return f"bucket-{self.buckets}"

    def put(self, folder, url):
        """Copy the files of a folder to below a URL, or give a key these bytes."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if isinstance(folder, bytes):
            self.client.put_object(Bucket=bucket, Key=key, Body=folder)
            return
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                name = f"{key}/{path.relative_to(folder).as_posix()}"
                self.client.put_object(Bucket=bucket, Key=name, Body=path.read_bytes())

    @contextlib.contextmanager
    def with_permissions(self):
        """While credentials are looked at: nobody is known."""
        for count in ("0", "1000000000"):
            asked = urllib.request.Request(
                f"{self.url}/moto-api/reset-auth", count.encode(), {"Content-Type": "text/plain"}, method="POST"
            )
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked).close()
            if count == "0":
                yield

    def stop(self):
        """End it."""
        self.client.close()
        self.server.stop()


def lead_to(monkeypatch, store):
    """Make the environment lead to this store and nowhere else, and forget connections to others."""
    for name in NO_PROXY:
        monkeypatch.delenv(name, raising=False)
    for name, value in (CREDENTIALS | {"AWS_ENDPOINT_URL": store.url, "AWS_MAX_ATTEMPTS": "1"}).items():
        monkeypatch.setenv(name, value)
    forget()


def forget():
    """Forget all connections."""
    S3FileSystem.clear_instance_cache()
    HTTPFileSystem.clear_instance_cache()


class Web:
    """A web server for the files of a folder. `gets` are the requests for content, `sent` the bytes of files sent.

    Without `ranges` it sends whole files only. `fail` is called with the number of a GET, counted from 0, and the
    handler; what it returns is sent instead of the file's bytes: a status, or some bytes after which it hangs up.
    """

    def __init__(self, folder, ranges=True, etags=True, sizes=True):
        self.folder, self.ranges, self.etags, self.sizes = Path(folder), ranges, etags, sizes
        self.gets = self.sent = 0
        self.headers = []
        self.fail = lambda number: None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        """End it."""
        self.server.shutdown()
        self.server.server_close()

    def _handler(self):
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                self.answer("HEAD")

            def do_GET(self):
                self.answer("GET")

            def answer(self, verb):
                web.headers.append(dict(self.headers))
                path = web.folder / self.path.partition("?")[0].lstrip("/")
                asked = self.headers.get("Range") if web.ranges else None
                failure = None
                if verb == "GET":
                    failure, web.gets = web.fail(web.gets), web.gets + 1
                if failure == "hang":
                    time.sleep(30)
                content = path.read_bytes() if path.is_file() else b""
                first, last = 0, len(content) - 1
                if asked:
                    first, last = (int(end) for end in asked.removeprefix("bytes=").split("-"))
                    last = min(last, len(content) - 1)
                if isinstance(failure, int) or not content or first > last:
                    self.send_response(failure or (416 if content else 404))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206 if asked else 200)
                if web.sizes:
                    self.send_header("Content-Length", str(last + 1 - first))
                if web.etags:
                    self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
                if asked:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
                self.end_headers()
                if verb == "GET":
                    piece = content[first : last + 1] if failure is None else failure
                    web.sent += len(piece)
                    with contextlib.suppress(OSError):
                        self.wfile.write(piece)
                if failure is not None or not web.sizes:
                    self.close_connection = True

        return Handler

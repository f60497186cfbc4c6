"""Stores and servers by URL, through fsspec: what is there, its stamp, and a sentence for whatever goes wrong."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from hashlib import sha256
from threading import Thread
from typing import Any, TypeVar

from tamis import refusals
from tamis.errors import TamisError

HTTP = ("http", "https")
PATIENCE = 60.0
"""Seconds that a store may take to begin an answer; what a library of a store tries again is within them."""
TAGS = ("ETag", "etag", "e_tag", "generation", "md5Hash", "blob_id", "Content-MD5", "Digest")
TIMES = ("mtime", "LastModified", "last_modified", "Last-Modified", "updated", "modified", "created")
T = TypeVar("T")


def scheme_of(url: str) -> str:
    """What stands before `://`, in lower case."""
    return url.partition("://")[0].lower()


def located(url: str) -> tuple[Any, str]:
    """The fsspec filesystem of a URL, and its path there; refuses a scheme that is unknown or needs a package.

    Filesystems are kept by fsspec, for each process anew. Their settings and credentials are those that fsspec and the
    scheme's package take from the environment.
    """
    scheme = scheme_of(url)
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url, **(_http_settings() if scheme in HTTP else {}))
        return system, system._strip_protocol(path)
    except ImportError as error:
        missing = _packages(scheme)
        raise refusals.URL_PACKAGE_MISSING(url, scheme=scheme, packages=missing, said=said_of(error)) from None
    except ValueError as error:
        raise refusals.URL_UNKNOWN(url, said=said_of(error)) from None
    except Exception as error:
        raise explained(url, error) from None


def _http_settings() -> dict[str, Any]:
    """Time-outs for each wait rather than for a whole file, and proxies as the environment has them."""
    from aiohttp import ClientTimeout
    from fsspec.config import conf

    settings: dict[str, Any] = {"trust_env": True}
    settings["timeout"] = ClientTimeout(total=None, sock_connect=PATIENCE / 4, sock_read=PATIENCE / 2)
    for scheme in HTTP:
        settings |= conf.get(scheme, {}).get("client_kwargs", {})
    return {"client_kwargs": settings}


def _packages(scheme: str) -> str:
    """What to install for a scheme."""
    try:
        from fsspec.registry import known_implementations
    except ImportError:
        return "'tamis[remote]'"
    package = known_implementations.get(scheme, {}).get("class", "fsspec").partition(".")[0]
    return "'tamis[remote]'" + (f" {package}" if package not in ("fsspec", "s3fs") else "")


def look(url: str) -> dict[str, Any] | None:
    """What a store says of a file or a folder, asked anew; None where there is neither."""
    system, path = located(url)
    try:
        return within(PATIENCE, _info, system, path)
    except Exception as error:
        if _is_missing(url, error):
            return None
        raise explained(url, error) from None


def _info(system: Any, path: str) -> dict[str, Any]:
    system.invalidate_cache()
    return dict(system.info(path))


def listing(url: str, depth: int | None) -> Iterable[tuple[str, dict[str, Any]]]:
    """Files below a folder, in no order: each one's name relative to it, and what the store says of it."""
    if scheme_of(url) in HTTP:
        raise refusals.URL_WITHOUT_FOLDERS(url)
    system, path = located(url)
    base = path.rstrip("/") + "/"
    try:
        system.invalidate_cache()
        found = system.find(path, maxdepth=depth, detail=True)
    except Exception as error:
        raise explained(url, error) from None
    return [(path.removeprefix(base), info) for path, info in found.items()]


def tag(info: dict[str, Any], keys: tuple[str, ...] = TAGS) -> str | None:
    """What tells one version of a file from another: its size, and the first of `keys` that the store gives."""
    for key in keys:
        if info.get(key):
            return sha256(repr((info.get("size"), key, str(info[key]))).encode()).hexdigest()[:20]
    return None


def within(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    """What a call gives that might never return; raises `TimeoutError` when `seconds` are over."""
    return begun(function, *arguments).result(seconds)


def begun(function: Callable[..., T], *arguments: Any) -> "Future[T]":
    """A call that is made meanwhile, in a thread that nothing waits for."""
    future: Future[T] = Future()

    def call() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=call, daemon=True).start()
    return future


def explained(url: str, error: Exception) -> TamisError:
    """What a library raised, as a sentence."""
    if isinstance(error, TamisError):
        return error
    root = _root(error)
    status = _status(root)
    names = {type(found).__name__ for found in (error, root)}
    if status in (401, 403) or isinstance(error, PermissionError) or any("Credential" in name for name in names):
        return refusals.URL_NOT_PERMITTED(url, said=said_of(root), how=_credentials(scheme_of(url)))
    if _is_missing(url, error) or "FileExpired" in names:
        return refusals.FILE_CHANGED(url)
    return refusals.URL_UNREACHABLE(url, said=said_of(root))


def _is_missing(url: str, error: Exception) -> bool:
    """Whether nothing is there; of the web, fsspec says that there is no file also where there is no connection."""
    root = _root(error)
    of_web = scheme_of(url) in HTTP
    return isinstance(error, FileNotFoundError) and (not of_web or root is error or _status(root) in (404, 410))


def _credentials(scheme: str) -> str:
    if scheme in ("s3", "s3a"):
        return "as in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or FSSPEC_S3_ANON=true for a public bucket"
    return f"as the environment gives them to fsspec, in FSSPEC_{scheme.upper()}"


def _root(error: BaseException) -> BaseException:
    """The error at the bottom, of which fsspec made another: an HTTP status rather than `FileNotFoundError(url)`."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def _status(error: BaseException) -> int | None:
    """The HTTP status in an error."""
    found = getattr(error, "status", None) or getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None


def said_of(error: BaseException) -> str:
    """The message of an error in one line, or its name if it has none."""
    status, message = _status(error), getattr(error, "message", "")
    text = f"{status} {message}" if status and isinstance(message, str) else str(error)
    if isinstance(error, TimeoutError) and not text:
        return "no answer in time"
    return " ".join(text.split())[:200].strip(". ") or type(error).__name__

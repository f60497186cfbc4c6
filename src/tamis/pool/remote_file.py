"""A file of a store as readers want it: seekable, read ahead of those who go on, and no more than they need."""

import io
import time
from concurrent.futures import Future
from typing import Any

from tamis import refusals
from tamis.pool import remote
from tamis.pool.remote import HTTP, begun, explained, located, look, scheme_of, within

FIRST, GROWTH, AHEAD, MOST = 1 << 16, 4, 1 << 20, 8 << 20
TRIES, PAUSE = 3, 0.5  # for web servers, which fsspec asks once; stores are asked again by their own packages
SLOWEST = 50_000  # bytes a second: a connection that is slower counts as lost


class RemoteFile(io.RawIOBase):
    """The bytes of a URL, fetched by ranges; its memory is two blocks.

    A reader that goes on gets blocks that grow from 64 KB to 8 MB, the next one fetched while it works on the last; one
    that jumps gets little more than it asks for. Nothing is read ahead from `until` on.

    Args:
        url: where the file is.
        until: the first byte that will not be asked for in order; the end of the file by default.
        ranges: refuse a server that gives no ranges, instead of reading from the beginning; and read nothing ahead.
    """

    def __init__(self, url: str, until: int | None = None, ranges: bool = False) -> None:
        super().__init__()
        self.url, self.ranges = url, ranges
        self.system, self.path = located(url)
        self.file = self._opened()
        self.size = self._size()
        self.until = self.size if until is None else min(until, self.size)
        self.at = self.start = 0
        self.held = b""
        self.block = FIRST
        self.ahead: tuple[int, Future[bytes]] | None = None
        self.streamed = 0

    def _opened(self, **options: Any) -> Any:
        try:
            return within(remote.PATIENCE, lambda: self.system.open(self.path, "rb", cache_type="none", **options))
        except Exception as error:
            raise explained(self.url, error) from None

    def _size(self) -> int:
        size = getattr(self.file, "size", None)
        self.streams = size is None
        if size is None:
            size = (look(self.url) or {}).get("size")
        if size is None:
            raise refusals.URL_WITHOUT_SIZE(self.url)
        return int(size)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Read on from another place."""
        self.at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence])
        return self.at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the file goes; breaks when the store does not give what is there."""
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view) and self.at < self.size:
            if not self.start <= self.at < self.start + len(self.held):
                self._load(min(len(view) - filled, self.size - self.at))
            first = self.at - self.start
            piece = memoryview(self.held)[first : first + len(view) - filled]
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
            self.at += len(piece)
        return filled

    def _load(self, wanted: int) -> None:
        """Hold the bytes from here on; if the reader goes on, fetch those after them meanwhile."""
        goes_on = not self.ranges and 0 < self.at == self.start + len(self.held)
        self.block = min(self.block * GROWTH, MOST) if goes_on else FIRST
        ahead, self.ahead = self.ahead, None
        if ahead:
            ahead[1].exception()  # one request at a time: also one that is not needed any more comes to its end
        expected = ahead and ahead[0] == self.at
        self.held = ahead[1].result() if ahead and expected else self._fetch(self.at, self._length(self.at, wanted))
        self.start = self.at
        after = self.start + len(self.held)
        if goes_on and self.block >= AHEAD and after < self.until:
            self.ahead = after, begun(self._fetch, after, self._length(after, 0))

    def _length(self, start: int, wanted: int) -> int:
        """How much to fetch from `start`: a block that does not reach behind `until`, or what is wanted now."""
        if start < self.until:
            return max(wanted, min(self.block, self.until - start))
        return max(wanted, min(FIRST, self.size - start))

    def _fetch(self, start: int, length: int) -> bytes:
        """Bytes from `start` on, all of them."""
        http = scheme_of(self.url) in HTTP
        seconds = remote.PATIENCE + (start + length if http else length) / SLOWEST
        for left in reversed(range(TRIES if http else 1)):
            try:
                found = within(seconds, self._asked, start, length)
            except Exception as error:
                said = explained(self.url, error)
                if not left or isinstance(error, TimeoutError) or said.kind != refusals.URL_UNREACHABLE.name:
                    raise said from None
                self.streamed = self.size
                time.sleep(PAUSE)
                continue
            if len(found) != length:
                raise refusals.FILE_CHANGED(self.url)
            return found
        raise AssertionError

    def _asked(self, start: int, length: int) -> bytes:
        try:
            if not self.streams:
                self.file.seek(start)
                return bytes(self.file.read(length))
        except ValueError:  # how fsspec says that an answer is the whole file
            if scheme_of(self.url) not in HTTP:
                raise
            self.streams, self.streamed = True, self.size
        if self.ranges:
            raise refusals.URL_WITHOUT_RANGES(self.url)
        return self._from_stream(start, length)

    def _from_stream(self, start: int, length: int) -> bytes:
        """The same of a server that sends the whole file only: what comes before is thrown away."""
        if self.streamed > start:
            self.file.close()
            self.file, self.streamed = self._opened(block_size=0), 0
        pieces = []
        while self.streamed < start + length:
            here = start if self.streamed < start else start + length
            if not (piece := self.file.read(min(here - self.streamed, AHEAD))):
                break
            pieces += [piece] if self.streamed >= start else []
            self.streamed += len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """End it; what is under way comes to its end by itself."""
        if not self.closed and not self.ahead:
            self.file.close()
        super().close()

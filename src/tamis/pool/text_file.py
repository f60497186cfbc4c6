"""What pools of lines have in common: their pieces are bytes, and a subset is written with the pool's compression."""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from tamis.pool import storage
from tamis.pool.base import BLOCK_BYTES, Pool
from tamis.pool.storage import COMPRESSIONS


class TextPool(Pool):
    """A pool whose pieces are the bytes of whole rows."""

    def head(self) -> bytes:
        """What stands in a file before its first row."""
        return b""

    def save(self, pieces: Iterable[bytes], path: Path) -> None:
        """Write rows to a file with the pool's compression."""
        compression = COMPRESSIONS.get(storage.suffix(self.files[0].path))
        if compression is None:
            with path.open("wb") as sink:
                sink.write(self.head())
                sink.writelines(pieces)
        elif compression == "gzip":
            with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as sink:
                sink.write(self.head())
                sink.writelines(pieces)
        else:
            with pa.output_stream(str(path), compression=compression) as stream:
                stream.write(self.head())
                for piece in pieces:
                    stream.write(piece)

    def save_part(self, pieces: Iterable[bytes], path: Path) -> None:
        """Write rows as they are."""
        with path.open("wb") as sink:
            sink.writelines(pieces)

    def load_part(self, path: Path) -> Iterator[bytes]:
        """The rows of a part in blocks."""
        with path.open("rb") as stream:
            yield from pieces_of(stream, path.stat().st_size)


def pieces_of(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    """The next `limit` bytes in pieces of 2 MB."""
    while limit > 0 and (piece := stream.read(min(BLOCK_BYTES, limit))):
        limit -= len(piece)
        yield piece

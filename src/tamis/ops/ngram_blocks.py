"""Text in Arrow memory, walked in blocks of documents small enough for the processor's cache."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import unicode

Longs = NDArray[np.int64]

BLOCK_BYTES = 1 << 19
SPARE = 72
HASHES = ("mix64", "sha256", "sha256-re")


class Buckets(NamedTuple):
    """Ids of the documents `rows`, of the k-th `ids[stops[k - 1]:stops[k]]`; the next block reuses the arrays."""

    rows: slice
    ids: NDArray[np.uint32]
    stops: Longs
    tokens: Longs


def text_buffers(text: pa.Array) -> tuple[NDArray[np.uint8], Longs]:
    """UTF-8 bytes of a string column and where its values begin: value i is `data[offsets[i]:offsets[i + 1]]`.

    The bytes are not copied, the `int64[n + 1]` offsets only if they are 32 bits wide. Null is empty text.

    Examples:
        >>> data, offsets = text_buffers(pa.array(["ab", None, "c"]))
        >>> data.tobytes(), offsets.tolist()
        (b'abc', [0, 2, 2, 3])
    """
    if not (pa.types.is_string(text.type) or pa.types.is_large_string(text.type)):
        raise refusals.TEXT_NOT_STRINGS("text", type=text.type)
    return value_buffers(text)


def value_buffers(values: pa.Array) -> tuple[NDArray[np.uint8], Longs]:
    """Bytes and offsets of a string or binary column, as `text_buffers` gives them."""
    _, offset_buffer, data_buffer = values.buffers()
    width = np.dtype(np.int64 if str(values.type).startswith("large_") else np.int32)
    offsets = np.zeros(1, np.int64)
    if len(values):
        offsets = np.frombuffer(offset_buffer, width, len(values) + 1, values.offset * width.itemsize)
        offsets = offsets.astype(np.int64, copy=False)
    if values.null_count and np.any(np.diff(offsets)[np.asarray(values.is_null())]):
        return value_buffers(values.fill_null(pa.scalar(b"").cast(values.type)))
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer else np.zeros(0, np.uint8)
    return data, offsets


def bucket_blocks(text: pa.Array, ngrams: int, buckets: int, hash: str) -> Iterator[Buckets]:
    """Bucket ids of all n-grams of order 1 … `ngrams`, a block of documents at a time, in row order."""
    if ngrams < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"ngrams={ngrams}", accepted="at least 1")
    if not 2 <= buckets < 1 << 32:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"buckets={buckets}", accepted="2 to 4294967295")
    if hash not in HASHES:
        raise refusals.PARAMETER_NOT_LISTED(f"hash={hash!r}", known=", ".join(HASHES))
    if hash == "mix64":
        from tamis.ops._ngram_kernels import bucket_ids

        table, fill = unicode.unicode_table(), cast(Callable[..., int], bucket_ids)
        scratch = Scratch(*text_buffers(text), ngrams)
    else:
        from tamis.ops import ngram_sha

        table = unicode.regex_table() if hash == "sha256" else unicode.re_table()
        scratch = Scratch(*text_buffers(ngram_sha.lowered(text)), ngrams)
        fill = ngram_sha.sha_filler(buckets, scratch.longest, ngrams)
    for rows in text_blocks(scratch.offsets):
        part = scratch.offsets[rows.start : rows.stop + 1]
        stops, lengths = scratch.stops[: len(part) - 1], scratch.lengths[: len(part) - 1]
        fill(scratch.data, part, table, ngrams, buckets, *scratch.arrays, scratch.ids, stops, lengths)
        yield Buckets(rows, scratch.ids, stops, lengths)


def token_blocks(text: pa.Array) -> Longs:
    """Number of tokens of each document."""
    from tamis.ops._ngram_kernels import count_tokens

    lengths = np.zeros(len(text), np.int64)
    scratch = Scratch(*text_buffers(text), 1)
    low, starts, ends = scratch.arrays[:3]
    count_tokens(scratch.data, scratch.offsets, unicode.unicode_table(), low.view(np.uint8), starts, ends, lengths)
    return lengths


def text_blocks(offsets: Longs) -> Iterator[slice]:
    """Runs of rows of up to `BLOCK_BYTES` of text and rows, at least one row each."""
    begin, n = 0, len(offsets) - 1
    while begin < n:
        end = int(np.searchsorted(offsets, offsets[begin] + BLOCK_BYTES, side="right")) - 1
        end = min(max(end, begin + 1), begin + BLOCK_BYTES, n)
        yield slice(begin, end)
        begin = end


class Scratch:
    """Text, and the arrays that kernels write to: room for the longest document, the largest block, and `SPARE`."""

    def __init__(self, data: NDArray[np.uint8], offsets: Longs, ngrams: int) -> None:
        self.data, self.offsets = data, offsets
        self.longest = longest = int(np.diff(offsets).max(initial=0))
        largest = max(longest, min(BLOCK_BYTES, int(offsets[-1] - offsets[0])))
        rows = min(len(offsets) - 1, BLOCK_BYTES)
        self.arrays = (
            np.empty(longest // 4 + SPARE, np.uint64),
            np.empty(longest + SPARE, np.int64),
            np.empty(longest + SPARE, np.int64),
            np.empty(longest + SPARE, np.uint64),
            np.empty(longest + SPARE, np.uint64),
        )
        self.ids = np.empty(largest * min(ngrams, longest) + SPARE, np.uint32)
        self.stops = np.empty(rows, np.int64)
        self.lengths = np.empty(rows, np.int64)

"""Texts as windows of bytes: packed one after the other to learn from, each by itself to be judged on."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis.evidence.task import Train
from tamis.ops.ngram_blocks import value_buffers

START = 256  # stands before every document and, in its place, after the one before
TOKENS = 257
Tokens = NDArray[np.int64]


class Documents(NamedTuple):
    """Documents `i` as `data[begins[i] : begins[i] + lengths[i]]`, in bytes."""

    data: NDArray[np.uint8]
    begins: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, texts: pa.Array) -> "Documents":
        """All of a string column."""
        data, offsets = value_buffers(texts)
        return cls(data, offsets[:-1].astype(np.int64), np.diff(offsets).astype(np.int64))

    def of_rows(self, rows: NDArray[np.int64]) -> "Documents":
        """Some of them, in this order."""
        return Documents(self.data, self.begins[rows], self.lengths[rows])

    def first_bytes(self, most: int) -> "Documents":
        """So many of them that there are `most` bytes, of which the last one has only its beginning."""
        before = np.cumsum(self.lengths) - self.lengths
        kept = before < most
        return Documents(self.data, self.begins[kept], np.minimum(self.lengths, most - before)[kept])

    def joined(self) -> Tokens:
        """`START` and the bytes of each, one after the other.

        Examples:
            >>> Documents.of(pa.array(["ab", "", "c"])).joined().tolist()
            [256, 97, 98, 256, 256, 99]
        """
        before = np.cumsum(self.lengths) - self.lengths
        found = np.full(int(self.lengths.sum()) + len(self.lengths), START, np.int64)
        each = np.arange(int(self.lengths.sum()))
        places = each + np.repeat(np.arange(1, len(self.lengths) + 1), self.lengths)
        found[places] = self.data[each + np.repeat(self.begins - before, self.lengths)]
        return found


def packed(train: Train, count: int, context: int) -> Iterator[Tokens]:
    """`count` windows `int64 [context + 1]` of the chosen texts, each of which begins with the last token of another.

    An epoch joins its documents and cuts them into windows, which come in a random order; what is left over opens the
    next epoch. A document is in an epoch as often as its weight is of the mean weight, rounded at random.
    """
    assert train.pool.texts is not None
    documents, rest, done, epoch = Documents.of(train.pool.texts), np.empty(0, np.int64), 0, 0
    while done < count:
        rng = np.random.default_rng((train.seed, epoch, 1))
        chosen = documents.of_rows(repeated(*train.visits(epoch), rng))
        wanted = (count - done) * context + 1 - len(rest)
        enough = int(np.searchsorted(np.cumsum(chosen.lengths + 1), wanted)) + 1
        stream = np.concatenate([rest, chosen.of_rows(np.arange(min(enough, len(chosen.lengths)))).joined()])
        whole = min((len(stream) - 1) // context, count - done)
        for window in rng.permutation(whole):
            yield stream[window * context : (window + 1) * context + 1]
        rest, done, epoch = stream[whole * context :], done + whole, epoch + 1


def repeated(rows: NDArray[np.int64], weights: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int64]:
    """Each row `floor(w / mean(w) + u)` times with a uniform u: as often as its weight says, in expectation.

    Examples:
        >>> repeated(np.array([4, 7, 9]), np.array([2, 0, 4], np.float32), np.random.default_rng(0)).tolist()
        [4, 9, 9]
    """
    mean = weights.mean(dtype=np.float64)
    if not mean > 0:
        raise ValueError("no chosen example has a weight above 0")
    return np.repeat(rows, np.floor(weights / mean + rng.random(len(rows))).astype(np.int64))


class Windows(NamedTuple):
    """Windows over documents that are joined with a `START` behind the last one, shortest first.

    Args:
        stream: the tokens.
        document: `int64 [w]`, whose window it is.
        begin: `int64 [w]`, its first token in `stream`.
        length: `int64 [w]`, its tokens; each of them predicts the next one.
        known: `int64 [w]`, how many of its first predictions an earlier window made with more before them.
    """

    stream: Tokens
    document: NDArray[np.int64]
    begin: NDArray[np.int64]
    length: NDArray[np.int64]
    known: NDArray[np.int64]

    def batches(self, count: int) -> Iterator[tuple[NDArray[np.int64], Tokens, NDArray[np.bool_]]]:
        """`count` windows at a time: documents `[b]`, tokens `[b, longest + 1]`, and `[b, longest]`, what is judged.

        What stands behind the end of a window is not judged and, since nothing looks ahead, not seen.
        """
        for start in range(0, len(self.begin), count):
            batch = slice(start, start + count)
            steps = np.arange(int(self.length[batch][-1]))
            judged = (steps < self.length[batch, None]) & (steps >= self.known[batch, None])
            places = self.begin[batch, None] + np.arange(len(steps) + 1)
            yield self.document[batch], self.stream[np.minimum(places, len(self.stream) - 1)], judged


def windows_of(documents: Documents, context: int) -> Windows:
    """Windows of `context` tokens in which every byte of each document, and its end, is predicted once.

    A document has one window if it fits, and else windows half a context apart, so that a prediction sees at least half
    a context of the document, or all that there is of it.
    """
    stream = np.append(documents.joined(), START)
    predicted = documents.lengths + 1
    step = max(1, context // 2)
    counts = 1 + np.maximum(0, -(-(predicted - context) // step))
    document = np.repeat(np.arange(len(predicted)), counts)
    number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = (np.cumsum(predicted) - predicted)[document] + number * step
    length = np.minimum(context, predicted[document] - number * step)
    known = np.where(number > 0, context - step, 0)
    order = np.argsort(length, kind="stable")
    return Windows(stream, document[order], begin[order], length[order], known[order])

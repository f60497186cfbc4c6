"""Losses of texts under an n-gram model of bytes that is trained on the spot: a loss table that needs no other model.

The model has interpolated modified Kneser–Ney smoothing (`ops.ngram_model`), of order 5 over bytes unless told
otherwise, so that nothing is unknown to it and losses of any two of them can be compared. It is trained on the texts
with the lowest hashes, up to an amount of bytes: the sample depends on the texts and the seed alone, and samples of
shards merge to that of the whole in any order.

A model knows the texts it was trained on too well: a text of its own sample would cost less than another one like it.
So two models are trained, each on the half of the sample whose hashes have one last bit, and a text is measured by that
of the other half.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops import ngram_model
from tamis.ops.ngram_blocks import text_buffers
from tamis.ops.text_samples import keys_of

ORDER, SAMPLE = 5, 4_000_000
Longs = NDArray[np.int64]


class Sample(NamedTuple):
    """Texts with the lowest hashes so far.

    Args:
        keys: `uint64[m]`, their hashes, ascending.
        data: `uint8`, their bytes one after the other.
        starts: `int64[m + 1]`, where each begins in them.
        size: how many bytes there are at most; the text that goes beyond is the last.
    """

    keys: NDArray[np.uint64]
    data: NDArray[np.uint8]
    starts: Longs
    size: Longs


class Trained(NamedTuple):
    """The arrays of two models, `ops.ngram_model.Model`, so that they can be stored; or of one, if `split` is 0.

    The first was trained on texts with even hashes and measures those with odd ones, the second the other way round.
    `second` is where the nodes of the second begin.
    """

    split: Longs
    order: Longs
    vocabulary: Longs
    grams: Longs
    discounts: NDArray[np.float64]
    nodes: NDArray[np.uint32]
    second: Longs

    def model(self, number: int) -> ngram_model.Model:
        """One of the models."""
        start, at = int(self.second), number if int(self.split) else 0
        nodes = np.ascontiguousarray(self.nodes[start:] if at else self.nodes[: start or len(self.nodes)])
        return ngram_model.Model(int(self.order), int(self.vocabulary), self.grams[at], self.discounts[at], nodes)


def fit(texts: pa.Array, *, size: int = SAMPLE, seed: int = 0) -> Sample:
    """The sample of some texts, each once; empty ones are left out. `O(bytes)` time, `O(n + size)` memory.

    Examples:
        >>> found = fit(pa.array(["ab", "", "c", "ab"]))
        >>> len(found.keys), len(found.data)
        (2, 3)
    """
    if size < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"sample={size}", accepted="1 or more bytes")
    data, offsets = text_buffers(texts)
    hashes = keys_of(texts, seed)
    filled = np.flatnonzero(np.diff(offsets) > 0)
    keys, first = np.unique(hashes[filled], return_index=True)
    return _least(keys, np.asarray(data), np.asarray(offsets), filled[first], size)


def merge(a: Sample, b: Sample) -> Sample:
    """The sample of the texts of both.

    Examples:
        >>> one, two, both = fit(pa.array(["ab", "c"])), fit(pa.array(["d"])), fit(pa.array(["c", "d", "ab"]))
        >>> merge(one, two).data.tobytes() == merge(two, one).data.tobytes() == both.data.tobytes()
        True
    """
    keys, rows = np.unique(np.concatenate((a.keys, b.keys)), return_index=True)
    starts = np.concatenate((a.starts, a.starts[-1] + b.starts[1:]))
    return _least(keys, np.concatenate((a.data, b.data)), starts, rows, int(a.size))


def _least(keys: NDArray[np.uint64], data: NDArray[np.uint8], starts: Longs, rows: Longs, size: int) -> Sample:
    """The first texts `rows`, in the order of their keys, up to the size."""
    lengths = (starts[1:] - starts[:-1])[rows]
    ends = np.cumsum(lengths)
    kept = int(np.searchsorted(ends, size)) + 1
    rows, ends, lengths = rows[:kept], ends[:kept], lengths[:kept]
    total = int(ends[-1]) if len(ends) else 0
    place = np.repeat(starts[:-1][rows] - (ends - lengths), lengths) + np.arange(total)
    return Sample(keys[:kept], data[place], np.concatenate([[0], ends]).astype(np.int64), np.array(size))


def finish(sample: Sample, *, order: int = ORDER, split: bool = True) -> Trained:
    """The models of a sample, or one of all of it: where other texts are measured than it is of, or a half is empty.

    `O(order · bytes)` time; 46 bytes for each different n-gram.
    """
    if not len(sample.data):
        raise refusals.PARAMETER_OUT_OF_RANGE("a model of no text", accepted="texts to train it on")
    odd = (sample.keys & np.uint64(1)).astype(bool)
    halves = [np.flatnonzero(~odd), np.flatnonzero(odd)] if split and odd.any() and not odd.all() else [None]
    models = []
    for rows in halves:
        part = sample if rows is None else _least(sample.keys[rows], sample.data, sample.starts, rows, len(sample.data))
        models.append(ngram_model.fit(part.data, part.starts, order))
    return Trained(
        np.array(len(models) - 1),
        np.array(order),
        np.array(models[0].vocabulary),
        np.stack([model.grams for model in models]),
        np.stack([model.discounts for model in models]),
        np.concatenate([model.nodes for model in models]),
        np.array(len(models[0].nodes) if len(models) > 1 else 0),
    )


def losses(model: Trained, texts: pa.Array) -> NDArray[np.float64]:
    """Mean nats per byte of each text, its end included: `float64[n]`, high where the text is unlike the sample.

    Examples:
        >>> model = finish(fit(pa.array(["abracadabra abracadabra"])))
        >>> one, other = losses(model, pa.array(["abracadabra", "xylophone"]))
        >>> bool(one < 1 < other)
        True
    """
    nll, tokens, _, _ = table(model, texts)
    return nll / tokens


def table(model: Trained, texts: pa.Array) -> tuple[NDArray[np.float64], Longs, Longs, Longs]:
    """The loss table of texts: nats in all, `float64[n]`, and tokens (bytes and the end), characters and bytes.

    Examples:
        >>> model = finish(fit(pa.array(["abracadabra"])))
        >>> [column.tolist() for column in table(model, pa.array(["añ"]))[1:]]
        [[4], [2], [3]]
    """
    size = np.diff(text_buffers(texts)[1]).astype(np.int64)
    characters = pc.utf8_length(texts).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    bits = np.empty(len(texts))
    odd = (keys_of(texts) & np.uint64(1)).astype(bool) if int(model.split) else np.ones(len(texts), bool)
    for number, rows in enumerate((np.flatnonzero(odd), np.flatnonzero(~odd))):
        if len(rows):
            bits[rows] = ngram_model.bits(model.model(number), *text_buffers(texts.take(pa.array(rows))))
    return bits * np.log(2), size + 1, characters, size

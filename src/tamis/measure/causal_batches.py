"""Documents as tokens of a causal model, and batches of them: one document a row, or several packed into one."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.measure.causal_models import name_of

Longs = NDArray[np.int64]
Rows = list[list[int]]

BATCH_TOKENS = 4096
AT_ONCE = 256
NONE = -1


class Encoded(NamedTuple):
    """Tokens of n documents.

    Args:
        tokens: `int64`, those of document i are `tokens[starts[i]:starts[i + 1]]`.
        starts: `int64[n + 1]`.
        cut: `int64[n]`, tokens of each document that the context has no room for.
        characters: `int64[n]`, of the text whose tokens are predicted.
        bytes: `int64[n]`, the same in UTF-8.
    """

    tokens: Longs
    starts: Longs
    cut: Longs
    characters: Longs
    bytes: Longs

    @property
    def lengths(self) -> Longs:
        """Tokens of each document, `int64[n]`."""
        return np.diff(self.starts)


class Layout(NamedTuple):
    """A batch of b rows of t places.

    Args:
        tokens: `int64[b, t]`, 0 where there is none.
        owners: `int64[b, t]`, which of the documents of the batch, counted from 0 on, a token is of; or -1.
        positions: `int64[b, t]`, the place of a token in its document, from 0 on; of what is no token, as if it were
            one more document at the end of the row.
    """

    tokens: Longs
    owners: Longs
    positions: Longs


def encode(tokenizer: Any, texts: Sequence[str | None], context: int, begin: int | None = None) -> Encoded:
    """Tokens of texts, up to `context` of each, with `begin` before them; where that is None, as the tokenizer has it.

    With a begin the tokenizer adds no special tokens of its own. 8 bytes for each token.
    """
    pieces: list[Longs] = []
    found = np.zeros((3, len(texts)), np.int64)
    own = 0 if begin is None else 1
    for start in range(0, len(texts), AT_ONCE):
        block = [text or "" for text in texts[start : start + AT_ONCE]]
        encodings = tokenizer(block, add_special_tokens=False, padding=False, truncation=False, verbose=False).encodings
        for row, (text, encoding) in enumerate(zip(block, encodings, strict=True), start):
            ids, room = encoding.ids, context - own
            pieces.append(np.array(([begin] if own else []) + ids[:room], np.int64))
            found[0, row] = max(len(ids) - room, 0)
            stop = encoding.offsets[room - 1][1] if len(ids) > room else len(text)
            first = 0 if own else (encoding.offsets[1][0] if len(ids) > 1 else len(text))
            seen = text[first:stop]
            found[1:, row] = len(seen), len(seen.encode())
    starts = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    return Encoded(np.concatenate([np.zeros(0, np.int64), *pieces]), starts, *found)


def check_tokens(encoded: Encoded, model: Any) -> None:
    """Refuse tokens that the model has no row for."""
    known = model.get_input_embeddings().num_embeddings
    if len(encoded.tokens) and encoded.tokens.max() >= known:
        said = f"its tokenizer makes token {encoded.tokens.max():,}, and the model knows {known:,}"
        raise refusals.MODEL_UNREADABLE(name_of(model), said=said)


def check_batch(batch_tokens: int) -> None:
    """Refuse batches without a token."""
    if batch_tokens < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"batch_tokens={batch_tokens}", accepted="1 or more")


def padded_batches(lengths: Longs, least: int, batch_tokens: int) -> Iterator[Rows]:
    """One document a row: those of `least` tokens or more, by length, in batches of at most `batch_tokens` places.

    A document that is longer than that is a batch by itself.
    """
    batch: Rows = []
    for document in np.argsort(lengths, kind="stable")[np.count_nonzero(lengths < least) :].tolist():
        if batch and (len(batch) + 1) * lengths[document] > batch_tokens:
            yield batch
            batch = []
        batch.append([document])
    if batch:
        yield batch


def packed_batches(lengths: Longs, least: int, row_tokens: int, batch_tokens: int) -> Iterator[Rows]:
    """Several documents a row of `row_tokens`: the longest that are left, then the shortest, as long as they fit."""
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths >= least)].tolist()
    first, last, batch = 0, len(order) - 1, list[list[int]]()
    while first <= last:
        row, room = [order[first]], row_tokens - lengths[order[first]]
        first += 1
        while first <= last and lengths[order[first]] <= room:
            row.append(order[first])
            room -= lengths[order[first]]
            first += 1
        while first <= last and lengths[order[last]] <= room:
            row.append(order[last])
            room -= lengths[order[last]]
            last -= 1
        batch.append(row)
        if (len(batch) + 1) * row_tokens > batch_tokens:
            yield batch
            batch = []
    if batch:
        yield batch


def lay_out(encoded: Encoded, rows: Rows) -> Layout:
    """The batch with these documents in each row, one after the other, filled up at the right."""
    lengths = encoded.lengths
    filled = [int(lengths[row].sum()) for row in rows]
    shape = (len(rows), max(filled))
    tokens, positions, owners = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, NONE, np.int64)
    number = 0
    for k, row in enumerate(rows):
        at = 0
        for document in row:
            stop = at + int(lengths[document])
            tokens[k, at:stop] = encoded.tokens[encoded.starts[document] : encoded.starts[document + 1]]
            owners[k, at:stop], number = number, number + 1
            positions[k, at:stop] = np.arange(stop - at)
            at = stop
        positions[k, at:] = np.arange(shape[1] - at)
    return Layout(tokens, owners, positions)

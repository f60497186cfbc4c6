"""The loss table: how many nats each document costs a causal language model, and what that is to be divided by."""

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tamis.measure.causal_batches import (
    BATCH_TOKENS,
    Encoded,
    Layout,
    Rows,
    check_batch,
    check_tokens,
    encode,
    lay_out,
    packed_batches,
    padded_batches,
)
from tamis.measure.causal_models import begin_of, context_of, name_of
from tamis.measure.modes import evaluating
from tamis.measure.text_vectors import Where, check_finite, numbered

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

ROOM = 1 << 23  # logits in float32 at a time
SAME, SAME_IN_HALF = 1e-4, 5e-2  # how far a loss may be from that of a document alone, of 1
IGNORED = -100


class Losses(NamedTuple):
    """The loss table of n documents and one model, from which every normalisation is made.

    Args:
        nll: `float64[n]`, `-Σ_t ln p(w_t | w_<t)` in nats; high is hard for the model.
        tokens: `int64[n]`, tokens predicted: the terms of that sum.
        characters: `int64[n]`, of the text that these tokens are.
        bytes: `int64[n]`, the same in UTF-8.
        cut: `int64[n]`, tokens of the document after those, which the context had no room for.
    """

    nll: Floats
    tokens: Longs
    characters: Longs
    bytes: Longs
    cut: Longs


def losses(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str | None],
    *,
    context: int | None = None,
    batch_tokens: int = BATCH_TOKENS,
    packed: bool = False,
    where: Where = numbered,
) -> Losses:
    """The loss table of texts under a causal model of transformers.

    What comes before a text is the token that begins texts, else the one that ends them; then all tokens of the text
    are predicted. Where the tokenizer has neither, the first one is not. No end is predicted. The logits are taken to
    float32 before the softmax whatever the model computes in, and a document is summed in float64. Documents do not
    touch each other: the table is the same for any batch, order and packing, but for the rounding of float32 (about
    1e-6 of a loss; in half precision 1e-2).

    Args:
        model: as `open_causal` gives it; it is measured in `eval` mode and left as it was.
        tokenizer: a fast one.
        texts: null is empty, and costs nothing.
        context: tokens of a document that are read, the begin included; what is beyond is cut and counted. By default
            what the model takes, up to 2,048.
        batch_tokens: places in a batch, which bound the memory: besides the model it is about `batch_tokens` times the
            vocabulary times the bytes of a logit, and 8 bytes for each token of `texts`. A longer document is a batch
            by itself.
        packed: several documents in a row, each with positions of its own and blind to the others, so that less is
            padded where lengths differ in a batch. The fullest row is measured both ways first; where the model mixes
            documents, it goes on padded, with a warning.
        where: the place of a document, for a message.

    Returns:
        The table. One forward pass over all tokens. It loses its sense between models with different tokenizers, as
        long as it is divided by tokens; divide by characters or bytes there.

    Raises:
        Refused: where a loss is not finite, at its document; for a context that the model does not take.

    Examples:
        >>> from tamis.measure.causal_models import open_causal
        >>> prior = open_causal("models/prior")  # doctest: +SKIP
        >>> table = losses(prior.model, prior.tokenizer, ["A text.", "Another one."])  # doctest: +SKIP
        >>> (table.nll / table.tokens).round(2).tolist()  # doctest: +SKIP
        [3.42, 3.17]

    Source: Brandfonbrener et al. 2024, CoLoR-Filter, whose scores are differences of such losses.
    """
    check_batch(batch_tokens)
    read = encode(tokenizer, texts, context_of(model, context, least=2), begin_of(tokenizer))
    check_tokens(read, model)
    with evaluating(model), torch.inference_mode():
        nll = _summed(model, read, batch_tokens, packed)
    check_finite(nll, name_of(model), where)
    return Losses(nll, np.maximum(read.lengths - 1, 0), read.characters, read.bytes, read.cut)


def _summed(model: Any, read: Encoded, batch_tokens: int, packed: bool) -> Floats:
    nll = np.zeros(len(read.lengths))
    batches = list(padded_batches(read.lengths, 2, batch_tokens))
    if packed and batches:
        row_tokens = max(int(read.lengths.max()), min(batch_tokens, context_of(model, None)))
        rows = list(packed_batches(read.lengths, 2, row_tokens, batch_tokens))
        packed = _can_pack(model, read, max((row for batch in rows for row in batch), key=len))
        batches = rows if packed else batches
    for batch in batches:
        nll[np.concatenate(batch)] = batch_losses(model, lay_out(read, batch), packed)
    return nll


def _can_pack(model: Any, read: Encoded, row: list[int]) -> bool:
    """Whether documents of one row have the losses that they have alone; a warning says why not."""
    try:
        one = batch_losses(model, lay_out(read, [row]), True)
    except TypeError:  # it takes no positions
        one = np.full(len(row), np.nan)
    rows: Rows = [[document] for document in row]
    apart = batch_losses(model, lay_out(read, rows), False)
    near = SAME if next(model.parameters()).dtype == torch.float32 else SAME_IN_HALF
    if np.allclose(one, apart, rtol=near, atol=near, equal_nan=True) or not np.isfinite(apart).all():
        return True
    warnings.warn(
        f"a {type(model).__name__} does not keep documents in one row apart, so they are padded and not packed",
        stacklevel=5,
    )
    return False


def batch_losses(model: Any, layout: Layout, packed: bool) -> Floats:
    """The summed losses of the documents in a batch, `float64`."""
    tokens, owners = torch.from_numpy(layout.tokens), layout.owners
    if packed:  # without a mask the library keeps apart what has positions of its own
        given = {"position_ids": torch.from_numpy(layout.positions)}
    else:
        given = {"attention_mask": torch.from_numpy((owners >= 0).astype(np.int64))}
    given = {name: one.to(model.device) for name, one in (given | {"input_ids": tokens}).items()}
    logits = model(**given, use_cache=False).logits
    follows = np.zeros(owners.shape, bool)
    follows[:, :-1] = (owners[:, 1:] == owners[:, :-1]) & (owners[:, 1:] >= 0)
    targets = np.where(follows, np.roll(layout.tokens, -1, axis=1), IGNORED)
    found = token_losses(logits, torch.from_numpy(targets).to(logits.device)).cpu().numpy()
    return np.bincount(owners[follows], found[follows], owners.max() + 1).astype(np.float64, copy=False)


def token_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """`-ln softmax(logits)[target]`, `float32[b, t]` of `[b, t, V]` and `[b, t]`; 0 where the target is -100."""
    flat, wanted = logits.flatten(0, 1), targets.flatten()
    found = torch.empty(len(wanted), dtype=torch.float32, device=logits.device)
    step = max(1, ROOM // math.prod(flat.shape[1:]))
    for start in range(0, len(wanted), step):
        part = slice(start, start + step)
        found[part] = functional.cross_entropy(flat[part].float(), wanted[part], ignore_index=IGNORED, reduction="none")
    return found.view(targets.shape)

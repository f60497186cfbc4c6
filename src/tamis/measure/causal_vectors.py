"""Vectors of documents by the last hidden layer of a causal language model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamis import refusals
from tamis.measure.causal_batches import (
    BATCH_TOKENS,
    NONE,
    check_batch,
    check_tokens,
    encode,
    lay_out,
    padded_batches,
)
from tamis.measure.causal_models import begin_of, context_of, name_of
from tamis.measure.modes import evaluating
from tamis.measure.text_vectors import TextVectors, Where, check_finite, numbered

POOLINGS = ("weighted-mean", "mean", "last")


def vectors(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str | None],
    *,
    pooling: str = "weighted-mean",
    context: int | None = None,
    batch_tokens: int = BATCH_TOKENS,
    where: Where = numbered,
) -> TextVectors:
    """Vectors of texts, of the model's hidden width, by the published pooling of RDS+ unless told otherwise.

    With h_1 … h_L the last hidden layer (after its normalisation) at the L tokens of a document, and at no padding,

        weighted-mean   r = Σ_t t h_t / (L (L + 1) / 2)        mean   r = Σ_t h_t / L        last   r = h_L

    Later tokens have seen more of the document, hence their weight. The first token is the one that `losses` puts
    before a text, where there is one. Vectors are not of length 1.

    Args:
        model: as `open_causal` gives it; it is measured in `eval` mode and left as it was.
        tokenizer: a fast one.
        texts: null is empty.
        pooling: see above.
        context: tokens of a document that are read; what is beyond is cut. By default what the model takes, up to
            2,048, as in the paper.
        batch_tokens: places in a batch, which bound the memory: about `batch_tokens` hidden layers, and 8 bytes for
            each token of `texts`.
        where: the place of a document, for a message.

    Returns:
        `float32[n, hidden]`, and which documents were cut; one forward pass without the logits. An empty text has
        zeros. Vectors are the same for any batch and order, but for the rounding of float32.

    Raises:
        Refused: where a vector is not finite, at its document; for another pooling or context.

    Source: Ivison et al. 2025, Large-Scale Data Selection for Instruction Tuning.
    """
    if pooling not in POOLINGS:
        raise refusals.PARAMETER_NOT_LISTED(f"pooling={pooling}", known=", ".join(POOLINGS))
    check_batch(batch_tokens)
    begin = begin_of(tokenizer)
    read = encode(tokenizer, texts, context_of(model, context, least=2), begin)
    check_tokens(read, model)
    found = np.zeros((len(texts), int(model.config.get_text_config().hidden_size)), np.float32)
    with evaluating(model), torch.inference_mode():
        for batch in padded_batches(read.lengths, 1 + (begin is not None), batch_tokens):
            layout, rows = lay_out(read, batch), np.concatenate(batch)
            real = layout.owners != NONE
            hidden = last_layer(model, torch.from_numpy(layout.tokens), torch.from_numpy(real.astype(np.int64)))
            found[rows] = pooled(hidden, token_weights(real, pooling)).cpu().numpy()
    check_finite(found, name_of(model), where)
    return TextVectors(found, read.cut > 0)


def last_layer(model: Any, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The last hidden layer, `[b, t, d]`, without the logits where the model can leave them out."""
    given = {"input_ids": tokens.to(model.device), "attention_mask": mask.to(model.device), "use_cache": False}
    if model.base_model is model:
        hidden: torch.Tensor = model(**given, output_hidden_states=True).hidden_states[-1]
    else:
        hidden = model.base_model(**given).last_hidden_state
    return hidden


def token_weights(real: NDArray[np.bool_], pooling: str = "weighted-mean") -> NDArray[np.float32]:
    """What each place counts for, `float32[b, t]`: 0 where `real` is false, and 1 in all of a row that has a token.

    Examples:
        >>> (6 * token_weights(np.array([[True, True, True, False]]))).round().tolist()
        [[1.0, 2.0, 3.0, 0.0]]
    """
    place = np.cumsum(real, axis=1) * real
    length = place.max(axis=1, keepdims=True)
    given = {"mean": real, "last": real & (place == length)}.get(pooling, place).astype(np.float64)
    return np.asarray(given / np.maximum(given.sum(axis=1, keepdims=True), 1), np.float32)


def pooled(hidden: torch.Tensor, weights: NDArray[np.float32]) -> torch.Tensor:
    """`Σ_t w_t h_t` in float32, `[b, d]` of `[b, t, d]` and `[b, t]`."""
    placed = torch.from_numpy(weights).to(hidden.device)
    return torch.bmm(placed[:, None], hidden.float())[:, 0]

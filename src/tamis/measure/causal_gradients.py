"""Vectors of documents by what a causal language model would learn of them: gradients of its loss, projected."""

import warnings
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tamis import refusals
from tamis.errors import Refused
from tamis.measure.adam_moments import Adam
from tamis.measure.causal_batches import Longs, check_batch, check_tokens, encode, lay_out, padded_batches
from tamis.measure.causal_models import begin_of, context_of, name_of
from tamis.measure.example_gradients import ExampleGradients, chosen_parameters
from tamis.measure.modes import evaluating
from tamis.measure.text_vectors import TextVectors, Where, numbered
from tamis.ops.projection import Projection

WIDTH = 1024
BATCH_TOKENS = 1024
IGNORED = -100


class CausalGradients:
    """Projected gradients of documents under a causal model of transformers, all of length 1.

    With ℓ the mean loss of a document's tokens, w_1 … w_L after the begin, and P the same for all of them,

        φ(z) = P ∇ℓ(z; θ) / ‖P ∇ℓ(z; θ)‖,   ℓ(z; θ) = -1/L Σ_t ln p(w_t | w_<t; θ)

    and with `adam` Γ(z; θ) in the place of ∇ℓ(z; θ). Inner products are cosines, so that short documents, whose
    gradients are long, have no more to say than others. What comes before a text is as in `causal_losses.losses`.

    Args:
        model: as `open_causal` gives it; it is measured in `eval` mode and left as it was.
        tokenizer: a fast one.
        d: numbers of a vector; inner products have a noise of up to `√(2 / d)`. Where the parameters have no more
            numbers than that, they are all kept.
        parameters: a pattern for names of parameters, such as `*.q_proj.weight`. Without one they are those that learn,
            where others are frozen, as with adapters; else the weights of the linear maps inside the blocks, without
            embeddings, norms, biases and the last layer.
        adam: moments of these parameters, of `open_adam` or `moments_of`; for what is to be learned from, not for
            targets.
        context: tokens of a document that are read, the begin included; what is beyond is cut. By default what the
            model takes, up to 2,048.
        batch_tokens: places in a batch, which bound the memory; a longer document is a batch by itself.
        seed: which P.

    Besides the model and the moments memory is that of a backward pass over `batch_tokens`, logits three times in
    float32 among it, and that of `ExampleGradients`. Time is that of the passes, of n p numbers and of their SRHT.

    Raises `Refused` for a pattern that fits no parameter, for parameters without moments or with others, and for a
    context that the model does not take.

    Examples:
        >>> from tamis.measure.causal_models import open_causal
        >>> opened = open_causal("models/warm")  # doctest: +SKIP
        >>> measure = CausalGradients(opened.model, opened.tokenizer)  # doctest: +SKIP
        >>> measure(["A text.", "Another one."]).vectors.shape  # doctest: +SKIP
        (2, 1024)

    Source: Xia et al. 2024, LESS: Selecting Influential Data for Targeted Instruction Tuning. Theirs is the loss of the
    answer's tokens; here a document has no other part, and all of its tokens count.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        d: int = WIDTH,
        parameters: str | None = None,
        adam: Adam | None = None,
        context: int | None = None,
        batch_tokens: int = BATCH_TOKENS,
        seed: int = 0,
    ) -> None:
        check_batch(batch_tokens)
        self.model, self.tokenizer, self.batch_tokens = model, tokenizer, batch_tokens
        self.context = context_of(model, context, least=2)
        self.parameters = tuple(_names(model, parameters))
        p = sum(one.numel() for one in chosen_parameters(model, self.parameters).values())
        projection = Projection(p, d, "srht", seed)
        self.d = min(d, p)
        self._measure = ExampleGradients(
            model, mean_losses, projection=projection if d < p else None, parameters=self.parameters, adam=adam,
            unit=True,
        )  # fmt: skip

    def __call__(self, texts: Sequence[str | None], *, where: Where = numbered) -> TextVectors:
        """`float32[n, d]` of n texts, and which were cut.

        A text without a token to predict, and one whose gradient is 0, has zeros. Vectors are the same for any batch
        and order, but for the rounding of float32.

        Args:
            texts: null is empty.
            where: the place of a document, for a message.

        Raises:
            Refused: where a loss or a gradient is not finite, at its document.
        """
        read = encode(self.tokenizer, texts, self.context, begin_of(self.tokenizer))
        check_tokens(read, self.model)
        found = np.zeros((len(texts), self.d), np.float32)
        with evaluating(self.model), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "the gradient of example")  # by their number in a batch
            for documents in _batches(read.lengths, self.batch_tokens):
                layout = lay_out(read, [[one] for one in documents])
                batch = torch.from_numpy(layout.tokens), torch.from_numpy(layout.owners >= 0)
                found[documents] = self._gradients(documents, [one.to(self.model.device) for one in batch], where)
        return TextVectors(found, read.cut > 0)

    def _gradients(self, documents: list[int], batch: list[Tensor], where: Where) -> Any:
        try:
            return self._measure(batch)
        except Refused as error:
            if error.kind != "measure-not-finite":
                raise
        for place in np.argsort(documents) if len(documents) > 1 else ():
            alone = [one[place : place + 1] for one in batch]
            self._gradients([documents[place]], alone, where)
        said = {"name": name_of(self.model), "found": "NaN or an infinity"}
        raise refusals.MODEL_NOT_FINITE(where(documents[0]), **said)


def mean_losses(model: nn.Module, batch: Sequence[Tensor]) -> Tensor:
    """The mean loss of each document's tokens after the first, `[b]`: `(tokens, real)`, each `[b, t]`.

    Documents are filled up at the right, where no token of theirs sees it, so that there is no mask.
    """
    tokens, real = batch
    logits = model(input_ids=tokens, use_cache=False).logits[:, :-1].float()
    targets = tokens[:, 1:].masked_fill(~real[:, 1:], IGNORED)
    each = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return each.view(targets.shape).sum(1) / real[:, 1:].sum(1)


def _batches(lengths: Longs, batch_tokens: int) -> Iterator[list[int]]:
    """Documents of similar length, of 2 tokens or more; in powers of two, since each other size is checked anew."""
    for batch in padded_batches(lengths, 2, batch_tokens):
        documents = [row[0] for row in batch]
        while documents:
            size = 1 << (len(documents).bit_length() - 1)
            yield documents[:size]
            documents = documents[size:]


def _names(model: nn.Module, pattern: str | None) -> list[str]:
    """The parameters that are measured; see `CausalGradients`."""
    every = dict(model.named_parameters())
    if pattern is not None:
        found = [name for name in every if fnmatchcase(name, pattern)]
        if not found:
            some = ", ".join([*every][:8]) + (", …" if len(every) > 8 else "")
            raise refusals.NAME_UNKNOWN(f"parameters {pattern!r}", sort="parameter", near="", known=some)
        return found
    learning = [name for name, one in every.items() if one.requires_grad]
    if len(learning) < len(every):
        return learning
    modules = dict(model.named_modules())
    lists = tuple(f"{name}." for name, module in modules.items() if isinstance(module, nn.ModuleList))
    linear = [
        name for name, one in every.items()
        if one.ndim == 2 and name.startswith(lists) and not isinstance(modules[name.rpartition(".")[0]], nn.Embedding)
    ]  # fmt: skip
    return linear or learning

"""A small byte-level transformer, trained with torch on one thread of the processor."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt

from tamis import refusals
from tamis.evidence.task import Data, Train
from tamis.evidence.tasks.byte_windows import START, TOKENS, Documents, Tokens, packed, windows_of
from tamis.evidence.tasks.language_model import LanguageModel
from tamis.evidence.tasks.torch_steps import Normal, Parameters, Tensor, descend, need_torch, one_thread

STEPS = 600
_JUDGED_AT_ONCE = 64
_TURN = 10_000.0  # of the slowest rotation, in bytes


class Transformer(LanguageModel):
    """A causal transformer over bytes, with rotary positions and attention that stays within a document.

    All fits read the same number of bytes: `steps` times `windows` windows of `context`. Chosen texts are packed into
    them, in an order that the seed decides, over and over; a document is read in proportion to its weight. At one cost
    many small steps learn more than few large ones, and a context of 128 more than one of 256.

    Args:
        layers: of attention and a hidden layer of four times the width each.
        width: numbers for each byte.
        heads: of the attention.
        context: bytes that a prediction sees at most.
        windows: windows of a step.
        rate: the largest step size of AdamW.
        judged: the most bytes of each held-out set that are judged; which ones does not depend on the seed.
    """

    default_steps = STEPS
    has_epochs = False

    def __init__(
        self,
        *,
        layers: PositiveInt = 2,
        width: PositiveInt = 128,
        heads: PositiveInt = 4,
        context: PositiveInt = 128,
        windows: PositiveInt = 8,
        rate: PositiveFloat = 4e-3,
        judged: PositiveInt = 100_000,
    ) -> None:
        need_torch("--model transformer")
        if width % (2 * heads):
            raise refusals.PARAMETER_OUT_OF_RANGE(f"heads={heads}", accepted="heads of which two divide the width")
        self.layers, self.width, self.heads = layers, width, heads
        self.context, self.windows, self.rate, self.judged = context, windows, rate, judged

    def describe(self) -> str:
        """What is trained, and what it is judged on."""
        size = f"{self.layers} layers, {self.width} wide, {self.context} bytes of context"
        return (
            f"a byte-level transformer ({size}; {self.bytes_a_step:,} bytes a step), "
            f"judged on at most {self.judged:,} bytes of each held-out set"
        )

    @property
    def bytes_a_step(self) -> int:
        """How many bytes a step learns from, at every budget."""
        return self.windows * self.context

    def fit(self, train: Train, *, seed: int, steps: int | None) -> Parameters:
        """Parameters after `steps`, each on `windows` packed windows; `seed` decides where they start.

        `O(layers width (12 width + context))` multiplications a byte, six times.
        """
        import torch
        from torch.nn.functional import cross_entropy

        total = steps or STEPS
        parameters = start(self.layers, self.width, seed)

        def loss(batch: Tokens) -> Tensor:
            tokens = torch.from_numpy(batch)
            logits = forward(parameters, tokens[:, :-1], self.heads)
            return cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

        windows = packed(train, total * self.windows, self.context)
        batches = (np.stack([first, *(next(windows) for _ in range(self.windows - 1))]) for first in windows)
        with one_thread():
            descend(parameters, batches, loss, total, self.rate)
        return parameters

    def encode(self, model: Parameters, data: Data) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The bits of each text and its bytes, of texts drawn up to `judged` bytes; the last of them is cut short."""
        assert data.texts is not None
        bits, sizes = np.zeros(len(data.texts)), np.zeros(len(data.texts), np.int64)
        order = np.random.default_rng(0).permutation(len(data.texts))
        drawn = Documents.of(data.texts).of_rows(order).first_bytes(self.judged)
        rows = order[: len(drawn.lengths)]
        bits[rows], sizes[rows] = self.bits(model, drawn), drawn.lengths
        return bits, sizes

    def bits(self, model: Parameters, documents: Documents) -> NDArray[np.float64]:
        """`float64 [n]`: the bits of each document and of its end; no document sees another."""
        import torch
        from torch.nn.functional import cross_entropy

        nats = np.zeros(len(documents.lengths))
        with one_thread(), torch.no_grad():
            for document, windows, judged in windows_of(documents, self.context).batches(_JUDGED_AT_ONCE):
                tokens = torch.from_numpy(windows)
                logits = forward(model, tokens[:, :-1], self.heads)
                losses = cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none").numpy()
                np.add.at(nats, document, np.where(judged, losses, 0).sum(axis=1, dtype=np.float64))
        return nats / math.log(2)


def start(layers: int, width: int, seed: int) -> Parameters:
    """Normal weights of variance 1 / inputs, smaller where a layer adds to what passes by it."""
    normal, even = Normal(seed), 1 / math.sqrt(width)
    found = {"bytes": normal(TOKENS, width, deviation=1.0)}
    for layer in range(layers):
        found[f"attend{layer}"] = normal(3 * width, width, deviation=even)
        found[f"gather{layer}"] = normal(width, width, deviation=even / math.sqrt(2 * layers))
        found[f"hidden{layer}"] = normal(4 * width, width, deviation=even)
        found[f"down{layer}"] = normal(width, 4 * width, deviation=even / math.sqrt(8 * layers))
    return found | {"out": normal(TOKENS, width, deviation=0.02)}


def forward(p: Parameters, tokens: Tensor, heads: int) -> Tensor:
    """The logits of the next token `[b, n, 257]` for tokens `int64 [b, n]`.

    With `norm` a layer norm without parameters, each layer does `x ← x + A(norm(x))`, `x ← x + B gelu(C norm(x))`.
    """
    from torch.nn.functional import embedding, gelu, layer_norm, linear, scaled_dot_product_attention

    x = embedding(tokens, p["bytes"])
    (rows, length, width), seen = x.shape, visible(tokens)
    turn = rotation(length, width // heads)
    for layer in range((len(p) - 2) // 4):
        made = linear(layer_norm(x, (width,)), p[f"attend{layer}"])
        asked, held, value = made.view(rows, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        read = scaled_dot_product_attention(turned(asked, *turn), turned(held, *turn), value, attn_mask=seen)
        x = x + linear(read.transpose(1, 2).flatten(2), p[f"gather{layer}"])
        x = x + linear(gelu(linear(layer_norm(x, (width,)), p[f"hidden{layer}"])), p[f"down{layer}"])
    return linear(layer_norm(x, (width,)), p["out"])


def visible(tokens: Tensor) -> Tensor:
    """`bool [b, 1, n, n]`: the second place is not behind the first and in the same document."""
    import torch

    document = (tokens == START).cumsum(1)
    same = document[:, :, None] == document[:, None, :]
    return (same & torch.ones(same.shape[1:], dtype=torch.bool).tril())[:, None]


def rotation(length: int, width: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine, `[length, width / 2]`, of place `i` times `10,000^(-2 j / width)`."""
    import torch

    pace = _TURN ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = torch.arange(length, dtype=torch.float32)[:, None] * pace
    return angle.cos(), angle.sin()


def turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """`x [b, h, n, w]` with each pair `(x_j, x_{j + w / 2})` turned by its angle.

    Source: Su et al. 2021, RoFormer: Enhanced Transformer with Rotary Position Embedding.
    """
    import torch

    one, two = x.chunk(2, dim=-1)
    return torch.cat((one * cosine - two * sine, one * sine + two * cosine), dim=-1)

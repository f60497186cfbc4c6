"""The task `language-model`, and its first model: compiled n-grams of bytes, which train in seconds."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import PositiveInt

from tamis.evidence.task import Data, Found, Metric, Task, Test, Train
from tamis.ops import ngram_model
from tamis.ops.ngram_blocks import text_buffers

ORDER = 6
BITS, OFF_BITS = "bits_per_byte", "off_target_bits_per_byte"
_PARTS = {"target": (BITS, "target"), "off-target": (OFF_BITS, "group")}


class LanguageModel(Task):
    """Common to all models of texts, which are judged by the bits that held-out texts cost; a subclass fits one.

    The bits per byte of texts are the bits of all of them, their ends included, divided by their bytes; each text is
    judged from its beginning.
    """

    name = "language-model"
    metrics = (
        Metric(BITS, False, "bits to encode a byte of held-out text of the target"),
        Metric(OFF_BITS, False, "bits to encode a byte of other held-out text"),
    )
    headline = (BITS, OFF_BITS)
    needs = frozenset({"texts", "target"})

    def encode(self, model: Any, data: Data) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The bits `[n]` that each text costs, and its bytes `[n]`; both 0 for a text that is not judged."""
        raise NotImplementedError

    def evaluate(self, model: Any, test: Test) -> Found:
        """Bits per byte of the target and of other texts, and of each group among them where there are groups."""
        metrics, effects = {}, {}
        for part, (metric, kind) in _PARTS.items():
            if part in test.parts:
                data = test.parts[part]
                metrics[metric], groups = _bits_per_byte(data, *self.encode(model, data))
                if groups:
                    effects[kind] = groups
        return Found(metrics, effects)


class NgramModel(LanguageModel):
    """An n-gram model of UTF-8 bytes with modified Kneser–Ney smoothing.

    A text counts as often as it was chosen, and not at all if its weight is 0; other
    weights are not looked at, since counts of counts need whole counts. Chance has no part in it: the seed is ignored.

    Args:
        order: n; a byte is predicted from the n - 1 before it. On 2 to 190 MB of mixed text order 7 needs 1 to 6 %
            fewer bits than 6, but twice the memory and time; order 5 needs 5 to 12 % more.
    """

    def __init__(self, *, order: PositiveInt = ORDER) -> None:
        ngram_model.check_order(order)
        self.order = order

    def describe(self) -> str:
        """What is trained."""
        return f"an n-gram model of bytes (order {self.order}, modified Kneser–Ney smoothing)"

    def fit(self, train: Train, *, seed: int, steps: int | None) -> ngram_model.Model:
        """A model of the chosen texts; `O(order bytes)`, about 46 bytes of memory for each different n-gram."""
        texts = train.texts.filter(pa.array(train.weights != 0))
        return ngram_model.fit(*text_buffers(texts), self.order)

    def encode(self, model: ngram_model.Model, data: Data) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The bits of each text and its bytes."""
        assert data.texts is not None
        tokens, starts = text_buffers(data.texts)
        return ngram_model.bits(model, tokens, starts), np.diff(starts)


def _bits_per_byte(data: Data, bits: NDArray[np.float64], sizes: NDArray[np.int64]) -> tuple[float, dict[str, float]]:
    """Of all texts, and of those of each group that has any."""
    groups = {}
    if data.groups is not None:
        for code, name in enumerate(data.group_names):
            mine = data.groups == code
            if sizes[mine].any():
                groups[name] = float(bits[mine].sum() / sizes[mine].sum())
    return float(bits.sum() / max(1, int(sizes.sum()))), groups

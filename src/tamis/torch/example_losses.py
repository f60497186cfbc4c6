"""The loss of each example of a batch, where a model gives the mean of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from tamis import refusals
from tamis.torch.pruned import Pruned
from tamis.torch.samplers import FromSelection
from tamis.torch.visits import Visits

IGNORED = -100
"""The label of what has no part in a loss."""
CLOSE = 0.05
"""How far the loss that trains may be from the mean of its examples, for such as terms that balance experts, as a
part of that loss, or of 1 where it is less: these terms stay where the loss of examples falls to nothing."""
Weigh: TypeAlias = Callable[[Tensor], Tensor]


def cross_entropies(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The mean cross-entropy of each example over its labels that are not -100, and how many these are, both `[b]`.

    Args:
        logits: `[b, …, k]`.
        labels: integers `[b, …]`.

    Examples:
        >>> losses, counts = cross_entropies(torch.zeros(2, 3, 4), torch.tensor([[0, 1, -100], [-100, -100, -100]]))
        >>> losses, counts
        (tensor([1.3863, 0.0000]), tensor([2, 0]))
    """
    if logits.shape[:-1] != labels.shape or labels.is_floating_point():
        found, wanted = f"{tuple(logits.shape)}", f"{tuple(labels.shape)} of {labels.dtype}"
        raise refusals.MEASURE_LOGITS("compute_loss", found=found, labels=wanted)
    items = torch.nn.functional.cross_entropy(
        logits.float().flatten(0, -2), labels.flatten(), ignore_index=IGNORED, reduction="none"
    )
    counts = (labels != IGNORED).reshape(len(labels), -1).sum(1)
    return items.reshape(len(labels), -1).sum(1) / counts.clamp(min=1), counts


def divisor(loss: float, own: float, ways: Sequence[float]) -> float:
    """By what a model divided the sum of its losses, which is `own` by our account, to have its `loss`: one of `ways`.

    Raises `Refused` where none of them explains it.

    Examples:
        >>> divisor(0.51, 4.0, (2.0, 8.0))
        8.0
    """
    best = min(ways, key=lambda way: abs(own / way - loss))
    if math.isfinite(loss) and abs(own / best - loss) > CLOSE * max(abs(loss), 1.0):
        raise refusals.LOSS_OF_OTHERS("compute_loss", found=loss, own=own / best)
    return best


def weighing(sampler: Visits | None) -> Weigh | None:
    """What gives the weights of examples, or None where all weigh alike."""
    if isinstance(sampler, Pruned):
        return sampler.weights
    if isinstance(sampler, FromSelection) and bool((sampler.weights(sampler.rows) != 1).any()):
        return sampler.weights
    return None


def logits_of(outputs: Any) -> Tensor:
    """The logits among what a model with a loss returned."""
    named = outputs if isinstance(outputs, Mapping) else dict(zip(("loss", "logits"), outputs, strict=False))
    if not isinstance(found := named.get("logits"), Tensor):
        had = ", ".join(str(name) for name, one in named.items() if one is not None)
        raise refusals.STEP_WITHOUT("model", found=had, name="logits", wanted="loss, logits")
    return found

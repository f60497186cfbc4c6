"""What tasks that train with torch share: one thread, random numbers of their own, and AdamW with cosine decay.

Models are functions of a dictionary of tensors, so that torch is imported only where a model is made.
"""

import importlib.util
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from tamis import refusals
from tamis.evidence.task import Train

Tensor: TypeAlias = Any
Parameters: TypeAlias = dict[str, Tensor]
WARM = 20  # one step of so many belongs to the warm-up
DECAY, CLIP, BETAS = 0.1, 1.0, (0.9, 0.95)


def need_torch(where: str) -> None:
    """Refuse what is asked for at `where` if torch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise refusals.PACKAGE_MISSING(where, package="torch", extra="torch")


@contextmanager
def one_thread() -> Iterator[None]:
    """While it lasts torch computes on one thread, so that sums have one order and cells do not slow each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Normal:
    """Makes parameters of normal random numbers; torch's global generator is left alone."""

    def __init__(self, seed: int) -> None:
        import torch

        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int, deviation: float) -> Tensor:
        """A `float32` tensor that learns, with mean 0."""
        import torch

        return (torch.randn(*shape, generator=self.generator, dtype=torch.float32) * deviation).requires_grad_()


def zeros(*shape: int) -> Tensor:
    """A `float32` tensor of zeros that learns."""
    import torch

    return torch.zeros(*shape, dtype=torch.float32, requires_grad=True)


def pace(step: float, steps: int) -> float:
    """The share of the full step size at `step` of `steps`: up in a straight line, then down along a cosine to 0.

    Examples:
        >>> [round(pace(step, 100), 2) for step in (0, 4, 5, 50, 99)]
        [0.2, 1.0, 0.99, 0.5, 0.0]
    """
    warm = -(-steps // WARM)
    return min(1.0, (step + 1) / warm) * (1 + math.cos(math.pi * step / steps)) / 2


def descend(
    parameters: Parameters, batches: Iterable[Any], loss: Callable[[Any], Tensor], steps: int, rate: float,
    train: Train | None = None,
) -> None:  # fmt: skip
    """Take `steps` of AdamW down the `loss` of so many batches, or of all there are; the parameters change in place.

    Decoupled weight decay of 0.1 on matrices and none on vectors, gradients cut to a norm of 1. After the last step the
    parameters no longer learn.

    Args:
        parameters: the tensors that learn.
        batches: no more than `steps` are taken.
        loss: of a batch, a scalar.
        rate: the largest step size; `pace` says what share of it is taken when.
        train: what serves the batches, if it says how far training is: epochs may differ in their steps.
    """
    import torch

    tensors = list(parameters.values())
    matrices = [one for one in tensors if one.dim() > 1]
    vectors = [one for one in tensors if one.dim() < 2]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, betas=BETAS)
    for step, batch in zip(range(steps), batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = rate * pace(train.place if train else step, steps)
        optimizer.zero_grad()
        loss(batch).backward()
        torch.nn.utils.clip_grad_norm_(tensors, CLIP)
        optimizer.step()
    for one in tensors:
        one.requires_grad_(False)

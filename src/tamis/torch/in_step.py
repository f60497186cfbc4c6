"""Choices within a step: of a large batch, the examples to learn from."""

from typing import Any

import numpy as np
import torch

from tamis import refusals
from tamis.ops.joint_draws import joint, reducible
from tamis.ops.permutation import rekeyed
from tamis.torch.ranks import array


class RHO:
    """Of each large batch, the examples whose loss exceeds most what a reference model has on them.

    Args:
        reference: `[n]`, the loss of each example of the data set by a model that was trained on other data.
        keep: how many of a large batch to learn from; the paper has 32 of 320. Of a batch that is smaller, such as the
            last of an epoch, all are learnt from.

    The losses of the large batch cost one forward pass of it, without gradients.

    Examples:
        >>> rho = RHO(reference=[0.1, 2.0, 0.3], keep=1)
        >>> rho.choose(torch.tensor([1, 2]), torch.tensor([2.1, 1.5]))
        tensor([1])

    Source: Mindermann et al. 2022, Prioritized Training on Points that are Learnable, Worth Learning, and not yet
    Learnt.
    """

    def __init__(self, reference: Any, keep: int) -> None:
        self.reference, self.keep = array(reference).astype(np.float64), int(keep)
        if self.reference.ndim != 1:
            raise refusals.SAMPLER_SHAPES("reference", found=self.reference.shape, wanted="(n,)")
        _check_keep(self.keep)

    def choose(self, ids: Any, losses: Any) -> torch.Tensor:
        """Places in the batch to learn from, `int64 [min(keep, B)]`, best first, on the device of `losses`.

        Args:
            ids: integers `[B]`.
            losses: `[B]`, of the model as it is.
        """
        known = array(ids)
        if len(known) and not (known.min() >= 0 and known.max() < len(self.reference)):
            wrong = known[(known < 0) | (known >= len(self.reference))][0]
            raise refusals.SAMPLER_IDS(
                "ids", value=int(wrong), n=len(self.reference), last=len(self.reference) - 1
            )  # fmt: skip
        return _beside(reducible(array(losses), self.reference[known], min(self.keep, len(known))), losses)


class JEST:
    """Of each large batch, examples that are learnable together, drawn in chunks; see `tamis.ops.joint_draws.joint`.

    Args:
        keep: how many of a large batch to learn from; the paper has a fifth. Of a batch that is smaller, such as the
            last of an epoch, all are learnt from.
        chunks: of what is drawn at once, at most `keep`.
        seed: of all draws.

    Examples:
        >>> jest = JEST(keep=2, chunks=2)
        >>> learner, reference = torch.tensor([9.0, 0.0, 9.0]) * 10, torch.zeros(3)
        >>> sorted(jest.choose(learner, reference, step=0).tolist())
        [0, 2]

    Source: Evans et al. 2024, Data curation via joint example selection further accelerates multimodal learning.
    """

    def __init__(self, keep: int, *, chunks: int = 16, seed: int = 0) -> None:
        self.keep, self.chunks, self.seed = int(keep), int(chunks), int(seed)
        _check_keep(self.keep)
        if not 1 <= self.chunks <= self.keep:
            accepted = f"1 to {self.keep:,}, so that each draws some"
            raise refusals.PARAMETER_OUT_OF_RANGE(f"chunks={chunks}", accepted=accepted)

    def choose(self, losses: Any, reference: Any, step: int) -> torch.Tensor:
        """Places in the batch to learn from, `int64 [min(keep, B)]`, on the device of `losses`.

        Args:
            losses: `[B, B]` of pairs, or `[B]`, of the model as it is.
            reference: of the reference model, in the same shape.
            step: number of the step, which with the seed decides the draw.
        """
        learner = array(losses)
        key, keep = rekeyed(np.arange(len(learner), dtype=np.uint64), self.seed, step), min(self.keep, len(learner))
        return _beside(joint(learner, array(reference), keep, key, chunks=min(self.chunks, keep)), losses)


def _check_keep(keep: int) -> None:
    if keep < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"keep={keep}", accepted="1 or more")


def _beside(places: Any, losses: Any) -> torch.Tensor:
    found = torch.from_numpy(np.array(places))
    return found.to(losses.device) if isinstance(losses, torch.Tensor) else found

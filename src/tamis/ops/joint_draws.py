"""Which examples of a large batch to learn from, judged by what a reference model makes of them."""

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.choosers import gumbel
from tamis.ops.permutation import Ids, rekeyed

Floats = NDArray[np.floating]


def reducible(loss: Floats, reference: Floats, keep: int) -> Ids:
    """RHO: the `keep` examples of a batch with the largest reducible loss, `loss − reference`, largest first.

    The reference is the loss of a model trained on other data, which is what cannot be learnt (Mindermann et al. 2022
    train it on a holdout set). Noise has both losses large, what was learnt has both small.

    Args:
        loss: `[B]`, of the model in training.
        reference: `[B]`.
        keep: b, at most B.

    Returns:
        Places in the batch, `int64 [b]`, ties by place. `O(B log B)` time.

    Examples:
        >>> reducible(np.array([3.0, 2.0, 0.1]), np.array([2.9, 0.5, 0.1]), 1).tolist()
        [1]

    Source: Mindermann et al. 2022, Prioritized Training on Points that are Learnable, Worth Learning, and not yet
    Learnt.
    """
    loss, reference = _finite("loss", loss), _finite("reference", reference)
    if loss.ndim != 1 or loss.shape != reference.shape:
        raise refusals.SAMPLER_SHAPES("reference", found=reference.shape, wanted=loss.shape)
    _check_keep(keep, len(loss))
    return np.argsort(reference - loss, kind="stable")[:keep]


def joint(loss: Floats, reference: Floats, keep: int, key: NDArray[np.uint64], *, chunks: int = 16) -> Ids:
    """JEST: examples of a batch that are learnable together, drawn in chunks, each given those drawn before.

    With S = loss − reference, the learnability, and m the indicator of what was drawn, each chunk is drawn without
    replacement with odds `exp(diag(S) + mᵀ S + S m)`. Without pairs (`[B]`) that is one draw with odds `exp(S)`.

    Args:
        loss: `[B, B]` of pairs, such as a contrastive loss, or `[B]`, of the model in training.
        reference: of a reference model, in the same shape.
        keep: b, at most B, which chunks share evenly.
        key: `uint64 [B]`, all chance there is.
        chunks: of what is drawn at once.

    Returns:
        Places in the batch, `int64 [b]`, in the order of the draws. `O(B b + B log B · chunks)` time, `8 B²` bytes.

    Examples:
        >>> loss = np.diag([9.0, 0.0, 9.0]) * 10
        >>> sorted(joint(loss, np.zeros((3, 3)), 2, np.arange(3, dtype=np.uint64), chunks=2).tolist())
        [0, 2]

    Source: Evans et al. 2024, Data curation via joint example selection further accelerates multimodal learning.
    """
    loss, reference = _finite("loss", loss), _finite("reference", reference)
    size = len(key)
    if loss.shape != reference.shape or loss.shape not in ((size,), (size, size)):
        raise refusals.SAMPLER_SHAPES("reference", found=reference.shape, wanted=loss.shape)
    _check_keep(keep, size)
    if not 1 <= chunks <= keep:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"chunks={chunks}", accepted=f"1 to {keep:,}, so that each draws some")
    learnable = loss - reference
    odds = (learnable if learnable.ndim == 1 else np.diag(learnable)).copy()
    drawn: list[Ids] = []
    for chunk in range(chunks):
        many = (chunk + 1) * keep // chunks - chunk * keep // chunks
        found = np.argsort(-(odds + gumbel(rekeyed(key, chunk))), kind="stable")[:many]
        drawn.append(found)
        odds[found] = -np.inf
        if learnable.ndim == 2:
            odds += learnable[found].sum(axis=0) + learnable[:, found].sum(axis=1)
    return np.concatenate(drawn)


def _finite(name: str, values: Floats) -> NDArray[np.float64]:
    found = np.asarray(values, np.float64)
    if not np.isfinite(found).all():
        at = int(np.argmin(np.isfinite(found).ravel()))
        raise refusals.SAMPLER_NOT_FINITE(name, value=found.ravel()[at], place=at)
    return found


def _check_keep(keep: int, size: int) -> None:
    if not 1 <= keep <= size:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"keep={keep}", accepted=f"1 to {size:,}, the size of the batch")

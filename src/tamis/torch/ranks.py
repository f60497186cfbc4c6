"""Which process of how many this is, and what all of them know of a batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from tamis import refusals

Ids = NDArray[np.int64]
Losses = NDArray[np.float32]


def is_shared() -> bool:
    """Whether `torch.distributed` is set up with several processes."""
    return bool(dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1)


def processes() -> int:
    """How many processes `torch.distributed` has; 1 where it is not set up."""
    return int(dist.get_world_size()) if is_shared() else 1


def who(rank: int | None, world: int | None) -> tuple[int, int]:
    """Rank and number of processes, as given or as `torch.distributed` has them; refuses what cannot be."""
    if rank is None and world is None:
        return (dist.get_rank(), dist.get_world_size()) if is_shared() else (0, 1)
    if rank is None or world is None or not 0 <= rank < world:
        raise refusals.SAMPLER_RANK(f"rank={rank}, world={world}", world=world)
    return int(rank), int(world)


def array(values: Any) -> NDArray[Any]:
    """A tensor of any device and type, or a sequence, as an array; half precision becomes float32."""
    if not isinstance(values, torch.Tensor):
        return np.asarray(values)
    found = values.detach().cpu()
    small = found.is_floating_point() and found.element_size() < 4
    return np.asarray((found.float() if small else found).numpy())


def gathered(measure: Callable[[], tuple[Ids, Losses]]) -> tuple[Ids, Losses]:
    """Ids and losses that `measure` gives on each process, by rank; ids travel as the 64-bit integers that they are.

    A process that refuses tells the others, which would wait for it.
    """
    if not is_shared():
        return measure()
    failed: Exception | None = None
    try:
        ids, losses = measure()
    except Exception as error:
        failed, ids, losses = error, np.empty(0, np.int64), np.empty(0, np.float32)
    sizes = from_all(np.array([-1 if failed else len(ids)]))[:, 0]
    if failed:
        raise failed
    if (sizes < 0).any():
        raise refusals.RECORD_ELSEWHERE("update", rank=int(np.argmax(sizes < 0)))
    padded = np.zeros((2, int(sizes.max())), np.int64)
    padded[:, : len(ids)] = ids, losses.astype(np.float64).view(np.int64)
    parts = [part[:, :size] for part, size in zip(from_all(padded), sizes.tolist(), strict=True)]
    both = np.concatenate(parts, axis=1)
    return both[0], both[1].copy().view(np.float64).astype(np.float32)


def from_all(values: NDArray[np.int64], group: Any = None) -> NDArray[np.int64]:
    """`values` of every process of the group, `int64 [world, …]`; their shapes must be the same."""
    own = torch.from_numpy(values).to("cuda" if dist.get_backend(group) == "nccl" else "cpu")
    found = [torch.empty_like(own) for _ in range(dist.get_world_size(group))]
    dist.all_gather(found, own, group=group)
    return np.stack([one.cpu().numpy() for one in found])

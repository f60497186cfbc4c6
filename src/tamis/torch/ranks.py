"""Which process of how many this is, and what all of them know of a batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from tamis import refusals

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


def processes(group: Any = None) -> int:
    """How many processes `torch.distributed` has in a group, by default in all; 1 where it is not set up."""
    return int(dist.get_world_size(group)) if dist.is_available() and dist.is_initialized() else 1


def who(rank: int | None, world: int | None) -> tuple[int, int]:
    """Rank and number of processes, as given or as `torch.distributed` has them; refuses what cannot be."""
    if rank is None and world is None:
        return (dist.get_rank(), processes()) if processes() > 1 else (0, 1)
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


def gathered(measure: Callable[[], tuple[Ids, Floats]], columns: int, group: Any = None) -> tuple[Ids, Floats]:
    """Ids, and numbers `float64 [b, columns]`, that `measure` gives on each process of a group, rank after rank.

    Ids and numbers travel as the 64 bits that they are. A process that refuses tells the others, which would wait.
    """
    if processes(group) == 1:
        return measure()
    failed: Exception | None = None
    try:
        ids, numbers = measure()
    except Exception as error:
        failed, ids, numbers = error, np.empty(0, np.int64), np.empty((0, columns))
    packed = np.column_stack([ids, numbers.view(np.int64)])
    counts = from_all(np.array([-1 if failed else len(packed)]), group)[:, 0]
    if failed:
        raise failed
    if (counts < 0).any():
        raise refusals.RECORD_ELSEWHERE("update", rank=int(np.argmax(counts < 0)))
    padded = np.zeros((int(counts.max()), packed.shape[1]), np.int64)
    padded[: len(packed)] = packed
    every = np.concatenate([part[:count] for part, count in zip(from_all(padded, group), counts, strict=True)])
    return every[:, 0], every[:, 1:].copy().view(np.float64)


def from_all(values: NDArray[np.int64], group: Any = None) -> NDArray[np.int64]:
    """`values` of every process of the group, `int64 [world, …]`; their shapes must be the same."""
    own = torch.from_numpy(values).to("cuda" if dist.get_backend(group) == "nccl" else "cpu")
    found = [torch.empty_like(own) for _ in range(dist.get_world_size(group))]
    dist.all_gather(found, own, group=group)
    return np.stack([one.cpu().numpy() for one in found])

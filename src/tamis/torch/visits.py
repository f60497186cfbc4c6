"""What all samplers share: an epoch is a row of visits that can be read from any place, by any of several processes."""

from collections.abc import Iterator, Mapping
from operator import length_hint
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from tamis import refusals
from tamis.ops.permutation import BLOCK
from tamis.torch.ranks import who

Ids = NDArray[np.int64]


class Visits(Sampler[int]):
    """A sampler whose epochs are computed from (seed, epoch, place), so that any of it can be had at any time.

    Of the visits of an epoch, process r of R gets those at places r, r + R, r + 2 R, …: together they have all of
    them, and no two the same. Where R does not divide them, the first processes have one more; with `even` the last
    few are left out, so that all have as many, without which `DistributedDataParallel` waits for ever at the end of an
    epoch. So `even` is True by default where `torch.distributed` says that there are several processes, and False where
    `rank` and `world` are given, or there is one.

    An epoch that was iterated to its end is followed by the next one. `set_epoch` says which one comes instead.

    A subclass says `visits` and `_from`; `_begin` is called when an epoch is about to be iterated.
    """

    epoch: int
    _ahead: Iterator[int]

    def __init__(
        self, n: int, seed: int = 0, *, rank: int | None = None, world: int | None = None, even: bool | None = None
    ) -> None:
        if n < 1:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"n={n}", accepted="1 or more")
        self.n, self.seed = int(n), int(seed)
        self.rank, self.world = who(rank, world)
        self.even = world is None and self.world > 1 if even is None else bool(even)
        self.epoch = 0
        self._restart(None)

    @property
    def visits(self) -> int:
        """How many visits the epoch has, of all processes together."""
        raise NotImplementedError

    def _from(self, start: int) -> Iterator[Ids]:
        """The visits of the epoch from place `start` on, in arrays."""
        raise NotImplementedError

    def _begin(self) -> None:
        """The epoch is about to be iterated."""

    def _parameters(self) -> dict[str, Any]:
        """What has to be the same for an epoch to go on: numbers, texts, or None."""
        return {}

    def __len__(self) -> int:
        """How many visits of the epoch this process has."""
        left = 0 if self.even else max(self.visits % self.world - self.rank, 0)
        return self.visits // self.world + min(left, 1)

    def __iter__(self) -> Iterator[int]:
        for ids in self._arrays():
            for start in range(0, len(ids), BLOCK):
                ahead = ids[start : start + BLOCK].tolist()
                self._reached += len(ahead)
                self._ahead = iter(ahead)
                yield from self._ahead
        self._done = True

    def batches(self, size: int, drop_last: bool = False) -> "Batches":
        """The visits of this process as `int64` arrays of `size`, an epoch each time it is iterated.

        They can be the `batch_sampler` of a `DataLoader`, and save the loop over single numbers.
        """
        return Batches(self, size, drop_last)

    def steps(self, epochs: int, size: int, drop_last: bool = False) -> int:
        """How many batches of `size` this process has in `epochs` epochs like this one.

        That is what a learning-rate schedule has to decay over, as in `CosineAnnealingLR(optimizer, T_max=steps)`.
        """
        return epochs * len(self.batches(size, drop_last))

    @property
    def position(self) -> int:
        """How many visits of the epoch this process was served."""
        return self._reached - length_hint(self._ahead)

    def set_epoch(self, epoch: int) -> None:
        """Have the next iteration serve `epoch`, from its start, or from where a loaded state has it."""
        if epoch < 0:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"epoch={epoch}", accepted="0 or more")
        same = epoch == self.epoch
        if self._resume and not same:
            place = f"visit {self._resume:,} of epoch {self.epoch:,}"
            raise refusals.SAMPLER_RESUME(f"epoch={epoch}", place=place, epoch=self.epoch)
        self.epoch = int(epoch)
        self._restart(self._resume if same else None)

    def state_dict(self, done: int | None = None) -> dict[str, Any]:
        """All that is needed to go on exactly, on any process; numbers, texts and tensors.

        Args:
            done: how many visits of the epoch this process has trained on. A `DataLoader` with workers reads ahead, so
                give steps times batch size there; without it, what was served counts as done.
        """
        position = self.position if done is None else int(done)
        fixed = {"n": self.n, "seed": self.seed, "world": self.world, "even": self.even, **self._parameters()}
        found = {"sampler": type(self).__name__, "fixed": fixed, "epoch": self.epoch, "position": position}
        return found | {"done": self._done and done is None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on exactly from what `state_dict` returned: the next iteration serves what is left of the epoch.

        Raises `Refused` for the state of another sampler, number of examples, number of processes or parameter.
        """
        kind = type(self).__name__
        if state.get("sampler") != kind or not {"fixed", "epoch", "position"} <= set(state):
            raise refusals.SAMPLER_STATE_OF_OTHER("state", wanted=kind)
        fixed = self.state_dict()["fixed"]
        for name, wanted in fixed.items():
            if (found := state["fixed"].get(name)) != wanted:
                raise refusals.SAMPLER_STATE(kind, name=name, found=found, wanted=wanted)
        self.epoch = int(state["epoch"])
        self._load(state)
        self._restart(int(state["position"]))
        if state.get("done") or 0 < len(self) <= self._reached:
            self.epoch += 1
            self._restart(None)

    def _load(self, state: Mapping[str, Any]) -> None:
        """Take over what a subclass has put into its state."""

    def __repr__(self) -> str:
        shared = f", rank {self.rank} of {self.world}" if self.world > 1 else ""
        return f"<{type(self).__name__} of {self.n:,} examples, epoch {self.epoch}{shared}>"

    def _restart(self, position: int | None) -> None:
        """Forget what was served; the next iteration begins at `position`, or at 0."""
        self._resume = position
        self._reached, self._done = position or 0, False
        self._ahead = iter(())

    def _arrays(self) -> Iterator[Ids]:
        """This process's part of the epoch, from where it goes on."""
        if self._done:
            self.set_epoch(self.epoch + 1)
        self._restart(self._resume)
        self._resume = None
        self._begin()
        left, first = len(self) - self._reached, self.rank
        if left <= 0:
            return
        for ids in self._from(self._reached * self.world):
            own = ids[first :: self.world][:left]
            first = (first - len(ids)) % self.world
            left -= len(own)
            yield own


class Batches:
    """Batches of a sampler; made by its `batches`."""

    def __init__(self, sampler: Visits, size: int, drop_last: bool = False) -> None:
        if size < 1:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"size={size}", accepted="1 or more")
        if drop_last and len(sampler) < size:
            raise refusals.SAMPLER_BATCHLESS(f"size={size}", count=len(sampler))
        self.sampler, self.size, self.drop_last = sampler, size, drop_last

    def __len__(self) -> int:
        """How many batches this process has in the epoch."""
        return len(self.sampler) // self.size if self.drop_last else -(-len(self.sampler) // self.size)

    def set_epoch(self, epoch: int) -> None:
        """Have the next iteration serve `epoch`."""
        self.sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[Ids]:
        rest = np.empty(0, np.int64)
        for ids in self.sampler._arrays():
            ids = np.concatenate((rest, ids)) if len(rest) else ids
            whole = len(ids) - len(ids) % self.size
            for start in range(0, whole, self.size):
                self.sampler._reached += self.size
                yield ids[start : start + self.size]
            rest = ids[whole:]
        if len(rest) and not self.drop_last:
            self.sampler._reached += len(rest)
            yield rest
        self.sampler._done = True


def tensor(values: NDArray[Any]) -> torch.Tensor:
    """A tensor of its own memory."""
    return torch.from_numpy(np.array(values))

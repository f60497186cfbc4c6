"""Samplers that leave out by the losses they are told: InfoBatch and SeTa."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.loss_groups import window
from tamis.ops.permutation import permutation
from tamis.ops.pruning import Kept, check_epochs, easy_pruned, is_annealed, keep_ratio, window_kept
from tamis.torch.ranks import array, gathered, processes
from tamis.torch.visits import Ids, Visits, tensor


class Pruned(Visits):
    """A sampler that is told the loss of what it served, and leaves out by it in the next epoch.

    The data set has to return the id of each example beside it. Where `torch.distributed` is set up, every process
    calls `update` after each step with its own part, and all know all losses.

    Losses are `4 n` bytes, and what an epoch keeps `2 n`. An epoch begins with `O(n)` time.
    """

    def __init__(
        self,
        n: int,
        ratio: float,
        *,
        epochs: int,
        annealing: float,
        seed: int,
        rank: int | None,
        world: int | None,
        even: bool | None,
    ) -> None:
        check_epochs(epochs, annealing)
        self.ratio, self.epochs, self.annealing, self.keep = ratio, epochs, annealing, keep_ratio(ratio)
        super().__init__(n, seed, rank=rank, world=world, even=even)
        self.losses = np.full(self.n, np.nan, np.float32)
        self._told = 0  # losses in the epoch
        self._drawn: tuple[int, Kept] | None = None  # of an epoch that was begun

    @property
    def is_annealed(self) -> bool:
        """Whether the epoch is one of the last, `epoch ≥ annealing · epochs`, counted from 0."""
        return is_annealed(self.epoch, self.epochs, self.annealing)

    @property
    def visits(self) -> int:
        """How many examples the epoch keeps, by the losses told so far until it begins."""
        return self._kept().visited

    @property
    def marked(self) -> Ids:
        """Examples whose last loss was not finite, which are kept; and those never visited."""
        return np.flatnonzero(~np.isfinite(self.losses))

    def weights(self, ids: Any) -> Any:
        """The weight of each of `ids` in this epoch, `float32`: a tensor beside a tensor, else an array."""
        found = self._kept().weights(self._ids(ids))
        return torch.from_numpy(found).to(ids.device) if isinstance(ids, torch.Tensor) else found

    def update(self, ids: Any, losses: Any) -> None:
        """Tell the loss of each of `ids`, `[b]`, as the model has it: not weighted, not averaged.

        A loss that is not finite keeps its example until a finite one is told.
        """
        self._begin()  # what an epoch keeps does not hang on what is told in it
        every, found = gathered(lambda: self._measured(ids, losses), 1)
        self.losses[every] = found[:, 0]
        self._told += len(every)
        self._note(every)

    def loss(self, ids: Any, losses: torch.Tensor) -> torch.Tensor:
        """Tell the losses, and the mean of them with their weights, which is what to call `backward` of."""
        self.update(ids, losses)
        return (losses * torch.as_tensor(self.weights(ids), dtype=losses.dtype, device=losses.device)).mean()

    def _note(self, ids: Ids) -> None:
        """Some examples were visited in this epoch."""

    def _draw(self) -> Kept:
        """What the epoch keeps."""
        raise NotImplementedError

    def _is_blind(self) -> bool:
        """Whether the epoch needs no losses."""
        return self.epoch == 0 or self.is_annealed

    def _kept(self) -> Kept:
        if self._drawn is not None and self._drawn[0] == self.epoch:
            return self._drawn[1]
        if not self._told and not self._is_blind():
            raise refusals.SAMPLER_UNTOLD(type(self).__name__, epoch=self.epoch)
        if self._drawn is not None and not self._is_blind() and self.world > processes():
            self._warn_of_others(self._drawn[1].visited)
        return self._draw()

    def _warn_of_others(self, visited: int) -> None:
        """Say that processes know different losses, where nothing shares them and the user did not."""
        if self._told < visited:
            said = f"{type(self).__name__} was told {self._told:,} losses of the {visited:,} visits"
            said += f" of {self.world} processes"
            fix = "set up torch.distributed before making it, or tell every process all losses"
            warnings.warn(f"{said}, so that their parts overlap and leave out others; {fix}", stacklevel=4)

    def _begin(self) -> None:
        if self._drawn is None or self._drawn[0] != self.epoch:
            self._drawn, self._told = (self.epoch, self._kept()), 0

    def _from(self, start: int) -> Iterator[Ids]:
        return self._kept().visits(permutation(self.n, self.seed, self.epoch), start)

    def _measured(self, ids: Any, losses: Any) -> tuple[Ids, NDArray[np.float64]]:
        own, found = self._ids(ids), array(losses).astype(np.float32)
        if own.shape != found.shape:
            raise refusals.SAMPLER_SHAPES("losses", found=found.shape, wanted=own.shape)
        return own, found.astype(np.float64)[:, None]

    def _ids(self, ids: Any) -> Ids:
        found = array(ids)
        if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer):
            raise refusals.SAMPLER_SHAPES(f"ids of {found.dtype}", found=found.shape, wanted="(b,), integers")
        if len(found) and not (found.min() >= 0 and found.max() < self.n):
            wrong = found[(found < 0) | (found >= self.n)][0]
            raise refusals.SAMPLER_IDS("ids", value=int(wrong), n=self.n, last=self.n - 1)
        return found.astype(np.int64)

    def _parameters(self) -> dict[str, Any]:
        return {"ratio": self.ratio, "epochs": self.epochs, "annealing": self.annealing}

    def state_dict(self, done: int | None = None) -> dict[str, Any]:
        """All that is needed to go on exactly; see `Visits.state_dict`."""
        state = super().state_dict(done) | {"losses": tensor(self.losses), "told": self._told, "drawn": -1}
        if self._drawn is not None:
            epoch, kept = self._drawn
            heavy = np.empty(0, bool) if kept.heavy is None else kept.heavy
            state |= {"drawn": epoch, "weight": kept.weight}
            state |= {"rows": tensor(np.packbits(kept.rows)), "heavy": tensor(np.packbits(heavy))}
        return state

    def _load(self, state: Mapping[str, Any]) -> None:
        self.losses = np.array(array(state["losses"]), np.float32)
        self._told, self._drawn = int(state["told"]), None
        if state["drawn"] >= 0:
            rows, heavy = array(state["rows"]), array(state["heavy"])
            kept = np.unpackbits(rows, count=self.n).view(bool)
            easy = np.unpackbits(heavy, count=self.n).view(bool) if len(heavy) else None
            self._drawn = int(state["drawn"]), Kept(kept, easy, float(state["weight"]))


class InfoBatch(Pruned):
    """Leaves out, in every epoch, part of the examples that are easy by now, and lets the rest of the easy count more.

    Of the examples with a loss below the mean, a part r is left out at random, and those that stay weigh 1 / (1 − r),
    so that the sum of gradients over an epoch is, in the mean, that of all examples. In the last epochs, from
    `annealing · epochs` on, all are visited with a weight of 1.

    * r is no part of the visits: with losses of which 60 % are below the mean, r = 0.5 saves 30 %.
    * A step is larger than one of plain training, by `n / visits`, since the mean is over fewer examples.
    * The number of steps changes from epoch to epoch: make a schedule of steps anew from `len` when one begins.

    Args:
        n: how many examples the data set has.
        ratio: r, from 0 to less than 1; at least a tenth of the easy are kept. 0 is plain training, `FullData(n)`.
        epochs: T, of the whole training.
        annealing: δ.
        seed: of all draws.
        rank, world, even: see `Visits`.

    Raises `Refused` when an epoch begins and no loss of the one before was told.

    Loses to random subsets where far fewer visits are wanted than it saves by itself.

    Examples:
        >>> sampler = InfoBatch(6, ratio=0.5, epochs=10)
        >>> ids = list(sampler)
        >>> sampler.update(ids, [0.1 if id < 4 else 2.0 for id in ids])
        >>> sampler.set_epoch(1)
        >>> len(sampler), sampler.weights(np.array([0, 5])).tolist()
        (4, [2.0, 1.0])

    Source: Qin et al. 2024, InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning.
    """

    def __init__(
        self,
        n: int,
        ratio: float = 0.5,
        *,
        epochs: int,
        annealing: float = 0.875,
        seed: int = 0,
        rank: int | None = None,
        world: int | None = None,
        even: bool | None = None,
    ) -> None:
        super().__init__(
            n, ratio, epochs=epochs, annealing=annealing, seed=seed, rank=rank, world=world, even=even
        )  # fmt: skip

    def _is_blind(self) -> bool:
        return super()._is_blind() or self.keep == 1

    def _draw(self) -> Kept:
        keep = 1.0 if self.is_annealed else self.keep
        return easy_pruned(self.losses, keep, permutation(self.n, self.seed, self.epoch, 1))


class SeTa(Pruned):
    """Visits, in every epoch, a random part of the examples, and of that a window of groups by loss, from easy to hard.

    In epoch 0 the random part is visited as a whole, and again from `annealing · epochs` on. In between it is divided
    into groups by the losses told last, and a window of groups slides from the easiest to the hardest, again and
    again. No example is weighted.

    Groups are unequal, with few hard examples, so what an epoch saves is not `window`: see `visits`.

    Args:
        n: how many examples the data set has.
        ratio: r, the part that is left out at random, from 0 to less than 1.
        epochs: T, of the whole training.
        groups: G.
        window: α, how many of the groups an epoch keeps: `max(1, ⌊α G + ½⌋)`.
        annealing: δ.
        order: `paper` begins at the easiest group, `reference` at the second, as the published code has it.
        max_age: examples that were not visited for more than that many epochs are kept, since what is known of them is
            old; None for no such limit.
        seed: of all draws.
        rank, world, even: see `Visits`.

    Raises `Refused` when an epoch begins and no loss of the one before was told. With one group, or a window of all, no
    loss is needed: that is dynamic random pruning.

    Loses to random subsets where losses say nothing of what is left to learn.

    Examples:
        >>> sampler = SeTa(6, epochs=8, groups=3, window=0.34)
        >>> ids = np.array(list(sampler))
        >>> sampler.update(ids, ids // 2)
        >>> sorted(sampler)
        [0, 1]

    Source: Zhou et al. 2025, Scale Efficient Training for Large Datasets.
    """

    def __init__(
        self,
        n: int,
        ratio: float = 0.0,
        *,
        epochs: int,
        groups: int = 10,
        window: float = 0.5,
        annealing: float = 0.875,
        order: str = "paper",
        max_age: int | None = None,
        seed: int = 0,
        rank: int | None = None,
        world: int | None = None,
        even: bool | None = None,
    ) -> None:
        if order not in ("paper", "reference"):
            raise refusals.PARAMETER_NOT_LISTED(f"order={order!r}", known="paper, reference")
        self.groups, self.window, self.order, self.max_age = groups, window, order, max_age
        super().__init__(
            n, ratio, epochs=epochs, annealing=annealing, seed=seed, rank=rank, world=world, even=even
        )  # fmt: skip
        self._seen = None if max_age is None else np.zeros(self.n, np.int32)
        self._draw()  # which refuses groups and windows that cannot be

    def _is_blind(self) -> bool:
        return super()._is_blind() or window(self.epoch, self.groups, self.window) == (0, self.groups)

    def _note(self, ids: Ids) -> None:
        if self._seen is not None:
            self._seen[ids] = self.epoch

    def _draw(self) -> Kept:
        stale = None
        if self._seen is not None and self.max_age is not None:
            stale = self.epoch - self._seen > self.max_age
        return window_kept(
            self.losses,
            self.keep,
            permutation(self.n, self.seed, self.epoch, 1),
            self.epoch,
            groups=self.groups,
            scale=self.window,
            from_easiest=self.order == "paper",
            annealed=self.is_annealed,
            stale=stale,
        )

    def _parameters(self) -> dict[str, Any]:
        own = {"groups": self.groups, "window": self.window, "order": self.order, "max_age": self.max_age}
        return super()._parameters() | own

    def state_dict(self, done: int | None = None) -> dict[str, Any]:
        """All that is needed to go on exactly; see `Visits.state_dict`."""
        seen = np.empty(0, np.int32) if self._seen is None else self._seen
        return super().state_dict(done) | {"seen": tensor(seen)}

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        if self._seen is not None:
            self._seen = np.array(array(state["seen"]), np.int32)

"""Samplers for a training loop of PyTorch whose choice does not hang on the model; see `Visits` for what they share."""

import hashlib
import warnings
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.permutation import blocks, hashed, permutation
from tamis.ops.rounds import consecutive, independent, round_size, shares_of, without_repeats
from tamis.ops.temperature import TOO_OFTEN, Cooldown, Mixed, check_sizes, mixture
from tamis.ops.weighted import checked_weights, cumulated, with_replacement, without_replacement
from tamis.selection import Selection
from tamis.torch.ranks import array
from tamis.torch.visits import Ids, Visits

__all__ = ["RS2", "Cooldown", "FromSelection", "FullData", "TemperatureSampler", "WeightedDraw"]

Floats = NDArray[np.float64]


class FullData(Visits):
    """Shuffled passes over all examples, cut into epochs of `⌊ratio · n⌋` visits: the control for `RS2`.

    R epochs are `ratio · R` passes of ordinary training, in as many steps as R rounds of `RS2`: with the same
    learning-rate schedule over these steps, the two differ only in what is drawn. What `RS2` gains over training that
    takes R full passes is mostly due to that shorter schedule.

    Where one pass ends and the next begins within an epoch, no example comes twice among n / 3 visits (16,384 at most)
    that follow each other, so that no batch up to that size has one twice; see `tamis.ops.rounds.consecutive`.

    Args:
        n: how many examples the data set has.
        ratio: what part of a pass an epoch is.
        seed: of the orders.
        rank, world, even: see `Visits`.

    Any position takes `O(1)` memory and time (some microseconds to 65,536 examples, which are sorted).

    Examples:
        >>> control = FullData(10, 0.5)
        >>> both = list(control) + list(control)
        >>> sorted(both), control.steps(epochs=6, size=5)
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 6)
    """

    def __init__(
        self,
        n: int,
        ratio: float = 1.0,
        seed: int = 0,
        *,
        rank: int | None = None,
        world: int | None = None,
        even: bool | None = None,
    ) -> None:
        super().__init__(n, seed, rank=rank, world=world, even=even)
        self._visits = round_size(self.n, ratio)

    @property
    def visits(self) -> int:
        """`⌊ratio · n⌋`."""
        return self._visits

    def _parameters(self) -> dict[str, Any]:
        return {"visits": self._visits}

    def _from(self, start: int) -> Iterator[Ids]:
        return consecutive(self._visits, self.epoch, lambda number: permutation(self.n, self.seed, number), start)


class RS2(FullData):
    """Another random subset of `⌊ratio · n⌋` examples in every epoch ("round"): the baseline that pruning has to beat.

    Without replacement no example comes twice in a round, nor twice before all have come once; see
    `tamis.ops.rounds.without_repeats`. With replacement rounds know nothing of each other; within a round no example
    comes twice there either. Both have as many visits and steps.

    Decay the learning rate over the steps that there are (`steps`): that is where most of the gain over full training
    comes from, so compare with `FullData(n, ratio)` under the same schedule.

    Args:
        n: how many examples the data set has.
        ratio: r, more than 0, at most 1.
        seed: of all draws.
        replacement: whether examples may come again before all have come.
        labels: integers `[n]`; then every round has classes in proportion to their sizes, each without replacement as
            above. Holds `O(n)` memory.
        rank, world, even: see `Visits`.

    Raises `Refused` for a ratio that is none, or that leaves nothing.

    Examples:
        >>> sampler = RS2(1000, 0.1)
        >>> rounds = [set(sampler) for _ in range(10)]
        >>> len(rounds[0]), len(set.union(*rounds))
        (100, 1000)
        >>> sampler.steps(epochs=30, size=20)
        150

    Source: Okanovic et al. 2024, Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning.
    """

    def __init__(
        self,
        n: int,
        ratio: float,
        seed: int = 0,
        replacement: bool = False,
        *,
        labels: Any = None,
        rank: int | None = None,
        world: int | None = None,
        even: bool | None = None,
    ) -> None:
        super().__init__(n, ratio, seed, rank=rank, world=world, even=even)
        self.replacement = replacement
        self.labels = None if labels is None else _codes("labels", labels, self.n)
        if self.labels is not None and (never := int(np.sum(shares_of(self.labels, self._visits) == 0))):
            many = int(self.labels.max()) + 1
            said = f"{never} of {many} classes are too small for a place in a round of {self._visits:,}"
            warnings.warn(f"{said}, and never visited; raise ratio, or leave labels out", stacklevel=2)

    def _parameters(self) -> dict[str, Any]:
        of_labels = None if self.labels is None else _digest(self.labels)
        return super()._parameters() | {"replacement": self.replacement, "labels": of_labels}

    def _from(self, start: int) -> Iterator[Ids]:
        drawn = independent if self.replacement else without_repeats
        if self.labels is None:
            return drawn(self._visits, self.epoch, lambda number: permutation(self.n, self.seed, number), start)
        parts = []
        for code, (members, share) in enumerate(self._classes):
            parts += [members[ids] for ids in drawn(share, self.epoch, self._shuffles(code, len(members)))]
        every = np.concatenate(parts)
        return (every[ids] for ids in blocks(permutation(self._visits, self.seed, self.epoch), start, self._visits))

    def _shuffles(self, code: int, size: int) -> Any:
        return lambda number: permutation(size, self.seed, number, code)

    @cached_property
    def _classes(self) -> list[tuple[Ids, int]]:
        """The examples of each class, and how many of them a round has; without classes that give none."""
        assert self.labels is not None
        shares = shares_of(self.labels, self._visits).tolist()
        return [(np.flatnonzero(self.labels == code), share) for code, share in enumerate(shares) if share]


class WeightedDraw(Visits):
    """`draws` examples an epoch in proportion to weights, of as many examples as there may be.

    It is what `torch.utils.data.WeightedRandomSampler` does, without its limit of 2²⁴ examples, several times as fast,
    and anew in each epoch from (seed, epoch).

    Args:
        weights: `[n]`, at least 0; a weight of 0 is never drawn.
        draws: how many an epoch; n without it.
        replacement: whether an example may be drawn again within the epoch.
        seed: of all draws.
        rank, world, even: see `Visits`.

    Memory is `16 n` bytes with replacement and `8 n + 48 draws` without. `O(n)` time at the start, and then
    `O(draws log n)` an epoch, or `O(n + draws log draws)` without replacement.

    Examples:
        >>> sampler = WeightedDraw([0.0, 1.0, 3.0], draws=4000)
        >>> counts = np.bincount(list(sampler))
        >>> counts[0] == 0, 900 < counts[1] < 1100
        (np.True_, np.True_)
    """

    def __init__(
        self,
        weights: Any,
        draws: int | None = None,
        replacement: bool = True,
        seed: int = 0,
        *,
        rank: int | None = None,
        world: int | None = None,
        even: bool | None = None,
    ) -> None:
        self.weights = checked_weights(array(weights))
        super().__init__(len(self.weights), seed, rank=rank, world=world, even=even)
        self.replacement = replacement
        self._visits = self.n if draws is None else int(draws)
        if self._visits < 1:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"draws={draws}", accepted="1 or more")
        if not replacement and self._visits > (positive := int(np.count_nonzero(self.weights))):
            raise refusals.SAMPLER_DRAWS(f"draws={self._visits}", positive=positive)

    @property
    def visits(self) -> int:
        """`draws`."""
        return self._visits

    def _parameters(self) -> dict[str, Any]:
        return {"draws": self._visits, "replacement": self.replacement, "weights": _digest(self.weights)}

    @cached_property
    def _sums(self) -> Floats:
        return cumulated(self.weights)

    def _from(self, start: int) -> Iterator[Ids]:
        seed = (hashed(self.seed), self.epoch)
        if self.replacement:
            return with_replacement(self._sums, self._visits, seed, start)
        return iter([without_replacement(self.weights, self._visits, seed)[start:]])


class TemperatureSampler(Visits):
    """Examples of unequal domains, drawn by `p_i ∝ |D_i|^{1/τ}` with a temperature that may fall.

    An epoch has exact numbers of each domain, and within a domain every example comes as often as the others, so that
    small domains are repeated and large ones go on where they stood.

    Args:
        sizes: how many examples each domain has, where they lie one after the other as in a `ConcatDataset`.
        temperature: τ: 1 draws by size, larger ones nearer to alike. A `Cooldown` has several.
        cooldown: the draw, counted from 0 over all epochs and processes, from which on τ is 1: steps times examples a
            step. The paper has half of all. The method `temperature` counts alike.
        groups: `[n]`, the domain of each example, in place of `sizes`.
        draws: how many an epoch; as many as there are examples without it.
        epochs: for how many epochs to say, with a warning, that examples will come more than four times.
        seed: of all draws.
        rank, world, even: see `Visits`.

    Raises `Refused` for a temperature that is not above 0, a domain without examples, and starts that do not ascend.

    Examples:
        >>> sampler = TemperatureSampler([900, 100], temperature=2.0)
        >>> ids = np.array(list(sampler))
        >>> int(np.count_nonzero(ids >= 900)), sampler.repeats().round(2).tolist()
        (250, [0.83, 2.5])

    Source: Li et al. 2024, Upsample or Upweight? Balanced Training on Heavily Imbalanced Datasets.
    """

    def __init__(
        self,
        sizes: Any = None,
        temperature: float | Cooldown = 5.0,
        cooldown: int | None = None,
        *,
        groups: Any = None,
        draws: int | None = None,
        epochs: int = 1,
        seed: int = 0,
        rank: int | None = None,
        world: int | None = None,
        even: bool | None = None,
    ) -> None:
        if (sizes is None) == (groups is None):
            raise refusals.SAMPLER_DOMAINS("sizes" if groups is None else "sizes and groups")
        codes = None if groups is None else _codes("groups", groups)
        counts = array(sizes) if codes is None else np.bincount(codes)
        check_sizes(counts)
        self.sizes = counts.astype(np.int64)
        super().__init__(int(self.sizes.sum()), seed, rank=rank, world=world, even=even)
        falls = () if cooldown is None else ((cooldown, 1.0),)
        points = temperature.points if isinstance(temperature, Cooldown) else ((0, temperature),)
        self.cooldown = Cooldown((*points, *falls))
        self._visits = self.n if draws is None else int(draws)
        if self._visits < 1:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"draws={draws}", accepted="1 or more")
        self._members = None if codes is None else np.argsort(codes, kind="stable")
        self._offsets = np.cumsum(self.sizes) - self.sizes
        self._mixed = Mixed(self.sizes, self.cooldown, self._visits, hashed(self.seed), self._shuffle)
        self._warn(epochs)

    @property
    def visits(self) -> int:
        """`draws`."""
        return self._visits

    def probs(self, draw: int | None = None) -> Floats:
        """`p float64 [m]` at a draw, by default at the start of the epoch."""
        return mixture(self.sizes, self.cooldown.at(self.epoch * self._visits if draw is None else draw))

    def repeats(self, epochs: int = 1) -> Floats:
        """How often an example of each domain comes in the first `epochs` epochs, `float64 [m]`."""
        many = np.zeros(len(self.sizes))
        for length, temperature in self.cooldown.between(0, epochs * self._visits):
            many += length * mixture(self.sizes, temperature)
        return np.asarray(many / self.sizes)

    def _warn(self, epochs: int) -> None:
        repeats = self.repeats(epochs)
        if repeats.max() > TOO_OFTEN:
            said = f"examples of domain {int(repeats.argmax())} will come {repeats.max():.1f} times"
            warnings.warn(f"{said} in {epochs} epochs; lower the temperature, or cool down earlier", stacklevel=3)

    def _shuffle(self, domain: int, number: int) -> Any:
        return permutation(int(self.sizes[domain]), self.seed, number, domain)

    def _parameters(self) -> dict[str, Any]:
        of_groups = None if self._members is None else _digest(self._members)
        points = [list(point) for point in self.cooldown.points]
        return {"draws": self._visits, "cooldown": points, "sizes": _digest(self.sizes), "groups": of_groups}

    def _from(self, start: int) -> Iterator[Ids]:
        for domains, places in self._mixed.visits(self.epoch, start):
            found = self._offsets[domains] + places
            yield found if self._members is None else self._members[found]


class FromSelection(Visits):
    """The rows of a selection, in its order, with its weights: the same in every epoch unless they are shuffled.

    Args:
        selection: what `tamis.select` gave, or the folder that it is in.
        subset: whether the data set is the subset that was written, whose rows are in pool order; else it is the pool.
        shuffle: whether each epoch has the rows in another order.
        seed: of the orders.
        rank, world, even: see `Visits`.

    Examples:
        >>> import pyarrow as pa, tamis
        >>> pool = pa.table({"id": ["a", "b", "c"], "quality": [0.1, 0.9, 0.5]})
        >>> sampler = FromSelection(tamis.select(pool, "top:quality", budget=2))
        >>> list(sampler), sampler.weights([2, 1])
        ([1, 2], array([1., 1.], dtype=float32))
    """

    def __init__(
        self,
        selection: Selection | str | Path,
        *,
        subset: bool = False,
        shuffle: bool = False,
        seed: int = 0,
        rank: int | None = None,
        world: int | None = None,
        even: bool | None = None,
    ) -> None:
        chosen = selection if isinstance(selection, Selection) else Selection.load(selection)
        rows = chosen.rows.astype(np.int64)
        self._sorted = np.sort(rows)
        self.rows = np.searchsorted(self._sorted, rows) if subset else rows
        self.shuffle, self.subset = shuffle, subset
        self._weights = chosen.weights[np.argsort(rows)]
        super().__init__(len(rows), seed, rank=rank, world=world, even=even)

    @property
    def visits(self) -> int:
        """How many rows are kept."""
        return self.n

    def weights(self, ids: Any) -> Any:
        """The weight of each of `ids`, which the sampler yields, `float32`: a tensor beside a tensor, else an array."""
        found = array(ids).astype(np.int64)
        places = found if self.subset else np.searchsorted(self._sorted, found)
        known = (places >= 0) & (places < self.n)
        known[known] = self.subset | (self._sorted[places[known]] == found[known])
        if not known.all():
            raise refusals.ROW_NOT_SELECTED(f"ids[{int(np.argmin(known))}]", row=int(found[np.argmin(known)]))
        weights = np.asarray(self._weights[places])
        return torch.from_numpy(weights).to(ids.device) if isinstance(ids, torch.Tensor) else weights

    def _parameters(self) -> dict[str, Any]:
        kept = _digest(self._sorted) + _digest(self._weights)
        return {"shuffle": self.shuffle, "subset": self.subset, "rows": _digest(self.rows), "selection": kept}

    def _from(self, start: int) -> Iterator[Ids]:
        if not self.shuffle:
            return iter([self.rows[start:]])
        return (self.rows[ids] for ids in blocks(permutation(self.n, self.seed, self.epoch), start, self.n))


def _codes(name: str, values: Any, n: int | None = None) -> Ids:
    """Codes from 0 of labels or groups, `int64 [n]`."""
    found = array(values)
    if found.ndim != 1 or not len(found) or (n is not None and len(found) != n):
        raise refusals.SAMPLER_SHAPES(name, found=found.shape, wanted=f"({'n' if n is None else n},)")
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _digest(values: NDArray[Any]) -> str:
    """A few letters that tell arrays apart."""
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=8).hexdigest()

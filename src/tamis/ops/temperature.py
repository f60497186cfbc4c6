"""Domains of unequal size, mixed by a temperature that may fall while a model trains."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.permutation import Ids, Permutation, blocks, hashed, permutation

Floats = NDArray[np.float64]

TOO_OFTEN = 4.0


def mixture(sizes: Ids, temperature: float) -> Floats:
    """`p_i = |D_i|^{1/τ} / Σ_j |D_j|^{1/τ}`: by size with τ = 1, alike with τ → ∞, the largest alone with τ → 0.

    Args:
        sizes: `int64 [m]`, examples of each domain, at least 1.
        temperature: τ, above 0; may be infinite.

    Returns:
        `float64 [m]`, sum 1; computed with logarithms, so that nothing overflows.

    Examples:
        >>> mixture(np.array([56_000_000, 600_000]), 5.0).round(4).tolist()
        [0.7124, 0.2876]

    Source: Li et al. 2024, Upsample or Upweight? Balanced Training on Heavily Imbalanced Datasets.
    """
    check_sizes(sizes)
    _check_temperature(temperature)
    logs = np.log(np.asarray(sizes, np.float64))
    odds = np.exp((logs - logs.max()) / temperature)
    return np.asarray(odds / odds.sum())


def upweights(sizes: Ids, temperature: float) -> Floats:
    """`p_i(τ) / p_i(1)`, the weights of losses with which sampling by size has the same expected gradient."""
    return mixture(sizes, temperature) / mixture(sizes, 1.0)


def check_sizes(sizes: Ids) -> None:
    """Refuse no domains, and domains without examples."""
    if np.ndim(sizes) != 1 or not len(sizes) or not np.issubdtype(np.asarray(sizes).dtype, np.integer):
        raise refusals.SAMPLER_DOMAINS("sizes")
    if (np.asarray(sizes) < 1).any():
        raise refusals.SAMPLER_DOMAIN_EMPTY(f"domain {int(np.argmin(sizes))}", size=int(np.min(sizes)))


def _check_temperature(temperature: float) -> None:
    if not temperature > 0:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"temperature={temperature}", accepted="more than 0")


@dataclass(frozen=True)
class Cooldown:
    """A temperature for each part of training: `(start, τ)`, ascending from 0; starts are counted in draws.

    A draw is one example of one process, so a start is steps times examples a step, over all processes. Li et al. have
    τ = 5 for the first half of training, then τ = 1. An ascending τ is "high-resource first".

    Examples:
        >>> Cooldown(((0, 5.0), (30_000 * 256, 1.0))).at(10_000_000)
        1.0
    """

    points: Sequence[tuple[int, float]]

    def __post_init__(self) -> None:
        starts = [start for start, _ in self.points]
        if not starts or starts[0] != 0 or any(one >= two for one, two in pairwise(starts)):
            raise refusals.SAMPLER_COOLDOWN(f"cooldown={list(self.points)}")
        for _, temperature in self.points:
            _check_temperature(temperature)
        object.__setattr__(self, "points", tuple((int(start), float(found)) for start, found in self.points))

    def at(self, draw: int) -> float:
        """The temperature of a draw."""
        return [temperature for start, temperature in self.points if start <= draw][-1]

    def between(self, start: int, stop: int) -> list[tuple[int, float]]:
        """How many of the draws start … stop − 1 follow each other with one temperature, and that temperature."""
        edges = [start, *(one for one, _ in self.points if start < one < stop), stop]
        return [(two - one, self.at(one)) for one, two in pairwise(edges)]


class Part(NamedTuple):
    """A part of an epoch with one temperature: `counts int64 [m]` of its draws are of each domain."""

    start: int
    stop: int
    counts: Ids


Shuffles = Callable[[int, int], Permutation]
"""The order of a domain's examples in one pass over them, by domain and pass."""


@dataclass(frozen=True, eq=False)
class Mixed:
    """What each epoch draws of domains: exact numbers of each, every example as often as the others of its domain.

    Of D draws domain i gets D p_i, rounded up or down at random so that it is D p_i in the mean. It goes through its
    examples in passes, each in a fresh order, which go on in the next epoch. All draws are then shuffled.

    Args:
        sizes: `int64 [m]`.
        cooldown: the temperatures.
        draws: of an epoch, at least 1.
        key: what chance is made of, but for the order of examples.
        shuffles: that order.
    """

    sizes: Ids
    cooldown: Cooldown
    draws: int
    key: int
    shuffles: Shuffles

    def parts(self, epoch: int) -> list[Part]:
        """The parts of an epoch."""
        found, start = [], 0
        for length, temperature in self.cooldown.between(epoch * self.draws, (epoch + 1) * self.draws):
            counts = self._between(epoch, epoch + 1, length, temperature, length)
            found.append(Part(start, start + length, counts))
            start += length
        return found

    def counts(self, epoch: int) -> Ids:
        """How many of the draws of an epoch are of each domain, `int64 [m]`."""
        return np.asarray(sum(part.counts for part in self.parts(epoch)))

    def drawn_before(self, epoch: int) -> Ids:
        """How many were drawn of each domain before an epoch, `int64 [m]`; `O(m)` time and memory."""
        starts = [start for start, _ in self.cooldown.points if start < epoch * self.draws]
        cut = {start // self.draws for start in starts if start % self.draws}
        edges = {0, epoch, *cut, *(one + 1 for one in cut), *(start // self.draws for start in starts)}
        found = np.zeros(len(self.sizes), np.int64)
        for first, last in pairwise(sorted(edge for edge in edges if edge <= epoch)):
            found += self.counts(first) if first in cut else self._counts_of(first, last)
        return found

    def _counts_of(self, first: int, last: int) -> Ids:
        """How many are drawn of each domain in epochs first … last − 1, which have one temperature."""
        length = self.draws * (last - first)
        return self._between(first, last, self.draws, self.cooldown.at(first * self.draws), length)

    def _between(self, first: int, last: int, draws: int, temperature: float, length: int) -> Ids:
        """Of `length` draws, how many are of each domain if epochs first … last − 1 have `draws` at one temperature."""
        ends = np.minimum(np.cumsum(draws * mixture(self.sizes, temperature))[:-1], draws)
        edges = self._rounded(ends, last) - self._rounded(ends, first)
        return np.diff(np.concatenate(([0], edges, [length])))

    def _rounded(self, ends: Floats, epochs: int) -> Ids:
        """Sums of numbers over the first epochs, rounded up or down in each by its chance, `int64 [m]`.

        An epoch's chance is its number with 32 bits in reversed order (van der Corput's sequence), of which a hash
        turns some over: uniform for every epoch over all keys, and evenly spread over all epochs of one key. In 2^b
        epochs from a multiple of it on, the chances are some number below 2^(32 − b) and every 2^(32 − b)-th from it.
        """
        whole = np.floor(ends)
        parts = np.rint((ends - whole) * 2.0**32).astype(np.int64)
        found, done = whole.astype(np.int64) * epochs, 0
        for bits in range(32, -1, -1):
            if epochs >> bits & 1:
                apart = 1 << (32 - bits)
                lowest = (int(f"{done:032b}"[::-1], 2) ^ hashed(self.key, 0)) % apart
                found += (parts + lowest) // apart
                done += 1 << bits
        return found

    def visits(self, epoch: int, start: int = 0) -> Iterator[tuple[Ids, Ids]]:
        """Domain and place within it of the draws of an epoch from `start` on, in blocks."""
        done = self.drawn_before(epoch)
        for number, part in enumerate(self.parts(epoch)):
            ends = done + part.counts
            if start < part.stop:
                order = permutation(part.stop - part.start, self.key, epoch, number, 1)
                edges = np.cumsum(part.counts)
                for slots in blocks(order, max(start - part.start, 0), order.size):
                    domains = np.searchsorted(edges, slots, side="right")
                    turns = slots - (edges - ends)[domains]
                    yield domains, self._places(domains, turns, done, ends)
            done = ends

    def _places(self, domains: Ids, turns: Ids, begins: Ids, ends: Ids) -> Ids:
        """The place in its domain of the turn of each draw, in a part that has the turns begins … ends - 1.

        Passes that lie within the part are served as they stand: the draws are shuffled, so it does not matter which
        of them serves which example. Only passes that go on before or after it need an order of their own.
        """
        passes, places = np.divmod(turns, self.sizes[domains])
        for domain in np.unique(domains).tolist():
            own = np.flatnonzero(domains == domain)
            size = int(self.sizes[domain])
            for cut in {int(begins[domain]) // size, int(ends[domain]) // size}:
                inside = own[passes[own] == cut]
                if len(inside):
                    places[inside] = self.shuffles(domain, cut).at(places[inside])
        return places

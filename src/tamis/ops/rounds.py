"""Random subsets in rounds: which w of n a round serves, computed from the number of the round alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.permutation import BLOCK, Ids, Shuffles, blocks
from tamis.ops.shares import proportional

Mask = NDArray[np.bool_]


def round_size(n: int, ratio: float) -> int:
    """`⌊ratio · n⌋`, how many a round serves; refuses ratios outside (0, 1], and those that leave nothing.

    Examples:
        >>> round_size(1000, 0.29)
        290
    """
    if not 0 < ratio <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"ratio={ratio}", accepted="more than 0, and at most 1")
    size = int(np.floor(ratio * n + 1e-9))
    if size < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"ratio={ratio}", accepted=f"at least 1/{n:,}, which is one example")
    return size


def independent(size: int, number: int, shuffles: Shuffles, start: int = 0) -> Iterator[Ids]:
    """A round that knows nothing of the others: the first `size` of the order with its number, from place `start`."""
    yield from blocks(shuffles(number), start, size)


def consecutive(size: int, number: int, shuffles: Shuffles, start: int = 0) -> Iterator[Ids]:
    """Full passes in fresh orders, one after the other, cut into rounds: what training on all examples does.

    Where a pass begins within a round, what the round had just before waits until min(n / 3, 16,384) others have come.
    So no example comes twice among that many visits of a round that follow each other, as those of a batch do.
    """
    n = shuffles(0).size
    at, end = number * size + start, (number + 1) * size
    while at < end:
        number_of_pass, place = divmod(at, n)
        stop = min(n, place + end - at)
        yield from _of_pass(number_of_pass, size, shuffles, place, stop)
        at += stop - place


def _of_pass(number: int, size: int, shuffles: Shuffles, start: int, stop: int) -> Iterator[Ids]:
    """Places start … stop − 1 of a pass over all."""
    order = shuffles(number)
    apart = min(order.size // 3, BLOCK)
    before = min(number * order.size % size, apart)  # visits that the round has of the pass before
    if before and start < before + apart:
        head = order.at(np.arange(before + apart))
        late = shuffles(number - 1).places(head) >= order.size - before
        yield np.concatenate((head[~late], head[late]))[start:stop]
        start = before + apart
    yield from blocks(order, start, stop)


def without_repeats(size: int, number: int, shuffles: Shuffles, start: int = 0) -> Iterator[Ids]:
    """Rounds without replacement: no example comes twice in a round, nor twice before all have come.

    The i-th round is the i-th window of w in passes over fresh permutations. Where a window begins at the end of one
    permutation, it is completed from the next one, in which what it has already is deferred to the window after.

    For w > n / 2 what each round leaves out, which is n − w < n / 2, is drawn so. Then visits differ by at most one as
    well, and those that had fewer up to now come first.

    Args:
        size: w, from 1 to n.
        number: of the round, from 0.
        shuffles: the fresh permutations of 0 … n − 1 by their number; those of odd numbers and even ones are used for
            different things where w > n / 2.
        start: how much of the round to leave out.

    Yields:
        `int64` arrays, together `w - start`. `O(w)` time for w ≤ n / 2, else `O(n)`; memory of a block.

    Examples:
        >>> from tamis.ops.permutation import permutation
        >>> shuffles = lambda number: permutation(10, 0, number)
        >>> rounds = [np.concatenate(list(without_repeats(3, number, shuffles))) for number in range(4)]
        >>> len(set(np.concatenate(rounds[:3]).tolist())), len(set(rounds[3].tolist()))
        (9, 3)

    Source: Okanovic et al. 2024, Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning.
    """
    n, shuffles = shuffles(0).size, lru_cache(4)(shuffles)
    if size == n:
        return blocks(shuffles(number), start, n)
    if 2 * size <= n:
        return _skipped(_window(Windows(n, size, number, shuffles)), start)
    left_out = Windows(n, n - size, number, lambda one: shuffles(2 * one + 1))
    return _skipped(_complement(left_out, shuffles, number), start)


def shares_of(labels: Ids, size: int) -> Ids:
    """How many of `size` each class gives, in proportion to how many it has: `int64 [k]` for codes `labels [n]`."""
    counts = np.bincount(labels)
    return proportional(size, counts.astype(np.float64), counts)


@dataclass(frozen=True)
class Windows:
    """One window of w ≤ n / 2 in a row of permutations: where it lies, and what it defers.

    Position 0 … n − 1 of permutation p after deferring is: `need` ids that complete the window begun in p − 1, then
    those that this window had already, up to position `until`, then the others as they stand.
    """

    n: int
    size: int
    number: int
    shuffles: Shuffles

    @property
    def where(self) -> tuple[int, int]:
        """The permutation and the position in it at which the window begins."""
        return divmod(self.number * self.size, self.n)

    @cached_property
    def spills(self) -> bool:
        """Whether the window is completed from the next permutation."""
        return self.where[1] + self.size > self.n

    def tail(self, permutation: int) -> int:
        """How much of the permutation before belongs to the window that `permutation` completes; 0 where none is."""
        return permutation * self.n % self.size

    def in_tail(self, ids: Ids, permutation: int) -> Mask:
        """Which of `ids` came in the window that `permutation` completes, before it did."""
        places = self.shuffles(permutation - 1).places(ids)
        return places >= self.n - self.tail(permutation)

    def head(self, permutation: int) -> Iterator[tuple[Ids, Ids]]:
        """What completes a window and what is deferred meanwhile, in blocks of both, `need` of the former in all."""
        need, order = self.size - self.tail(permutation), self.shuffles(permutation)
        for ids in blocks(order, 0, self.size):
            had = self.in_tail(ids, permutation)
            last = np.searchsorted(np.cumsum(~had), need)  # the place of the last that is needed
            ids, had = ids[: last + 1], had[: last + 1]
            fresh = ids[~had]
            yield fresh, ids[had]
            need -= len(fresh)
            if not need:
                return

    @cached_property
    def until(self) -> int:
        """The raw position up to which ids were reordered in the last permutation that the window is in."""
        permutation = self.where[0] + self.spills
        return sum(len(fresh) + len(deferred) for fresh, deferred in self.head(permutation))

    @cached_property
    def follows_a_spill(self) -> bool:
        """Whether the window before was completed from this permutation."""
        tail = self.tail(self.where[0])
        return tail > 0 and self.where[1] == self.size - tail

    def holds(self, ids: Ids) -> Mask:
        """Which of `ids` are in the window."""
        permutation, at = self.where
        places = self.shuffles(permutation).places(ids)
        found = (places >= at) & (places < at + self.size)
        if self.spills:
            following = self.shuffles(permutation + 1).places(ids) < self.until
            return found | (following & ~self.in_tail(ids, permutation + 1))
        if self.follows_a_spill:
            return (found & (places >= self.until)) | ((places < self.until) & self.in_tail(ids, permutation))
        return found

    def before(self, ids: Ids) -> Mask:
        """Which of `ids` came already in the permutation in which the window begins."""
        permutation, at = self.where
        places = self.shuffles(permutation).places(ids)
        if self.follows_a_spill:
            return (places < self.until) & ~self.in_tail(ids, permutation)
        return places < at


def _window(window: Windows) -> Iterator[Ids]:
    """The ids of a window in their order."""
    permutation, at = window.where
    order = window.shuffles(permutation)
    if window.follows_a_spill:
        for _, deferred in window.head(permutation):
            yield deferred
        yield from blocks(order, window.until, at + window.size)
    else:
        yield from blocks(order, at, min(at + window.size, window.n))
    if window.spills:
        for fresh, _ in window.head(permutation + 1):
            yield fresh


def _complement(left_out: Windows, shuffles: Shuffles, number: int) -> Iterator[Ids]:
    """All but what a window holds, in a fresh order: first those that were left out before others were."""
    order = shuffles(2 * number)
    phases = (True, False) if left_out.where[1] else (False,)
    for first in phases:
        for ids in blocks(order, 0, left_out.n):
            kept = ids[~left_out.holds(ids)]
            yield kept[left_out.before(kept) == first] if left_out.where[1] else kept


def _skipped(parts: Iterator[Ids], start: int) -> Iterator[Ids]:
    """`parts` without their first `start` elements."""
    for part in parts:
        if start < len(part):
            yield part[start:]
        start = max(0, start - len(part))

"""What an epoch leaves out by the losses of the epochs before: InfoBatch and SeTa, as masks of rows."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.loss_groups import grouped, window
from tamis.ops.permutation import Ids, Permutation, blocks

Losses = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAST_KEPT = 0.1


class Kept(NamedTuple):
    """Which rows an epoch visits, `bool [n]`; those in `heavy` (none if None) count `weight` times, the others once."""

    rows: Mask
    heavy: Mask | None = None
    weight: float = 1.0

    @property
    def visited(self) -> int:
        """How many rows are visited."""
        return int(np.count_nonzero(self.rows))

    def weights(self, ids: Ids) -> NDArray[np.float32]:
        """The weight of each of `ids`, `float32`."""
        heavy = np.zeros(len(ids), bool) if self.heavy is None else self.heavy[ids]
        return np.where(heavy, np.float32(self.weight), np.float32(1))

    def visits(self, order: Permutation, start: int = 0) -> Iterator[Ids]:
        """The rows that are kept, as they stand in an order of all, without the first `start` of them."""
        for ids in blocks(order, 0, order.size):
            kept = ids[self.rows[ids]]
            if start < len(kept):
                yield kept[start:]
            start = max(0, start - len(kept))


def keep_ratio(ratio: float) -> float:
    """`q = clip(1 − r, 0.1, 1)` of what may be pruned; refuses r outside [0, 1)."""
    if not 0 <= ratio < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"ratio={ratio}", accepted="0 or more, and less than 1")
    return max(1 - ratio, LEAST_KEPT)


def is_annealed(epoch: int, epochs: int | None, annealing: float) -> bool:
    """Whether epoch c of T, from 0, is in the last phase: `c ≥ δ T`, also where δ T is no whole number.

    Examples:
        >>> [is_annealed(epoch, 30, 0.875) for epoch in (26, 27)]
        [False, True]
    """
    return epochs is not None and epoch >= annealing * epochs


def check_epochs(epochs: int | None, annealing: float) -> None:
    """Refuse fewer than one epoch and an annealing outside [0, 1]."""
    if epochs is not None and epochs < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"epochs={epochs}", accepted="1 or more")
    if not 0 <= annealing <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"annealing={annealing}", accepted="0 to 1")


def easy_pruned(losses: Losses, keep: float, order: Permutation) -> Kept:
    """All rows but some of the easy ones, which are those with a loss below the mean of all (strictly).

    Of m easy rows the first max(1, ⌊q m⌋) in `order` are kept, and count m times as much as they are many, so that the
    sum of gradients over the epoch stays what it is in the mean. Where q m is a whole number that is 1 / q.

    Args:
        losses: `float32 [n]`, as last seen; rows whose loss is not finite, as one never seen, are kept and not counted.
        keep: q.
        order: a random order of the rows.

    Returns:
        `Kept`. `O(n)` time, `2 n` bytes and some blocks.
    """
    seen = np.isfinite(losses)
    if keep == 1 or not seen.any():
        return Kept(np.ones(len(losses), bool))
    mean = np.mean(losses, where=seen, dtype=np.float64)
    easy = losses < np.float32(mean)  # rounded, so that equal losses are not below their mean
    many = int(np.count_nonzero(easy))
    few = min(many, max(1, int(np.floor(keep * many + 1e-9))))
    rows, left = ~easy, few
    for ids in blocks(order, 0, order.size):
        if not left:
            break
        found = ids[easy[ids]][:left]
        rows[found] = True
        left -= len(found)
    return Kept(rows, easy, many / max(few, 1))


def window_kept(
    losses: Losses,
    keep: float,
    order: Permutation,
    epoch: int,
    *,
    groups: int,
    scale: float,
    from_easiest: bool,
    annealed: bool = False,
    stale: Mask | None = None,
) -> Kept:
    """A random part of the rows, and of that a window of its groups by loss.

    Args:
        losses: `float32 [n]`, as last seen; rows whose loss is not finite are in every window.
        keep: q; the first max(1, ⌊q n⌋) in `order` are looked at.
        order: a random order of the rows.
        epoch: from 0.
        groups: G, into which the losses are divided by `grouped`.
        scale: α, how much of the groups a window has.
        from_easiest: as in `window`.
        annealed: whether the random part is visited as a whole.
        stale: `bool [n]`, rows whose loss is too old to be trusted, which are in every window too.

    Returns:
        `Kept`. `O(n)` time, `26 q n` bytes.
    """
    size = max(1, int(np.floor(keep * order.size + 1e-9)))
    if size < groups:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"groups={groups}", accepted=f"at most {size:,}, as many as are drawn")
    shown = window(epoch, groups, scale, from_easiest=from_easiest)
    rows = np.zeros(order.size, bool)
    drawn = np.concatenate(list(blocks(order, 0, size)))
    trusted = np.isfinite(losses[drawn])
    if stale is not None:
        trusted &= ~stale[drawn]
    if annealed or shown == (0, groups) or np.count_nonzero(trusted) < groups:
        rows[drawn] = True
        return Kept(rows)
    rows[drawn[~trusted]] = True
    known = drawn[trusted]
    codes = grouped(losses[known], groups)
    rows[known[(codes >= shown.start) & (codes < shown.stop)]] = True
    return Kept(rows)

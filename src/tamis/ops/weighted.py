"""Draws in proportion to weights, of any number of examples, in blocks."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.permutation import Ids

Floats = NDArray[np.floating]

DRAWS, ROWS = 1 << 20, 1 << 20


def checked_weights(weights: Floats) -> Floats:
    """Weights as `float32` or `float64`, scaled where they are far from 1; refuses what is none, and zeros alone."""
    found = np.asarray(weights)
    if found.ndim != 1 or not len(found) or not np.issubdtype(found.dtype, np.number):
        raise refusals.SAMPLER_SHAPES("weights", found=found.shape, wanted="(n,)")
    found = found if found.dtype == np.float32 else found.astype(np.float64)
    low, high = found.min(), found.max()  # NaN if any is
    if not (low >= 0 and np.isfinite(high)):
        at = int(np.argmin(np.isfinite(found) & (found >= 0)))
        raise refusals.SAMPLER_WEIGHT(f"weight {at}", value=float(found[at]))
    if not high:
        raise refusals.SAMPLER_WEIGHTS_ZERO("weights")
    return found if 1e-15 < high < 1e15 else np.asarray(found / high)  # so that no sum overflows


def cumulated(weights: Floats) -> NDArray[np.float64]:
    """Running sums, `float64 [n]`."""
    return np.cumsum(weights, dtype=np.float64)


def with_replacement(sums: NDArray[np.float64], draws: int, seed: tuple[int, ...], start: int = 0) -> Iterator[Ids]:
    """Independent draws in proportion to weights.

    Each block of 1,048,576 draws is made by a generator of its own: uniform numbers in ascending order are searched for
    in the running sums, which reads these from front to back, and what is found is shuffled.

    Args:
        sums: `float64 [n]`, from `cumulated`.
        draws: how many.
        seed: numbers that decide them.
        start: how many to leave out; only the block that it lies in is made again.

    Yields:
        `int64` arrays. `O(draws log n)` time, `24 MB` besides `sums`.

    Examples:
        >>> sums = cumulated(np.array([0.0, 1.0, 3.0]))
        >>> np.bincount(np.concatenate(list(with_replacement(sums, 4000, (0,)))), minlength=3)[0]
        np.int64(0)
    """
    last = int(np.searchsorted(sums, sums[-1]))  # the last with a weight
    for number in range(start // DRAWS, -(-draws // DRAWS)):
        rng = np.random.Generator(np.random.SFC64((*seed, number)))
        many = min(DRAWS, draws - number * DRAWS)
        wanted = rng.random(many)
        wanted.sort()
        wanted *= sums[-1]
        found = np.minimum(np.searchsorted(sums, wanted, side="right"), last)
        rng.shuffle(found)
        yield found[max(0, start - number * DRAWS) :]


def without_replacement(weights: Floats, draws: int, seed: tuple[int, ...]) -> Ids:
    """Draws one after the other, each in proportion to the weights of those that are left.

    That is the order of exponential numbers divided by weights, of which the smallest are kept block by block.

    Args:
        weights: `[n]`, finite, at least 0.
        draws: k, at most the number of weights above 0.
        seed: numbers that decide them.

    Returns:
        `int64 [k]` in the order of the draws. `O(n + k log k)` time, `24 k` bytes and 12 MB.

    Examples:
        >>> without_replacement(np.array([0.0, 1.0, 1e9]), 2, (0,)).tolist()
        [2, 1]

    Source: Efraimidis and Spirakis 2006, Weighted Random Sampling with a Reservoir.
    """
    found = _lowest(weights, draws, seed, _first_bar(weights, draws, seed))
    if len(found[0]) < draws:  # the first block was not like the others
        found = _lowest(weights, draws, seed, np.float32(np.inf))
    if len(found[0]) < draws:  # weights so small that keys are beyond float32
        return _by_logarithms(weights, draws, seed)
    keys, rows = _smallest(*found, draws)
    ranked = (keys.view(np.uint32).astype(np.uint64) << np.uint64(32)) | np.arange(draws, dtype=np.uint64)
    ranked.sort()
    return np.asarray(rows[(ranked & np.uint64(0xFFFFFFFF)).view(np.int64)])


Keys = NDArray[np.float32]


def _keys(weights: Floats, seed: tuple[int, ...], number: int) -> Keys:
    """The keys of a block of rows, `float32`; infinite for those never drawn."""
    block = weights[number * ROWS : (number + 1) * ROWS].astype(np.float32, copy=False)
    keys = np.random.Generator(np.random.SFC64((*seed, number))).standard_exponential(len(block), dtype=np.float32)
    keys += np.float32(np.finfo(np.float32).tiny)  # so that 0 / 0 is none
    with np.errstate(divide="ignore", over="ignore"):
        keys /= block
    return keys


def _first_bar(weights: Floats, draws: int, seed: tuple[int, ...]) -> np.float32:
    """What about 1.1 times as many keys as are drawn are below, if all blocks are as the first."""
    keys = _keys(weights, seed, 0)
    place = int(1.1 * draws / len(weights) * len(keys)) + 100
    return np.partition(keys, place)[place] if place < len(keys) else np.float32(np.inf)


def _lowest(weights: Floats, draws: int, seed: tuple[int, ...], bar: np.float32) -> tuple[Keys, Ids]:
    """Keys below a bar that falls as better ones are found, and their rows, ascending: the best `draws` are among them.

    Fewer than `draws` where the bar was too low to begin with.
    """
    keys, rows = np.empty(0, np.float32), np.empty(0, np.int64)
    for number, start in enumerate(range(0, len(weights), ROWS)):
        block = _keys(weights, seed, number)
        good = np.flatnonzero(block < bar)
        keys, rows = np.concatenate((keys, block[good])), np.concatenate((rows, good + start))
        if len(keys) > 2 * draws + ROWS:
            keys, rows = _smallest(keys, rows, draws)
            bar = keys.max()
    return keys, rows


def _smallest(keys: Keys, rows: Ids, many: int) -> tuple[Keys, Ids]:
    """The `many` smallest keys and their rows in the order they stand, of equal keys the first."""
    if len(keys) <= many:
        return keys, rows
    cut = np.partition(keys, many - 1)[many - 1]
    kept = keys < cut
    kept[np.flatnonzero(keys == cut)[: many - np.count_nonzero(kept)]] = True
    return keys[kept], rows[kept]


def _by_logarithms(weights: Floats, draws: int, seed: tuple[int, ...]) -> Ids:
    """The same choice with `float64` logarithms of keys, all in memory."""
    rows = np.flatnonzero(weights)
    chance = np.random.Generator(np.random.SFC64(seed)).standard_exponential(len(rows))
    keys = np.log(np.maximum(chance, np.finfo(float).tiny)) - np.log(weights[rows].astype(np.float64))
    return np.asarray(rows[np.argsort(keys, kind="stable")[:draws]])

"""Draws in proportion to weights, of any number of examples, in blocks."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.hashing import mix64
from tamis.ops.permutation import Ids, hashed

Floats = NDArray[np.floating]

DRAWS, ROWS, SAMPLE = 1 << 20, 1 << 20, 1 << 16


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

    That is the order of exponential numbers divided by weights, `−ln(1 − u) / w`, of which the smallest are kept block
    by block. `u` has 77 bits, of which all but the first 24 are made where these do not say yet that it is too large:
    with 24 alone, a few of many millions would be drawn as if all weights were equal.

    Args:
        weights: `[n]`, finite, at least 0.
        draws: k, at most the number of weights above 0.
        seed: numbers that decide them.

    Returns:
        `int64 [k]` in the order of the draws. `O(n + k log k)` time, `48 k` bytes and 40 MB.

    Examples:
        >>> without_replacement(np.array([0.0, 1.0, 1e9]), 2, (0,)).tolist()
        [2, 1]

    Source: Efraimidis and Spirakis 2006, Weighted Random Sampling with a Reservoir.
    """
    keys, rows = _lowest(weights, draws, seed, _first_bar(weights, draws, seed))
    if len(keys) < draws:  # the sample was not like the others
        keys, rows = _lowest(weights, draws, seed, np.inf)
    if len(keys) < draws:  # weights so small that keys are beyond float64
        return _by_logarithms(weights, draws, seed)
    keys, rows = _smallest(keys, rows, draws)
    order = np.argsort(keys)  # six times as fast as a stable sort, which only equal keys need
    ascending = keys[order]
    if (ascending[1:] == ascending[:-1]).any():
        order = np.argsort(keys, kind="stable")
    return np.asarray(rows[order])


Keys = NDArray[np.float64]


def _below(weights: Floats, seed: tuple[int, ...], number: int, bar: float) -> tuple[Keys, Ids]:
    """The keys of a block of rows that are below a bar, and the rows, ascending."""
    start = number * ROWS
    block = weights[start : start + ROWS]
    first = np.random.Generator(np.random.SFC64((*seed, number))).random(len(block), dtype=np.float32)
    with np.errstate(all="ignore"):
        may = first < block * block.dtype.type(bar * 1.00001) if bar < np.inf else block > 0  # as −ln(1 − u) ≥ u
    rows = np.flatnonzero(may)
    rest = mix64((rows + start).astype(np.uint64) + np.uint64(hashed(*seed))) >> np.uint64(11)
    chances = first[rows] + rest * 2.0**-77
    with np.errstate(over="ignore"):
        keys = -np.log1p(-np.minimum(chances, 1 - 2.0**-53)) / block[rows]
    good = keys < bar
    return keys[good], rows[good] + start


def _first_bar(weights: Floats, draws: int, seed: tuple[int, ...]) -> float:
    """What about 1.1 times as many keys as are drawn are below, by those of some rows."""
    some = weights[:: max(1, len(weights) // SAMPLE)]
    chances = np.random.Generator(np.random.SFC64(seed)).standard_exponential(len(some))
    with np.errstate(divide="ignore", over="ignore"):
        keys = chances / some
    place = int(1.1 * draws / len(weights) * len(keys)) + 100
    return float(np.partition(keys, place)[place]) if place < len(keys) else np.inf


def _lowest(weights: Floats, draws: int, seed: tuple[int, ...], bar: float) -> tuple[Keys, Ids]:
    """Keys below a bar that falls as better ones are found, and their rows, ascending: the best `draws` are among them.

    Fewer than `draws` where the bar was too low to begin with.
    """
    found: list[tuple[Keys, Ids]] = []
    many = 0
    for number in range(-(-len(weights) // ROWS)):
        found.append(_below(weights, seed, number, bar))
        many += len(found[-1][0])
        if many > 2 * draws + ROWS:
            found, many = [_smallest(*_joined(found), draws)], draws
            bar = float(found[0][0].max())
    return _joined(found)


def _joined(found: list[tuple[Keys, Ids]]) -> tuple[Keys, Ids]:
    keys, rows = zip(*found, strict=True)
    return np.concatenate(keys), np.concatenate(rows)


def _smallest(keys: Keys, rows: Ids, many: int) -> tuple[Keys, Ids]:
    """The `many` smallest keys and their rows in the order they stand, of equal keys the first."""
    if len(keys) <= many:
        return keys, rows
    cut = np.partition(keys, many - 1)[many - 1]
    kept = keys < cut
    kept[np.flatnonzero(keys == cut)[: many - np.count_nonzero(kept)]] = True
    return keys[kept], rows[kept]


def _by_logarithms(weights: Floats, draws: int, seed: tuple[int, ...]) -> Ids:
    """The same choice with logarithms of keys, all in memory."""
    rows = np.flatnonzero(weights)
    chance = np.random.Generator(np.random.SFC64(seed)).standard_exponential(len(rows))
    keys = np.log(np.maximum(chance, np.finfo(float).tiny)) - np.log(weights[rows].astype(np.float64))
    return np.asarray(rows[np.argsort(keys, kind="stable")[:draws]])

"""Set functions on more rows than one greedy can see: in parts, or in one pass."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.ops.greedy import maximise
from tamis.vocabulary import SetFunction

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def partitioned(
    make: Callable[[Rows, Rows], SetFunction],
    parts: Sequence[Rows],
    k: int,
    *,
    each: int = 0,
    points: Rows | None = None,
) -> tuple[Rows, Floats]:
    """Greedy in parts, then greedy among what the parts chose: GreeDi.

    Each part is a greedy choice of rows that is worth what its own rows say; the best of the greedy choice from their
    union and of the parts' own first k rows is returned, all judged on the same points. For monotone submodular
    functions it is worth at least `(1 − 1/e)² / min(m, k)` of the best k rows with m parts, and `(1 − 1/e) / 2` in the
    mean over random parts (Barbosa et al. 2015).

    Args:
        make: the function whose candidates are some rows, in this order, and which counts some points.
        parts: disjoint `int64` rows, each in ascending order.
        k: how many rows.
        each: how many rows of each part go on; k without it.
        points: rows on which the last step judges; those of all parts without it.

    Returns:
        Rows in the order they were taken, and their gains on `points`.

    Source: Mirzasoleiman et al. 2013, Distributed Submodular Maximization: Identifying Representative Elements in
    Massive Data.
    """
    points = np.sort(np.concatenate(parts)) if points is None else points
    chosen = [part[maximise(make(part, part), max(each, k))[0]] for part in parts]
    union = np.sort(np.concatenate([rows[: each or k] for rows in chosen]))
    places, gains = maximise(make(union, points), k)
    best = union[places], gains
    for rows in chosen:
        gains = _gains(make(rows[:k], points), range(len(rows[:k])))
        if gains.sum() > best[1].sum():
            best = rows[:k], gains
    return best


def sieve(function: SetFunction, rows: Iterable[int], k: int, *, epsilon: float = 0.1) -> tuple[Rows, Floats]:
    """One pass over rows, which keeps a set for each guess of what the best k rows are worth.

    With m the largest value of a single row so far, a guess is a power O of `1 + epsilon` between m and 2 k m; its set
    S takes a row whose gain is at least `(O/2 − F(S)) / (k − |S|)`. For monotone submodular functions the best of the
    sets is worth at least `1/2 − epsilon` of the best k rows. `O(log(k) / epsilon)` gains for each row.

    Args:
        function: a set function with no row taken, which stays as it is.
        rows: the rows in the order in which they come.
        k: how many rows at most.
        epsilon: how fine the guesses are.

    Returns:
        Rows of the best set in the order they were taken, and their gains. There may be fewer than k.

    Source: Badanidiyuru et al. 2014, Streaming Submodular Maximization: Massive Data Summarization on the Fly.
    """
    kept: dict[int, tuple[SetFunction, list[int], list[float]]] = {}
    most, step = 0.0, np.log1p(epsilon)
    for row in rows:
        most = max(most, float(function.gains(np.array([row]))[0]))
        if most <= 0:
            continue
        lowest, highest = int(np.ceil(np.log(most) / step)), int(np.floor(np.log(2 * k * most) / step))
        guesses = range(lowest, highest + 1)
        kept = {power: kept[power] if power in kept else (function.fresh(), [], []) for power in guesses}
        for power, (own, taken, gains) in kept.items():
            if len(taken) == k:
                continue
            gain = float(own.gains(np.array([row]))[0])
            if gain >= (np.exp(power * step) / 2 - sum(gains)) / (k - len(taken)):
                own.take(row)
                taken.append(row)
                gains.append(gain)
    _, taken, gains = max(kept.values(), key=lambda each: sum(each[2]), default=(function, [], []))
    return np.array(taken, np.int64), np.array(gains, np.float64)


def _gains(function: SetFunction, places: Iterable[int]) -> Floats:
    """The gains of rows that are taken in this order."""
    gains = []
    for place in places:
        gains.append(float(function.gains(np.array([place]))[0]))
        function.take(place)
    return np.array(gains)

"""Influence on a graph of neighbours: how many rows a set of rows reaches where each edge is there by chance."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.coverage import Coverage, set_cover
from tamis.ops.greedy import Floats, Rows
from tamis.ops.hashing import mix64
from tamis.ops.similarity import Metric, most_similar
from tamis.ops.threads import in_threads
from tamis.vocabulary import SetFunction

Places = NDArray[np.int32]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_BLOCK, _BLOCKS = 8192, 4  # sets that a thread samples, and how often before they are taken
_TIE = 2.0**-53 * 1e-9


class Graph(NamedTuple):
    """Edges of n rows: those of row v go to `heads[starts[v]:starts[v + 1]]`, each with its chance."""

    starts: NDArray[np.int64]
    heads: NDArray[np.int32]
    chances: Floats


def neighbour_graph(embedding: NDArray[np.float32], neighbours: int, metric: Metric = "cosine") -> Graph:
    """Edges from each row v to the `neighbours` rows most similar to it, itself left out, with the chances of IDEAL.

        p(v, u) = max(s(v, u), 0) / Σ_u' max(s(v, u'), 0)

    The chances of a row sum to 1; a row that is similar to none has none. `O(n² d)` time, `24 n` bytes per neighbour.

    Examples:
        >>> graph = neighbour_graph(np.array([[1, 0], [3, 3], [0, 1]], np.float32), 2)
        >>> graph.heads.tolist(), graph.chances.round(3).tolist()
        ([1, 2, 0, 2, 1, 0], [1.0, 0.0, 0.5, 0.5, 1.0, 0.0])

    Source: Zhang et al. 2024, IDEAL, section 3.
    """
    near = most_similar(embedding, neighbours, metric=metric, signed=True)
    values = np.maximum(near.values.astype(np.float64), 0)
    tails = _tails(near.starts)
    sums = np.bincount(tails, values, len(embedding))
    np.divide(values, sums[tails], out=values, where=values > 0)
    return Graph(near.starts, near.columns.astype(np.int32), values)


def influence(
    graph: Graph, key: NDArray[np.uint64], worlds: int = 32, mass: Floats | None = None, *, first: int = 0
) -> Coverage:
    """The number of rows that a set S reaches, in the mean over worlds in each of which an edge is there or not.

    In the independent cascade a row that becomes active tries each of its edges once; the rows active in the end are
    those that S reaches over the edges that are there (Kempe, Kleinberg and Tardos 2003). Each row u is looked at in R
    worlds of its own: T(u, r) are the rows that would have reached it (a reverse-reachable set). Then

        F(S) = 1/R Σ_u m_u Σ_r [S meets T(u, r)]

    is without bias for the spread σ(S), and is a set cover: monotone, submodular, the same for every S. Greedy is
    within `1 - 1/e` of the best F; `epsilon` says how far that can be from the best σ. F of a set that was chosen by
    it is a little high. All rows in the same R worlds would be the usual estimate, whose noise is far larger: chance
    that favours a row then does so for all that it reaches.

    Chance comes from hashes of the keys of both ends of an edge, the row looked at and the world, so that the order of
    rows changes nothing. Nor does it where rows reach equally many: a set counts up to `1 + 1e-9`, as the key has it.

    Args:
        graph: edges and their chances.
        key: `uint64 [n]`.
        worlds: R; the sets are n R.
        mass: `float64 [n]`, m, what reaching a row counts; 1 without it.
        first: the number of the first world; others give an estimate by fresh chance.

    Returns:
        A `Coverage`. With s the mean of σ over single rows and m edges a row, `O(n R s m)` time, and `4 n R s` bytes
        beside `16 n R`.

    Examples:
        >>> diamond = Graph(np.array([0, 2, 3, 4, 4]), np.array([1, 2, 3, 3], np.int32), np.ones(4))
        >>> influence(diamond, np.arange(4, dtype=np.uint64)).gains(np.arange(4)).round(6).tolist()
        [4.0, 2.0, 2.0, 1.0]

    Source: Borgs et al. 2014, Maximizing Social Influence in Nearly Optimal Time; Tang, Shi and Xiao 2015, IMM.
    """
    from tamis.ops._influence_kernels import count, turn, walk

    n, most = len(key), (2**31 - 1) // len(key)
    if worlds > most:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"worlds={worlds}", accepted=f"1 to {most:,} for {n:,} rows")
    order = walk(graph.starts, graph.heads)  # rows that are searched one after the other share what they read
    bounds, edges = _turned(graph, key, order)
    sets = partial(_sets, order, bounds, edges, key[order], first, worlds)
    starts = np.zeros(n + 1, np.int64)
    for members, _ in sets():
        count(members, starts)
    np.cumsum(starts, out=starts)
    at, number, columns = starts[:-1].copy(), 0, np.empty(starts[-1], np.int32)
    for members, sizes in sets():  # once more, which takes less than to keep them beside what is made of them
        turn(members, sizes, number, at, columns)
        number += len(sizes)
    weight = (1 + _TIE * (mix64(key) >> np.uint64(11)).astype(np.float64)) / worlds * (1 if mass is None else mass)
    return set_cover(starts, columns, n * worlds, weight=np.repeat(weight[order], worlds))


def _sets(
    order: Rows, bounds: Rows, edges: NDArray[np.uint64], key: NDArray[np.uint64], first: int, worlds: int
) -> Iterator[tuple[Places, Places]]:
    """Members and sizes of the reverse-reachable sets of some rows, then of some more, in the order of `order`."""
    from tamis.ops._influence_kernels import reached_by

    n, rows = len(order), max(1, _BLOCK // worlds)

    def block(start: int) -> tuple[Places, Places]:
        members, sizes = reached_by(bounds, edges, key, start, min(start + rows, n), first, worlds)
        return names[members], sizes

    names = order.astype(np.int32)
    for start in range(0, n, _BLOCKS * rows):
        yield from in_threads(block, range(start, min(start + _BLOCKS * rows, n), rows))


def _turned(graph: Graph, key: NDArray[np.uint64], order: Rows) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Edges by the place in `order` of the row they go to, for `reached_by`, and where those of each row begin."""
    there = graph.chances > 0
    tails, heads = _tails(graph.starts)[there], graph.heads[there]
    place = np.empty(len(key), np.int64)
    place[order] = np.arange(len(key))
    by_head = np.argsort(place[heads], kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(place[heads], minlength=len(key)))])
    hashes = mix64(mix64(key[tails] + _STEP) + key[heads])
    limits = np.ceil(graph.chances[there] * 2.0**32).astype(np.uint64) - np.uint64(1)
    return bounds, np.stack([hashes, limits << np.uint64(32) | place[tails].astype(np.uint64)], axis=1)[by_head]


def _tails(starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def spread(function: SetFunction, rows: Rows) -> float:
    """`F(S)` of a set of rows, in the estimate that a function of `influence` is.

    Examples:
        >>> star = Graph(np.array([0, 3, 3, 3, 3]), np.array([1, 2, 3], np.int32), np.ones(3))
        >>> round(spread(influence(star, np.arange(4, dtype=np.uint64)), np.array([1, 2])), 6)
        2.0
    """
    function, total = function.fresh(), 0.0
    for row in rows:
        total += float(function.gains(row[None])[0])
        function.take(int(row))
    return total


def epsilon(n: int, k: int, worlds: int, best: float) -> float:
    """With probability `1 - 1/n`, greedy on `n worlds` sets is within `1 - 1/e - ε` of the best spread, for this ε.

        ε = √(2 / (R σ*)) ((1 - 1/e) √(ln n + ln 2) + √((1 - 1/e) (ln C(n, k) + ln n + ln 2)))

    Args:
        n: rows.
        k: rows that are chosen.
        worlds: R.
        best: σ*, the spread of the best k rows, or less, such as that of some k rows in fresh worlds.

    Examples:
        >>> round(epsilon(20_000, 200, 32, 1_700.0), 2), round(epsilon(20_000, 200, 100, 1_700.0), 2)
        (0.17, 0.1)

    Source: Tang, Shi and Xiao 2015, Influence Maximization in Near-Linear Time, theorem 1, solved for ε.
    """
    from math import lgamma, log, sqrt

    share, tail = 1 - np.exp(-1), log(n) + log(2)
    sets = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return float(sqrt(2 / (worlds * best)) * (share * sqrt(tail) + sqrt(share * (sets + tail))))

"""IDEAL: how choosing grows with the pool, what the number of worlds buys, and the published loop on a tiny pool.

Run `TAMIS_DATA=… python benchmarks/ideal.py`; it prints a table and writes it to `benchmarks/results/ideal.md`. Times
are processor seconds; of all but the graph the least of five rounds, in which all sizes take turns.
"""

import gzip
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import SEED, data, write_page

from tamis.ops.greedy import maximise
from tamis.ops.influence import Graph, epsilon, influence, neighbour_graph, spread
from tamis.ops.similarity import Sparse, most_similar
from tamis.ops.votes import Votes

SIZES = (2_000, 6_000, 20_000, 60_000)
WORLDS = (1, 4, 10, 32, 100)
ROUNDS = 5
JUDGE = {"worlds": 400, "first": 10**6}
TINY, TINY_BUDGET, RUNS, DRAWS = 200, 18, 10, 5
NOTE = """The first images of Fashion-MNIST, PCA to 64 numbers; 10 neighbours, 32 worlds a row, 1 % of the rows chosen.
Microseconds of processor time a row; n^p says how the whole grew from the size above. The graph is exact, over all
pairs, and grows with n²; sampling and choosing are what IDEAL adds. vote-k has 150 neighbours; its votes are counted
and chosen on a graph that is there already.

**What worlds buy**, at n = {rows:,}: *said* is the spread of the chosen rows by the sets that chose them, *reached* by
400 fresh worlds a row, by which random rows reach {random:,.0f}; ε is the bound of IMM with what was reached.

{worlds}

**The published loop**, at n = {tiny}, k = {budget}: every candidate of every step is judged by {runs} simulated
cascades of its own, in which a row that two reach at once counts twice, starting from the first row. It takes
**{ratio:,.0f} times** as long as ours with 32 worlds, both on a graph that is there. Of {tiny} rows its choice reaches
{literal:.1f}, counted right {mended:.1f}; ours {ours:.1f}, vote-k's {votes:.1f}, random rows {tiny_random:.1f}
(means of {draws} draws of rows, by 400 fresh worlds a row)."""


def vectors(count: int) -> np.ndarray:
    """Images of Fashion-MNIST on their first 64 principal axes."""
    raw = gzip.decompress(data("images/fashion_mnist/train-images-idx3-ubyte.gz").read_bytes())
    pixels = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 784)[:count].astype(np.float32) / 255
    pixels -= pixels.mean(axis=0)
    _, axes = np.linalg.eigh(pixels.T @ pixels)
    return np.ascontiguousarray(pixels @ axes[:, ::-1][:, :64])


def keys(count: int) -> np.ndarray:
    return np.random.default_rng(SEED).integers(0, 2**63, count, np.uint64)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of all threads, and the result."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def one_size(graph: Graph, near: Sparse) -> list[float]:
    """Seconds for the sets and the choice of IDEAL, and for vote-k after its graph."""
    n = len(graph.starts) - 1
    sampling, function = timed(lambda: influence(graph, keys(n)))
    choosing, _ = timed(lambda: maximise(function, n // 100))
    votes, _ = timed(lambda: maximise(Votes(near), n // 100))
    return [sampling, choosing, sampling + choosing, votes]


def growth(x: np.ndarray) -> list[list[str]]:
    """Seconds of each part by size, and how they grow."""
    graphs = [timed(lambda n=n: neighbour_graph(x[:n], 10)) for n in (1_500, *SIZES)]  # the first one compiles
    near = [most_similar(x[:n], 150, signed=True) for n in (1_500, *SIZES)]
    rounds = [[one_size(graph, near[at]) for at, (_, graph) in enumerate(graphs)] for _ in range(ROUNDS)]
    seconds = np.column_stack([[seconds for seconds, _ in graphs], np.min(rounds, axis=0)])[1:]
    powers = np.diff(np.log(seconds), axis=0) / np.diff(np.log(SIZES))[:, None]
    table = [["rows", "graph", "sampling sets", "choosing", "sampling and choosing", "vote-k after its graph"]]
    for at, n in enumerate(SIZES):
        grown = [f", n^{power:.2f}" for power in powers[at - 1]] if at else [""] * 5
        table.append([f"{n:,}", *(f"{s / n * 1e6:,.1f}{g}" for s, g in zip(seconds[at], grown, strict=True))])
    decade = np.log10(seconds[SIZES.index(20_000)] / seconds[SIZES.index(2_000)])
    return [*table, ["2,000 to 20,000", *(f"n^{power:.2f}" for power in decade)]]


def of_worlds(x: np.ndarray, n: int) -> tuple[str, float]:
    """A table of what more worlds reach, and what random rows reach."""
    graph, key, k = neighbour_graph(x[:n], 10), keys(n), n // 100
    judge = influence(graph, key, **JUDGE)
    lines = ["| worlds a row | sets | said | reached | ε |", "| ---: | ---: | ---: | ---: | ---: |"]
    for worlds in WORLDS:
        rows, gains = maximise(influence(graph, key, worlds), k)
        reached = spread(judge, rows)
        bound = epsilon(n, k, worlds, reached)
        lines.append(f"| {worlds} | {n * worlds:,} | {gains.sum():,.0f} | {reached:,.0f} | {bound:.2f} |")
    random = [spread(judge, np.random.default_rng(seed).permutation(n)[:k]) for seed in range(5)]
    return "\n".join(lines), float(np.mean(random))


def published(graph: Graph, k: int, rng: np.random.Generator, *, mended: bool = False) -> list[int]:
    """The official loop as described: the first row, then each step the candidate of the largest simulated count."""
    near = [
        list(zip(graph.heads[a:b].tolist(), graph.chances[a:b].tolist(), strict=True))
        for a, b in zip(graph.starts, graph.starts[1:], strict=False)
    ]

    def cascade(rows: list[int]) -> int:
        active, wave = list(rows), list(rows)
        while wave:
            reached = []
            for v in wave:
                for u, chance in near[v]:
                    if u not in active and (not mended or u not in reached) and rng.random() < chance:
                        reached.append(u)
            wave = reached
            active += reached
        return len(active)

    def count(rows: list[int]) -> float:
        return sum(cascade(rows) for _ in range(RUNS)) / RUNS

    chosen = [0]
    if mended:
        chosen = [max(range(len(near)), key=lambda v: count([v]))]
    while len(chosen) < k:
        rest = [v for v in range(len(near)) if v not in chosen]
        chosen.append(max(rest, key=lambda v: count([*chosen, v])))
    return chosen


def tiny(x: np.ndarray) -> dict[str, float]:
    """The published loop beside ours; what each reaches in the mean over pools of other rows."""
    seconds, reached = np.zeros(2), {name: 0.0 for name in ("literal", "mended", "ours", "votes", "tiny_random")}
    for draw in range(DRAWS):
        rng = np.random.default_rng(draw)
        rows = x[rng.permutation(len(x))[:TINY]]
        graph, key = neighbour_graph(rows, 10), keys(TINY)
        judge = influence(graph, key, **JUDGE)
        mine, ours = timed(lambda: maximise(influence(graph, key), TINY_BUDGET)[0])  # noqa: B023
        theirs, literal = timed(lambda: published(graph, TINY_BUDGET, rng))  # noqa: B023
        seconds += [mine, theirs]
        votes = maximise(Votes(most_similar(rows, 150, signed=True)), TINY_BUDGET)[0]
        random = rng.permutation(TINY)[:TINY_BUDGET]
        mended = published(graph, TINY_BUDGET, rng, mended=True)
        for name, found in zip(reached, (literal, mended, ours, votes, random), strict=True):
            reached[name] += spread(judge, np.array(found)) / DRAWS
    return reached | {"ratio": seconds[1] / seconds[0]}


def main() -> None:
    """Measure, print, write."""
    x = vectors(max(SIZES))
    rows = growth(x)
    worlds, random = of_worlds(x, 20_000)
    note = NOTE.format(
        rows=20_000, random=random, worlds=worlds, tiny=TINY, budget=TINY_BUDGET, runs=RUNS, draws=DRAWS, **tiny(x)
    )
    write_page("ideal", "IDEAL and vote-k by size, and what sampling buys", note, rows)


if __name__ == "__main__":
    main()

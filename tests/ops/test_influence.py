"""Influence against a search in each world, exact expectations, simulated cascades, and brute force over sets."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops.greedy import maximise
from tamis.ops.hashing import mix64
from tamis.ops.influence import Graph, epsilon, influence, neighbour_graph, spread

STEP, ROOT = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
DIAMOND = [(0, 1, 1.0), (0, 2, 1.0), (1, 3, 1.0), (2, 3, 1.0)]


def graph_of(n, edges):
    edges = sorted(edges)
    starts = np.searchsorted([tail for tail, _, _ in edges], np.arange(n + 1))
    heads, chances = (np.array([edge[k] for edge in edges], kind) for k, kind in ((1, np.int32), (2, np.float64)))
    return Graph(starts.astype(np.int64), heads, chances)


def keys(n, seed=0):
    return np.random.default_rng(seed).permutation(10 * n)[:n].astype(np.uint64)


def random_graph(seed, n):
    rng = np.random.default_rng(seed)
    edges = [(v, u, float(rng.random())) for v in range(n) for u in range(n) if u != v and rng.random() < 3 / n]
    return graph_of(n, edges)


def hashed(value):
    return int(mix64(np.array([value % 2**64], np.uint64))[0])


def slow_spread(graph, key, worlds, rows, first=0):
    """Each row in worlds of its own: a search from `rows` over the edges that hashes say are there."""
    key, total = [int(k) for k in key], 0
    for root, world in product(range(len(key)), range(first, first + worlds)):
        chance = hashed(hashed(key[root] ^ ROOT) + STEP * (world + 1))
        active, wave = set(rows), list(rows)
        while wave:
            v = wave.pop()
            for e in range(graph.starts[v], graph.starts[v + 1]):
                u = int(graph.heads[e])
                edge = hashed(hashed(key[v] + STEP) + key[u])
                if u not in active and (hashed(edge + chance) >> 32) * 2.0**-32 < graph.chances[e]:
                    active.add(u)
                    wave.append(u)
        total += root in active
    return total / worlds


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 9999), st.integers(1, 9), st.sampled_from([1, 4, 7]), st.integers(0, 3))
def test_spread_is_what_a_search_in_each_world_finds(seed, n, worlds, first):
    graph, key = random_graph(seed, n), keys(n, seed)
    rows = np.random.default_rng(seed).permutation(n)[: n // 2 + 1]
    function = influence(graph, key, worlds, first=first)
    slow = [slow_spread(graph, key, worlds, rows[:k].tolist(), first) for k in range(len(rows) + 1)]
    assert spread(function, rows) == pytest.approx(slow[-1], rel=1e-8, abs=1e-12)
    for before, after, row in zip(slow, slow[1:], rows.tolist(), strict=False):
        assert function.gains(np.array([row]))[0] == pytest.approx(after - before, rel=1e-8, abs=1e-12)
        function.take(row)


def test_a_row_that_two_reach_counts_once():
    """The published loop counts 5 in the diamond."""
    assert spread(influence(graph_of(4, DIAMOND), keys(4)), np.array([0])) == pytest.approx(4, rel=1e-8)


@pytest.mark.parametrize("centre", [0, 3, 6])
def test_the_centre_of_a_star_comes_first(centre):
    graph = graph_of(7, [(centre, leaf, 1.0) for leaf in range(7) if leaf != centre])
    rows, gains = maximise(influence(graph, keys(7)), 7)
    assert rows[0] == centre and gains == pytest.approx([7.0, *[0.0] * 6])


def test_the_mean_over_worlds_nears_the_exact_expectation():
    """All 2⁴ worlds of the diamond with uneven chances; the tolerance is 5 standard errors."""
    chances, worlds = [0.5, 0.3, 0.8, 0.2], 40_000
    graph = graph_of(4, [(v, u, p) for (v, u, _), p in zip(DIAMOND, chances, strict=True)])
    exact = 0.0
    for there in product([0, 1], repeat=4):
        weight = np.prod([p if on else 1 - p for p, on in zip(chances, there, strict=True)])
        a, b, c, d = there
        exact += weight * (1 + a + b + max(a * c, b * d))
    found = influence(graph, keys(4), worlds).gains(np.arange(4))[0]
    assert found == pytest.approx(exact, abs=5 * 1.2 / np.sqrt(worlds))
    assert found != influence(graph, keys(4), worlds, first=worlds).gains(np.arange(4))[0]


def cascade(graph, rows, rng):
    """How many rows are active in the end: each newly active row tries each of its edges once."""
    active, wave = set(rows), list(rows)
    while wave:
        v = wave.pop()
        for e in range(graph.starts[v], graph.starts[v + 1]):
            u = int(graph.heads[e])
            if rng.random() < graph.chances[e] and u not in active:
                active.add(u)
                wave.append(u)
    return len(active)


def test_the_mean_of_simulated_cascades():
    """Forwards by a generator, backwards by hashes: within 5 standard errors of the difference."""
    graph = random_graph(1, 40)
    function, rng = influence(graph, keys(40), 4000), np.random.default_rng(0)
    for rows in ([3], [5, 17], [1, 2, 30]):
        runs = [cascade(graph, rows, rng) for _ in range(4000)]
        error = np.sqrt(np.var(runs) / 4000 + 40 / 4 / 4000)  # Var F is at most Σ 1/4 over the 40 rows, by R
        assert spread(function, np.array(rows)) == pytest.approx(np.mean(runs), abs=5 * error)


def test_noise_is_that_of_independent_sets():
    """One edge of chance 1/2 into each of many rows: `Var F = 1/R Σ p (1 - p)`; shared worlds give far more."""
    graph = graph_of(301, [(0, leaf, 0.5) for leaf in range(1, 301)])
    found = [influence(graph, keys(301, seed), 10).gains(np.array([0]))[0] for seed in range(200)]
    assert np.mean(found) == pytest.approx(151, abs=5 * np.sqrt(7.5 / 200))
    assert 7.5 / 1.6 < np.var(found) < 7.5 * 1.6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9999), st.integers(2, 12), st.integers(1, 4))
def test_greedy_is_within_its_bound_of_brute_force(seed, n, k):
    """A set cover, monotone and submodular: `1 - 1/e` of the best F of k rows, in these sets."""
    function, k = influence(random_graph(seed, n), keys(n, seed), 8), min(k, n)
    rows, gains = maximise(function.fresh(), k)
    assert (np.diff(gains) <= 1e-12).all() and gains.sum() == pytest.approx(spread(function, rows))
    best = max(spread(function, np.array(chosen)) for chosen in combinations(range(n), k))
    assert gains.sum() >= (1 - 1 / np.e) * best - 1e-9


@given(st.integers(0, 9999))
@settings(max_examples=25, deadline=None)
def test_lazy_is_naive_and_taking_first_changes_nothing(seed):
    function = influence(random_graph(seed, 30), keys(30, seed), 20)
    lazy, naive = maximise(function.fresh(), 30), maximise(function.fresh(), 30, naive=True)
    assert lazy[0].tolist() == naive[0].tolist() and lazy[1].tolist() == naive[1].tolist()
    head, rest = function.fresh(), np.ones(30, bool)
    for row in lazy[0][:7].tolist():
        head.take(row)
        rest[row] = False
    assert maximise(head, 23, open=rest)[0].tolist() == lazy[0][7:].tolist()


def test_several_blocks_of_rows():
    """A binary tree with sure edges to the parent: a row reaches itself and its ancestors."""
    graph = graph_of(2500, [(v, (v - 1) // 2, 1.0) for v in range(1, 2500)])
    depth = [(v + 1).bit_length() for v in range(2500)]
    assert influence(graph, keys(2500), 3).gains(np.arange(2500)) == pytest.approx(depth)


def test_epsilon_is_the_bound_of_imm():
    alpha, share = np.sqrt(np.log(12) + np.log(2)), 1 - 1 / np.e
    beta = np.sqrt(share * (np.log(comb(12, 3)) + np.log(12) + np.log(2)))
    for worlds in (4, 400):
        enough = 2 * 12 * (share * alpha + beta) ** 2 / epsilon(12, 3, worlds, 7.0) ** 2 / 7.0
        assert enough == pytest.approx(12 * worlds)  # θ = λ* / OPT sets


def test_rows_count_by_their_mass():
    graph, mass = graph_of(4, DIAMOND), np.array([1.0, 0.0, 2.0, 5.0])
    assert influence(graph, keys(4), 3, mass).gains(np.arange(4)) == pytest.approx([8, 5, 7, 5])


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(3)
    vectors, key = rng.normal(size=(2500, 8)).astype(np.float32), keys(2500)
    mixed = rng.permutation(2500)
    rows, gains = maximise(influence(neighbour_graph(vectors, 6), key, 16), 40)
    other, others = maximise(influence(neighbour_graph(vectors[mixed], 6), key[mixed], 16), 40)
    assert mixed[other].tolist() == rows.tolist() and gains == pytest.approx(others, rel=1e-12)


def test_chances_are_shares_of_clipped_cosines():
    x = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    unit = x.astype(np.float64) / np.linalg.norm(x, axis=1, keepdims=True)
    cosine = np.clip(unit @ unit.T, 0, None)
    graph = neighbour_graph(x, 30)
    for v in range(40):
        heads, chances = (a[graph.starts[v] : graph.starts[v + 1]] for a in graph[1:])
        nearest = [u for u in np.argsort(-(unit @ unit[v]), kind="stable") if u != v][:30]
        assert v not in heads and len(heads) == 30 and set(heads[chances > 0]) <= set(nearest)
        np.testing.assert_allclose(chances, cosine[v, heads] / cosine[v, nearest].sum(), atol=1e-6)


def test_a_row_similar_to_none_reaches_none():
    x = np.array([[1, 0], [-1, 0.01], [-1, -0.01]], np.float32)
    function = influence(neighbour_graph(x, 2), keys(3))
    assert function.gains(np.arange(3)) == pytest.approx([1.0, 2.0, 2.0])

"""Layers of neighbours: the layer that is cut, and how many rows a target asks for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import blas, nearest_layers
from tamis.ops.aggregation import round_robin
from tamis.ops.matches import Matches
from tamis.ops.nearest_layers import cut, estimated, least
from tamis.ops.transport import costs, potentials
from tamis.ops.whitening import directions

pytest.importorskip("ot")


def made(n, t, d=4, seed=0):
    rng = np.random.default_rng(seed)
    x, y = (directions(rng.normal(size=(rows, d)).astype(np.float32)) for rows in (n, t))
    return x, y, rng.permutation(n).astype(np.uint64)


def test_a_cut_layer_keeps_the_smallest_potentials_and_whole_layers_keep_their_order():
    x, y, key = made(60, 5)
    near = round_robin(Matches(x, y), strict=True)
    layer = near.turns // 5
    for count in range(1, 61):
        places = cut(x, y, near, count, key, epsilon=0.1, solve_rows=100)
        assert sorted(places.tolist()) == list(range(60))
        at = layer[count - 1]
        inside = np.flatnonzero(layer == at)
        others = np.setdiff1d(np.arange(60), inside)
        np.testing.assert_array_equal(places[others], others)
        if inside[-1] + 1 == count:
            np.testing.assert_array_equal(places, np.arange(60))
        else:
            rows = near.rows[: inside[-1] + 1]
            f = potentials(costs(x[rows], y), 0.1).f[inside[0] :]
            np.testing.assert_array_equal(places[inside], inside[np.argsort(f)])


def test_an_outlier_of_the_cut_layer_goes_last():
    """Its potential is the largest: it is far from all that the target has."""
    angles = np.array([0.0, 0.5, 1.0, 3.0])
    x = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    y = directions(x + np.array([[0, 0.05]], np.float32))
    near = round_robin(Matches(x, y), strict=True)
    assert near.turns.tolist() == [0, 1, 2, 3]
    assert cut(x, y[:3], near, 3, np.arange(4, dtype=np.uint64), epsilon=0.1, solve_rows=9)[-1] == 3


@given(st.integers(1, 400), st.integers(0, 400))
def test_least_finds_a_valley_to_an_eighth(size, valley):
    asked = []

    def cost(at):
        asked.append(at)
        return (np.sqrt(at + 1) - np.sqrt(valley + 1)) ** 2

    found, best = least(cost, np.arange(size)), min(valley, size - 1)
    assert abs(found - best) <= max(2, best / 8)
    assert len(set(asked)) == len(asked) <= 2 * np.log2(size + 1) + 6


def test_a_copy_of_the_pool_asks_for_it_and_one_example_for_little():
    x, _, key = made(300, 1, d=6)
    assert len(estimated(x, x.copy(), key, epsilon=0.03, solve_rows=500)) > 0.8 * 300
    one = np.repeat(directions(x[:1] + np.float32(0.05)), 30, axis=0)
    assert 1 <= len(estimated(x, one, key, epsilon=0.03, solve_rows=500)) < 0.1 * 300


def test_of_equal_costs_the_smaller_size():
    assert least(lambda size: 1.0, np.arange(3, 90)) == 3


def test_each_part_of_a_target_is_judged_by_the_others_on_one_blas_thread(monkeypatch):
    seen = set()

    def judged(x, y, *rest, **options):
        seen.add((len(y), len(np.unique(y, axis=0)), blas._inside["calls"] > 0))
        return duals_of(x, y, *rest, **options)

    duals_of = nearest_layers.duals_of
    monkeypatch.setattr(nearest_layers, "duals_of", judged)
    x, y, key = made(60, 20)
    estimated(x, y, key, epsilon=0.05, solve_rows=99)
    assert {found[:2] for found in seen} == {(18, 18)} and (blas._openblas() is None or all(found[2] for found in seen))


def test_neighbours_that_point_away_are_not_counted():
    """Rows at −80° are the neighbours of 0°; those at 195° would bring them nearer to 100°, but are nobody's."""
    angles = np.radians([-82, -80, -78, 193, 195, 197, 0, 100])
    points = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    found = estimated(points[:6], points[6:], np.arange(6, dtype=np.uint64), epsilon=0.05, solve_rows=9)
    assert found.tolist() and max(found) < 3


def test_an_example_that_points_away_takes_no_row_from_others():
    """The rows at both ends are nearest to 180°, whose turn comes first, and yet they are what the ends ask for."""
    angles = np.radians(np.linspace(-40, 40, 21))
    x = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    y = np.concatenate([np.array([[-1, 0]], np.float32), x])
    found = estimated(x, y, np.arange(21, dtype=np.uint64), epsilon=0.02, solve_rows=99, folds=1)
    assert found.tolist() == list(range(21))


def test_the_estimate_goes_with_the_keys_not_the_rows():
    x, y, key = made(200, 25)
    found = estimated(x, y, key, epsilon=0.05, solve_rows=40)
    order = np.random.default_rng(5).permutation(200)
    moved = estimated(x[order], y, key[order], epsilon=0.05, solve_rows=40)
    assert sorted(order[moved].tolist()) == found.tolist()


def test_what_hardly_converges_is_estimated_all_the_same(monkeypatch):
    """Clusters of unequal mass: some margins stay off by more than the 0.001 that other duals may be off by."""
    rng = np.random.default_rng(2)
    centres, shares = rng.normal(size=(9, 4)), rng.dirichlet(np.full(9, 0.5), 2)
    x, y = (
        directions((centres[rng.choice(9, n, p=p)] + 0.1 * rng.normal(size=(n, 4))).astype(np.float32))
        for n, p in zip((600, 190), shares, strict=True)
    )
    options = {"key": rng.permutation(600).astype(np.uint64), "epsilon": 0.02, "solve_rows": 2000}
    assert 300 < len(estimated(x, y, **options)) < 600
    monkeypatch.setattr(nearest_layers, "ROUGH", 1e-5)
    with pytest.raises(Refused, match="misplaces"):
        estimated(x, y, **options)


def test_rough_margins_change_no_estimate_that_fine_ones_give(monkeypatch):
    x, y, key = made(400, 60)
    rough = estimated(x, y, key, epsilon=0.03, solve_rows=500)
    monkeypatch.setattr(nearest_layers, "ROUGH", 1e-5)
    assert rough.tolist() == estimated(x, y, key, epsilon=0.03, solve_rows=500).tolist()


def test_a_target_that_nothing_is_like_asks_for_one_row():
    x = np.tile(np.array([[1, 0]], np.float32), (5, 1))
    y = np.array([[-1, 0], [0, -1]], np.float32)
    assert len(estimated(x, y, np.arange(5, dtype=np.uint64), epsilon=0.1, solve_rows=9)) == 1

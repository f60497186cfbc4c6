"""IDEAL: copies, odd sizes, and what it takes first."""

import numpy as np
import pytest

from tamis.errors import BadRow, Refused
from tamis.methods.ideal import ideal
from tamis.ops.greedy import maximise
from tamis.ops.influence import influence, neighbour_graph, spread


def keys(n):
    return np.random.default_rng(5).integers(0, 2**63, n, np.uint64)


def clusters(sizes, seed=0, noise=0.05):
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(len(sizes)), sizes)
    return (10 * np.eye(len(sizes))[label] + noise * rng.normal(size=(len(label), len(sizes)))).astype(
        np.float32
    ), label


@pytest.mark.parametrize("seed", range(5))
def test_one_copy_of_a_text_at_most_before_other_components(seed):
    vectors, label = clusters([12, 12, 12, 12], seed)
    vectors[:12] = vectors[0]
    rows, _ = maximise(ideal(vectors, keys(48), neighbours=6), 4)
    assert sorted(label[rows]) == [0, 1, 2, 3]


def test_the_first_row_spreads_furthest():
    """The published code takes the first row inserted."""
    vectors, _ = clusters([8, 30], noise=0.3)
    function = ideal(vectors, keys(38), neighbours=5)
    alone = function.gains(np.arange(38))
    row, gain = function.best(np.ones(38, bool))
    assert gain == alone.max() and row == int(np.argmax(alone)) != 0


def test_a_set_by_these_sets_is_as_good_by_others():
    """Greedy fits the sets that it sees, by a little only, and reaches further than random rows where others judge."""
    vectors = np.random.default_rng(0).normal(size=(1500, 6)).astype(np.float32)
    graph, key = neighbour_graph(vectors, 10), keys(1500)
    rows, gains = maximise(ideal(vectors, key), 15)
    judge = influence(graph, key, 1000, first=1000)
    assert gains.sum() / 1.2 < spread(judge, rows) < gains.sum()
    drawn = [spread(judge, np.random.default_rng(s).permutation(1500)[:15]) for s in range(20)]
    assert spread(judge, rows) > max(drawn)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_all_rows_can_be_taken(n):
    rows, gains = maximise(ideal(np.ones((n, 3), np.float32), keys(n), neighbours=10), n)
    assert sorted(rows.tolist()) == list(range(n)) and gains.sum() == pytest.approx(n)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean", "precomputed"])
def test_metrics(metric):
    vectors, label = clusters([9, 9, 9])
    given = vectors @ vectors.T if metric == "precomputed" else vectors
    assert sorted(label[maximise(ideal(given, keys(27), neighbours=4, metric=metric), 3)[0]]) == [0, 1, 2]


def test_what_is_near_is_by_the_metric():
    """By direction 0 is near 1, by place it is near 2."""
    x = np.array([[1, 0], [9, 0.1], [1, 1], [8, 8]], np.float32)
    one, two = (ideal(x, keys(4), neighbours=1, metric=metric) for metric in ("cosine", "euclidean"))
    for function, near in ((one, 1), (two, 2)):
        function.take(0)
        assert function.gains(np.array([near]))[0] == pytest.approx(0)


def test_rows_count_by_their_mass():
    x = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)
    found = ideal(x, keys(4), np.array([1.0, 2.0, 3.0, 4.0]), neighbours=1).gains(np.arange(4))
    assert found == pytest.approx([3, 3, 7, 7])


def test_what_is_refused():
    vectors, _ = clusters([3, 3])
    for parameters in ({"neighbours": 0}, {"worlds": 0}):
        with pytest.raises(Refused, match=r"=0: .*1 or more"):
            ideal(vectors, keys(6), **parameters)
    vectors[4] = 0
    with pytest.raises(BadRow) as caught:
        ideal(vectors, keys(6))
    assert caught.value.row == 4

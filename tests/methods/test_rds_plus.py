"""RDS+: turns of queries and tasks, against the way its paper's code merges lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.methods.rds_plus import rds_plus
from tamis.ops.matches import Matches

ONE = np.zeros(4, np.int64)


def vectors(n, t, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=(t, d)).astype(np.float32)


def test_a_near_copy_of_a_query_is_first():
    x, queries = vectors(200, 4)
    x[123] = queries[0] * 3 + 0.01
    order = rds_plus(Matches(x, queries, cosine=True), ONE)
    assert order.rows[0] == 123 and order.reasons[0] == "nearest left to query 0 of target 0"
    assert order.gains[0] == pytest.approx(1, abs=1e-4) and order.gains[0] > order.gains[4]


@pytest.mark.parametrize("turns", ["new", "strict"])
def test_queries_that_agree_keep_the_top(turns):
    x, queries = vectors(50, 1)
    found = rds_plus(Matches(x, np.repeat(queries, 2, axis=0), cosine=True), ONE[:2], turns=turns)
    cosine = x @ queries[0] / np.linalg.norm(x, axis=1)
    assert found.rows.tolist() == np.argsort(-cosine, kind="stable").tolist()


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_every_query_has_its_share_of_every_prefix(seed, t):
    x, queries = vectors(40, t, seed=seed)
    order = rds_plus(Matches(x, queries, cosine=True), ONE[:t])
    asked = [int(reason.split()[4]) for reason in order.reasons]
    assert asked == [place % t for place in range(40)]


def test_tasks_share_equally_however_many_queries_they_have():
    x, queries = vectors(90, 4)
    for within in ("round-robin", "maximum", "mean"):
        order = rds_plus(Matches(x, queries, cosine=True), np.array([0, 0, 0, 1]), within=within)
        assert [reason.split()[-1] for reason in order.reasons] == ["0", "1"] * 45
    by_turns = rds_plus(Matches(x, queries), np.array([0, 0, 0, 1])).reasons[:8:2]
    assert [reason.split()[4] for reason in by_turns] == ["0", "1", "2", "0"]


def merged_as_published(scores, count):
    """Tasks pop the best of their own list in turn; what another popped before costs the turn."""
    lists = [np.argsort(-column, kind="stable").tolist() for column in scores.T]
    found = []
    while len(found) < count:
        for best in lists:
            row = best.pop(0)
            found += [] if row in found else [row]
    return found[:count]


def test_strict_turns_over_maxima_are_the_published_merge():
    x, queries = vectors(80, 6)
    task = np.array([0, 0, 1, 1, 2, 2])
    scores = (x @ queries.T).reshape(80, 3, 2).max(axis=2)
    order = rds_plus(Matches(x, queries), task, within="maximum", turns="strict")
    assert order.rows.tolist() == merged_as_published(scores, 80)
    assert order.rows.tolist() != rds_plus(Matches(x, queries), task, within="maximum").rows.tolist()


def test_the_maximum_lets_one_query_take_all():
    near = np.array([[0.9, 0.1], [0.8, 0.1], [0.7, 0.1], [0.0, 0.2]], np.float32)
    assert rds_plus(Matches(near), ONE[:2], within="maximum").rows.tolist() == [0, 1, 2, 3]
    assert rds_plus(Matches(near), ONE[:2]).rows.tolist() == [0, 3, 1, 2]
    assert rds_plus(Matches(near), ONE[:2], within="mean").rows.tolist() == [0, 3, 1, 2]


def test_a_vector_of_zeros_is_near_nothing_and_rows_alike_keep_their_order():
    x, queries = vectors(10, 2)
    x[3] = 0
    order = rds_plus(Matches(x, queries, cosine=True), ONE[:2])
    assert order.gains[order.rows.tolist().index(3)] == 0
    same = rds_plus(Matches(np.repeat(x[:1], 9, axis=0), queries, cosine=True), ONE[:2])
    assert same.rows.tolist() == list(range(9))

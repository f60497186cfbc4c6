"""vote-k against its definition, its toy cases, and the second stage."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import BadRow, Refused
from tamis.methods.vote_k import vote_k
from tamis.ops.greedy import maximise


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**63, n, np.uint64)


def nearest(x, k):
    """The k rows of largest cosine, itself left out by row."""
    unit = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1)[:, None]
    return [[u for u in np.argsort(-(unit @ v), kind="stable").tolist() if u != at][:k] for at, v in enumerate(unit)]


def literally(near, count):
    """Every score anew at every step, as exact fractions; ties by votes, then row."""
    n = len(near)
    supporters = [[v for v in range(n) if u in near[v]] for u in range(n)]
    chosen, s = [], [0] * n
    for _ in range(count):
        scores = {
            u: sum(Fraction(1, 10 ** s[v]) for v in supporters[u] if v not in chosen)
            for u in range(n)
            if u not in chosen
        }
        best = max(scores, key=lambda u: (scores[u], len(supporters[u]), -u))
        chosen.append(best)
        for v in supporters[best]:
            s[v] += 1
    return chosen


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9999), st.integers(1, 30), st.integers(1, 12))
def test_equal_to_the_definition(seed, n, k):
    x = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    assert maximise(vote_k(x, keys(n), neighbours=k), n)[0].tolist() == literally(nearest(x, k), n)


@pytest.mark.parametrize("metric", ["dot", "precomputed"])
def test_negative_similarities_are_told_apart(metric):
    x = np.random.default_rng(1).normal(size=(25, 3)).astype(np.float32)
    dots = x @ x.T
    near = [[u for u in np.argsort(-dots[v], kind="stable").tolist() if u != v][:18] for v in range(25)]
    given = dots if metric == "precomputed" else x
    assert maximise(vote_k(given, keys(25), neighbours=18, metric=metric), 25)[0].tolist() == literally(near, 25)


def test_a_later_row_with_more_votes_goes_first_of_equal_scores():
    """Once row 2 is taken, rows 0 and 3 score 1 with one and ten discounted votes; 3 has more."""
    n = 40
    similar = np.zeros((n, n), np.float32)
    near = {v: [2, 3] for v in range(10, 20)} | {20: [0, 2]}
    for v in range(n):
        similar[v, near.get(v, [n - 1 - v % 2, n - 3])] = 1.0
    found = [[u for u in np.argsort(-similar[v], kind="stable").tolist() if u != v][:2] for v in range(n)]
    expected = literally(found, n)
    assert maximise(vote_k(similar, keys(n), neighbours=2, metric="precomputed"), n)[0].tolist() == expected
    by_row_alone = [row for row in expected if row in (0, 3)]
    assert by_row_alone == [3, 0]


@pytest.mark.parametrize("seed", range(5))
def test_three_clusters_come_first(seed):
    rng, label = np.random.default_rng(seed), np.repeat([0, 1, 2], 20)
    x = (10 * np.eye(3)[label] + rng.normal(size=(60, 3))).astype(np.float32)
    assert sorted(label[maximise(vote_k(x, keys(60), neighbours=10), 3)[0]]) == [0, 1, 2]


@pytest.mark.parametrize(("n", "k"), [(1, 150), (2, 150), (9, 3), (30, 150)])
def test_equal_rows_come_in_their_order(n, k):
    rows, gains = maximise(vote_k(np.ones((n, 4), np.float32), keys(n), neighbours=k), n)
    assert rows.tolist() == list(range(n)) and (np.diff(gains) <= 0).all()


def test_rows_that_nobody_votes_for_are_worth_nothing():
    x = np.array([[1, 0], [1, 0.1], [1, 0.05], [0, -1]], np.float32)
    assert vote_k(x, keys(4), neighbours=2).gains(np.arange(4)).tolist() == [3, 2, 3, 0]


def test_many_discounts_do_not_vanish():
    """150 votes of a row: 10^-150 is still told from 0."""
    x = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    _, gains = maximise(vote_k(x, keys(400), neighbours=150), 390)
    assert gains[-1] < 1e-90 and (gains[:200] > 0).all() and (np.diff(gains) <= 0).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("full", [False, True])
def test_the_order_of_rows_changes_nothing_until_a_tie(full, seed):
    """The first row that differs has the same score and as many votes as the other."""
    rng = np.random.default_rng(seed)
    x, confidence, mixed = rng.normal(size=(300, 8)).astype(np.float32), rng.random(300), rng.permutation(300)
    one, two = (
        vote_k(x[order], keys(300)[order], confidence[order] if full else None, 60, neighbours=20)
        for order in (np.arange(300), mixed)
    )
    votes = vote_k(x, keys(300), neighbours=20).gains(np.arange(300))
    rows, gains = maximise(one, 60)
    other, others = maximise(two, 60)
    same = mixed[other] == rows
    at = int(np.argmin(same)) if not same.all() else -1
    assert gains[: at + 1].tolist() == others[: at + 1].tolist()
    assert gains[at] == others[at] and votes[rows[at]] == votes[mixed[other[at]]]


def in_full(n, count, first, seed=0, **more):
    rng = np.random.default_rng(seed)
    x, confidence = rng.normal(size=(n, 4)).astype(np.float32), rng.permutation(n) / n
    function = vote_k(x, keys(n), confidence, count, neighbours=15, first=first, **more)
    return x, confidence, maximise(function, count)[0]


def test_the_second_stage_takes_one_row_of_each_part():
    """Slowly: 200 rows, 8 at first; floor(0.9 · 192 / 12) = 14 rows in each of 12 parts, least confident first."""
    x, confidence, rows = in_full(200, 20, 8)
    near = nearest(x, 15)
    supporters = [[v for v in range(200) if u in near[v]] for u in range(200)]
    chosen = literally(near, 8)
    assert rows[:8].tolist() == chosen
    rest = [row for row in np.argsort(confidence, kind="stable").tolist() if row not in chosen]
    for part in range(12):
        s = [len(set(near[v]) & set(chosen)) for v in range(200)]
        scores = {
            u: sum(Fraction(1, 10 ** s[v]) for v in supporters[u] if v not in chosen)
            for u in rest[14 * part : 14 * part + 14]
        }
        chosen.append(max(scores, key=lambda u: (scores[u], len(supporters[u]), -u)))
    assert rows.tolist() == chosen
    assert confidence[rows[8:]].max() < np.sort(confidence)[184]  # nothing of the most confident tenth


def test_where_parts_give_out_keys_decide():
    _, confidence, rows = in_full(40, 40, 10)
    rest = [row for row in np.argsort(confidence).tolist() if row not in rows[:10]]
    assert rows[10:37].tolist() == rest[:27]
    assert rows[37:].tolist() == sorted(rest[27:], key=lambda row: -int(keys(40)[row]))


def test_rows_that_one_has_are_the_first_batch():
    x, confidence, _ = in_full(200, 20, 8)
    start = np.array([3, 50, 70, 90, 110, 130, 150, 170])
    function = vote_k(x, keys(200), confidence, 12, start, neighbours=15, first=8)
    open = np.ones(200, bool)
    for row in start.tolist():
        function.take(row)
        open[row] = False
    rows = maximise(function, 12, open=open)[0]
    rest = [row for row in np.argsort(confidence).tolist() if row not in start]
    assert [rest.index(row) // 14 for row in rows] == list(range(12))


def test_closed_rows_and_parts_are_passed_over():
    x, confidence, _ = in_full(200, 20, 8)
    function = vote_k(x, keys(200), confidence, 20, neighbours=15, first=8)
    open = confidence > 0.3
    rows = maximise(function, 20, open=open)[0]
    assert open[rows].all() and len(set(rows.tolist())) == 20
    half = vote_k(x, keys(200), confidence, 20, neighbours=15, first=0)
    few = (confidence > 0.3) & (confidence < 0.5)
    some = maximise(half, 3, open=few)[0]
    rest = maximise(half, 17, open=~few)[0]  # parts that were passed over because they were closed are due again
    assert few[some].all() and confidence[rest[0]] < 0.1 and len({*some, *rest}) == 20
    assert maximise(function.fresh(), 20, open=open)[0].tolist() == rows.tolist()


def test_what_is_refused():
    x = np.ones((5, 2), np.float32)
    with pytest.raises(Refused, match=r"neighbours=0: .*1 or more"):
        vote_k(x, keys(5), neighbours=0)
    with pytest.raises(Refused, match=r"first=-1: .*0 or more"):
        vote_k(x, keys(5), first=-1)
    x[2] = 0
    with pytest.raises(BadRow) as caught:
        vote_k(x, keys(5))
    assert caught.value.row == 2

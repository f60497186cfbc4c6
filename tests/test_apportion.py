"""Orders whose prefixes are divided as asked, and exact rounding."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.ops.apportion import divide, interleave

sizes = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(sum)


def made(sizes, seed=0):
    """Strata of these sizes in a random order of rows, with random keys."""
    rng = np.random.default_rng(seed)
    stratum = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return stratum, rng.integers(0, 2**63, len(stratum), np.uint64)


@given(sizes, st.integers(0, 99))
def test_every_prefix_is_an_apportionment(sizes, seed):
    """Webster's rule: the last row of no stratum came before the next row of another was due."""
    stratum, key = made(sizes, seed)
    share = np.array(sizes) / sum(sizes)
    order = interleave(stratum, key, share)
    assert sorted(order.tolist()) == list(range(len(stratum)))
    for counts in np.cumsum(stratum[order][:, None] == np.arange(len(sizes)), axis=0):
        last = [(counts[s] - 0.5) / share[s] for s in range(len(sizes)) if counts[s]]
        due = [(counts[s] + 0.5) / share[s] for s in range(len(sizes)) if counts[s] < sizes[s]]
        assert max(last) <= min(due, default=np.inf) + 1e-9
    for code in range(len(sizes)):
        assert (np.diff(key[order[stratum[order] == code]].astype(object)) >= 0).all()


def test_webster_by_hand():
    stratum = np.array([0, 0, 0, 0, 1, 1, 2])
    order = interleave(stratum, np.arange(7, dtype=np.uint64), np.array([4.0, 2.0, 1.0]))
    assert stratum[order].tolist() == [0, 1, 0, 2, 0, 1, 0]  # at 1/8, 1/4, 3/8, 1/2, 5/8, 3/4, 7/8


@given(sizes, st.integers(0, 99))
def test_the_order_goes_with_the_keys_not_the_rows(sizes, seed):
    stratum, key = made(sizes, seed)
    key = np.arange(len(key), dtype=np.uint64)[np.argsort(key)]  # distinct
    mixed = np.random.default_rng(seed).permutation(len(stratum))
    share = np.array(sizes) / sum(sizes)
    assert mixed[interleave(stratum[mixed], key[mixed], share)].tolist() == interleave(stratum, key, share).tolist()


def test_exhausted_strata_leave_their_places_and_no_share_comes_last():
    stratum = np.array([2, 0, 1, 1, 1, 2])
    order = interleave(stratum, np.arange(6, dtype=np.uint64), np.array([0.5, 0.5, 0.0]))
    assert stratum[order].tolist() == [0, 1, 1, 1, 2, 2]


def test_equal_keys_keep_row_order():
    order = interleave(np.zeros(5, np.int64), np.full(5, 3, np.uint64), np.array([1.0]))
    assert order.tolist() == [0, 1, 2, 3, 4]


@given(st.integers(0, 10_000), st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(sum))
def test_divided_wholes(total, weights):
    found = divide(total, np.array(weights, float))
    exact = [total * weight / sum(weights) for weight in weights]
    assert found.sum() == total and (np.abs(found - exact) < 1 + 1e-9).all()
    for one, other in zip(range(len(weights)), range(1, len(weights)), strict=False):
        if weights[one] == weights[other]:
            assert found[one] - found[other] in (0, 1)


def test_divided_by_hand():
    assert divide(10, np.array([0.3, 0.3, 0.4])).tolist() == [3, 3, 4]
    assert divide(7, np.array([5.0, 5.0, 0.0])).tolist() == [4, 3, 0]
    assert divide(3, np.array([0.2, 0.2, 0.2, 0.4])).tolist() == [1, 1, 0, 1]

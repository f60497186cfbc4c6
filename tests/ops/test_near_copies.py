"""Near copies against the rule in plain Python, and what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops.minhash import Sketch
from tamis.ops.near_copies import near_copies

quick = settings(max_examples=300, deadline=None, derandomize=True)
ROWS = 2
EMPTY = np.empty((0, 3), np.uint64)


def sketches(n, seed, bands=3, values=6):
    """Random minima, and keys that are equal where minima of a band are; some differ in their lowest bits only."""
    rng = np.random.default_rng(seed)
    minima = rng.integers(0, values, (n, bands * ROWS), np.uint8) // (1 + rng.integers(0, 2, (n, 1), np.uint8))
    keys = np.array([[hash_of(row[b * ROWS : (b + 1) * ROWS]) for b in range(bands)] for row in minima], np.uint64)
    keys = keys.reshape(n, bands)
    keys[rng.random(n) < 0.1] = 0
    return Sketch(keys, minima)


def hash_of(minima):
    code = int(minima.astype(np.int64) @ (10 ** np.arange(ROWS)))
    return (code % 3 + 1 << 62) + code if code % 4 else code + 1


def matches(one, i, two, j, band, needed):
    return one.keys[i, band] == two.keys[j, band] != 0 and (one.minima[i] == two.minima[j]).sum() >= needed


def needed_share(threshold):
    """The share of equal lowest bytes that two texts of this similarity are expected to have."""
    return 0 if threshold is None else threshold + (1 - threshold) / 256


def slow(own, needed, against=()):
    n, bands = own.keys.shape
    parent = list(range(n))
    for band in range(bands):
        leaders = []
        for i in range(n):
            found = [j for j in leaders if matches(own, i, own, j, band, needed)]
            if not found:
                leaders.append(i)
            parent[i] = min([parent[i], *found])
    kept, earlier = [], []
    for i in range(n):
        places = [
            (number, j)
            for number, each in enumerate(against)
            for j in range(len(each.keys))
            if any(matches(own, i, each, j, band, needed) for band in range(bands))
        ]
        if places:
            kept.append(("earlier", *min(places)))
        else:
            kept.append(i if parent[i] == i else kept[parent[i]])
        if isinstance(kept[i], tuple):
            earlier.append([i, *kept[i][1:]])
    return [-1 if isinstance(row, tuple) else row for row in kept], earlier


@quick
@given(
    sizes=st.lists(st.integers(0, 20), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
    threshold=st.sampled_from([None, 0.2, 0.5, 0.7, 1.0]),
)
def test_equals_the_slow_way(sizes, seed, threshold):
    own, *against = (sketches(n, seed + k) for k, n in enumerate(sizes))
    found = near_copies(own, threshold=threshold, against=against)
    needed = int(np.ceil(needed_share(threshold) * 3 * ROWS))
    kept, earlier = slow(own, needed, against)
    assert found.kept_row.tolist() == kept and found.earlier.tolist() == earlier
    assert found.kept_row.dtype == np.int64 and found.earlier.shape == (len(earlier), 3)
    if threshold is None:
        bare = near_copies(Sketch(own.keys, None), against=[Sketch(each.keys, None) for each in against])
        assert bare.kept_row.tolist() == kept and bare.earlier.tolist() == earlier


@quick
@given(
    n=st.integers(0, 40), more=st.integers(0, 20), seed=st.integers(0, 10**6), threshold=st.sampled_from([None, 0.5])
)
def test_rows_that_are_added_change_nothing(n, more, seed, threshold):
    whole, other = sketches(n + more, seed), sketches(5, seed + 1)
    part = Sketch(whole.keys[:n], whole.minima[:n])
    for against in ([], [other]):
        before, after = (near_copies(each, threshold=threshold, against=against) for each in (part, whole))
        assert after.kept_row[:n].tolist() == before.kept_row.tolist()
        assert after.earlier[after.earlier[:, 0] < n].tolist() == before.earlier.tolist()


@quick
@given(n=st.integers(1, 60), seed=st.integers(0, 10**6), threshold=st.sampled_from([None, 0.3, 0.5, 0.7]))
def test_kept_rows_do_not_match_and_dropped_ones_do(n, seed, threshold):
    own = sketches(n, seed)
    kept_row = near_copies(own, threshold=threshold).kept_row
    assert (kept_row <= np.arange(n)).all() and (kept_row[kept_row] == kept_row).all()
    keys = (own.keys[:, None] == own.keys) & (own.keys[:, None] != 0)
    shares = (own.minima[:, None] == own.minima).mean(axis=2)
    near = keys.any(axis=2) & (shares >= needed_share(threshold)) & ~np.eye(n, dtype=bool)
    kept = kept_row == np.arange(n)
    assert not near[np.ix_(kept, kept)].any()
    assert np.tril(near)[~kept].any(axis=1).all()


@quick
@given(n=st.integers(1, 30), m=st.integers(1, 30), seed=st.integers(0, 10**6), threshold=st.sampled_from([None, 0.5]))
def test_what_is_left_matches_nothing_earlier(n, m, seed, threshold):
    own, other = sketches(n, seed), sketches(m, seed + 1)
    found = near_copies(own, threshold=threshold, against=[other])
    keys = (own.keys[:, None] == other.keys) & (own.keys[:, None] != 0)
    near = keys.any(axis=2) & ((own.minima[:, None] == other.minima).mean(axis=2) >= needed_share(threshold))
    left = found.kept_row >= 0
    assert not near[left].any()
    assert sorted(np.flatnonzero(~left)) == found.earlier[:, 0].tolist()


def test_a_row_between_two_drops_neither():
    keys = np.array([[1, 5], [2, 6], [2, 5], [2, 9]], np.uint64)
    assert near_copies(Sketch(keys, None)).kept_row.tolist() == [0, 1, 0, 1]


def test_a_long_chain_leads_to_its_first_row():
    n = 1000
    keys = np.column_stack([np.arange(n) // 2 + 1, (np.arange(n) + 1) // 2 + 1]).astype(np.uint64)
    assert not near_copies(Sketch(keys, None)).kept_row.any()


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_arrays_may_lie_anywhere(tmp_path, threshold):
    own = sketches(50, 1)
    for name, array in own._asdict().items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = Sketch(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in own._fields))
    turned = Sketch(*map(np.asfortranarray, own))
    expected = near_copies(own, threshold=threshold, against=[own]).earlier.tolist()
    for other in (mapped, turned):
        assert near_copies(other, threshold=threshold, against=[mapped]).earlier.tolist() == expected


def test_refusals():
    own = sketches(4, 0)
    for threshold in (0, -1, 1.01, float("nan")):
        with pytest.raises(Refused, match=r"more than 0"):
            near_copies(own, threshold=threshold)
    with pytest.raises(Refused, match=r"sketches with minima"):
        near_copies(own, threshold=0.5, against=[Sketch(own.keys, None)])
    with pytest.raises(Refused, match=r"2 bands of an earlier corpus.*give 3"):
        near_copies(own, against=[Sketch(own.keys[:, :2], None)])
    assert near_copies(Sketch(EMPTY, None), against=[own]).earlier.shape == (0, 3)

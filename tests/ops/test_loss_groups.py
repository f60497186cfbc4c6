"""Groups of losses against every way to cut them, and the windows of the specification."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops.loss_groups import best_cuts, grouped, window


def spread(values, codes):
    return sum(((values[codes == code] - values[codes == code].mean()) ** 2).sum() for code in set(codes.tolist()))


@given(st.lists(st.floats(-9, 9, width=16), min_size=1, max_size=9), st.data())
def test_no_other_groups_are_tighter(losses, data):
    values = np.array(losses, np.float32)
    distinct = np.unique(values)
    groups = data.draw(st.integers(1, len(distinct)))
    codes = grouped(values, groups)
    assert sorted(set(codes.tolist())) == list(range(groups))
    order = np.argsort(values, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    cuts = itertools.combinations(distinct[1:].tolist(), groups - 1)
    best = min(spread(values.astype(float), np.searchsorted(np.array(cut), values, side="right")) for cut in cuts)
    np.testing.assert_allclose(spread(values.astype(float), codes), best, atol=1e-9)


def test_many_losses_are_grouped_by_bins():
    """A million skewed losses: within 0.1 % of the exact groups of a sample of them, and better than Lloyd's."""
    rng = np.random.default_rng(0)
    values = rng.exponential(size=200_000).astype(np.float32)
    codes = grouped(values, 10)
    assert sorted(set(codes.tolist())) == list(range(10))
    lows = [values[codes == code].min() for code in range(10)]
    highs = [values[codes == code].max() for code in range(10)]
    assert all(high < low for high, low in zip(highs[:-1], lows[1:], strict=True))
    cluster = pytest.importorskip("sklearn.cluster")
    other = cluster.KMeans(10, n_init=3, random_state=0).fit(values[:, None].astype(float))
    assert spread(values.astype(float), codes) <= other.inertia_ * 1.001


def test_cuts_of_weighted_values():
    assert best_cuts(np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 99.0]), 2).tolist() == [0, 2]
    assert best_cuts(np.array([0.0, 1.0, 2.0]), np.array([99.0, 1.0, 1.0]), 2).tolist() == [0, 1]


@pytest.mark.parametrize("losses", [np.full(10, 0.1, np.float32), np.repeat(np.float32([1, 2]), 5)])
def test_fewer_values_than_groups_are_chunks(losses):
    assert grouped(losses, 5).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_the_published_windows():
    """[measured] of 5 groups and α = .6."""
    found = [tuple(window(c, 5, 0.6, from_easiest=False)) for c in range(1, 7)]
    assert found == [(1, 4), (2, 5), (0, 3), (1, 4), (2, 5), (0, 3)]
    found = [tuple(window(c, 5, 0.6)) for c in range(7)]
    assert found == [(0, 5), (0, 3), (1, 4), (2, 5), (0, 3), (1, 4), (2, 5)]


@given(st.integers(1, 12), st.floats(0.01, 1), st.booleans())
def test_a_cycle_of_windows_has_all_groups(groups, scale, from_easiest):
    windows = [window(c, groups, scale, from_easiest=from_easiest) for c in range(1, 40)]
    width = windows[0].stop - windows[0].start
    assert width == max(1, int(scale * groups + 0.5)) and {w.stop - w.start for w in windows} == {width}
    cycle = windows[: groups - width + 1]
    assert {group for w in cycle for group in range(*w)} == set(range(groups))
    assert windows[0].start == (0 if from_easiest else 1 % (groups - width + 1))


def test_half_a_group_is_rounded_up():
    assert window(1, 5, 0.5) == (0, 3) and window(1, 1, 0.5) == (0, 1) and window(1, 10, 0.01) == (0, 1)


@pytest.mark.parametrize(("groups", "scale"), [(0, 0.5), (5, 0.0), (5, 1.5), (5, float("nan"))])
def test_what_is_refused(groups, scale):
    with pytest.raises(Refused, match="out of range"):
        window(1, groups, scale)


def test_one_large_loss_does_not_blur_the_others():
    losses = np.random.default_rng(0).exponential(size=5000).astype(np.float32)
    losses[7] = 1e5
    codes = grouped(losses, 10)
    values, counts = np.unique(losses.astype(float), return_counts=True)
    starts = np.append(best_cuts(values, counts.astype(float), 10), len(values))
    best = [values[a:b] for a, b in itertools.pairwise(starts)]
    found = [losses[codes == group].astype(float) for group in range(10)]
    assert squares(found) <= 1.01 * squares(best)


def squares(parts):
    return sum(float(((part - part.mean()) ** 2).sum()) for part in parts)

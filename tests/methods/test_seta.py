"""SeTa: windows of groups by loss, its last phase, and its special cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.methods.full_data import full_data
from tamis.methods.rs2 import rs2
from tamis.methods.seta import seta

LOSSES = np.repeat(np.float32([0, 10, 20, 30, 40]), [30, 10, 5, 3, 2]) + np.tile(np.float32([0, 0.1]), 25)
GROUP = np.repeat(np.arange(5), [30, 10, 5, 3, 2])


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def told(schedule, losses, epochs=1):
    state = schedule.start(len(losses))
    for _ in range(epochs):
        state = schedule.update(state, np.arange(len(losses)), {"loss": np.asarray(losses, np.float32)})
    return state


def shown(epoch, **options):
    key = keys(50)
    schedule = seta(key, groups=5, window=0.6, **options)
    rows, weights = schedule.draw(told(schedule, LOSSES, 30), epoch, key)
    assert (weights == 1).all() and len(set(rows.tolist())) == len(rows)
    return sorted(rows.tolist())


def test_the_published_windows():
    """[measured] with 5 groups and α = .6, in the order of the code and of the paper."""
    for epoch, (start, stop) in enumerate([(0, 5), (1, 4), (2, 5), (0, 3), (1, 4), (2, 5), (0, 3)]):
        expected = np.flatnonzero((start <= GROUP) & (stop > GROUP)).tolist()
        assert shown(epoch, order="reference") == expected
        assert epoch == 0 or shown((epoch + 1) % 7 or 7, order="paper") == expected
    assert shown(1) == np.flatnonzero(GROUP < 3).tolist()  # the easiest first


def test_the_last_phase_is_the_random_part():
    for epoch in range(30):
        rows = shown(epoch, ratio=0.2, epochs=30)
        assert (len(rows) == 40) == (epoch == 0 or epoch >= 27)


@given(st.integers(5, 40), st.floats(0, 0.8), st.integers(1, 5), st.floats(0.1, 1), st.integers(1, 9))
def test_a_part_of_a_random_part(n, ratio, groups, window, epoch):
    key, losses = keys(n), np.random.default_rng(n).exponential(size=n)
    size = max(1, int(max(1 - ratio, 0.1) * n + 1e-9))
    if groups > size:
        return
    whole = seta(key, ratio=ratio, groups=groups, window=1.0)
    some = seta(key, ratio=ratio, groups=groups, window=window)
    drawn = whole.draw(told(whole, losses, 9), epoch, key)[0].tolist()
    kept = some.draw(told(some, losses, 9), epoch, key)[0].tolist()
    assert len(drawn) == size and kept and set(kept) <= set(drawn)
    assert [row for row in drawn if row in set(kept)] == kept
    inside = sorted(drawn, key=lambda row: losses[row])
    ranks = sorted(inside.index(row) for row in kept)
    assert ranks == list(range(ranks[0], ranks[-1] + 1))  # groups that lie side by side


def test_equal_losses_are_chunks():
    key = keys(50)
    schedule = seta(key, groups=5, window=0.2)
    windows = [set(schedule.draw(told(schedule, np.ones(50), 9), epoch, key)[0].tolist()) for epoch in range(1, 6)]
    assert {len(rows) for rows in windows} == {10}


def test_everything_is_plain_training_and_one_group_is_dynamic_random():
    key, losses = keys(40), np.arange(40.0)
    plain, random = seta(key, ratio=0.0, window=1.0), seta(key, ratio=0.5, groups=1, window=1.0)
    found = []
    for epoch in range(1, 4):
        rows = plain.draw(told(plain, losses, 9), epoch, key)[0]
        assert rows.tolist() == full_data().draw(40, epoch, key)[0].tolist() == rs2().draw(40, epoch, key)[0].tolist()
        found.append(frozenset(random.draw(told(random, losses, 9), epoch, key)[0].tolist()))
    assert len(set(found)) == 3 and {len(rows) for rows in found} == {20}


def test_dynamic_random_needs_no_losses():
    key = keys(40)
    for options in ({"groups": 1, "window": 0.5}, {"groups": 7, "window": 1.0}, {"groups": 7, "window": 0.95}):
        schedule = seta(key, ratio=0.5, **options)
        rows = [schedule.draw(schedule.start(40), epoch, key)[0].tolist() for epoch in range(4)]
        assert [len({*one}) for one in rows] == [20] * 4 and len({*map(frozenset, rows)}) == 4
    with pytest.raises(Refused, match="seta: epoch 1 begins"):
        (schedule := seta(key, groups=7, window=0.9)).draw(schedule.start(40), 1, key)


def test_rows_whose_loss_is_unknown_are_in_every_window():
    key, losses = keys(50), LOSSES.copy()
    losses[[49, 48]] = np.nan, np.inf
    schedule = seta(key, groups=4, window=0.25)
    for epoch in range(1, 6):
        assert {48, 49} < set(schedule.draw(told(schedule, losses, 9), epoch, key)[0].tolist())
    assert {48, 49} == set(range(50)) - set(seta(key, groups=5).start(50).losses[:48].nonzero()[0].tolist())


def test_rows_in_another_order():
    key, mixed = keys(50), np.random.default_rng(1).permutation(50)
    schedule = seta(key, ratio=0.3, groups=5, window=0.4)
    for epoch in range(1, 4):
        one = schedule.draw(told(schedule, LOSSES, 9), epoch, key)[0]
        two = schedule.draw(told(schedule, LOSSES[mixed], 9), epoch, key[mixed])[0]
        assert mixed[two].tolist() == one.tolist()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda key: seta(key, ratio=1.0), "ratio=1.0"),
        (lambda key: seta(key, groups=0), "groups=0"),
        (lambda key: seta(key, groups=9), "groups=9"),
        (lambda key: seta(key, groups=5, ratio=0.5), "groups=5: .*at most 4"),
        (lambda key: seta(key, groups=2, window=0.0), "window=0.0"),
        (lambda key: seta(key, groups=2, epochs=-1), "epochs=-1"),
        (lambda key: seta(key, groups=2).start(4), "seta: it decides itself"),
        (lambda key: seta(key, groups=2).draw(seta(key, groups=2).start(8), 1, key), "seta: epoch 1 begins"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(Refused, match=said):
        call(keys(8))

"""InfoBatch: unbiased sums, its last phase, and plain training where nothing is left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.methods.full_data import full_data
from tamis.methods.infobatch import infobatch


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def told(schedule, losses, epochs=1):
    state = schedule.start(len(losses))
    for _ in range(epochs):
        state = schedule.update(state, np.arange(len(losses)), {"loss": np.asarray(losses, np.float32)})
    return state


@given(st.lists(st.floats(0, 9, width=16), min_size=1, max_size=30), st.floats(0, 0.99), st.integers(0, 99))
def test_all_that_is_hard_and_part_of_what_is_easy(losses, ratio, seed):
    key, values = keys(len(losses), seed), np.array(losses, np.float32)
    rows, weights = infobatch(key, ratio=ratio).draw(told(infobatch(key), values), 1, key)
    easy = set(np.flatnonzero(values < np.float32(values.mean(dtype=np.float64))).tolist()) if ratio else set()
    q = max(1 - ratio, 0.1)
    kept = set(rows.tolist())
    assert len(rows) == len(kept) and kept >= set(range(len(losses))) - easy
    assert len(kept & easy) == (min(len(easy), max(1, int(q * len(easy) + 1e-9))) if easy else 0)
    for row, weight in zip(rows.tolist(), weights.tolist(), strict=True):
        assert weight == (np.float32(len(easy) / len(kept & easy)) if row in easy else 1)
    np.testing.assert_allclose(weights.sum(), len(losses), rtol=1e-5)


def test_sums_over_an_epoch_are_unbiased():
    """[spec] over 400 draws the mean of Σ w g is Σ g within its interval, and within half a percent."""
    rng = np.random.default_rng(0)
    losses, gradients = rng.lognormal(sigma=1.5, size=2000), rng.normal(1, 1, size=(2000, 3))
    sums, saved = [], []
    for seed in range(400):
        key = keys(2000, seed)
        schedule = infobatch(key)
        rows, weights = schedule.draw(told(schedule, losses), 1, key)
        sums.append(weights @ gradients[rows])
        saved.append(1 - len(rows) / 2000)
    error = np.mean(sums, axis=0) - gradients.sum(axis=0)
    assert (np.abs(error) < 3.5 * np.std(sums, axis=0) / 20).all()
    assert (np.abs(error) < 0.005 * np.abs(gradients.sum(axis=0))).all()
    assert 0.3 < np.mean(saved) < 0.45  # half of what lies below the mean, which is well over half of the rows


def test_the_last_phase_with_a_fraction():
    """δ T = 26.25: from epoch 27 on all rows, with a weight of 1."""
    key = keys(40)
    schedule = infobatch(key, epochs=30)
    for epoch in range(30):
        rows, weights = schedule.draw(told(schedule, np.arange(40.0), 30), epoch, key)
        assert (len(rows) == 40 and (weights == 1).all()) == (epoch >= 27)
    assert len(schedule.draw(schedule.start(40), 29, key)[0]) == 40  # which needs no losses


def test_without_a_ratio_it_is_plain_training():
    key = keys(50)
    state = told(infobatch(key, ratio=0.0), np.arange(50.0))
    for epoch in range(4):
        rows, weights = infobatch(key, ratio=0.0).draw(state, epoch, key)
        assert rows.tolist() == full_data().draw(50, epoch, key)[0].tolist() and (weights == 1).all()


@pytest.mark.parametrize("loss", [0.1, 2.3, 1e-30, 1e30])
def test_constant_losses_leave_out_nothing(loss):
    for n in (3, 7, 1000, 99_999):
        key = keys(n)
        schedule = infobatch(key)
        rows, weights = schedule.draw(told(schedule, np.full(n, loss)), 1, key)
        assert len(rows) == n and (weights == 1).all()


def test_a_loss_that_is_no_number_keeps_its_row():
    key = keys(8)
    losses = np.array([0, 0, 0, 0, 9, np.nan, np.inf, 9.0])
    schedule = infobatch(key)
    rows, weights = schedule.draw(told(schedule, losses), 1, key)
    assert {4, 5, 6, 7} < set(rows.tolist()) and len(rows) == 6
    assert weights[np.isin(rows, [5, 6])].tolist() == [1, 1]


def test_losses_of_a_part_change_only_that_part():
    key = keys(4)
    schedule = infobatch(key)
    before = told(schedule, [1, 2, 3, 4])
    after = schedule.update(before, np.array([1, 1]), {"loss": np.float32([7, 5])})
    assert before.losses.tolist() == [1, 2, 3, 4] and after.losses.tolist() == [1, 5, 3, 4] and after.epochs == 2


def test_rows_in_another_order():
    key, mixed, losses = keys(30), np.random.default_rng(1).permutation(30), np.arange(30.0) ** 2
    schedule = infobatch(key)
    one, two = (
        schedule.draw(told(schedule, losses), 1, key),
        schedule.draw(told(schedule, losses[mixed]), 1, key[mixed]),
    )
    assert mixed[two[0]].tolist() == one[0].tolist() and two[1].tolist() == one[1].tolist()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda key: infobatch(key, ratio=1.0), "ratio=1.0"),
        (lambda key: infobatch(key, ratio=-0.1), "ratio=-0.1"),
        (lambda key: infobatch(key, ratio=float("nan")), "ratio=nan"),
        (lambda key: infobatch(key, epochs=0), "epochs=0"),
        (lambda key: infobatch(key, annealing=1.5), "annealing=1.5"),
        (lambda key: infobatch(key).start(4), "infobatch: it decides itself .* 4 of 5"),
        (lambda key: infobatch(key).draw(infobatch(key).start(5), 1, key), "infobatch: epoch 1 begins, and no loss"),
        (lambda key: infobatch(key).draw(told(infobatch(key), [1] * 5), 2, key), "infobatch: epoch 2 begins"),
        (lambda key: infobatch(key).update(infobatch(key).start(5), np.arange(5), {}), "no loss"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(Refused, match=said):
        call(keys(5))

"""Temperature: the published shares, exact numbers of draws, and weights instead of draws."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.methods.temperature import temperature
from tamis.ops.permutation import permutation
from tamis.ops.temperature import Cooldown, Mixed, mixture, upweights


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def test_the_published_shares():
    """[checked]"""
    sizes = np.array([56_000_000, 600_000])
    assert mixture(sizes, 1.0).round(4).tolist() == [0.9894, 0.0106]
    assert mixture(sizes, 5.0).round(4).tolist() == [0.7124, 0.2876]
    p, q = mixture(sizes, 5.0), mixture(sizes, 1.0)
    np.testing.assert_allclose((p**2 / q).sum(), 8.3, atol=0.05)
    np.testing.assert_allclose(upweights(sizes, 5.0), p / q)


def test_ends_of_the_temperature():
    sizes = np.array([1, 10**18, 10**6])
    np.testing.assert_allclose(mixture(sizes, np.inf), 1 / 3)
    assert mixture(sizes, 1e-6).tolist() == [0, 1, 0]
    np.testing.assert_allclose(mixture(sizes, 1.0), sizes / sizes.sum())


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 60), st.floats(0.5, 9), st.data())
def test_as_often_as_promised(sizes, draws, tau, data):
    sizes = np.array(sizes)
    fall = data.draw(st.one_of(st.none(), st.integers(1, 200)))
    cooldown = Cooldown(((0, tau), *(((fall, 1.0),) if fall else ())))
    mixed = Mixed(sizes, cooldown, draws, 5, lambda domain, number: permutation(int(sizes[domain]), domain, number))
    times = [np.zeros(size, np.int64) for size in sizes]
    slow = np.zeros(len(sizes), np.int64)
    for epoch in range(50):
        assert mixed.drawn_before(epoch).tolist() == slow.tolist()
        slow += mixed.counts(epoch)
    for epoch in range(6):
        domains, places = (np.concatenate(part) for part in zip(*mixed.visits(epoch), strict=True))
        assert (
            len(domains) == draws
            and np.bincount(domains, minlength=len(sizes)).tolist() == mixed.counts(epoch).tolist()
        )
        for length, at in ((part.stop - part.start, part) for part in mixed.parts(epoch)):
            exact = length * mixture(sizes, cooldown.at(epoch * draws + at.start))
            assert at.counts.sum() == length and (np.abs(at.counts - exact) < 1 + 1e-9).all()
            here = np.bincount(domains[at.start : at.stop], minlength=len(sizes))
            assert here.tolist() == at.counts.tolist()
        for domain, place in zip(domains.tolist(), places.tolist(), strict=True):
            times[domain][place] += 1
        for own in times:
            assert own.max() - own.min() <= 1
        for start in (0, draws // 2, draws):
            rest = [part[1] for part in mixed.visits(epoch, start)]
            assert np.concatenate([np.empty(0, np.int64), *rest]).tolist() == places[start:].tolist()


def test_numbers_are_right_in_the_mean():
    """0.3 of a draw an epoch is a draw in 3 of 10 epochs, and every place in an epoch is as likely."""
    sizes, found, first = np.array([97, 3]), 0, 0
    for key in range(3000):
        mixed = Mixed(sizes, Cooldown(((0, 1.0),)), 10, key, lambda domain, number: permutation(int(sizes[domain]), 1))
        domains = next(mixed.visits(0))[0]
        found, first = found + (domains == 1).sum(), first + domains[0]
    assert abs(found / 3000 - 0.3) < 0.03 and abs(first / 3000 - 0.03) < 0.012


def test_the_rounding_of_every_epoch_is_right_in_the_mean():
    """0.3 of a draw an epoch is one for 3 of 10 keys, in whatever epoch, and for each key in 3 of 10 epochs."""
    counts = []
    for key in range(2000):
        mixed = Mixed(np.array([97, 3]), Cooldown(((0, 1.0),)), 10, key, lambda domain, number: permutation(97, 1))
        counts.append([mixed.counts(epoch)[1] for epoch in (0, 1, 15, 16, 700)])
        assert abs(mixed.drawn_before(1000)[1] - 300) < 4
    assert (np.abs(np.mean(counts, axis=0) - 0.3) < 0.05).all()


def test_an_epoch_far_on_takes_no_room():
    sizes = np.arange(1, 1001)
    mixed = Mixed(sizes, Cooldown(((0, 5.0), (77_777, 1.0))), 5000, 3, lambda domain, number: permutation(9, 1))
    tracemalloc.start()
    drawn = mixed.drawn_before(10**7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert drawn.sum() == 5000 * 10**7 and peak < 1e6
    exact = mixture(sizes, 5.0) * 77_777 + mixture(sizes, 1.0) * (5000 * 10**7 - 77_777)
    np.testing.assert_allclose(drawn, exact, rtol=0, atol=25)


def test_draws_and_weights_have_one_mean_and_draws_less_variance():
    """[spec] (b): of mini-batches of 50, sampled by τ = 5, or by size and weighted."""
    rng, sizes = np.random.default_rng(0), np.array([5000, 50])
    gradients = np.concatenate([rng.normal(1, 1, 5000), rng.normal(-2, 1, 50)])
    group = np.repeat([0, 1], sizes)
    key = keys(5050)
    sampled = [gradients[temperature(group).draw(50, epoch, key)[0]].mean() for epoch in range(600)]
    rows = [temperature(group, tau=1.0).draw(50, epoch, key)[0] for epoch in range(600)]
    weighted = [(upweights(sizes, 5.0)[group[one]] * gradients[one]).mean() for one in rows]
    spread = np.hypot(np.std(sampled), np.std(weighted)) / np.sqrt(600)
    assert abs(np.mean(sampled) - np.mean(weighted)) < 4 * spread
    assert np.var(weighted) > np.var(sampled)


def test_the_schedule_cools_down():
    group, key = np.repeat([0, 1], [90, 10]), keys(100)
    for cooldown, expected in ((80, [10, 10, 4, 4]), (60, [10, 7, 4, 4])):  # in draws, as for the sampler
        made = temperature(group, tau=2.0, cooldown=cooldown)
        assert [np.bincount(group[made.draw(40, epoch, key)[0]])[1] for epoch in range(4)] == expected


def test_rows_in_another_order():
    key, mixed = keys(60), np.random.default_rng(1).permutation(60)
    group = np.repeat([0, 1, 2], [40, 15, 5])
    recoded = np.array([2, 0, 1])[group[mixed]]  # codes are by order of appearance
    for epoch in range(3):
        one, two = (temperature(g).draw(50, epoch, k)[0] for g, k in ((group, key), (recoded, key[mixed])))
        assert mixed[two].tolist() == one.tolist()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: temperature(np.zeros(3, int), tau=0.0), "temperature=0.0"),
        (lambda: temperature(np.zeros(3, int), tau=float("nan")), "temperature=nan"),
        (lambda: temperature(np.zeros(3, int), cooldown=0), "cooldown=0"),
        (lambda: mixture(np.array([3, 0]), 1.0), "domain 1: it has 0 examples"),
        (lambda: mixture(np.array([]), 1.0), "sizes"),
        (lambda: Cooldown(((0, 5.0), (0, 1.0))), "starts must ascend"),
        (lambda: Cooldown(((5, 5.0),)), "starts must ascend"),
        (lambda: Cooldown(((0, 5.0), (9, -1.0))), "temperature=-1.0"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(Refused, match=said):
        call()

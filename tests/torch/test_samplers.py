"""Samplers of a training loop: what they promise of epochs, processes and resumed runs, and what they refuse."""

import io
import itertools
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import tamis  # noqa: E402
from tamis import torch as tt  # noqa: E402
from tamis.testing import make_pool  # noqa: E402

CHOSEN = tamis.select(make_pool(30), "top:score", budget=20)
GROUPS = np.array(["a", "b", "b", "a", "a", "b", "a", "a", "a", "a", "c"])
MADE = {
    "full": lambda **more: tt.FullData(23, **more),
    "control": lambda **more: tt.FullData(23, 0.4, **more),
    "rs2": lambda **more: tt.RS2(23, 0.3, **more),
    "rs2-most": lambda **more: tt.RS2(23, 0.8, **more),
    "rs2-again": lambda **more: tt.RS2(23, 0.3, replacement=True, **more),
    "rs2-labels": lambda **more: tt.RS2(23, 0.5, labels=torch.arange(23) % 3, **more),
    "draw": lambda **more: tt.WeightedDraw(np.arange(9.0), draws=21, **more),
    "draw-once": lambda **more: tt.WeightedDraw(torch.arange(9.0), draws=7, replacement=False, **more),
    "temperature": lambda **more: tt.TemperatureSampler([9, 4], 2.0, cooldown=20, **more),
    "groups": lambda **more: tt.TemperatureSampler(groups=GROUPS, temperature=3.0, draws=14, **more),
    "selection": lambda **more: tt.FromSelection(CHOSEN, **more),
    "shuffled": lambda **more: tt.FromSelection(CHOSEN, shuffle=True, **more),
    "infobatch": lambda **more: tt.InfoBatch(23, epochs=9, **more),
    "seta": lambda **more: tt.SeTa(23, 0.2, epochs=9, groups=4, window=0.5, max_age=2, **more),
}
EVERY = pytest.mark.parametrize("name", MADE)


def trained(sampler, ids):
    """What a training loop does with a step: tell the losses, where the sampler listens."""
    if hasattr(sampler, "update"):
        ids = np.asarray(ids, np.int64)
        sampler.update(ids, (ids * 7 % 11).astype(np.float32) + sampler.epoch)


def run(sampler, epochs, first=0):
    """Epochs as lists, with `set_epoch` as frameworks have it."""
    found = []
    for epoch in range(first, first + epochs):
        sampler.set_epoch(epoch)
        found.append(list(sampler))
        assert len(found[-1]) == len(sampler) and all(type(one) is int for one in found[-1])
        trained(sampler, found[-1])
    return found


@EVERY
def test_same_seed_same_order_next_epoch_another(name):
    one, two, other = (
        run(MADE[name](seed=1) if name != "selection" else MADE[name](), 4),
        run(MADE[name](seed=1), 4),
        run(MADE[name](seed=2), 4),
    )
    assert one == two
    assert (one != other and len({tuple(epoch) for epoch in one}) == 4) == (name != "selection")


@EVERY
def test_an_epoch_follows_the_one_before_without_being_told(name):
    sampler, found = MADE[name](), []
    for _ in range(3):
        found.append(list(sampler))
        trained(sampler, found[-1])
    assert found == run(MADE[name](), 3)


@EVERY
@pytest.mark.parametrize(("world", "even"), [(2, False), (3, False), (5, True)])
def test_ranks_together_have_the_whole_and_none_twice(name, world, even):
    whole = MADE[name]()
    ranks = [MADE[name](rank=rank, world=world, even=even) for rank in range(world)]
    for epoch in range(4):
        parts = []
        for sampler in (whole, *ranks):
            sampler.set_epoch(epoch)
            parts.append(list(sampler))
            assert len(sampler) == len(parts[-1])
        every, *parts = parts
        mixed = [one for row in itertools.zip_longest(*parts) for one in row if one is not None]
        assert mixed == every[: len(every) - len(every) % world if even else None]
        assert len({len(part) for part in parts}) == 1 or not even
        for sampler in (whole, *ranks):
            trained(sampler, every)


@EVERY
@given(data=st.data())
def test_resume_after_any_step_goes_on_exactly(name, data):
    size, world = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
    options = {"rank": data.draw(st.integers(0, world - 1)), "world": world}
    stop, used, state, expected = data.draw(st.integers(0, 14)), 0, None, []
    sampler = MADE[name](**options)
    for epoch in range(4):
        sampler.set_epoch(epoch)
        if used == stop and state is None:
            state = sampler.state_dict()
        for ids in sampler.batches(size):
            trained(sampler, ids)
            used += 1
            if state is None and used >= stop:
                state = sampler.state_dict()
            elif state is not None:
                expected.append((epoch, ids.tolist()))
    saved = io.BytesIO()
    torch.save(state if state is not None else sampler.state_dict(), saved)
    saved.seek(0)
    again, found = MADE[name](**options), []
    again.load_state_dict(torch.load(saved, weights_only=True))
    for epoch in range(again.epoch, 4):
        again.set_epoch(epoch)
        for ids in again.batches(size):
            trained(again, ids)
            found.append((epoch, ids.tolist()))
    assert found == expected or state is None


def test_single_numbers_resume_too_and_reading_ahead_is_told():
    sampler = tt.RS2(100, 0.5)
    steps = iter(sampler)
    first = [next(steps) for _ in range(17)]
    again = tt.RS2(100, 0.5)
    again.load_state_dict(sampler.state_dict())
    assert first + list(again) == list(tt.RS2(100, 0.5)) and sampler.position == 17
    again.load_state_dict(sampler.state_dict(done=10))
    assert first[:10] + list(again) == list(tt.RS2(100, 0.5))
    assert list(again) == run(tt.RS2(100, 0.5), 1, first=1)[0]  # and then the next epoch


def test_a_loader_takes_batches_of_arrays():
    data = torch.utils.data.TensorDataset(torch.arange(23))
    sampler = tt.RS2(23, 0.5)
    loader = torch.utils.data.DataLoader(data, batch_sampler=sampler.batches(4))
    plain = torch.utils.data.DataLoader(data, sampler=tt.RS2(23, 0.5), batch_size=4)
    assert [b[0].tolist() for b in loader] == [b[0].tolist() for b in plain] and len(loader) == len(plain) == 3
    assert sampler.steps(10, 4) == 30 and sampler.steps(10, 4, drop_last=True) == 20
    assert [len(ids) for ids in tt.FullData(10).batches(4, drop_last=True)] == [4, 4]


def test_cosine_ends_at_its_least():
    """[spec] the learning rate at the last step is at most twice the least, at any ratio."""
    for ratio in (0.05, 0.3, 1.0):
        sampler, least = tt.RS2(1000, ratio), 1e-4
        steps = sampler.steps(20, 100)
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps, eta_min=least)
        for _ in range(steps):
            optimizer.step()
            schedule.step()
        assert optimizer.param_groups[0]["lr"] <= 2 * least and steps == tt.FullData(1000, ratio).steps(20, 100)


def test_a_hundred_million_in_bounded_memory():
    tracemalloc.start()
    for sampler in (
        tt.FullData(10**8),
        tt.RS2(10**8, 0.01),
        tt.TemperatureSampler([10**8 - 10**6, 10**6], 1.0),
    ):
        assert len(list(itertools.islice(sampler, 100_000))) == 100_000
        state = sampler.state_dict(done=len(sampler) - 1000)
        sampler.load_state_dict(state)
        assert sum(1 for _ in sampler) == 1000  # a list would make room for all
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_weighted_draws_are_three_times_as_fast_as_torch():
    """A million of ten millions, with making the sampler and the loop over single numbers; measured 3.5 to 9."""
    weights = torch.rand(3_000_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for replacement in (True, False):
        seconds = []
        for make in (tt.WeightedDraw, torch.utils.data.WeightedRandomSampler):
            times = []
            for _ in range(3):
                start = time.process_time()
                assert len(list(make(weights, 300_000, replacement))) == 300_000
                times.append(time.process_time() - start)
            seconds.append(min(times))
        assert seconds[1] > 1.5 * seconds[0], (replacement, seconds)  # with room for a busy machine

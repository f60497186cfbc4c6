"""Samplers of a training loop: what they refuse and warn of, and weights and choices within a step."""

import numpy as np
import pytest

from tamis.errors import Refused

torch = pytest.importorskip("torch")

import tamis  # noqa: E402
from tamis import torch as tt  # noqa: E402
from tamis.testing import make_pool  # noqa: E402

CHOSEN = tamis.select(make_pool(30), "top:score", budget=20)


def told(sampler):
    ids = list(sampler)
    sampler.update(ids, np.ones(len(ids)))
    return sampler


def loaded(saved, **other):
    tt.RS2(**{"n": 20, "ratio": 0.5, **other}).load_state_dict(saved.state_dict())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tt.RS2(5, 0.1), "ratio=0.1"),
        (lambda: tt.RS2(5, 1.2), "ratio=1.2"),
        (lambda: tt.RS2(0, 0.5), "n=0"),
        (lambda: tt.RS2(5, 0.5, labels=[1, 2]), "labels: its shape is"),
        (lambda: tt.RS2(5, 0.5, rank=2, world=2), "rank=2, world=2"),
        (lambda: tt.RS2(5, 0.5, rank=0), "rank=0, world=None"),
        (lambda: tt.RS2(50, 0.5).batches(30, drop_last=True), "no batch is full"),
        (lambda: tt.RS2(50, 0.5).batches(0), "size=0"),
        (lambda: tt.RS2(50, 0.5).set_epoch(-1), "epoch=-1"),
        (lambda: loaded(tt.RS2(20, 0.5), n=21), "n=20, and this is n=21"),
        (lambda: loaded(tt.RS2(20, 0.5), rank=0, world=2), "world=1, and this is world=2"),
        (lambda: loaded(tt.RS2(20, 0.5), seed=1), "seed=0, and this is seed=1"),
        (lambda: loaded(tt.RS2(20, 0.5), ratio=0.6), "visits=10, and this is visits=12"),
        (lambda: loaded(tt.RS2(20, 0.5), labels=[0] * 20), "labels=None"),
        (lambda: loaded(tt.FullData(20, 0.5)), "no state of a RS2"),
        (lambda: tt.WeightedDraw([1.0, float("nan")]), "weight 1: it is nan"),
        (lambda: tt.WeightedDraw([1.0, -2.0]), "weight 1: it is -2"),
        (lambda: tt.WeightedDraw([1.0, 0.0], 2, replacement=False), "1 examples have a weight above 0"),
        (lambda: tt.WeightedDraw([1.0], 0), "draws=0"),
        (lambda: tt.TemperatureSampler([3, 4], 0.0), "temperature=0.0"),
        (lambda: tt.TemperatureSampler([3, 0]), "domain 1: it has 0 examples"),
        (lambda: tt.TemperatureSampler(), "sizes"),
        (lambda: tt.TemperatureSampler([3], cooldown=0), "starts must ascend"),
        (lambda: tt.TemperatureSampler([3], draws=0), "draws=0"),
        (lambda: tt.FromSelection(CHOSEN).weights([10**6]), "the selection does not keep 1,000,000"),
        (lambda: tt.InfoBatch(5, ratio=1.0, epochs=3), "ratio=1.0"),
        (lambda: tt.InfoBatch(5, epochs=3).update([5], [1.0]), "5 is none of the 5 examples"),
        (lambda: tt.InfoBatch(5, epochs=3).update([1], [1.0, 2.0]), "losses: its shape is"),
        (lambda: tt.InfoBatch(5, epochs=3).update([1.5], [1.0]), "ids of float64"),
        (
            lambda: (one := tt.InfoBatch(5, epochs=9)).set_epoch(1) or list(one),
            "InfoBatch: epoch 1 begins, and no loss",
        ),
        (lambda: (one := told(tt.SeTa(5, epochs=9, groups=2))) and (list(one), list(one)), "SeTa: epoch 2 begins"),
        (lambda: tt.SeTa(5, epochs=9), "groups=10"),
        (lambda: tt.SeTa(5, epochs=9, groups=2, order="mine"), "order='mine'"),
        (lambda: tt.RHO([[1.0]], 1), "reference: its shape is"),
        (lambda: tt.RHO([1.0], 1).choose([1], [1.0]), "1 is none of the 1 examples"),
        (lambda: tt.RHO([1.0], 0), "keep=0"),
        (lambda: tt.JEST(3), "chunks=16"),
        (lambda: tt.JEST(0, chunks=0), "keep=0"),
        (lambda: tt.JEST(2, chunks=2).choose(torch.ones(2), torch.ones(3), 0), "reference: its shape is"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(Refused, match=said):
        call()


def test_losses_rescaled_in_a_step():
    sampler = tt.InfoBatch(8, epochs=9)
    losses = torch.arange(8.0, requires_grad=True)
    assert sampler.loss(torch.arange(8), losses).item() == 3.5  # epoch 0: all of a weight of 1
    sampler.set_epoch(1)
    ids = torch.tensor(list(sampler))
    mean = sampler.loss(ids, losses[ids])
    mean.backward()
    weights = sampler.weights(ids)
    assert len(ids) == 6 and weights.sum() == 8 and sorted(weights.tolist()) == [1] * 4 + [2] * 2
    torch.testing.assert_close(losses.grad[ids], weights / 6)
    assert sampler.marked.tolist() == []


def test_in_a_step():
    rho = tt.RHO(torch.tensor([0.1, 2.0, 0.3]), keep=2)
    assert rho.choose(torch.tensor([2, 1, 0]), torch.tensor([1.5, 2.1, 0.1], dtype=torch.bfloat16)).tolist() == [0, 1]
    jest = tt.JEST(keep=4, chunks=2, seed=1)
    found = [tuple(jest.choose(torch.zeros(9), torch.zeros(9), step).tolist()) for step in (0, 1, 0)]
    assert found[0] == found[2] != found[1] and all(len(set(places)) == 4 for places in found)


def test_the_last_batch_of_an_epoch_is_smaller():
    """As many as there are, where they are fewer than would be kept."""
    rho, jest = tt.RHO(torch.zeros(9), keep=4), tt.JEST(keep=4, chunks=3)
    for many in (9, 5, 4, 3, 1):
        losses = torch.arange(float(many))
        places = [rho.choose(torch.arange(many), losses), jest.choose(losses, torch.zeros(many), 0)]
        places.append(jest.choose(torch.eye(many), torch.zeros(many, many), 0))
        assert all(len(set(found.tolist())) == min(4, many) == len(found) for found in places)


def test_many_repeats_are_warned_of():
    with pytest.warns(UserWarning, match="domain 1 will come 50.0 times"):
        sampler = tt.TemperatureSampler([99, 1], np.inf, draws=100)
    assert sampler.repeats().round(2).tolist() == [0.51, 50] and sampler.probs().tolist() == [0.5, 0.5]


def test_a_selection_keeps_order_and_weights(tmp_path):
    assert list(tt.FromSelection(CHOSEN)) == CHOSEN.rows.tolist()
    CHOSEN.save(tmp_path / "kept")
    sampler = tt.FromSelection(tmp_path / "kept", subset=True)
    kept = CHOSEN.apply(make_pool(30))["id"].to_pylist()
    assert [kept[one] for one in sampler] == CHOSEN.ids
    weighted = tamis.Selection(CHOSEN.table.set_column(3, "weight", [np.arange(20, dtype=np.float32)]), CHOSEN.manifest)
    for subset in (False, True):
        sampler = tt.FromSelection(weighted, subset=subset)
        assert sampler.weights(list(sampler)).tolist() == list(range(20))

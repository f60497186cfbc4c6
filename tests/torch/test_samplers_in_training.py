"""Samplers beside what they are used with: a recorder, and the losses that they are told or need not be."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import tamis  # noqa: E402
from tamis import torch as tt  # noqa: E402
from tamis.testing import make_pool  # noqa: E402


@pytest.mark.parametrize("ratio", [0.3, 0.4, 0.95])
def test_the_control_is_recorded_in_batches_of_up_to_a_third(ratio):
    """Where one pass ends within an epoch, too: a recorder refuses an example that comes twice."""
    recorder, control = tt.Recorder(100, classes=2), tt.FullData(100, ratio)
    for size in (1, 7, 33, 34):
        for epoch in range(10):
            control.set_epoch(epoch)
            for ids in control.batches(size):
                recorder.update(ids, np.zeros((len(ids), 2)), np.zeros(len(ids), np.int64))
    visits = recorder.scores()["visits"]
    assert visits.sum() == 40 * control.visits and visits.max() - visits.min() <= 4


@pytest.mark.parametrize("options", [{"groups": 1}, {"groups": 5, "window": 1.0}])
def test_dynamic_random_needs_no_losses(options):
    sampler = tt.SeTa(50, 0.4, epochs=9, **options)
    epochs = [list(sampler) for _ in range(9)]
    assert {len({*ids}) for ids in epochs} == {30} and len({frozenset(ids) for ids in epochs}) == 9


def test_a_process_alone_among_several_is_told_so():
    sampler = tt.InfoBatch(9, epochs=3, rank=0, world=2)
    sampler.update(list(sampler), np.ones(5))
    with pytest.warns(UserWarning, match="5 losses of the 9 visits of 2 processes"):
        sampler.set_epoch(1)
        list(sampler)


def test_a_state_of_a_finished_epoch_goes_on_with_the_next():
    sampler, again = tt.RS2(10, 1.0), tt.RS2(10, 1.0)
    assert len(list(sampler.batches(3, drop_last=True))) == 3
    again.load_state_dict(sampler.state_dict())
    assert again.epoch == 1
    assert [part.tolist() for part in again.batches(3, True)] == [part.tolist() for part in sampler.batches(3, True)]


def test_weights_of_a_selection_are_tensors_beside_tensors_and_its_state_is_its_own():
    kept = (tamis.select(make_pool(12), f"{way}:quality", budget=3) for way in ("top", "bottom"))
    one, two = (tt.FromSelection(each, subset=True) for each in kept)
    ids = torch.tensor(list(one))
    assert (torch.ones(3, requires_grad=True) * one.weights(ids)).sum().requires_grad
    with pytest.raises(tamis.Refused):
        two.load_state_dict(one.state_dict())


def test_classes_without_a_place_in_a_round_are_told():
    with pytest.warns(UserWarning, match="1 of 2 classes are too small .* of 100, and never visited; raise ratio"):
        tt.RS2(1000, 0.1, labels=np.arange(1000) >= 997)

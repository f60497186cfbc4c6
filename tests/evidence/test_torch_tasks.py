"""What tasks that train with torch have in common: the same way every time, and equally long."""

from unittest import mock

import numpy as np
import pytest

from tamis.evidence.tasks import make_task

from .torch_fits import SMALL, chosen, fits

torch = pytest.importorskip("torch")

from tamis.evidence.tasks.torch_steps import descend, one_thread, pace  # noqa: E402


@pytest.mark.parametrize("model", ["cnn", "transformer"])
def test_same_seed_same_numbers_and_nothing_else_is_changed(model):
    task, pool, test = fits(model)
    torch.manual_seed(5)
    torch.set_num_threads(2)
    before = torch.get_rng_state()
    one, two, other = (task.fit(chosen(pool, seed=seed), seed=seed, steps=6) for seed in (3, 3, 4))
    found = [task.evaluate(each, test) for each in (one, two, other)]
    assert found[0] == found[1] != found[2]
    for order, begin in ((3, 4), (4, 3)):
        assert task.evaluate(task.fit(chosen(pool, seed=order), seed=begin, steps=6), test) not in found
    assert torch.equal(before, torch.get_rng_state()) and torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert task.evaluate(task.fit(chosen(pool, seed=3), seed=3, steps=6), test) == found[0]


@pytest.mark.parametrize("model", ["cnn", "transformer"])
@pytest.mark.parametrize("budget", [1, 7, 60])
def test_steps_are_the_same_at_every_budget(model, budget):
    task, pool, test = fits(model)
    train, taken = chosen(pool, range(budget)), []
    real = torch.optim.AdamW.step

    def step(self, *given):
        taken.append(self.param_groups[0]["lr"])
        return real(self, *given)

    with mock.patch.object(torch.optim.AdamW, "step", step):
        model_ = task.fit(train, seed=0, steps=9)
    assert np.allclose(taken, [task.rate * pace(number, 9) for number in range(9)])
    assert model == "transformer" or train.asked == 9
    assert np.isfinite(list(task.evaluate(model_, test).metrics.values())).all()


@pytest.mark.parametrize("model", ["cnn", "transformer"])
def test_only_ratios_of_weights_matter_and_0_leaves_out(model):
    task, pool, test = fits(model)
    weights = np.where(np.arange(len(pool)) < 30, 1, 0).astype(np.float32)
    found = [
        task.evaluate(task.fit(chosen(pool, weights=w), seed=0, steps=8), test).metrics
        for w in (np.ones_like(weights), np.full_like(weights, 4), weights)
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("model", "named", "one", "other"),
    [
        ("cnn", "filters", 2, 3),
        ("cnn", "hidden", 4, 5),
        ("cnn", "rate", 1e-3, 1e-2),
        *(("transformer", name, *values) for name, *values in (
            ("layers", 1, 2), ("width", 16, 32), ("heads", 1, 2), ("context", 8, 16), ("windows", 2, 3),
            ("rate", 1e-3, 1e-2), ("judged", 50, 100),
        )),
    ],
)  # fmt: skip
def test_parameters_change_results(model, named, one, other):
    _, pool, test = fits(model)
    name = "classify" if model == "cnn" else "language-model"
    base = {"filters": 2, "hidden": 4} if model == "cnn" else SMALL
    made = [make_task(name, model, base | {named: value}) for value in (one, other)]
    found = [task.evaluate(task.fit(chosen(pool), seed=0, steps=4), test).metrics for task in made]
    assert found[0] != found[1]


def test_pace_goes_up_and_down_to_nothing():
    found = [pace(step, 200) for step in range(200)]
    assert found[9] == max(found) > 0.99 and found[-1] < 1e-3 and min(found) > 0
    assert (np.diff(found)[:9] > 0).all() and (np.diff(found)[10:] < 0).all()
    assert [pace(0, 1)] == [1.0]


def test_descend_is_adamw():
    """Against the update written out, on a matrix, which decays, and a vector, which does not."""
    matrix, vector = torch.ones(2, 2, requires_grad=True), torch.ones(2, requires_grad=True)
    names = {"m": matrix, "v": vector}
    descend(names, range(5), lambda batch: (matrix.sum() + vector.sum() - batch) ** 2 / 20, 4, 0.1)
    values, mean, square = np.ones(6), np.zeros(6), np.zeros(6)
    for step in range(4):
        gradient = np.full(6, 2 * (values.sum() - step) / 20)
        gradient *= min(1, 1 / np.linalg.norm(gradient))
        rate = 0.1 * pace(step, 4)
        values -= rate * 0.1 * values * np.array([1, 1, 1, 1, 0, 0])
        mean, square = 0.9 * mean + 0.1 * gradient, 0.95 * square + 0.05 * gradient**2
        values -= rate * mean / (1 - 0.9 ** (step + 1)) / (np.sqrt(square / (1 - 0.95 ** (step + 1))) + 1e-8)
    np.testing.assert_allclose(np.concatenate([matrix.flatten(), vector]), values, rtol=1e-5)
    assert not matrix.requires_grad


def test_threads_are_given_back_when_it_fails():
    torch.set_num_threads(2)
    with pytest.raises(KeyError), one_thread():
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == 2

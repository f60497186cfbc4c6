"""Gradients of single examples against autograd, one example after another."""

import warnings

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from torch import nn  # noqa: E402

from tamis.errors import Refused  # noqa: E402
from tamis.measure import example_gradients as measured  # noqa: E402
from tamis.measure.example_gradients import ExampleGradients, chosen_parameters, example_gradients, projection_for  # noqa: E402
from tamis.ops.projection import KINDS, Projection  # noqa: E402

from .networks import Transformer, classes, cnn, mlp, next_words, sentences  # noqa: E402


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def of_classes(model, batch):
    return classes(model, *batch)[0]


def of_words(model, batch):
    return next_words(model, *batch)[0]


def alone(model, loss, batch, parameters=None):
    """`[n, p]`, by autograd."""
    chosen, found = list(chosen_parameters(model, parameters).values()), []
    for row in range(len(batch[0])):
        one = loss(model, tuple(x[row : row + 1] for x in batch)).sum()
        gradients = torch.autograd.grad(one, chosen, allow_unused=True, materialize_grads=True)
        found.append(torch.cat([g.flatten() for g in gradients]))
    return torch.stack(found).numpy()


def near(found, wanted):
    np.testing.assert_allclose(found, wanted, atol=1e-5 * abs(wanted).max())


class Adapted(nn.Module):
    """A frozen linear layer and a product of two thin matrices beside it, as LoRA has it."""

    def __init__(self, layer, rank=3):
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Linear(layer.in_features, rank, bias=False)
        self.up = nn.Linear(rank, layer.out_features, bias=False)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.layer(x) + 2 * self.up(self.down(self.drop(x)))


def adapted():
    words = nn.Embedding(30, 16).requires_grad_(False)
    return nn.Sequential(words, Adapted(nn.Linear(16, 32)), nn.GELU(), Adapted(nn.Linear(32, 30))).eval()


def cases():
    x = torch.randn(11, 20), torch.randint(4, (11,))
    return {
        "mlp": (mlp(), of_classes, x),
        "cnn": (cnn(), of_classes, (torch.randn(6, 4, 12, 12), torch.randint(4, (6,)))),
        "tied words, padding": (Transformer().eval(), of_words, sentences(7)),
        "functional head": (Transformer(functional=True, batch_first=False).eval(), of_words, sentences(7)),
        "adapters": (adapted(), of_words, sentences(9)),
    }


@pytest.mark.parametrize("name", cases())
def test_they_are_those_of_autograd_and_are_projected(name, monkeypatch):
    model, loss, batch = cases()[name]
    wanted = alone(model, loss, batch)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near(example_gradients(model, batch, loss, projection=None), wanted)
        monkeypatch.setattr(measured, "ROOM", 2000)  # so that few examples are done at a time
        near(example_gradients(model, batch, loss, projection=None), wanted)
        for kind in KINDS:
            projection = projection_for(model, 64, kind=kind, seed=3)
            near(example_gradients(model, batch, loss, projection=projection), projection(wanted))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_inner_products_are_kept():
    """Within the bounds of Johnson and Lindenstrauss: 5 standard deviations of at most √(2 / d)."""
    model, loss, batch = cases()["tied words, padding"]
    wanted = alone(model, loss, batch).astype(np.float64)
    norms = np.linalg.norm(wanted, axis=1)
    for kind in KINDS:
        measure = ExampleGradients(model, loss, projection=projection_for(model, 2048, kind=kind))
        away = abs(measure(batch) @ measure(batch).T - wanted @ wanted.T) / np.outer(norms, norms)
        assert 0 < away.max() < 5 * np.sqrt(2 / 2048)


def test_batches_and_padding_change_nothing():
    model, loss, (x, y) = cases()["tied words, padding"]
    measure = ExampleGradients(model, loss, projection=projection_for(model, 50), unit=True)
    whole = measure((x, y))
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, rtol=1e-6)
    for size in (1, 2, 3, 5):
        near(np.concatenate([measure((x[k : k + size], y[k : k + size])) for k in range(0, len(x), size)]), whole)


def test_parameters_by_name_and_by_choice():
    model, loss, batch = cases()["mlp"]
    names = ["4.bias", "0.weight"]
    assert list(chosen_parameters(model, names)) == ["0.weight", "4.bias"]
    for chosen in (names, lambda name, parameter: name in names):
        wanted = alone(model, loss, batch, chosen)
        near(example_gradients(model, batch, loss, parameters=chosen, projection=None), wanted)
    assert wanted.shape[1] == 20 * 16 + 4
    assert list(chosen_parameters(adapted())) == ["1.down.weight", "1.up.weight", "3.down.weight", "3.up.weight"]


def test_layers_without_a_faster_way_and_unused_parameters():
    class Odd(nn.Module):
        def __init__(self, branches):
            super().__init__()
            self.turn, self.heat, self.idle = (
                nn.Parameter(torch.rand(5, 5)),
                nn.Parameter(torch.tensor(2.0)),
                nn.Linear(2, 2),
            )
            self.out, self.branches = nn.Linear(5, 4), branches

        def forward(self, x):
            times = 2 if not self.branches or float(x.detach().sum()) < 1e9 else 3
            return self.out(x @ torch.linalg.matrix_power(self.turn, times)) / self.heat

    for branches in (False, True):  # the second of which torch.func cannot do
        model, batch = Odd(branches).eval(), (torch.randn(7, 5), torch.randint(4, (7,)))
        with pytest.warns(UserWarning, match="gradients of the model .Odd. are taken from one gradient an example"):
            near(example_gradients(model, batch, of_classes, projection=None), alone(model, of_classes, batch))


def test_examples_that_depend_on_each_other_are_measured_alone():
    class Centred(nn.Linear):
        def forward(self, x):
            return super().forward(x - x.mean(0))

    model, batch = Centred(5, 4).eval(), (torch.randn(6, 5), torch.randint(4, (6,)))
    with pytest.warns(UserWarning, match="one gradient an example"):
        near(example_gradients(model, batch, of_classes, projection=None), alone(model, of_classes, batch))


def test_bfloat16_models_give_float32():
    model, loss, (x, y) = cases()["mlp"]
    wanted = alone(model, loss, (x, y))
    found = example_gradients(
        model.bfloat16(), (x.bfloat16(), y), lambda m, b: of_classes(m, b).float(), projection=None
    )
    assert found.dtype == np.float32 and abs(found - wanted).max() < 0.05 * abs(wanted).max()


def test_a_gradient_of_zero_is_told_of():
    model, _, (x, y) = cases()["tied words, padding"]
    y[2], y[5] = -100, -100
    measure = ExampleGradients(
        model, lambda m, b: of_words(m, b).nan_to_num(0), projection=projection_for(model, 8), unit=True
    )
    with pytest.warns(UserWarning, match="examples 102, 105 is 0") as told:
        found = measure((x, y), first=100)
    assert len(told) == 1 and not found[[2, 5]].any() and found[[0, 1, 3, 4, 6]].any(1).all()


def refused(said, model=None, change=lambda x: None, loss=of_classes, **options):
    x, y = torch.randn(4, 20), torch.tensor([0, 1, 2, 3])
    change(x)
    with pytest.raises(Refused, match=said):
        example_gradients(model or mlp(), (x, y), loss, **{"projection": None} | options)


def test_what_cannot_be_measured_is_refused():
    refused("'1' .Dropout. is in training mode", nn.Sequential(nn.Linear(20, 4), nn.Dropout()))
    refused("'1' .BatchNorm1d. is in training mode", nn.Sequential(nn.Linear(20, 4), nn.BatchNorm1d(4)))
    refused("it .Linear. is in training mode", nn.Linear(20, 4))
    refused("BatchNorm1d without running", nn.Sequential(nn.BatchNorm1d(20, track_running_stats=False)).eval())
    refused("the loss of example 2 is NaN", change=lambda x: x[2].fill_(torch.nan))
    refused("the loss of example 12 is NaN", change=lambda x: x[2].fill_(torch.nan), first=10)
    refused("the gradient of example 1 is NaN", loss=lambda m, b: (of_classes(m, b) * (b[1] != 1)).sqrt())
    refused("reduction='none'", loss=lambda m, b: of_classes(m, b).mean())
    refused("no such parameter", parameters=["0.wait"])
    refused("0.weight'.*requires no gradient", mlp().requires_grad_(False), parameters=["0.weight"])
    refused("none of the 0", mlp().requires_grad_(False))
    refused("none of the 1 chosen", parameters=["4.bias"], loss=lambda m, b: m[0](b[0]).sum(1))
    refused("p=500, the numbers", projection=Projection(499, 4))

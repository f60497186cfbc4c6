"""Gradient norms by layer against autograd, one example after another."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tamis.errors import Refused  # noqa: E402
from tamis.measure.gradient_norms import GradientNorms  # noqa: E402

from .networks import Transformer, alone, check, classes, cnn, mlp, next_words, sentences  # noqa: E402


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_mlp():
    check(mlp(), classes, torch.randn(32, 20), torch.randint(4, (32,)))


def test_cnn():
    check(cnn(), classes, torch.randn(10, 4, 12, 12), torch.randint(4, (10,)))


@pytest.mark.parametrize("count", [6, 8])  # 8 is also the length, so that shapes do not tell the axes
@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize("batch_first", [True, False])
def test_transformer(batch_first, functional, count):
    model = Transformer(batch_first=batch_first, functional=functional).eval()
    check(model, next_words, *sentences(count))


def test_long_sequences_of_a_wide_layer_by_either_way():
    model = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 3)).eval()
    x, y = torch.randn(4, 50, 6), torch.randint(3, (4, 50))
    check(model, next_words, x, y)
    check(nn.Linear(100, 90).eval(), next_words, torch.randn(4, 5, 100), torch.randint(90, (4, 5)))


def test_a_layer_that_is_used_many_times_and_in_place():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.step, self.out = nn.Linear(8, 8), nn.Conv1d(8, 8, 3, padding=1)

        def forward(self, x):
            for _ in range(3):
                x = self.step(x).relu_()
            for _ in range(2):
                x = self.out(x.transpose(1, 2)).transpose(1, 2)
            return (x @ self.step.weight).mean(1)  # not turned, as nn.Linear would

    check(Recurrent().eval(), classes, torch.randn(5, 6, 8), torch.randint(8, (5,)))


def test_frozen_parameters_are_left_out():
    model, x, y = mlp(), torch.randn(8, 20), torch.randint(4, (8,))
    whole = GradientNorms(model, classes)(x, y)[0]
    model[0].requires_grad_(False)
    model[4].bias.requires_grad_(False)
    check(model, classes, x, y)
    assert (GradientNorms(model, classes)(x, y)[0] < whole).all()
    model.requires_grad_(False)
    with pytest.raises(Refused, match="no parameter that requires a gradient"):
        GradientNorms(model, classes)(x, y)


def test_unknown_layers_fall_back_and_say_so():
    class Bilinear(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair, self.prelu, self.out = nn.Bilinear(5, 5, 6), nn.PReLU(), nn.Linear(6, 4)

        def forward(self, x):
            return self.out(self.prelu(self.pair(x, x)))

    told = check(Bilinear().eval(), classes, torch.randn(9, 5), torch.randint(4, (9,)), {"pair.weight", "prelu.weight"})
    assert "pair (Bilinear)" in told and "prelu (PReLU)" in told and "torch.func" in told


def test_a_block_that_is_shared_and_unknown_is_left_as_it_is():
    block, other = (nn.Sequential(nn.Linear(6, 6), nn.PReLU(6), nn.Flatten(), nn.Linear(6, 6)) for _ in range(2))
    model = nn.Sequential(block, other, block, nn.Linear(6, 4)).eval()
    other[3].weight = block[3].weight
    check(model, classes, torch.randn(5, 6), torch.randint(4, (5,)), {"0.1.weight", "1.1.weight"})


def test_padding_does_not_learn():
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.out = nn.Embedding(9, 5, padding_idx=0), nn.Linear(5, 4)

        def forward(self, x):
            return self.out(self.words(x).tanh().mean(1))

    model = Bag().eval()
    nn.init.normal_(model.words.weight)
    check(model, classes, torch.randint(3, (6, 7)), torch.randint(4, (6,)))


def test_one_example_of_batch_norm_in_training():
    """Its own places are the batch there, so that what is known of fixed statistics does not hold."""
    model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 4)).train()
    x, y = torch.randn(1, 2, 8), torch.randint(4, (1,))
    with pytest.warns(UserWarning, match="BatchNorm1d"):
        found = GradientNorms(model, classes)(x, y)[0]
    torch.testing.assert_close(found, alone(model, classes, x, y), rtol=1e-5, atol=0)


def test_half_precision():
    model, x, y = mlp(), torch.randn(8, 20), torch.randint(4, (8,))
    wanted = GradientNorms(model, classes)(x, y)[0]
    for half in (cnn().bfloat16(), model.bfloat16()):
        given = torch.randn(8, 4, 12, 12) if half is not model else x
        norms = GradientNorms(half, classes)
        found = norms(given.bfloat16(), y)[0]
        assert not norms.slow and found.dtype == torch.float64
    torch.testing.assert_close(found, wanted, rtol=0.05, atol=0)


def test_one_after_another_where_torch_func_cannot():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.turn, self.out = nn.Parameter(torch.rand(5, 5)), nn.Linear(5, 4)

        def forward(self, x):
            times = 2 if float(x.detach().sum()) < 1e9 else 3
            return self.out(x @ torch.linalg.matrix_power(self.turn, times))

    check(Branching().eval(), classes, torch.randn(4, 5), torch.randint(4, (4,)), {"turn"})


def test_examples_that_depend_on_each_other_are_not_passed_by():
    """Each example less the mean of the batch: alone it is 0, so that norms by layer are not those of examples."""

    class Centred(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.out = nn.Linear(5, 6), nn.Linear(6, 4)

        def forward(self, x):
            return self.out((x - x.mean(0)) @ self.one.weight.T)

    told = check_all(Centred().eval(), torch.randn(6, 5), torch.randint(4, (6,)))
    assert "one (Linear)" in told and "out (Linear)" in told


def check_all(model, x, y):
    with pytest.warns(UserWarning, match="one gradient an example") as told:
        found = GradientNorms(model, classes)(x, y)[0]
    torch.testing.assert_close(found, alone(model, classes, x, y), rtol=1e-5, atol=1e-9)
    return " ".join(str(one.message) for one in told)


@pytest.mark.parametrize(("kind", "is_slow"), [(nn.LSTM, True), (nn.GRU, False)])
def test_recurrent_layers(kind, is_slow):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.read, self.out = kind(5, 6, batch_first=True), nn.Linear(6, 4)

        def forward(self, x):
            return self.out(self.read(x)[0][:, -1])

    names = {f"read.{part}_l0" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    check(Last().eval(), classes, torch.randn(6, 4, 5), torch.randint(4, (6,)), names if is_slow else ())


@pytest.mark.parametrize(
    "losses", [lambda m, x, y: (m(x).sum(), 0), lambda m, x, y: (m(x), 0), lambda m, x, y: (1.0, 0)]
)
def test_losses_that_are_not_one_an_example(losses):
    with pytest.raises(Refused, match="reduction='none'"):
        GradientNorms(mlp(), losses)(torch.randn(3, 20), torch.zeros(3))

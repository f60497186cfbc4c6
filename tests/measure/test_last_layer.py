"""The norm of the last layer's gradient alone: its closed form, and autograd."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from tamis.measure.gradient_norms import GradientNorms  # noqa: E402

from .networks import classes, mlp, next_words  # noqa: E402


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_the_last_layer_alone_is_the_closed_form():
    model, x, y = mlp(), torch.randn(50, 20), torch.randint(4, (50,))
    found, _, logits = GradientNorms(model, classes).last(x, y)
    error = (logits.softmax(1) - functional.one_hot(y, 4)).double().norm(dim=1)
    seen = model[:-1](x).detach().double()
    torch.testing.assert_close(found, error * (1 + seen.square().sum(1)).sqrt(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_the_last_layer_of_sequences_in_pieces(whole, bias):
    """Where they are no piece of memory, torch adds the bias by itself; as autograd has it, one after another."""

    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.read, self.out = nn.Linear(5, 5), nn.Linear(6, 4, bias=bias)

        def forward(self, x):
            found = self.read(x).transpose(1, 2)
            return self.out(found.contiguous() if whole else found)

    model, x, y = Turned().eval(), torch.randn(8, 6, 5), torch.randint(4, (8, 5))
    found = GradientNorms(model, next_words).last(x, y)[0]
    for row in range(8):
        loss = next_words(model, x[row : row + 1], y[row : row + 1])[0].sum()
        exact = sum(one.square().sum() for one in torch.autograd.grad(loss, list(model.out.parameters())))
        torch.testing.assert_close(found[row], exact.sqrt().double(), rtol=1e-5, atol=0)

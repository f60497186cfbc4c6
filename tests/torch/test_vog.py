"""VoG: the checks of its specification, and its formula."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.data import TensorDataset  # noqa: E402

from tamis.errors import Refused  # noqa: E402
from tamis.torch import vog  # noqa: E402

from .networks import Network, a_trained_one  # noqa: E402

trained = pytest.fixture(a_trained_one)


def test_vog_of_a_linear_model_is_1():
    model, x = nn.Linear(3, 2, bias=False), torch.randn(8, 3)
    states = [{"weight": torch.full((2, 3), w)} for w in (1.0, 3.0)]
    assert vog(states, model, TensorDataset(x, torch.arange(8) % 2), progress=False).tolist() == [1.0] * 8


def test_vog_of_equal_checkpoints_is_0_and_deviations_say_so(trained):
    model, x, y = trained
    options = {"progress": False, "batch": 5}
    assert not vog([model, model.state_dict(), model], model, TensorDataset(x, y), **options).any()
    with pytest.warns(UserWarning, match="5 classes"):
        assert not vog([model, model], model, TensorDataset(x, y), normalise="z", **options).any()


@pytest.mark.parametrize("activation", ["logit", "prob"])
def test_vog_is_its_formula_in_any_order_of_checkpoints(trained, activation):
    model, x, y = trained
    states = []
    for seed in range(4):
        torch.manual_seed(seed)
        states.append(Network().state_dict())
    found = vog(states, model, TensorDataset(x, y), activation=activation, batch=6, progress=False)
    gradients = []
    for state in states:
        other = Network().eval()
        other.load_state_dict(state)
        given = x.clone().requires_grad_()
        z = other(given)["logits"]
        z = z.softmax(1) if activation == "prob" else z
        gradients.append(torch.autograd.grad(z[torch.arange(23), y].sum(), given)[0])
    np.testing.assert_allclose(found, torch.stack(gradients).double().std(0, correction=0).mean(1), rtol=1e-5)
    turned = vog(states[::-1], model, TensorDataset(x, y), activation=activation, batch=23, progress=False)
    np.testing.assert_allclose(turned, found, rtol=1e-5)
    scores = vog(states, model, TensorDataset(x, y), activation=activation, normalise="z", progress=False)
    for one in range(5):
        assert abs(scores[y == one].mean()) < 1e-9 and scores[y == one].std() == pytest.approx(1)
    assert model.training and not model.body[3].training


def test_vog_refuses(trained):
    model, x, y = trained
    rows = TensorDataset(x, y)
    for states, given, said in (
        ([model], rows, "two or more"), ([model, nn.Linear(2, 2)], rows, "checkpoint 1"),
        ([model, 3], rows, "int"), ([model, model], TensorDataset(y, y), "int64"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=said):
            vog(states, model, given, progress=False)

"""Adam's direction against numbers by hand and against what torch's optimisers do, and moments of optimisers."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from torch import nn  # noqa: E402

from tamis.errors import Refused  # noqa: E402
from tamis.measure.adam_moments import Adam, moments_of  # noqa: E402
from tamis.measure.example_gradients import ExampleGradients, example_gradients, projection_for  # noqa: E402

from .networks import classes, mlp  # noqa: E402

OPTIONS = {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3}


def loss(model, batch):
    return classes(model, *batch)[0]


def trained(kind=torch.optim.Adam, steps=3, **options):
    """A model, its optimiser after some steps, and a batch."""
    torch.manual_seed(0)
    model, batch = mlp(), (torch.randn(6, 20), torch.randint(4, (6,)))
    optimizer = kind(model.parameters(), **OPTIONS | options)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model, batch).mean().backward()
        optimizer.step()
    optimizer.zero_grad()
    return model, optimizer, batch


def test_the_published_direction():
    """Of each number by hand: no bias correction, ε inside the root, β and ε of the optimiser."""
    model, optimizer, batch = trained()
    plain = example_gradients(model, batch, loss, projection=None)
    (beta1, beta2), eps = OPTIONS["betas"], OPTIONS["eps"]
    states = [optimizer.state[parameter] for parameter in model.parameters()]
    m, v = (np.concatenate([s[key].numpy().ravel() for s in states]) for key in ("exp_avg", "exp_avg_sq"))
    wanted = (beta1 * m + (1 - beta1) * plain) / np.sqrt(beta2 * v + (1 - beta2) * plain**2 + eps)
    adam = moments_of(optimizer, model)
    found = example_gradients(model, batch, loss, projection=None, adam=adam)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    projection = projection_for(model, 40)
    projected = example_gradients(model, batch, loss, projection=projection, adam=adam, unit=True)
    sized = projection(wanted.astype(np.float32))
    np.testing.assert_allclose(projected, sized / np.linalg.norm(sized, axis=1)[:, None], atol=1e-5)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
@pytest.mark.parametrize("steps", [1, 4])
def test_the_step_of_torch(kind, steps):
    """With bias correction and ε outside of the root it is what the optimiser does with one example more."""
    model, optimizer, batch = trained(kind, steps, **({"weight_decay": 0.0} if kind is torch.optim.AdamW else {}))
    adam = moments_of(optimizer, model, corrected=True, eps_inside=False)
    one = tuple(x[2:3] for x in batch)
    found = example_gradients(model, one, loss, projection=None, adam=adam)[0]
    before = torch.cat([p.detach().flatten() for p in model.parameters()])
    loss(model, one).sum().backward()
    optimizer.step()
    after = torch.cat([p.detach().flatten() for p in model.parameters()])
    np.testing.assert_allclose(found, (before - after).numpy() / OPTIONS["lr"], rtol=1e-3, atol=1e-4)


def test_moments_of_a_state_are_those_of_its_optimiser():
    model, optimizer, _ = trained()
    wanted = moments_of(optimizer, model)
    assert wanted.betas == OPTIONS["betas"] and wanted.eps == OPTIONS["eps"] and set(wanted.steps.values()) == {3}
    assert list(wanted.first) == [name for name, _ in model.named_parameters()]
    names = list(wanted.first)[::-1]
    turned = torch.optim.Adam([dict(model.named_parameters())[name] for name in names], **OPTIONS)
    turned.load_state_dict({**optimizer.state_dict(), "state": dict(enumerate(list(optimizer.state.values())[::-1]))})
    named = torch.optim.Adam(model.named_parameters(), **OPTIONS)
    named.load_state_dict(optimizer.state_dict())
    states = [(optimizer.state_dict(), None), (turned.state_dict(), names), (turned, None)]
    if "param_names" in named.state_dict()["param_groups"][0]:  # newer torch
        states.append((named.state_dict(), None))
    for state, order in states:
        found = moments_of(state, model, names=order)
        assert set(found.first) == set(wanted.first)
        assert all(torch.equal(found.first[name], wanted.first[name]) for name in names)
        assert all(torch.equal(found.second[name], wanted.second[name]) for name in names)


def test_the_trainable_parameters_alone_and_those_that_never_learned():
    model = mlp()
    model[0].requires_grad_(False)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad])
    model[4](torch.randn(2, 8)).sum().backward()
    optimizer.step()
    for given in (optimizer, optimizer.state_dict()):
        assert set(moments_of(given, model).first) == {"4.weight", "4.bias"}
    with pytest.raises(Refused, match=r"no moments of the parameter '2\.weight'"):
        ExampleGradients(model, loss, projection=None, adam=moments_of(optimizer, model))
    chosen = ["4.bias", "4.weight"]
    ExampleGradients(model, loss, projection=None, adam=moments_of(optimizer, model), parameters=chosen)


def test_a_parameter_without_a_part_in_the_loss_goes_on_as_before():
    model, optimizer, batch = trained()
    adam, eps = moments_of(optimizer, model), OPTIONS["eps"]
    found = example_gradients(model, batch, lambda m, b: m[0](b[0]).sum(1), projection=None, adam=adam)
    m, v = adam.first["4.bias"].numpy(), adam.second["4.bias"].numpy()
    assert abs(m).max() > 0
    np.testing.assert_allclose(found[:, -4:], [0.8 * m / np.sqrt(0.95 * v + eps)] * len(found), rtol=1e-5)


def test_what_does_not_tell_is_refused():
    model, optimizer, _ = trained()
    first, second = (list(model.parameters())[:2], list(model.parameters())[2:])
    two = torch.optim.Adam([{"params": first}, {"params": second}])
    unlike = torch.optim.Adam([{"params": first}, {"params": second, "betas": (0.5, 0.9)}])
    for given, options, said in (
        (two.state_dict(), {}, "2 groups of parameters without names"),
        (unlike, {}, "groups of parameters have other betas"),
        (optimizer.state_dict(), {"names": ["0.weight"]}, "there are 1 names"),
        (torch.optim.Adam(first).state_dict(), {}, "has 2, and the model has 5"),
        (torch.optim.Adam(nn.Linear(2, 2).parameters()), {}, "some are not those of the model"),
    ):
        with pytest.raises(Refused, match=said):
            moments_of(given, model, **options)
    adam = moments_of(optimizer, model)
    without_steps = Adam(adam.first, adam.second, corrected=True)
    other = Adam(adam.first, {**adam.second, "4.bias": torch.zeros(3)})
    for given, said in ((without_steps, "no moments"), (other, r"'4.bias' have shape \[3\]")):
        with pytest.raises(Refused, match=said):
            ExampleGradients(model, loss, projection=None, adam=given)

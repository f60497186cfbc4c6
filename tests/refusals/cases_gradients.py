"""Cases: gradients of single examples."""

from .running import call as usual


def call(kind, function, named):
    """A call of Python that needs torch, which is imported then."""
    return usual(kind, function, named, needs=("torch",))


def gradients(model=None, **options):
    """Gradients of one example of a linear layer."""
    import torch

    from tamis.measure.example_gradients import example_gradients

    batch = torch.ones(1, 2)
    model = model or torch.nn.Linear(2, 1).eval()
    return example_gradients(model, batch, lambda m, x: m(x)[:, 0], projection=None, **options)


def frozen(**options):
    """The same of a layer that does not learn."""
    import torch

    return gradients(torch.nn.Linear(2, 1).eval().requires_grad_(False), **options)


def dropping():
    """The same of a layer and dropout that is on."""
    import torch

    return gradients(torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Dropout()))


def adam(shape):
    """The same with moments of one parameter."""
    import torch

    from tamis.measure.adam_moments import Adam

    return gradients(adam=Adam({"weight": torch.zeros(shape)}, {"weight": torch.zeros(shape)}))


def moments(**options):
    """Moments of an optimiser with a group for each parameter."""
    import torch

    from tamis.measure.adam_moments import moments_of

    model = torch.nn.Linear(2, 1)
    groups = [{"params": [model.weight]}, {"params": [model.bias]} | options]
    optimizer = torch.optim.Adam(groups)
    return moments_of(optimizer if options else optimizer.state_dict(), model)


CASES = {
    "gradients with dropout": call("measure-training-mode", dropping, ["'1'", "Dropout", "eval()"]),
    "gradients of a frozen weight": call("gradient-frozen", lambda: frozen(parameters=["weight"]), ["weight"]),
    "gradients of a frozen model": call("gradient-unused", frozen, ["Linear", "0"]),
    "Adam without a parameter": call("adam-without", lambda: adam((1, 2)), ["'bias'"]),
    "Adam of another model": call("adam-shape", lambda: adam((3, 2)), ["'weight'", "[3, 2]", "[1, 2]"]),
    "a state of two groups": call("adam-order", moments, ["2 groups", "names="]),
    "groups of other betas": call("adam-groups", lambda: moments(betas=(0.5, 0.9)), ["betas"]),
}

"""Cases: what a trained model is measured on."""

from .running import call as usual

ROWS = [([1.0, float(row)], row % 2) for row in range(4)]


def call(kind, function, named):
    """A call of Python that needs torch, which is imported then."""
    return usual(kind, function, named, needs=("torch",))


def network(*layers):
    """A model that tells two classes from two numbers."""
    from torch import nn

    return nn.Sequential(*(made(nn) for made in layers), nn.Linear(2, 2))


def rows(change=lambda x, y: (x, y)):
    """Four examples."""
    import torch

    x, y = (torch.tensor(column) for column in zip(*ROWS, strict=True))
    return torch.utils.data.TensorDataset(*change(x, y))


def measure(model=None, dataset=None, **options):
    """Measure a network on rows."""
    from tamis.torch import measure

    return measure(model or network(), rows() if dataset is None else dataset, progress=False, **options)


def frozen():
    """A network of which nothing learns."""
    return network().requires_grad_(False)


def sequences():
    """A network that says one of two classes at each of three positions, and one row for it."""
    import torch

    return network(), torch.utils.data.TensorDataset(torch.ones(1, 3, 2), torch.ones(1, 3, dtype=torch.int64))


def vog(dataset=None, checkpoints=None):
    """VoG of a network at two checkpoints."""
    from tamis.torch import vog

    model = network()
    return vog([model, model] if checkpoints is None else checkpoints(), model, dataset or rows(), progress=False)


def nan(x, y):
    """The second example has NaN."""
    x[1, 0] = float("nan")
    return x, y


def shapeless(logits, labels):
    """One loss for all."""
    return logits.sum()


def norm(nn):
    """Examples depend on each other with this."""
    return nn.BatchNorm1d(2, track_running_stats=False)


CASES = {
    "a loss that is a mean": call("measure-loss-shape", lambda: measure(loss=shapeless), ["the loss", "[]", "4"]),
    "an input of NaN": call("measure-not-finite", lambda: measure(dataset=rows(nan)), ["example 1", "loss"]),
    "dropout that is on": call(
        "measure-in-training", lambda: measure(network(lambda nn: nn.Dropout()), mode="train"), ["'0'", "Dropout"]
    ),
    "batch norm without statistics": call(
        "measure-batch-statistics", lambda: measure(network(norm)), ["'0'", "BatchNorm1d"]
    ),
    "a model that is frozen": call("measure-nothing-learns", lambda: measure(frozen()), ["Sequential"]),
    "rows without labels": call("measure-without-labels", lambda: measure(dataset=[{"x": 1.0}]), ["x", "labels"]),
    "a label of no class": call(
        "measure-labels", lambda: measure(dataset=rows(lambda x, y: (x, y + 1))), ["example 1", "is 2", "0 to 1"]
    ),
    "logits of no classification": call(
        "measure-logits", lambda: measure(network(lambda nn: nn.Unflatten(1, (1, 2)))), ["[4, 1, 2]", "[4]"]
    ),
    "a loader of rows": call("measure-dataset", lambda: measure(dataset=iter(ROWS)), ["list_iterator"]),
    "a last layer that is frozen": call(
        "measure-without-linear", lambda: measure(frozen(), what="grand_last"), ["grand_last"]
    ),
    "probabilities of sequences": call(
        "measure-not-of-sequences", lambda: measure(*sequences(), what="probs"), ["3 labels", "probs"]
    ),
    "one checkpoint": call("vog-checkpoints", lambda: vog(checkpoints=lambda: [network()]), ["checkpoints", "1"]),
    "a checkpoint of another model": call(
        "vog-other-model", lambda: vog(checkpoints=lambda: [network(), {}]), ["checkpoint 1", "0.weight"]
    ),
    "inputs that are tokens": call("vog-inputs", lambda: vog(rows(lambda x, y: (x.long(), y))), ["torch.int64"]),
}
